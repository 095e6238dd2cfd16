#include "powerflow/static_control.hpp"

#include <algorithm>
#include <iterator>

namespace gridfed {

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

ControlResult solve_with_controls(PowerFlow& flow, const LoadingConditions& conditions, const RegulatorSettings& settings,
                                  int max_control_iterations) {
  ControlQueue queue(flow.network(), settings);
  ControlResult result;
  while (flow.solve(conditions, PowerFlow::Voltages::measured).converged && result.control_iterations < max_control_iterations) {
    queue.sample(flow, 0);
    result.settled = !queue.act_first(flow, 0);
    if (result.settled) break;
    ++result.control_iterations;
  }
  flow.complete();
  result.tap_operations = static_cast<int>(queue.tap_operations());
  result.capacitor_operations = static_cast<int>(queue.capacitor_operations());
  return result;
}

}  // namespace gridfed
