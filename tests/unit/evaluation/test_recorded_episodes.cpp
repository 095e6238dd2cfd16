#include "evaluation/recorded_episodes.hpp"

#include "problems/control_problems.hpp"
#include "refusals.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>

namespace gridfed {
namespace {

ActionOf mediocre_of(const ControlProblem& problem) {
  return [&problem](std::span<const float> observation, std::span<float> action) {
    const Numbers chosen = problem.mediocre({observation.begin(), observation.end()});
    std::copy(chosen.begin(), chosen.end(), action.begin());
  };
}

std::vector<float> log_densities(const Dataset& data, const GaussianPolicy& policy) {
  std::vector<float> densities;
  for (std::size_t i = 0; i < data.size(); ++i) {
    densities.push_back(
        static_cast<float>(policy.log_density(std::span(data.observations).subspan(i * data.observation_size, data.observation_size),
                                              std::span(data.actions).subspan(i * data.action_size, data.action_size))));
  }
  return densities;
}

FittedQ critic_of(const ControlProblem& problem, const Dataset& data, const ActionOf& policy) {
  return {{.hidden_dims = {32, 32}, .discount = problem.discount, .tau = 0.05, .learning_rate = 2e-3, .updates = 1200, .batch_size = 64},
          data,
          policy,
          1};
}

// The density of the normal distribution at one deviation in each of two components: -2 (0.5 + log 0.5 + log sqrt(2 pi)).
TEST(RecordedEpisodes, DensityByHand) {
  const GaussianPolicy policy{.mean = [](auto, std::span<float> a) { a[0] = 0.25F, a[1] = -0.5F; }, .deviation = 0.5};
  const float action[] = {0.75F, -1.0F}, observation[] = {0};
  EXPECT_NEAR(policy.log_density(observation, action), -2 * (0.5 + std::log(0.5) + 0.9189385332), 1e-6);
}

TEST(RecordedEpisodes, OfThePolicyThatActedHaveRatiosOfOne) {
  const ControlProblem problem = linear_quadratic(1);
  const Dataset data = history(problem, 20, 1);
  const GaussianPolicy itself{.mean = mediocre_of(problem), .deviation = problem.noise};
  const auto recorded = recorded_episodes(data, log_densities(data, itself), itself, critic_of(problem, data, itself.mean), 1);
  ASSERT_EQ(recorded.size(), 20u);
  double mean = 0;
  for (const RecordedEpisode& episode : recorded) {
    ASSERT_EQ(episode.reward.size(), 40u);
    double factor = 1;
    for (std::size_t t = 0; t < 40; ++t, factor *= problem.discount) {
      EXPECT_NEAR(episode.ratio[t], 1, 1e-4);
      mean += factor * episode.reward[t] / 20;
    }
  }
  EXPECT_NEAR(off_policy_return(OffPolicyEstimator::per_decision, recorded, problem.discount), mean, 1e-3 * std::abs(mean));
}

// A policy of 1.2 times the gain, whose return under the same noise is played. Doubly robust lies nearer to it than the behaviour's return.
TEST(RecordedEpisodes, TellANeighboursReturn) {
  ControlProblem problem = linear_quadratic(1);
  problem.steps = 12;  // ratios multiply
  const Dataset data = history(problem, 400, 1);
  const GaussianPolicy behaviour{.mean = mediocre_of(problem), .deviation = problem.noise};
  const ActionOf stronger = [&](std::span<const float> observation, std::span<float> action) {
    behaviour.mean(observation, action);
    for (float& a : action) a *= 1.2F;
  };
  RandomStream noise(3, Draw::test);
  const auto played = [&](double gain) {
    return expected_return(
        problem,
        [&](const Numbers& state) {
          Numbers action = problem.mediocre(state);
          for (double& a : action) a = std::clamp(gain * a + problem.noise * noise.normal(), -1.0, 1.0);
          return action;
        },
        20000);
  };
  const double truth = played(1.2), before = played(1.0);
  const GaussianPolicy policy{.mean = stronger, .deviation = problem.noise};
  const auto recorded = recorded_episodes(data, log_densities(data, behaviour), policy, critic_of(problem, data, stronger), 1);
  for (const auto estimator : {OffPolicyEstimator::weighted, OffPolicyEstimator::doubly_robust}) {
    const double estimate = off_policy_return(estimator, recorded, problem.discount);
    std::printf("estimator %d: %.3f, true %.3f, behaviour %.3f\n", static_cast<int>(estimator), estimate, truth, before);
    EXPECT_LT(std::abs(estimate - truth), 0.6 * std::abs(before - truth));
  }
}

TEST(RecordedEpisodes, RefuseWhatHasNoDensity) {
  const ControlProblem problem = linear_quadratic(1);
  const Dataset data = history(problem, 2, 1);
  GaussianPolicy policy{.mean = mediocre_of(problem), .deviation = problem.noise};
  const FittedQ critic({.hidden_dims = {4}, .updates = 1, .batch_size = 4}, data, policy.mean, 1);
  auto densities = log_densities(data, policy);
  densities[5] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_TRUE(refuses([&] { recorded_episodes(data, densities, policy, critic, 1); }, "the log density of row 5 is not finite"));
  EXPECT_TRUE(refuses([&] { recorded_episodes(data, {}, policy, critic, 1); }, "0 log densities came with 80 transitions"));
  policy.deviation = 0;
  EXPECT_TRUE(refuses([&] { recorded_episodes(data, densities, policy, critic, 1); }, "without deviation has no density"));
}

}  // namespace
}  // namespace gridfed
