#pragma once

namespace gridfed {

/// Gains of a PID controller on the excess of the mean cost of a step over its limit, in units of which typical costs are about one; the
/// integral counts in updates, and so does the derivative of the averaged cost, hence its size.
struct MultiplierGains {
  double proportional = 20, integral = 0.05, derivative = 4000;
};

/// Weight of the safety critic against Q, steered so that the cost comes down to its limit: the PID-Lagrangian of Stooke, Achiam, Abbeel
/// (2020, arXiv:2007.03964, algorithm 2). Plain data, part of what a checkpoint saves.
struct CostMultiplier {
  double value = 0;
  double integral = 0;  ///< the integral's share of the value, never negative
  double cost = 0;      ///< mean cost of a step, averaged over about 100 updates

  /// `measured`: mean cost of a step as the safety critic sees it in this update.
  void steer(const MultiplierGains& gains, double measured, double limit);
  bool operator==(const CostMultiplier&) const = default;
};

}  // namespace gridfed
