#include "powerflow/reactive_limits.hpp"

#include "runtime/error.hpp"

#include <algorithm>
#include <cmath>
#include <map>

namespace gridfed {

namespace {

constexpr int allowed_returns = 2;
constexpr double voltage_slack = 1e-8;  // [p.u.]
constexpr double power_slack = 1e-9;    // of the scheduled power

/// Do they hold the same phases?
bool alike(const GeneratorData& a, const GeneratorData& b) {
  return a.terminal.nodes == b.terminal.nodes && a.phases == b.phases && a.connection == b.connection && a.rated_voltage == b.rated_voltage;
}

}  // namespace

std::vector<HeldVoltage> held_voltages(const Network& network) {
  std::vector<HeldVoltage> held;
  std::map<int, std::size_t> by_node;
  const auto& generators = network.data().generators;
  for (std::size_t g = 0; g < generators.size(); ++g) {
    const auto& generator = generators[g];
    if (!generator.voltage_setpoint_pu) continue;
    const auto& nodes = network.generator_nodes()[g];
    const auto met = std::find_if(nodes.begin(), nodes.end(), [&](int node) { return node != ground && by_node.contains(node); });
    if (met == nodes.end()) {
      for (const int node : nodes) by_node.emplace(node, held.size());
      held.push_back({{static_cast<int>(g)}, generator.min_reactive, generator.max_reactive});
      continue;
    }
    HeldVoltage& together = held[by_node[*met]];
    const auto& first = generators[together.first()];
    if (!alike(first, generator))
      throw Error(
          "{}:{}: generators '{}' and '{}' hold voltages of bus '{}' that are not the same: give them equal phases, connections and rated "
          "voltages, or take the setpoint from one",
          generator.origin.file, generator.origin.line, first.name, generator.name, generator.terminal.bus);
    if (*first.voltage_setpoint_pu != *generator.voltage_setpoint_pu)
      throw Error("{}:{}: generators '{}' and '{}' hold the voltage of bus '{}' at {} and {} p.u.: make their setpoints equal",
                  generator.origin.file, generator.origin.line, first.name, generator.name, generator.terminal.bus,
                  *first.voltage_setpoint_pu, *generator.voltage_setpoint_pu);
    together.generators.push_back(static_cast<int>(g));
    together.min_reactive += generator.min_reactive;
    together.max_reactive += generator.max_reactive;
  }
  return held;
}

void share_reactive_power(const Network& network, const HeldVoltage& held, double total, std::span<Complex> generator_power) {
  const auto& generators = network.data().generators;
  double far = std::abs(total);
  for (const int g : held.generators) {
    for (const double limit : {generators[g].min_reactive, generators[g].max_reactive}) far += std::isfinite(limit) ? std::abs(limit) : 0;
  }
  const auto near = [far](double limit) { return std::clamp(limit, -far, far); };
  double least = 0, range = 0;
  for (const int g : held.generators) {
    least += near(generators[g].min_reactive);
    range += near(generators[g].max_reactive) - near(generators[g].min_reactive);
  }
  for (const int g : held.generators) {
    const double low = near(generators[g].min_reactive), own = near(generators[g].max_reactive) - low;
    generator_power[g].imag(low +
                            (range > 0 ? (total - least) / range * own : (total - least) / static_cast<double>(held.generators.size())));
  }
}

ReactiveLimits::ReactiveLimits(const Network& network, std::span<const HeldVoltage> held, std::span<int> limit)
    : network_(network), held_(held), limit_(limit), returns_(held.size(), 0) {}

bool ReactiveLimits::move(int k, double reactive_power, double voltage_error, double accuracy) {
  double power = 1e3;
  for (const int g : held_[k].generators) power = std::max(power, std::abs(network_.data().generators[g].power));
  const double slack = power_slack * power;
  if (limit_[k] == 0) {
    if (reactive_power > held_[k].max_reactive + slack) limit_[k] = 1;
    if (reactive_power < held_[k].min_reactive - slack) limit_[k] = -1;
    return limit_[k] != 0;
  }
  if (limit_[k] * voltage_error <= std::max(voltage_slack, accuracy) || returns_[k] == allowed_returns) return false;
  limit_[k] = 0;
  ++returns_[k];
  return true;
}

}  // namespace gridfed
