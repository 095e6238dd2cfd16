#include "powerflow/static_control.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

namespace gridfed {

namespace {

double winding_base(const TransformerData& transformer, const WindingData& winding) {
  const bool star = transformer.phases > 1 && winding.connection == Connection::wye;
  return star ? winding.rated_voltage / std::numbers::sqrt3 : winding.rated_voltage;
}

}  // namespace

RegulatorSettings regulator_settings(const Network& network) {
  RegulatorSettings settings;
  for (const auto& regulator : network.data().regulators) settings.setpoint.push_back(regulator.setpoint);
  return settings;
}

double compensated_voltage(const PowerFlow& flow, int position) {
  const auto& network = flow.network();
  const auto& regulator = network.data().regulators[position];
  const int transformer = network.regulator_transformers()[position];
  const int winding = regulator.winding - 1;
  const auto& data = network.data().transformers[transformer];
  const auto& voltages = flow.solution().bus_voltages;
  const auto at = [&](int node) { return node == ground ? Complex{} : voltages[node]; };
  const auto& nodes = network.transformer_nodes()[transformer][winding];
  const int phase = std::clamp(regulator.pt_phase - 1, 0, data.phases - 1);
  if (regulator.remote) {
    const int bus = network.bus_of(*regulator.remote);
    const int node = network.find_node(bus, regulator.remote->nodes.empty() ? 1 : regulator.remote->nodes[0]);
    return std::abs(at(node)) / regulator.remote_pt_ratio;
  }
  const int far = data.windings[winding].connection == Connection::wye ? nodes.back() : nodes[(phase + 1) % nodes.size()];
  const Complex voltage = (at(nodes[phase]) - at(far)) / regulator.pt_ratio;
  if (regulator.r == 0 && regulator.x == 0) return std::abs(voltage);
  const Complex current = -flow.winding_current(transformer, winding)[phase] / regulator.ct_rating;  // towards the load
  return std::abs(voltage - Complex(regulator.r, regulator.x) * current);
}

int move_regulators(PowerFlow& flow, const RegulatorSettings& settings) {
  const auto& network = flow.network();
  const auto& regulators = network.data().regulators;
  std::vector<double> boost(regulators.size());
  double shortest = std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i < regulators.size(); ++i) {
    const double error = settings.setpoint[i] - compensated_voltage(flow, static_cast<int>(i));
    boost[i] = std::abs(error) > regulators[i].band / 2 ? error : 0.0;
    const int transformer = network.regulator_transformers()[i];
    const auto& winding = network.data().transformers[transformer].windings[regulators[i].winding - 1];
    const double tap = flow.state().taps[transformer][regulators[i].winding - 1];
    constexpr double slack = 1e-9;
    if ((boost[i] > 0 && tap >= winding.max_tap - slack) || (boost[i] < 0 && tap <= winding.min_tap + slack)) boost[i] = 0;
    if (boost[i] != 0) shortest = std::min(shortest, regulators[i].delay);
  }
  if (std::isinf(shortest)) return 0;
  int operations = 0;
  GridState state = flow.state();
  for (std::size_t i = 0; i < regulators.size(); ++i) {
    if (boost[i] == 0 || regulators[i].delay > shortest) continue;
    const int transformer = network.regulator_transformers()[i];
    const auto& data = network.data().transformers[transformer];
    const auto& winding = data.windings[regulators[i].winding - 1];
    double& tap = state.taps[transformer][regulators[i].winding - 1];
    const double increment = (winding.max_tap - winding.min_tap) / winding.num_taps;
    const double wanted = std::abs(boost[i]) * regulators[i].pt_ratio / winding_base(data, winding);
    const int steps = std::clamp(static_cast<int>(wanted / increment), 1, regulators[i].max_tap_change);
    const int before = tap_number(winding, tap);
    tap = tap_ratio(winding, before + (boost[i] > 0 ? steps : -steps));
    operations += std::abs(tap_number(winding, tap) - before);
  }
  flow.set_state(state);
  return operations;
}

ControlResult solve_with_controls(PowerFlow& flow, const LoadingConditions& conditions, const RegulatorSettings& settings,
                                  int max_control_iterations) {
  ControlResult result;
  while (flow.solve(conditions).converged && result.control_iterations < max_control_iterations) {
    const int operations = move_regulators(flow, settings);
    if (operations == 0) {
      result.settled = true;
      break;
    }
    ++result.control_iterations;
    result.tap_operations += operations;
  }
  return result;
}

}  // namespace gridfed
