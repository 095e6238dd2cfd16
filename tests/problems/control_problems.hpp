#pragma once

#include "data/dataset.hpp"
#include "rl/learner.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace gridfed {

using Numbers = std::vector<double>;
using Controller = std::function<Numbers(const Numbers& state)>;

/// A small control problem with a mediocre controller, whose episodes under noise are the data, and the best or a good one. What a learner
/// is asked for is the share of the gap between the two, both without noise, that its policy closes.
struct ControlProblem {
  std::string name;
  std::size_t observation_size = 0, action_size = 0;
  double discount = 0.95;
  int steps = 0;     ///< of an episode, which is cut, not ended
  double noise = 0;  ///< standard deviation of what is added to the mediocre controller's actions
  std::function<Numbers(RandomStream&)> start;
  std::function<double(Numbers& state, const Numbers& action)> advance;  ///< actions in [-1, 1]; returns the reward
  std::function<Numbers(const Numbers& state)> observe;
  std::function<double(const Numbers& action)> cost = [](const Numbers&) { return 0.0; };  ///< of a step, what a limit is set on
  Controller mediocre, best;
};

/// x' = A x + B u for `axes` coupled oscillators of two states and one action each, reward -(x'x + 0.3 u'u), discount 0.95. The optimum is
/// the gain of the Riccati equation, which from these starts hardly ever meets |u| <= 1; the mediocre controller has a quarter of it.
ControlProblem linear_quadratic(int axes);

/// One such oscillator under a force that swings without end, whose phase is observed: four states, one action. The cost of a step is u'u.
/// The best controller is that of reward - price u'u: among all those that cost no more, it has the highest return, so it is the optimum
/// under its own cost as a limit. The data are of the controller that is best at no price, under noise.
ControlProblem forced_oscillator(double price_of_cost);

/// Swing-up of a pendulum of 1 kg and 1 m by a torque of 2 N m, the equations of Gymnasium's Pendulum-v1, from any angle; a step holds the
/// torque for 0.1 s. Reward -(angle^2 + 0.1 speed^2 + 0.001 torque^2) / 10, discount 0.96. The mediocre controller pumps energy with 0.6 of
/// the torque and catches weakly, the good one with all of it.
ControlProblem pendulum();

Dataset history(const ControlProblem& problem, int episodes, std::uint64_t seed);

/// Mean discounted return from starts of their own, the same for every controller.
double expected_return(const ControlProblem& problem, const Controller& controller, int episodes = 50);
/// Mean cost of a step, (1 - discount) sum_t discount^t cost_t from states drawn from the data, of a problem that is observed as it is.
double mean_cost(const ControlProblem& problem, const Controller& controller, const Dataset& data, double discount);
double closed_gap(const ControlProblem& problem, const Controller& controller);

/// Trains on rewards and costs divided by their standard deviations; a limit on the cost is taken as that of the plain cost.
Controller learned_controller(const ControlProblem& problem, RlOptions options, Dataset data, std::uint64_t seed);

}  // namespace gridfed
