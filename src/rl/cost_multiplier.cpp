#include "rl/cost_multiplier.hpp"

#include <algorithm>

namespace gridfed {

namespace {

constexpr double memory = 0.99;
constexpr double largest = 1000;  // keeps an unattainable limit from winding up beyond return

}  // namespace

void CostMultiplier::steer(const MultiplierGains& gains, double measured, double limit) {
  const double before = cost;
  cost = memory * cost + (1 - memory) * measured;
  const double excess = cost - limit;
  integral = std::clamp(integral + gains.integral * excess, 0.0, largest);
  // The derivative acts on rising costs alone.
  const double rising = std::max(0.0, cost - before);
  value = std::clamp(gains.proportional * excess + integral + gains.derivative * rising, 0.0, largest);
}

}  // namespace gridfed
