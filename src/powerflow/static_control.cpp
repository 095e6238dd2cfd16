#include "powerflow/static_control.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
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

std::vector<int> measured_nodes(const NodalModel& model) {
  const Network& network = model.network();
  std::vector<int> nodes;
  const auto of_element = [&](const Primitive& primitive) {
    std::copy_if(primitive.nodes.begin(), primitive.nodes.end(), std::back_inserter(nodes), [](int node) { return node != ground; });
  };
  const auto of_bus = [&](const Terminal& terminal) {
    const int bus = network.bus_of(terminal);
    for (int node = model.bus_start()[bus]; node < model.bus_start()[bus + 1]; ++node) nodes.push_back(node);
  };
  for (std::size_t i = 0; i < network.data().regulators.size(); ++i) {
    of_element(model.transformers()[network.regulator_transformers()[i]]);
    if (const auto& remote = network.data().regulators[i].remote) of_bus(*remote);
  }
  for (std::size_t i = 0; i < network.data().capacitor_controls.size(); ++i) {
    const auto& control = network.data().capacitor_controls[i];
    const int element = network.monitored_elements()[i];
    switch (control.monitored.kind) {
      case ElementKind::line:
        of_element(model.lines()[element]);
        break;
      case ElementKind::transformer:
        of_element(model.transformers()[element]);
        break;
      case ElementKind::capacitor:
        of_element(model.capacitors()[element]);
        break;
      case ElementKind::reactor:
        of_element(model.reactors()[element]);
        break;
      default:  // refused where it is measured
        break;
    }
    if (control.voltage_bus) of_bus(*control.voltage_bus);
  }
  return nodes;
}

namespace {

/// Voltages of a regulated winding's phases [V] on the potential transformer's secondary.
std::vector<double> phase_voltages(const PowerFlow& flow, int position) {
  const auto& network = flow.network();
  const auto& regulator = network.data().regulators[position];
  const int transformer = network.regulator_transformers()[position];
  const auto& data = network.data().transformers[transformer];
  const auto& nodes = network.transformer_nodes()[transformer][regulator.winding - 1];
  const auto at = [&](int node) { return node == ground ? Complex{} : flow.solution().bus_voltages[node]; };
  const bool wye = data.windings[regulator.winding - 1].connection == Connection::wye;
  std::vector<double> voltages;
  for (int p = 0; p < data.phases; ++p)
    voltages.push_back(std::abs(at(nodes[p]) - at(wye ? nodes.back() : nodes[(p + 1) % nodes.size()])) / regulator.pt_ratio);
  return voltages;
}

/// Of the phase that is measured.
double winding_voltage(const PowerFlow& flow, int position) {
  const auto& regulator = flow.network().data().regulators[position];
  const auto voltages = phase_voltages(flow, position);
  return voltages[std::clamp(regulator.pt_phase - 1, 0, static_cast<int>(voltages.size()) - 1)];
}

}  // namespace

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
  if (regulator.pt_selection == PhaseSelection::maximum || regulator.pt_selection == PhaseSelection::minimum) {
    const auto all = phase_voltages(flow, position);
    return regulator.pt_selection == PhaseSelection::maximum ? *std::max_element(all.begin(), all.end())
                                                             : *std::min_element(all.begin(), all.end());
  }
  const int far = data.windings[winding].connection == Connection::wye ? nodes.back() : nodes[(phase + 1) % nodes.size()];
  const Complex voltage = (at(nodes[phase]) - at(far)) / regulator.pt_ratio;
  if (regulator.r == 0 && regulator.x == 0) return std::abs(voltage);
  const Complex current = -flow.winding_current(transformer, winding)[phase] / regulator.ct_rating;  // towards the load
  return std::abs(voltage - Complex(regulator.r, regulator.x) * current);
}

double wanted_taps(const PowerFlow& flow, int position, double setpoint) {
  const auto& regulator = flow.network().data().regulators[position];
  const auto& data = flow.network().data().transformers[flow.network().regulator_transformers()[position]];
  const auto& winding = data.windings[regulator.winding - 1];
  double boost = setpoint - compensated_voltage(flow, position);
  if (std::abs(boost) <= regulator.band / 2) boost = 0;
  if (regulator.voltage_limit > 0) {
    const double own = winding_voltage(flow, position);
    if (own > regulator.voltage_limit) boost = regulator.voltage_limit - own;
  }
  const double increment = (winding.max_tap - winding.min_tap) / winding.num_taps;
  return boost * regulator.pt_ratio / winding_base(data, winding) / increment;
}

std::vector<ControlAction> wanted_tap_changes(const PowerFlow& flow, const RegulatorSettings& settings) {
  const auto& network = flow.network();
  const auto& regulators = network.data().regulators;
  std::vector<ControlAction> actions;
  for (std::size_t i = 0; i < regulators.size(); ++i) {
    const auto& regulator = regulators[i];
    const int transformer = network.regulator_transformers()[i], part = regulator.winding - 1;
    const auto& data = network.data().transformers[transformer];
    const auto& winding = data.windings[part];
    const double tap = flow.state().taps[transformer][part];
    const double wanted = wanted_taps(flow, static_cast<int>(i), settings.setpoint[i]);
    constexpr double slack = 1e-9;
    if (wanted == 0 || (wanted > 0 && tap >= winding.max_tap - slack) || (wanted < 0 && tap <= winding.min_tap + slack)) continue;
    const int steps = std::clamp(static_cast<int>(std::abs(wanted)), 1, regulator.max_tap_change);
    const int before = tap_number(winding, tap);
    const double next = tap_ratio(winding, before + (wanted > 0 ? steps : -steps));
    actions.push_back({.operation = {Operation::Kind::tap, transformer, part, next},
                       .delay = regulator.delay,
                       .taps = std::abs(tap_number(winding, next) - before)});
  }
  return actions;
}

int act_first(PowerFlow& flow, std::span<const ControlAction> actions) {
  double shortest = std::numeric_limits<double>::infinity();
  for (const auto& action : actions) shortest = std::min(shortest, action.delay);
  std::vector<Operation> operations;
  int taps = 0;
  for (const auto& action : actions) {
    if (action.delay > shortest) continue;
    operations.push_back(action.operation);
    taps += action.taps;
  }
  flow.operate(operations);
  return taps;
}

int move_regulators(PowerFlow& flow, const RegulatorSettings& settings) {
  return act_first(flow, wanted_tap_changes(flow, settings));
}

ControlResult solve_with_controls(PowerFlow& flow, const LoadingConditions& conditions, const RegulatorSettings& settings,
                                  int max_control_iterations) {
  ControlResult result;
  while (flow.solve(conditions, PowerFlow::Voltages::measured).converged && result.control_iterations < max_control_iterations) {
    auto actions = wanted_tap_changes(flow, settings);
    const auto steps = wanted_capacitor_steps(flow);
    actions.insert(actions.end(), steps.begin(), steps.end());
    if (actions.empty()) {
      result.settled = true;
      break;
    }
    ++result.control_iterations;
    const auto before = flow.state().capacitors;
    result.tap_operations += act_first(flow, actions);
    for (std::size_t c = 0; c < before.size(); ++c) {
      for (std::size_t k = 0; k < before[c].size(); ++k) result.capacitor_operations += before[c][k] != flow.state().capacitors[c][k];
    }
  }
  flow.complete();
  return result;
}

}  // namespace gridfed
