#include "rl/policy.hpp"

#include "examples.hpp"
#include "rl/learner.hpp"
#include "rl/mlp.hpp"
#include "runtime/error.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace gridfed {
namespace {

TEST(PolicyNetwork, ComputesATwoLayerNetworkByHand) {
  const PolicyNetwork policy(
      {{.rows = 2, .cols = 2, .weights = {1, -1, 2, 0}, .biases = {0, 1}}, {.rows = 1, .cols = 2, .weights = {0.5, 0.25}, .biases = {-1}}});
  std::vector<float> action(1);
  policy.act(std::vector<float>{0.5F, 1.0F}, action);  // hidden relu(-0.5, 2) = (0, 2), output 0.5 - 1
  EXPECT_NEAR(action[0], std::tanh(-0.5), 1e-6);
}

TEST(PolicyNetwork, AgreesWithTheBatchForwardOfItsLearner) {
  const std::size_t observations = 29, actions = 5;
  const Learner learner({.hidden_dims = {64, 48}}, observations, actions, 3);
  const Dataset data = random_dataset(observations, actions, 40);
  const Mlp network(learner.layout().networks.back(), learner.state().parameters);
  MlpPass pass;
  network.forward(data.observations, 40, pass);
  const PolicyNetwork policy = learner.policy();
  std::vector<float> action(actions);
  for (std::size_t i = 0; i < data.size(); ++i) {
    policy.act(std::span(data.observations).subspan(i * observations, observations), action);
    for (std::size_t j = 0; j < actions; ++j) EXPECT_NEAR(action[j], std::tanh(pass.output()[i * actions + j]), 1e-5);
  }
}

TEST(PolicyNetwork, RefusesLayersAndObservationsThatDoNotFit) {
  EXPECT_THROW(PolicyNetwork({}), Error);
  EXPECT_THROW(PolicyNetwork({{.rows = 2, .cols = 2, .weights = {1, 2, 3}, .biases = {0, 0}}}), Error);
  EXPECT_THROW(
      PolicyNetwork({{.rows = 1, .cols = 1, .weights = {1}, .biases = {0}}, {.rows = 1, .cols = 2, .weights = {1, 1}, .biases = {0}}}),
      Error);
  const PolicyNetwork policy({{.rows = 1, .cols = 2, .weights = {1, 1}, .biases = {0}}});
  std::vector<float> action(1);
  EXPECT_THROW(policy.act(std::vector<float>(3), action), Error);
}

TEST(PolicyNetwork, OfNormalisedObservationsIsOneOfPlainOnes) {
  Learner learner({.hidden_dims = {9}}, 3, 2, 1);
  const std::vector<float> mean{1, -2, 30}, deviation{0.5F, 4, 10}, plain{0.7F, 1, 22};
  std::vector<float> scaled(3), a(2), b(2);
  for (std::size_t i = 0; i < 3; ++i) scaled[i] = (plain[i] - mean[i]) / deviation[i];
  learner.policy().act(scaled, a);
  learner.policy().of_plain_observations(mean, deviation).act(plain, b);
  for (std::size_t i = 0; i < 2; ++i) EXPECT_NEAR(a[i], b[i], 1e-6);
  EXPECT_THROW(learner.policy().of_plain_observations(plain, std::vector<float>{1}), Error);
}

}  // namespace
}  // namespace gridfed
