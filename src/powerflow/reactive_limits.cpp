#include "powerflow/reactive_limits.hpp"

#include "runtime/error.hpp"

#include <algorithm>

namespace gridfed {

namespace {

constexpr int allowed_returns = 2;
constexpr double voltage_slack = 1e-8;  // [p.u.]
constexpr double power_slack = 1e-9;    // of the scheduled power

}  // namespace

std::vector<int> holding_generators(const Network& network) {
  std::vector<int> holding;
  const auto& generators = network.data().generators;
  for (std::size_t g = 0; g < generators.size(); ++g) {
    if (!generators[g].voltage_setpoint_pu) continue;
    for (const int other : holding) {
      if (network.generator_nodes()[other][0] != network.generator_nodes()[g][0]) continue;
      throw Error("{}:{}: generators '{}' and '{}' hold the voltage of one bus: join them or take the setpoint from one",
                  generators[g].origin.file, generators[g].origin.line, generators[other].name, generators[g].name);
    }
    holding.push_back(static_cast<int>(g));
  }
  return holding;
}

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
