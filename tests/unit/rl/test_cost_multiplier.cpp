#include "problems/control_problems.hpp"
#include "refusals.hpp"
#include "rl/cost_multiplier.hpp"
#include "rl/learner.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <numeric>

namespace gridfed {
namespace {

// Gains 2, 0.5, 10; limit 0.1. Costs measured 20 and 0 are averaged to 0.2 and 0.198: excess 0.1 and 0.098, rise 0.2 and none.
TEST(CostMultiplier, StepsByHand) {
  const MultiplierGains gains{.proportional = 2, .integral = 0.5, .derivative = 10};
  CostMultiplier m{.value = 1, .integral = 1};
  m.steer(gains, 20, 0.1);
  EXPECT_NEAR(m.cost, 0.2, 1e-12);
  EXPECT_NEAR(m.integral, 1.05, 1e-12);
  EXPECT_NEAR(m.value, 2 * 0.1 + 1.05 + 10 * 0.2, 1e-12);
  m.steer(gains, 0, 0.1);
  EXPECT_NEAR(m.value, 2 * 0.098 + 1.05 + 0.5 * 0.098, 1e-12);
}

TEST(CostMultiplier, IsNeverNegativeAndDoesNotWindUp) {
  CostMultiplier low, high;
  for (int i = 0; i < 100000; ++i) {
    low.steer({}, 0, 1);
    high.steer({}, 2, 1);
  }
  EXPECT_EQ(low.value, 0);
  EXPECT_EQ(low.integral, 0);
  EXPECT_LE(high.value, 1000);
}

// Data of the controller that is best at no price of cost and costs 1.4 times the limit; the policies are played, the critic is not asked.
// Five seeds and the returns: ./gridfed bench learning limit.
TEST(SafetyCritic, MeetsALimitThatTheSameLearnerBreaksWithoutIt) {
  const ControlProblem problem = forced_oscillator(2);
  struct Case {
    const char* name;
    LearnerKind algorithm;
    ActorUpdate actor_update;
  };
  for (const Case& c :
       {Case{"iql", LearnerKind::iql, ActorUpdate::q_ascent}, Case{"iql by weights", LearnerKind::iql, ActorUpdate::advantage_weighted},
        Case{"cql", LearnerKind::cql, ActorUpdate::q_ascent}}) {
    for (const std::uint64_t seed : {1, 2}) {
      const Dataset data = history(problem, 200, seed);
      RlOptions options{.algorithm = c.algorithm,
                        .actor_update = c.actor_update,
                        .hidden_dims = {48, 48},
                        .discount = problem.discount,
                        .temperature = 20,
                        .tau = 0.02,
                        .cost_discount = 0.95,
                        .actor_learning_rate = 1e-3,
                        .critic_learning_rate = 1e-3,
                        .cosine_decay = CosineDecay::none,
                        .updates = 5000,
                        .batch_size = 96};
      const double limit = mean_cost(problem, problem.best, data, options.cost_discount);
      RlOptions free = options;
      free.updates = 1500;
      const double without = mean_cost(problem, learned_controller(problem, free, data, seed), data, options.cost_discount) / limit;
      options.safety_critic = true;
      options.cost_limit = limit;
      const double with = mean_cost(problem, learned_controller(problem, options, data, seed), data, options.cost_discount) / limit;
      EXPECT_GT(without, 1.25);
      EXPECT_LT(with, 1.08) << "beyond the critic's own error";
      EXPECT_GT(with, 0.8) << "a policy that does nothing would cost nothing";
      std::printf("%s, seed %d: cost over limit %.2f without, %.2f with a safety critic\n", c.name, static_cast<int>(seed), without, with);
    }
  }
}

TEST(SafetyCritic, APrivateUpdateDoesNotSteerByRawCosts) {
  Learner learner({.hidden_dims = {4}, .safety_critic = true, .cost_limit = 0.1}, 2, 1, 1);
  const PrivateUpdate privacy{.noise_multiplier = 0, .add_gaussian = {}};
  BatchBuffer buffer;
  const Dataset data = history(linear_quadratic(1), 1, 1);
  EXPECT_TRUE(refuses(
      [&] {
        learner.update(data.gather(std::vector<std::size_t>{0, 1}, buffer), privacy);
      },
      "rl.cost_limit steers by the mean"));
}

}  // namespace
}  // namespace gridfed
