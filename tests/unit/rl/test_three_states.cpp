#include "examples.hpp"
#include "rl/learner.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <vector>

// Every loss on one example of three states, worked out by hand with linear networks of one observation s and one action a:
//   (s, a, r, s'): (0, 0.5, 1, 1), (1, -0.5, 0, 2), (2, 0, 2, 0) with a true end after the last; discount 0.5; the policy is tanh(0) = 0.
// Their costs 1, 0, 2 matter to the safety critic alone.

namespace gridfed {
namespace {

Losses losses_of(RlOptions options, const std::vector<float>& parameters, const std::vector<float>& targets, std::int64_t updates = 0) {
  options.hidden_dims = {};
  options.discount = 0.5;
  Learner learner(options, 1, 1, 3);
  LearnerState state = learner.state();
  EXPECT_EQ(state.parameters.size(), parameters.size());
  EXPECT_EQ(state.targets.size(), targets.size());
  state.parameters = parameters;
  state.targets = targets;
  state.updates = updates;
  learner.restore(state);
  Dataset data = empty_dataset(1, 1);
  const auto add = [&](float s, float a, float r, float next, bool end, float cost) {
    data.append({&s, 1}, {&a, 1}, r, {&next, 1}, end, false, cost);
  };
  add(0, 0.5F, 1, 1, false, 1);
  add(1, -0.5F, 0, 2, false, 0);
  add(2, 0, 2, 0, true, 2);
  BatchBuffer buffer;
  return learner.update(data.gather(std::vector<std::size_t>{0, 1, 2}, buffer));
}

// V = 2 s, Q1 = s + a, Q2 = 2 - a, Qt1 = s + a + 1, Qt2 = 3. min Qt = 1.5, 1.5, 3 and V = 0, 2, 4, so u = 1.5, -0.5, -1:
//   L_V = (0.7 * 2.25 + 0.3 * 0.25 + 0.3 * 1) / 3 = 0.65.
// Goals 1 + 0.5 * 2, 0 + 0.5 * 4 and 2 are all 2; Q1 - 2 = -1.5, -1.5, 0 and Q2 - 2 = -0.5, 0.5, 0: L_Q = (4.5 + 0.5) / 3.
// Weights exp(3 u) = 90.0171, 0.22313, 0.049787; -log N(a; 0, 1) = 1.0439385, 1.0439385, 0.9189385: L_pi = 94.2510375 / 3 = 31.417012.
// Ascent: cloning (0.25 + 0.25) / 3, mean Q1(s, 0) = 1, deviation of u = sqrt(3.5 / 3) = 1.0801234: 0.1666667 - 0.1 / 1.0801234 =
// 0.0740847.
TEST(ThreeStates, ImplicitQLearning) {
  const std::vector<float> by_hand{2, 0, 1, 1, 0, 0, -1, 2, 0, 0};  // V, Q1, Q2, policy: weights, then the bias
  const std::vector<float> targets{1, 1, 1, 0, 0, 3};
  const Losses ascent = losses_of({}, by_hand, targets);
  EXPECT_NEAR(ascent.value, 0.65, 1e-6);
  EXPECT_NEAR(ascent.critic, 5.0 / 3, 1e-6);
  EXPECT_NEAR(ascent.actor, 0.0740847, 1e-6);
  EXPECT_NEAR(ascent.q, 2, 1e-6);
  EXPECT_NEAR(ascent.advantage, 0, 1e-6);
  std::vector<float> with_spread = by_hand;
  with_spread.push_back(0);
  const RlOptions weighted{.actor_update = ActorUpdate::advantage_weighted};
  EXPECT_NEAR(losses_of(weighted, with_spread, targets).actor, 31.417012, 1e-4);
  // exp(10 * 1.5) is clipped at 100; exp(-5) = 0.0067379 and exp(-10) = 0.0000454 are not: 1.0439385 * 100.0067379 + 0.9189385 * 0.0000454.
  const RlOptions hot{.actor_update = ActorUpdate::advantage_weighted, .temperature = 10};
  EXPECT_NEAR(losses_of(hot, with_spread, targets).actor, 104.4009257 / 3, 1e-4);
}

TEST(ThreeStates, BehaviourCloning) {
  EXPECT_NEAR(losses_of({.algorithm = LearnerKind::behaviour_cloning}, {0, 0}, {}).actor, 0.5 / 3, 1e-6);
}

// Q1 = s + a, Q2 = 2 - a, Qt1 = s + 1, Qt2 = 3, which no target noise moves. min Qt(s') = 2, 3, -: goals 1 + 1, 0 + 1.5, 2;
// Q1 - goal = -1.5, -1, 0 and Q2 - goal = -0.5, 1, 0: L_Q = (3.25 + 1.25) / 3. mean |Q1(s, 0)| = 1: L_pi = -2.5 * 1 + 0.5 / 3.
TEST(ThreeStates, TwinDelayedCloning) {
  const Losses losses = losses_of({.algorithm = LearnerKind::td3_bc}, {1, 1, 0, 0, -1, 2, 0, 0}, {1, 0, 1, 0, 0, 3, 0, 0}, 1);
  EXPECT_NEAR(losses.critic, 1.5, 1e-6);
  EXPECT_NEAR(losses.actor, -2.5 + 0.5 / 3, 1e-6);
  EXPECT_NEAR(losses.q, (0.5 * (0.5 + 1.5) + 0.5 * (0.5 + 2.5) + 0.5 * (2 + 2)) / 3, 1e-6);
}

// Q1 = s and Q2 = 2, which no action moves, Qt as above: Q1 - goal = -2, -0.5, 0 and Q2 - goal = 0, 0.5, 0: L_Q = (4.25 + 0.25) / 3.
// All sampled actions have one Q, so the gap is log sum_k 1 / density_k in both critics; a = tanh(e), as mean = log_std = 0, has density
// exp(-e^2 / 2) / sqrt(2 pi) / (1 - a^2), a uniform action 1 / 2. L_pi = mean log density - min(Q1, Q2) = mean log density - (0 + 1 + 2)
// / 3.
TEST(ThreeStates, ConservativeQLearning) {
  RandomStream draws(3, Draw::policy_sample, 0, 1);
  const auto log_density = [](double e) {
    return -0.5 * e * e - 0.5 * std::log(2 * std::numbers::pi) - std::log(1 - std::tanh(e) * std::tanh(e));
  };
  double gap = 0, density = 0;
  for (int state = 0; state < 3; ++state) {
    double sum = 0;
    for (int k = 0; k < 2; ++k) {
      draws.uniform(-1, 1);
      sum += 2;
    }
    for (int k = 0; k < 4; ++k) sum += std::exp(-log_density(draws.normal()));
    gap += std::log(sum) / 3;
  }
  for (int state = 0; state < 3; ++state) density += log_density(draws.normal()) / 3;
  const std::vector<float> by_hand{1, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0}, targets{1, 0, 1, 0, 0, 3};
  const Losses losses = losses_of({.algorithm = LearnerKind::cql, .action_samples = 2}, by_hand, targets);
  EXPECT_NEAR(losses.critic, 1.5, 1e-5);
  EXPECT_NEAR(losses.conservative, gap, 1e-5);
  EXPECT_NEAR(losses.actor, density - 1, 1e-5);
  EXPECT_NEAR(losses.temperature, 1, 1e-6);
}

// Qc = s + 2 a and Qct = a + 3, which is 3 at every policy's action; cost discount 0.2. Goals 1 + 0.6, 0 + 0.6, 2 against Qc(s, a) = 1, 0,
// 2: L_C = 2 * 0.36 / 3; 3 is to come. The policy follows Q - 0.5 Qc: mean (s - 0.5 s) = 0.5 in place of 1 for the two that ascend. Where
// advantages weigh, 0.5 (Qct(s, a) - Qct(s, 0)) = 0.5 a is taken off: 1.25, -0.25, -1.
TEST(ThreeStates, SafetyCritic) {
  const std::vector<float> critic{1, 2, 0}, critic_target{0, 1, 3};
  const auto with = [](std::vector<float> own, const std::vector<float>& more) {
    own.insert(own.end(), more.begin(), more.end());
    return own;
  };
  RlOptions options{.safety_weight = 0.5, .safety_critic = true, .cost_discount = 0.2};
  const std::vector<float> targets = with({1, 1, 1, 0, 0, 3}, critic_target);
  const Losses ascent = losses_of(options, with({2, 0, 1, 1, 0, 0, -1, 2, 0, 0}, critic), targets);
  EXPECT_NEAR(ascent.cost_critic, 0.24, 1e-6);
  EXPECT_NEAR(ascent.cost, 3, 1e-6);
  EXPECT_NEAR(ascent.multiplier, 0.5, 1e-12);
  EXPECT_NEAR(ascent.critic, 5.0 / 3, 1e-6) << "rewards are the other critics' alone";
  EXPECT_NEAR(ascent.actor, 0.5 / 3 - 0.1 * 0.5 / std::sqrt(3.5 / 3), 1e-6);

  options.actor_update = ActorUpdate::advantage_weighted;
  const Losses weighted = losses_of(options, with({2, 0, 1, 1, 0, 0, -1, 2, 0, 0, 0}, critic), targets);
  EXPECT_NEAR(weighted.cost_critic, 0.24, 1e-6);
  EXPECT_NEAR(weighted.actor, (1.0439385 * (std::exp(3.75) + std::exp(-0.75)) + 0.9189385 * std::exp(-3.0)) / 3, 1e-4);

  options.algorithm = LearnerKind::td3_bc;
  const Losses delayed = losses_of(options, with({1, 1, 0, 0, -1, 2, 0, 0}, critic), with({1, 0, 1, 0, 0, 3, 0, 0}, critic_target), 1);
  EXPECT_NEAR(delayed.cost_critic, 0.24, 1e-6);
  EXPECT_NEAR(delayed.critic, 1.5, 1e-6);
  EXPECT_NEAR(delayed.actor, -2.5 * 0.5 + 0.5 / 3, 1e-6);

  // CQL draws its actions, which Qc = s does not see: 0.5 s is added to the loss, mean 0.5. Qc(s, a) = 0, 1, 2: (1.6^2 + 0.4^2) / 3.
  options.algorithm = LearnerKind::cql;
  options.action_samples = 2;
  const std::vector<float> own{1, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0}, own_targets{1, 0, 1, 0, 0, 3};
  const Losses conservative = losses_of(options, with(own, {1, 0, 0}), with(own_targets, critic_target));
  options.safety_critic = false;
  options.safety_weight = 0;
  const Losses without = losses_of(options, own, own_targets);
  EXPECT_NEAR(conservative.cost_critic, 2.72 / 3, 1e-6);
  EXPECT_NEAR(conservative.critic, without.critic, 1e-6);
  EXPECT_NEAR(conservative.actor, without.actor + 0.5, 1e-5);
}

// The multiplier must grow where the gap is above its threshold and fall where it is below.
TEST(ThreeStates, MultiplierMovesTowardsItsThreshold) {
  for (const double threshold : {0.01, 50.0}) {
    Learner learner({.algorithm = LearnerKind::cql, .hidden_dims = {4}, .lagrange_threshold = threshold}, 1, 1, 1);
    const Dataset data = random_dataset(1, 1, 20);
    BatchBuffer buffer;
    RandomStream stream(1, Draw::test);
    for (int i = 0; i < 5; ++i) learner.update(data.sample(stream, 16, buffer));
    const double log_multiplier = learner.parameters()[learner.layout().networks[4].front().offset];
    EXPECT_EQ(log_multiplier > 0, threshold < 1);
    EXPECT_NE(log_multiplier, 0);
  }
}

}  // namespace
}  // namespace gridfed
