#include "rl/learner.hpp"

#include "examples.hpp"
#include "runtime/error.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace gridfed {
namespace {

TEST(ParameterLayout, PutsAllTrunksBeforeAllOutputs) {
  const std::int64_t o = 6, a = 2, h = 5;
  const Learner learner({.hidden_dims = {h, h}}, o, a, 1);
  const ParameterLayout& layout = learner.layout();
  const auto square = static_cast<std::size_t>(h * h + h);
  const auto trunk = [&](std::int64_t inputs) { return static_cast<std::size_t>(inputs * h + h) + square; };
  EXPECT_EQ(layout.shared, 2 * trunk(o) + 2 * trunk(o + a));
  EXPECT_EQ(layout.total, layout.shared + static_cast<std::size_t>(3 * (h + 1) + a * (h + 1)));
  std::vector<bool> taken(layout.total);
  for (const auto& network : layout.networks) {
    for (std::size_t l = 0; l < network.size(); ++l) {
      const bool hidden = l + 1 < network.size();
      EXPECT_EQ(network[l].offset + network[l].size() <= layout.shared, hidden);
      for (std::size_t i = network[l].offset; i < network[l].offset + network[l].size(); ++i) {
        EXPECT_FALSE(taken[i]);
        taken[i] = true;
      }
    }
  }
  EXPECT_EQ(std::count(taken.begin(), taken.end(), true), static_cast<std::ptrdiff_t>(layout.total));
}

TEST(Learner, SharesTrunksWithTheirMomentsAndTargets) {
  Learner learner({.hidden_dims = {8, 8}}, 5, 2, 1);
  const Dataset data = random_dataset(5, 2, 30);
  BatchBuffer buffer;
  RandomStream stream(1, Draw::test);
  learner.update(data.sample(stream, 16, buffer));
  const std::size_t shared = learner.layout().shared;
  EXPECT_EQ(learner.shared_parameters().data(), learner.parameters().data());
  EXPECT_EQ(learner.shared_parameters().size(), shared);
  ASSERT_EQ(learner.shared_moments().size(), 2 * shared);
  EXPECT_EQ(learner.shared_moments().data(), learner.moments().data());
  EXPECT_EQ(learner.shared_targets().data(), learner.targets().data());
  EXPECT_EQ(learner.shared_targets().size(), 2 * (7 * 8 + 8 + 8 * 8 + 8));
  const auto moments = learner.moments();
  const std::size_t local = learner.layout().total - shared;
  for (std::size_t i = 0; i < learner.gradient().size(); ++i) {
    const float g = learner.gradient()[i];
    const std::size_t m = i < shared ? i : shared + i, v = i < shared ? m + shared : m + local;
    EXPECT_NEAR(moments[m], 0.1F * g, 1e-7 + 1e-5 * std::abs(g));
    EXPECT_NEAR(moments[v], 1e-3F * g * g, 1e-9 + 1e-5 * g * g);
  }
  Learner whole({.shared = Sharing::all}, 5, 2, 1);
  EXPECT_EQ(whole.shared_parameters().size(), whole.parameters().size());
  EXPECT_EQ(whole.shared_moments().size(), whole.moments().size());
  EXPECT_EQ(whole.shared_targets().size(), whole.targets().size());
}

TEST(Learner, StartsAtOnePointPerSeedWhateverIsShared) {
  const Learner one({}, 5, 2, 1), same({.shared = Sharing::all}, 5, 2, 1), other({}, 5, 2, 2);
  EXPECT_EQ(one.state().parameters, same.state().parameters);
  EXPECT_NE(one.state().parameters, other.state().parameters);
}

TEST(Learner, ActsOnParametersWrittenFromOutside) {
  Learner learner({.hidden_dims = {8}}, 3, 2, 1), other({.hidden_dims = {8}}, 3, 2, 2);
  std::copy(other.parameters().begin(), other.parameters().end(), learner.parameters().begin());
  std::vector<float> a(2), b(2);
  const std::vector<float> observation{0.3F, -1.0F, 2.0F};
  learner.policy().act(observation, a);
  other.policy().act(observation, b);
  EXPECT_EQ(a, b);
}

TEST(Learner, StopAndResumeEqualsUninterruptedBitForBit) {
  const Dataset data = random_dataset(5, 2, 100);
  const std::vector<RlOptions> kinds{{},
                                     {.actor_update = ActorUpdate::advantage_weighted},
                                     {.algorithm = LearnerKind::cql, .lagrange_threshold = 1},
                                     {.algorithm = LearnerKind::td3_bc},
                                     {.algorithm = LearnerKind::behaviour_cloning},
                                     {.safety_critic = true, .cost_limit = 0.01},
                                     {.algorithm = LearnerKind::cql, .safety_critic = true, .cost_limit = 0.01},
                                     {.algorithm = LearnerKind::td3_bc, .safety_critic = true, .cost_limit = 0.01}};
  for (RlOptions options : kinds) {
    options.hidden_dims = {16, 16};
    options.weight_decay = 0.01;
    options.updates = 40;
    BatchBuffer buffer;
    RandomStream stream(3, Draw::minibatch);
    Learner whole(options, 5, 2, 1);
    for (int i = 0; i < 10; ++i) whole.update(data.sample(stream, 32, buffer));
    Learner resumed(options, 5, 2, 1);
    resumed.parameters().front() = 99;
    resumed.restore(whole.state());
    Learner moved(std::move(resumed));  // the networks follow their buffers
    for (int i = 0; i < 10; ++i) {
      const Batch batch = data.sample(stream, 32, buffer);
      whole.update(batch);
      moved.update(batch);
    }
    EXPECT_EQ(whole.updates(), 20);
    EXPECT_EQ(whole.state().parameters, moved.state().parameters);
    EXPECT_EQ(whole.state().targets, moved.state().targets);
    EXPECT_EQ(whole.state().moments, moved.state().moments);
    EXPECT_EQ(whole.state().advantage_scale, moved.state().advantage_scale);
    EXPECT_EQ(whole.state().multiplier, moved.state().multiplier);
    EXPECT_EQ(whole.state().multiplier.cost != 0, options.safety_critic);
  }
}

TEST(Learner, RefusesForeignStatesAndBatches) {
  Learner learner({}, 5, 2, 1);
  const Learner other({}, 6, 2, 1);
  EXPECT_THROW(learner.restore(other.state()), Error);
  const Dataset data = random_dataset(6, 2, 4);
  BatchBuffer buffer;
  EXPECT_THROW(learner.update(data.gather(std::vector<std::size_t>{0, 1}, buffer)), Error);
  EXPECT_THROW(Learner({}, 0, 2, 1), Error);
}

TEST(Learner, DecaysTheActorsLearningRateToZeroAndKeepsTheCritics) {
  Learner learner({.hidden_dims = {8}, .updates = 3}, 5, 2, 1);
  const Dataset data = random_dataset(5, 2, 30);
  BatchBuffer buffer;
  RandomStream stream(1, Draw::test);
  for (int i = 0; i < 3; ++i) learner.update(data.sample(stream, 16, buffer));
  const auto before = learner.state().parameters;
  learner.update(data.sample(stream, 16, buffer));
  const auto& layout = learner.layout();
  EXPECT_EQ(before[layout.networks[3][0].offset], learner.parameters()[layout.networks[3][0].offset]);
  EXPECT_NE(before[layout.networks[1][0].offset], learner.parameters()[layout.networks[1][0].offset]);
}

}  // namespace
}  // namespace gridfed
