#include "examples.hpp"
#include "rl/learner.hpp"
#include "runtime/error.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

namespace gridfed {
namespace {

constexpr std::size_t observations = 6, actions = 3, size = 12;

PrivateUpdate noiseless(double clip_norm, double expected_batch_size) {
  return {.clip_norm = clip_norm, .noise_multiplier = 0, .expected_batch_size = expected_batch_size, .add_gaussian = {}};
}

std::vector<float> gradient_of(const RlOptions& options, const Batch& batch, const PrivateUpdate& privacy) {
  Learner learner(options, observations, actions, 7);
  learner.update(batch, privacy);
  return {learner.gradient().begin(), learner.gradient().end()};
}

std::vector<RlOptions> algorithms() {
  const RlOptions small{.hidden_dims = {10, 8}};
  std::vector<RlOptions> all(4, small);
  all[1].actor_update = ActorUpdate::advantage_weighted;
  all[2].algorithm = LearnerKind::behaviour_cloning;
  all[3].safety_critic = true;
  all[3].safety_weight = 0.5;
  return all;
}

// The gradient of every example alone, clipped and added up in the plain way, is what the batch gives from norms alone. It also shows
// that no example's gradient depends on another's.
TEST(PrivateUpdate, AddsUpEveryExamplesOwnClippedGradient) {
  const Dataset data = random_dataset(observations, actions, size);
  BatchBuffer buffer;
  for (const RlOptions& options : algorithms()) {
    std::vector<std::vector<float>> own;
    std::vector<double> norms;
    for (std::size_t i = 0; i < size; ++i) {
      own.push_back(gradient_of(options, data.gather(std::vector<std::size_t>{i}, buffer), noiseless(1e9, 1)));
      double squares = 0;
      for (const float g : own.back()) squares += static_cast<double>(g) * g;
      norms.push_back(std::sqrt(squares));
    }
    std::vector<double> sorted = norms;
    std::sort(sorted.begin(), sorted.end());
    const double clip_norm = sorted[size / 2];
    std::vector<std::size_t> rows(size);
    std::iota(rows.begin(), rows.end(), 0);
    const auto batch_gradient = gradient_of(options, data.gather(rows, buffer), noiseless(clip_norm, 10));
    for (std::size_t k = 0; k < batch_gradient.size(); ++k) {
      double sum = 0;
      for (std::size_t i = 0; i < size; ++i) sum += own[i][k] * std::min(1.0, clip_norm / norms[i]);
      EXPECT_NEAR(batch_gradient[k], sum / 10, 1e-5 + 1e-4 * std::abs(sum / 10));
    }
    // one example that is clipped contributes no more than the bound
    const auto largest = static_cast<std::size_t>(std::max_element(norms.begin(), norms.end()) - norms.begin());
    double squares = 0;
    for (const float g : gradient_of(options, data.gather(std::vector<std::size_t>{largest}, buffer), noiseless(clip_norm, 1))) {
      squares += static_cast<double>(g) * g;
    }
    EXPECT_LE(std::sqrt(squares), clip_norm);
    EXPECT_NEAR(std::sqrt(squares), clip_norm, 1e-4 * clip_norm);
  }
}

TEST(PrivateUpdate, WithoutClippingOrNoiseIsThePlainUpdate) {
  const Dataset data = random_dataset(observations, actions, size);
  BatchBuffer buffer;
  RandomStream stream(1, Draw::test);
  const Batch batch = data.sample(stream, size, buffer);
  auto all = algorithms();
  all.push_back({.algorithm = LearnerKind::td3_bc, .hidden_dims = {10, 8}});  // not above, as its noise goes by the row of the batch
  for (RlOptions options : all) {
    Learner plain(options, observations, actions, 7);
    plain.update(batch);
    if (plain.state().advantage_scale > 0) options.advantage_scale = plain.state().advantage_scale;
    const auto gradient = gradient_of(options, batch, noiseless(1e9, size));
    for (std::size_t k = 0; k < gradient.size(); ++k) EXPECT_NEAR(gradient[k], plain.gradient()[k], 1e-6 + 1e-5 * std::abs(gradient[k]));
  }
}

TEST(PrivateUpdate, OfAnEmptyBatchStepsAlongTheNoiseAlone) {
  for (const RlOptions& options : algorithms()) {
    Learner learner(options, observations, actions, 7);
    const auto before = learner.state().parameters;
    const Losses losses = learner.update(
        {},
        {.clip_norm = 2, .noise_multiplier = 3, .expected_batch_size = 5, .add_gaussian = [&](std::span<float> values, double deviation) {
           EXPECT_EQ(values.size(), before.size());
           EXPECT_EQ(deviation, 6);
           for (float& x : values) x += 10;
         }});
    for (const float g : learner.gradient()) EXPECT_FLOAT_EQ(g, 2);
    EXPECT_EQ(losses.clipped_fraction, 0);
    EXPECT_EQ(learner.updates(), 1);
    EXPECT_NE(learner.state().parameters, before);
    EXPECT_THROW(learner.update(Batch{}), Error);
  }
}

TEST(PrivateUpdate, OfConservativeQLearningIsRefused) {
  Learner learner({.algorithm = LearnerKind::cql}, observations, actions, 7);
  const Dataset data = random_dataset(observations, actions, size);
  BatchBuffer buffer;
  RandomStream stream(1, Draw::test);
  EXPECT_THROW(learner.update(data.sample(stream, size, buffer), noiseless(1, 5)), Error);
}

TEST(PrivateUpdate, RefusesNoiseWithoutASource) {
  Learner learner({}, observations, actions, 7);
  EXPECT_THROW(learner.update({}, {.clip_norm = 1, .noise_multiplier = 1, .expected_batch_size = 5, .add_gaussian = {}}), Error);
  EXPECT_THROW(learner.update({}, noiseless(0, 5)), Error);
}

TEST(PrivateUpdate, TakesBatchesOfChangingSize) {
  const Dataset data = random_dataset(observations, actions, 200);
  BatchBuffer buffer;
  RandomStream stream(1, Draw::test);
  Learner learner({.hidden_dims = {10}}, observations, actions, 7);
  for (int i = 0; i < 50; ++i) {
    const Losses losses = learner.update(data.sample_poisson(stream, 0.02, buffer), noiseless(1, 4));
    EXPECT_TRUE(std::isfinite(losses.value + losses.critic + losses.actor));
  }
  EXPECT_EQ(learner.state().advantage_scale, 0) << "a measured scale would tie examples together";
}

}  // namespace
}  // namespace gridfed
