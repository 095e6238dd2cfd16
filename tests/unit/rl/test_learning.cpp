#include "examples.hpp"
#include "problems/control_problems.hpp"
#include "rl/learner.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <functional>

// Problems small enough to know the optimum. The data comes from a mediocre controller with noise; what is asked for is the share of the
// gap between that controller and the optimum that a learned policy closes.

namespace gridfed {
namespace {

using Control = std::function<double(double)>;

Learner train(const RlOptions& options, const Dataset& data) {
  Learner learner(options, data.observation_size, data.action_size, 1);
  BatchBuffer buffer;
  for (std::int64_t i = 0; i < options.updates; ++i) {
    RandomStream stream(1, Draw::minibatch, 0, static_cast<std::uint64_t>(i));
    learner.update(data.sample(stream, static_cast<std::size_t>(options.batch_size), buffer));
  }
  return learner;
}

Control control_of(const Learner& learner) {
  return [policy = learner.policy()](double s) {
    const std::array observation{static_cast<float>(s)};
    std::array<float, 1> action{};
    policy.act(observation, action);
    return static_cast<double>(action[0]);
  };
}

/// Linear-quadratic regulator: s' = 0.95 s + 0.5 a, reward -(s^2 + 0.1 a^2), |a| <= 1, discount 0.9; no end, cut after 20 steps.
namespace regulator {

constexpr double discount = 0.9;
double next(double s, double a) {
  return 0.95 * s + 0.5 * a;
}
double reward(double s, double a) {
  return -(s * s + 0.1 * a * a);
}

double discounted_return(const Control& control) {
  double total = 0;
  for (double start = -1.0; start <= 1.0; start += 0.125) {
    double s = start, factor = 1;
    for (int t = 0; t < 60; ++t, factor *= discount) {
      const double a = std::clamp(control(s), -1.0, 1.0);
      total += factor * reward(s, a);
      s = next(s, a);
    }
  }
  return total;
}

/// Fixed point of the scalar Riccati equation; for these starts the optimum hardly touches the bounds.
double best_gain() {
  double p = 1;
  for (int i = 0; i < 200; ++i) p = 1 + discount * 0.95 * 0.95 * p - std::pow(discount * 0.95 * 0.5 * p, 2) / (0.1 + discount * 0.25 * p);
  return discount * 0.95 * 0.5 * p / (0.1 + discount * 0.25 * p);
}

double mediocre(double s) {
  return -0.2 * s;
}

Dataset history() {
  Dataset data = empty_dataset(1, 1);
  RandomStream stream(2, Draw::test);
  for (int episode = 0; episode < 200; ++episode) {
    double s = stream.uniform(-1, 1);
    for (int t = 0; t < 20; ++t) {
      const double a = std::clamp(mediocre(s) + 0.4 * stream.normal(), -1.0, 1.0);
      const double s_next = next(s, a);
      data.append(std::array{static_cast<float>(s)}, std::array{static_cast<float>(a)}, static_cast<float>(reward(s, a)),
                  std::array{static_cast<float>(s_next)}, false, t == 19, 0);
      s = s_next;
    }
  }
  return data;
}

double closed_gap(const Control& control) {
  const double low = discounted_return(mediocre), high = discounted_return([](double s) { return -best_gain() * s; });
  return (discounted_return(control) - low) / (high - low);
}

}  // namespace regulator

TEST(Learning, QAscentClosesTheGapToTheRegulatorsOptimumAndCloningDoesNot) {
  const Dataset data = regulator::history();
  RlOptions options{
      .hidden_dims = {32, 32}, .discount = regulator::discount, .q_weight = 1.0, .tau = 0.02, .updates = 2000, .batch_size = 128};
  const double ascent = regulator::closed_gap(control_of(train(options, data)));
  options.actor_update = ActorUpdate::advantage_weighted;
  options.temperature = 10;
  const double weighted = regulator::closed_gap(control_of(train(options, data)));
  options.algorithm = LearnerKind::behaviour_cloning;
  const double cloning = regulator::closed_gap(control_of(train(options, data)));
  EXPECT_GT(ascent, 0.8);
  EXPECT_GT(weighted, 0.3);
  EXPECT_LT(cloning, 0.15);
  std::printf("closed gap: q ascent %.2f, advantage weighted %.2f, cloning %.2f\n", ascent, weighted, cloning);
}

// One seed of inputs/learning/lq2.ini; ./gridfed bench learning runs five, six states and a pendulum, too.
TEST(Learning, ImplicitAndConservativeQLearningCloseTheGapOfALinearQuadraticProblemAndCloningDoesNot) {
  const ControlProblem problem = linear_quadratic(1);
  const Dataset data = history(problem, 300, 1);
  RlOptions options{.actor_update = ActorUpdate::advantage_weighted,
                    .hidden_dims = {64, 64},
                    .discount = problem.discount,
                    .temperature = 20,
                    .tau = 0.01,
                    .actor_learning_rate = 1e-3,
                    .critic_learning_rate = 1e-3,
                    .updates = 2000,
                    .batch_size = 128};
  const auto closed = [&](LearnerKind kind) {
    options.algorithm = kind;
    return closed_gap(problem, learned_controller(problem, options, data, 1));
  };
  const double implicit = closed(LearnerKind::iql), cloning = closed(LearnerKind::behaviour_cloning);
  options.action_samples = 4;
  const double conservative = closed(LearnerKind::cql);
  EXPECT_GT(implicit, 0.7);
  EXPECT_GT(conservative, 0.7);
  EXPECT_LT(cloning, 0.3);
  std::printf("closed gap: implicit %.2f, conservative %.2f, cloning %.2f\n", implicit, conservative, cloning);
}

// A bandit: reward -(a - 0.8 s)^2, every step the end; the data cluster around a = 0. Private updates with little noise learn it too.
TEST(Learning, PrivateUpdatesImproveOnTheBanditsData) {
  Dataset data = empty_dataset(1, 1);
  RandomStream stream(4, Draw::test);
  for (int i = 0; i < 4000; ++i) {
    const double s = stream.uniform(-1, 1), a = std::clamp(0.3 * stream.normal(), -1.0, 1.0);
    data.append(std::array{static_cast<float>(s)}, std::array{static_cast<float>(a)}, static_cast<float>(-(a - 0.8 * s) * (a - 0.8 * s)),
                std::array{0.0F}, true, false, 0);
  }
  const RlOptions options{.hidden_dims = {32, 32}, .q_weight = 1.0, .advantage_scale = 0.3, .tau = 0.02, .updates = 1500};
  Learner learner(options, 1, 1, 1);
  RandomStream noise(5, Draw::test);  // a test needs no secret randomness
  BatchBuffer buffer;
  for (std::int64_t i = 0; i < options.updates; ++i) {
    RandomStream draw(1, Draw::minibatch, 0, static_cast<std::uint64_t>(i));
    learner.update(data.sample_poisson(draw, 128.0 / 4000, buffer), {.clip_norm = 1,
                                                                     .noise_multiplier = 0.5,
                                                                     .expected_batch_size = 128,
                                                                     .add_gaussian = [&](std::span<float> values, double deviation) {
                                                                       for (float& x : values)
                                                                         x += static_cast<float>(deviation * noise.normal());
                                                                     }});
  }
  const Control control = control_of(learner);
  double loss = 0, cloned_loss = 0;
  for (double s = -1; s <= 1; s += 0.1) {
    loss += std::pow(control(s) - 0.8 * s, 2);
    cloned_loss += std::pow(0.8 * s, 2);
  }
  EXPECT_LT(loss, 0.4 * cloned_loss);
  std::printf("closed gap: private %.2f\n", 1 - loss / cloned_loss);
}

}  // namespace
}  // namespace gridfed
