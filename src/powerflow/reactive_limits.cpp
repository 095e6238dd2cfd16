#include "powerflow/reactive_limits.hpp"

#include <algorithm>

namespace gridfed {

namespace {

constexpr int allowed_returns = 2;
constexpr double voltage_slack = 1e-8;  // [p.u.]
constexpr double power_slack = 1e-9;    // of the scheduled power

}  // namespace

ReactiveLimits::ReactiveLimits(const Network& network, std::span<const int> holding, std::span<int> limit)
    : network_(network), holding_(holding), limit_(limit), returns_(holding.size(), 0) {}

bool ReactiveLimits::move(int k, double reactive_power, double voltage_error) {
  const auto& generator = network_.data().generators[holding_[k]];
  const double slack = power_slack * std::max(std::abs(generator.power), 1e3);
  if (limit_[k] == 0) {
    if (reactive_power > generator.max_reactive + slack) limit_[k] = 1;
    if (reactive_power < generator.min_reactive - slack) limit_[k] = -1;
    return limit_[k] != 0;
  }
  if (limit_[k] * voltage_error <= voltage_slack || returns_[k] == allowed_returns) return false;
  limit_[k] = 0;
  ++returns_[k];
  return true;
}

}  // namespace gridfed
