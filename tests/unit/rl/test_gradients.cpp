#include "examples.hpp"
#include "reference_network.hpp"
#include "rl/learner.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

// The gradients of a learner against central differences of its losses, written a second time here, in double precision and plainly.
// What a loss takes as given (targets, advantages, the critic under the policy) is read from a frozen copy of the parameters.

namespace gridfed {
namespace {

struct Reference {
  const RlOptions& options;
  const ParameterLayout& layout;
  Numbers frozen, targets;
  const Batch& batch;
  double multiplier = 0;

  double loss(const Numbers& p) const {
    const auto n = static_cast<std::size_t>(batch.size);
    const auto& net = layout.networks;
    Numbers advantage(n);
    double value_loss = 0, critic_loss = 0;
    for (std::size_t i = 0; i < n; ++i) {
      const Numbers s = row(batch.observations, i, n), a = row(batch.actions, i, n), next = row(batch.next_observations, i, n);
      const double target = std::min(network(net[1], targets, joined(s, a))[0], network(net[2], targets, joined(s, a))[0]);
      advantage[i] = target - network(net[0], frozen, s)[0];
      const double u = target - network(net[0], p, s)[0];
      value_loss += std::abs(options.expectile - (u < 0 ? 1.0 : 0.0)) * u * u;
      const double reward = batch.rewards[i] - (options.safety_critic ? 0 : options.safety_weight) * batch.costs[i];
      const double goal = reward + options.discount * (1.0 - batch.terminals[i]) * network(net[0], frozen, next)[0];
      for (const std::size_t k : {1U, 2U}) critic_loss += std::pow(network(net[k], p, joined(s, a))[0] - goal, 2);
    }
    double mean = 0, variance = 0;
    for (const double u : advantage) mean += u / static_cast<double>(n);
    for (const double u : advantage) variance += (u - mean) * (u - mean) / static_cast<double>(n);
    double actor_loss = 0;
    const SafetyReference safety{.layout = layout, .options = options, .frozen = frozen, .targets = targets, .batch = batch};
    for (std::size_t i = 0; i < n; ++i) {
      const Numbers s = row(batch.observations, i, n), a = row(batch.actions, i, n);
      const Numbers pi = tanh_of_network(net[3], p, s);
      if (options.safety_critic) {
        critic_loss += safety.loss(p, i, tanh_of_network(net[3], frozen, row(batch.next_observations, i, n)));
        const Numbers now = tanh_of_network(net[3], frozen, s);
        advantage[i] -= multiplier * (safety.value(targets, s, a) - safety.value(targets, s, now));
        if (options.actor_update == ActorUpdate::q_ascent)
          actor_loss += multiplier * options.q_weight * safety.value(frozen, s, pi) / std::sqrt(variance);
      }
      if (options.actor_update == ActorUpdate::q_ascent) {
        for (std::size_t j = 0; j < a.size(); ++j) actor_loss += (pi[j] - a[j]) * (pi[j] - a[j]) / static_cast<double>(a.size());
        actor_loss -= options.q_weight * network(net[1], frozen, joined(s, pi))[0] / std::sqrt(variance);
      } else {
        const Numbers log_std = network(net[4], p, {});
        for (std::size_t j = 0; j < a.size(); ++j) {
          const double z = (a[j] - pi[j]) / std::exp(log_std[j]);
          actor_loss +=
              std::min(100.0, std::exp(options.temperature * advantage[i])) * (0.5 * z * z + log_std[j] + 0.5 * std::log(2 * M_PI));
        }
      }
    }
    return (value_loss + critic_loss + actor_loss) / static_cast<double>(n);
  }
};

void expect_true_gradient(RlOptions options) {
  options.hidden_dims = {7, 6};
  options.safety_weight = 0.5;
  options.tau = 0.3;
  options.learning_rate = 0.02;
  Learner learner(options, 4, 3, 11);
  const Dataset data = random_dataset(4, 3, 9);
  BatchBuffer buffer;
  RandomStream stream(5, Draw::test);
  const Batch batch = data.sample(stream, 9, buffer);
  LearnerState apart = learner.state();  // targets and critics differ, log_std is not zero
  for (float& x : apart.targets) x += 0.3F * static_cast<float>(stream.normal());
  for (float& x : std::span(apart.parameters).last(3)) x += 0.2F;
  apart.multiplier.value = 0.7;
  learner.restore(apart);

  std::vector<std::size_t> followed{1, 2};
  if (options.safety_critic) followed.push_back(learner.layout().networks.size() - 1);
  const Reference reference{.options = options,
                            .layout = learner.layout(),
                            .frozen = {apart.parameters.begin(), apart.parameters.end()},
                            .targets = at_their_networks(learner.layout(), followed, apart),
                            .batch = batch,
                            .multiplier = 0.7};
  const Losses losses = learner.update(batch);
  EXPECT_NEAR(losses.value + losses.critic + losses.actor + losses.cost_critic, reference.loss(reference.frozen), 1e-4);
  expect_slopes(learner.gradient(), reference);
}

TEST(Gradients, OfQAscentAreTheSlopesOfItsLosses) {
  expect_true_gradient({});
}

TEST(Gradients, OfAdvantageWeightingAreTheSlopesOfItsLosses) {
  expect_true_gradient({.actor_update = ActorUpdate::advantage_weighted});
}

TEST(Gradients, WithASafetyCriticAreTheSlopesOfTheLosses) {
  expect_true_gradient({.safety_critic = true, .cost_discount = 0.8});
  expect_true_gradient({.actor_update = ActorUpdate::advantage_weighted, .safety_critic = true, .cost_discount = 0.8});
}

TEST(Gradients, DoNotDependOnWhatIsShared) {
  expect_true_gradient({.shared = Sharing::all});
}

// Linear networks of one observation s and one action a, all numbers by hand:
//   V = 0.5 s, Q1 = s + 2 a, Q2 = a + 1, targets Qt1 = s + a, Qt2 = 3; s = 2, a = 0.5, r = 1, s' = 4.
// V(s) = 1 and min Qt = 2.5, so u = 1.5: L_V = 0.7 * 2.25 = 1.575, slope -2 * 0.7 * 1.5 = -2.1 in V.
// V(s') = 2, goal = 1 + 0.99 * 2 = 2.98, Q1 = 3 and Q2 = 1.5: L_Q = 0.02^2 + 1.48^2 = 2.1908, slopes 0.04 and -2.96.
TEST(Gradients, OfExpectileAndTemporalDifferenceByHand) {
  for (const bool terminal : {false, true}) {
    RlOptions options;
    options.hidden_dims = {};
    Learner learner(options, 1, 1, 1);
    LearnerState state = learner.state();
    const std::vector<float> by_hand{0.5F, 0, 1, 2, 0, 0, 1, 1, 0, 0};  // V, Q1, Q2, policy: weights, then the bias
    ASSERT_EQ(state.parameters.size(), by_hand.size());
    state.parameters = by_hand;
    state.targets = {1, 1, 0, 0, 0, 3};
    learner.restore(state);
    Dataset data = empty_dataset(1, 1);
    data.append(std::vector<float>{2}, std::vector<float>{0.5F}, 1, std::vector<float>{4}, terminal, !terminal, 0);
    BatchBuffer buffer;
    const Losses losses = learner.update(data.gather(std::vector<std::size_t>{0}, buffer));
    EXPECT_NEAR(losses.value, 1.575, 1e-5);
    EXPECT_NEAR(losses.advantage, 1.5, 1e-6);
    EXPECT_NEAR(learner.gradient()[0], -4.2, 1e-5);
    EXPECT_NEAR(learner.gradient()[1], -2.1, 1e-5);
    const double goal = terminal ? 1.0 : 2.98;  // a timeout is no end: it bootstraps
    EXPECT_NEAR(losses.critic, std::pow(3 - goal, 2) + std::pow(1.5 - goal, 2), 1e-5);
    const double d1 = 2 * (3 - goal), d2 = 2 * (1.5 - goal);
    const double expected[] = {2 * d1, 0.5 * d1, d1, 2 * d2, 0.5 * d2, d2};
    for (std::size_t i = 0; i < 6; ++i) EXPECT_NEAR(learner.gradient()[2 + i], expected[i], 1e-5);
  }
}

}  // namespace
}  // namespace gridfed
