#include "problems/control_problems.hpp"
#include "rl/fitted_value.hpp"
#include "rl/linear_algebra.hpp"
#include "runtime/session.hpp"

#include <algorithm>
#include <cmath>

// How far fitted Q evaluation is to be trusted where the truth is known: a linear policy on the linear-quadratic problem of two states,
// judged from data of the mediocre controller. Each trial has data of its own; its lower bound should lie below the true return in 95 of
// 100.

using namespace gridfed;

namespace {

void run(Session& session) {
  int trials = 100, fits = 8, episodes = 60;
  RlOptions options{.hidden_dims = {32, 32}, .tau = 0.05, .learning_rate = 2e-3, .updates = 1200, .batch_size = 64};
  if (!session.parse("off_policy_trials", "Coverage of the lower bound of fitted Q evaluation over trials with data of their own.",
                     [&](po::options_description& deck) {
                       declare(deck, options);
                       deck.add_options()("trials", po::value(&trials)->default_value(trials), "with data of their own")(
                           "fits", po::value(&fits)->default_value(fits), "to bootstrap samples of the episodes in each trial")(
                           "episodes", po::value(&episodes)->default_value(episodes), "of 40 steps in each trial");
                     })) {
    return;
  }
  set_threads(1);
  const ControlProblem problem = linear_quadratic(1);
  options.discount = problem.discount;
  const ActionOf policy = [](std::span<const float> x, std::span<float> u) { u[0] = std::tanh(-0.3F * x[0] - x[1]); };
  ControlProblem endless = problem;  // a cut episode would have gone on
  endless.steps = 250;
  const double truth = expected_return(
      endless, [](const Numbers& x) { return Numbers{std::tanh(-0.3 * x[0] - x[1])}; }, 4000);
  int covered = 0;
  double error = 0, width = 0, recorded = 0;
  for (int trial = 0; trial < trials; ++trial) {
    const Dataset data = history(problem, episodes, 1000 + static_cast<std::uint64_t>(trial));
    const FittedValue value = fitted_value(options, data, policy, fits, static_cast<std::uint64_t>(trial));
    covered += value.lower <= truth;
    error += (value.estimate - truth) / trials;
    width += (value.estimate - value.lower) / trials;
    recorded += value.recorded / trials;
  }
  session.log().line(
      "fitted Q: the 95 % lower bound covers in {} of {} trials; true return {:.3f}, estimate {:+.3f} from it in the mean, bound {:.3f} "
      "below the estimate; behaviour {:.3f} ({:.0f} s)",
      covered, trials, truth, error, width, recorded, session.elapsed());
}

}  // namespace

int main(int argc, char** argv) {
  return run_driver(argc, argv, run);
}
