#include "problems/control_problems.hpp"
#include "rl/fitted_value.hpp"
#include "runtime/error.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace gridfed {
namespace {

// Ten linear policies, from none to twice the optimal gain, judged from data of the mediocre one. The true return is that of playing them.
TEST(FittedQ, FollowsTheTrueReturnOfTenPolicies) {
  const ControlProblem problem = linear_quadratic(1);
  const Dataset data = history(problem, 200, 1);
  RlOptions options{
      .hidden_dims = {48, 48}, .discount = problem.discount, .tau = 0.05, .learning_rate = 2e-3, .updates = 1200, .batch_size = 128};
  std::vector<float> starts;
  RandomStream stream(99, Draw::evaluation);
  for (int i = 0; i < 50; ++i) {
    for (const double x : problem.start(stream)) starts.push_back(static_cast<float>(x));
  }
  std::vector<double> truth, estimates;
  for (int i = 0; i < 10; ++i) {
    const double gain = 2.0 / 9 * i;
    const Controller controller = [&problem, gain](const Numbers& state) {
      Numbers action = problem.best(state);
      for (double& u : action) u = std::clamp(gain * u, -1.0, 1.0);
      return action;
    };
    truth.push_back(expected_return(problem, controller));
    const FittedQ critic(
        options, data,
        [&](std::span<const float> observation, std::span<float> action) {
          const Numbers chosen = controller({observation.begin(), observation.end()});
          std::copy(chosen.begin(), chosen.end(), action.begin());
        },
        1);
    estimates.push_back(critic.value(starts, 50));
  }
  double mean_truth = 0, mean_estimate = 0, product = 0, truths = 0, squares = 0;
  for (std::size_t i = 0; i < truth.size(); ++i) {
    mean_truth += truth[i] / 10;
    mean_estimate += estimates[i] / 10;
  }
  for (std::size_t i = 0; i < truth.size(); ++i) {
    product += (truth[i] - mean_truth) * (estimates[i] - mean_estimate);
    truths += std::pow(truth[i] - mean_truth, 2);
    squares += std::pow(estimates[i] - mean_estimate, 2);
  }
  const double correlation = product / std::sqrt(truths * squares);
  EXPECT_GT(correlation, 0.8);
  std::printf("fitted Q: correlation %.3f over ten policies; best %.3f, told %.3f\n", correlation, truth[4], estimates[4]);
}

// A hundred trials: ./gridfed bench learning evaluation.
TEST(FittedQ, TheLowerBoundCoversInNineTrialsOfTen) {
  constexpr int trials = 20;
  const ControlProblem problem = linear_quadratic(1);
  const RlOptions options{
      .hidden_dims = {32, 32}, .discount = problem.discount, .tau = 0.05, .learning_rate = 2e-3, .updates = 1200, .batch_size = 64};
  ControlProblem endless = problem;  // a cut episode would have gone on
  endless.steps = 250;
  const double truth = expected_return(
      endless, [](const Numbers& x) { return Numbers{std::tanh(-0.3 * x[0] - x[1])}; }, 1000);
  int covered = 0;
  double width = 0, recorded = 0;
  for (std::uint64_t trial = 0; trial < trials; ++trial) {
    const FittedValue value = fitted_value(
        options, history(problem, 60, 1000 + trial),
        [](std::span<const float> x, std::span<float> u) { u[0] = std::tanh(-0.3F * x[0] - x[1]); }, 5, trial);
    covered += value.lower <= truth;
    width += (value.estimate - value.lower) / trials;
    recorded += value.recorded / trials;
  }
  EXPECT_GE(covered, 18);
  EXPECT_LT(width, 0.3 * (truth - recorded)) << "a bound that is always far below says nothing";
  std::printf("fitted Q: the lower bound covers in %d of %d trials, %.2f below the estimate; true %.2f, behaviour %.2f\n", covered, trials,
              width, truth, recorded);
}

TEST(FittedQ, RefusesEmptyData) {
  EXPECT_THROW(FittedQ(
                   {}, Dataset{.observation_size = 1, .action_size = 1}, [](auto, auto) {}, 1),
               Error);
}

}  // namespace
}  // namespace gridfed
