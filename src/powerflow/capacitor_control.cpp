#include "powerflow/capacitor_control.hpp"

#include "runtime/error.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace gridfed {

namespace {

/// Voltages to ground [V] and currents into the conductors [A] of an element's terminal.
struct TerminalQuantities {
  std::vector<Complex> voltage, current;
};

TerminalQuantities measure(const PowerFlow& flow, const CapacitorControlData& control, int position) {
  const auto& network = flow.network();
  const auto& model = flow.model();
  const auto& v = flow.solution().bus_voltages;
  const int terminal = control.monitored.terminal - 1;
  const Primitive* primitive = nullptr;
  std::vector<std::size_t> conductors;  // of each terminal
  const auto two_ended = [&](const TerminalNodes& nodes) { conductors = {nodes.from.size(), nodes.to.size()}; };
  switch (control.monitored.kind) {
    case ElementKind::line:
      primitive = &model.lines()[position];
      two_ended(network.line_nodes()[position]);
      break;
    case ElementKind::transformer:
      primitive = &model.transformers()[position];
      for (const auto& winding : network.transformer_nodes()[position]) conductors.push_back(winding.size());
      break;
    case ElementKind::capacitor:
      primitive = &model.capacitors()[position];
      two_ended(network.capacitor_nodes()[position]);
      break;
    case ElementKind::reactor:
      primitive = &model.reactors()[position];
      two_ended(network.reactor_nodes()[position]);
      break;
    default:
      throw Error("{}:{}: capacitor control '{}' monitors '{}': only lines, transformers, capacitors and reactors can be monitored",
                  control.origin.file, control.origin.line, control.name, control.monitored.name);
  }
  if (terminal < 0 || terminal >= static_cast<int>(conductors.size()) || conductors[terminal] == 0) {
    throw Error("{}:{}: capacitor control '{}' monitors terminal {} of '{}', which it does not have", control.origin.file,
                control.origin.line, control.name, control.monitored.terminal, control.monitored.name);
  }
  const std::size_t first = std::accumulate(conductors.begin(), conductors.begin() + terminal, std::size_t{0});
  TerminalQuantities quantities{.voltage = {}, .current = model.currents_into(*primitive, first, conductors[terminal], v)};
  for (std::size_t c = first; c < first + conductors[terminal]; ++c)
    quantities.voltage.push_back(primitive->nodes[c] == ground ? Complex{} : v[primitive->nodes[c]]);
  if (control.monitored.kind == ElementKind::line && !flow.state().closed[position])
    std::fill(quantities.current.begin(), quantities.current.end(), Complex{});
  return quantities;
}

double selected(const std::vector<Complex>& phases, PhaseSelection selection, int phase) {
  std::vector<double> magnitudes;
  for (const Complex value : phases) magnitudes.push_back(std::abs(value));
  switch (selection) {
    case PhaseSelection::average:
      return std::accumulate(magnitudes.begin(), magnitudes.end(), 0.0) / static_cast<double>(magnitudes.size());
    case PhaseSelection::maximum:
      return *std::max_element(magnitudes.begin(), magnitudes.end());
    case PhaseSelection::minimum:
      return *std::min_element(magnitudes.begin(), magnitudes.end());
    case PhaseSelection::one:
      break;
  }
  return magnitudes[std::clamp(phase - 1, 0, static_cast<int>(magnitudes.size()) - 1)];
}

enum class Wish { none, close, open };

/// What the settings say of a bank that has steps in service (`closed`) and steps left.
Wish wish_of(const CapacitorControlData& c, const TerminalQuantities& at, double override_voltage, bool closed, bool steps_left,
             double hour) {
  if (c.voltage_override) {
    if (!closed && override_voltage < c.v_min) return Wish::close;
    if (closed && override_voltage > c.v_max) return Wish::open;
  }
  const auto decide = [&](bool beyond_on, bool beyond_off) {
    if (closed && beyond_off) return Wish::open;
    return beyond_on && (!closed || steps_left) ? Wish::close : Wish::none;
  };
  Complex power;
  for (std::size_t i = 0; i < at.voltage.size(); ++i) power += at.voltage[i] * std::conj(at.current[i]);
  switch (c.kind) {
    case CapacitorControlKind::current: {
      const double current = selected(at.current, c.ct_selection, c.ct_phase) / c.ct_ratio;
      return decide(current > c.on_setting, current < c.off_setting);
    }
    case CapacitorControlKind::voltage: {
      const double voltage = selected(at.voltage, c.pt_selection, c.pt_phase) / c.pt_ratio;
      return decide(voltage<c.on_setting, voltage> c.off_setting);
    }
    case CapacitorControlKind::reactive_power:
      return decide(power.imag() > c.on_setting, power.imag() < c.off_setting);
    case CapacitorControlKind::time: {
      const bool on =
          c.off_setting > c.on_setting ? hour >= c.on_setting && hour < c.off_setting : hour >= c.on_setting || hour < c.off_setting;
      return decide(on, !on);
    }
    case CapacitorControlKind::power_factor: {
      // Counted on from 1 where it leads: 0.95 lagging is 0.95, 0.95 leading 1.05 (OpenDSS CapControl).
      const double factor = std::abs(power) > 0 ? std::abs(power.real()) / std::abs(power) : 1;
      const double counted = power.imag() < 0 ? 2 - factor : factor;
      const auto setting = [](double s) { return s < 0 ? 2 + s : s; };
      return decide(counted<setting(c.on_setting), counted> setting(c.off_setting));
    }
  }
  return Wish::none;
}

}  // namespace

std::vector<CapacitorAction> wanted_capacitor_steps(const PowerFlow& flow, double hour) {
  const auto& network = flow.network();
  const auto& controls = network.data().capacitor_controls;
  std::vector<CapacitorAction> actions;
  for (std::size_t i = 0; i < controls.size(); ++i) {
    const auto& control = controls[i];
    const int capacitor = network.controlled_capacitors()[i];
    const auto& states = flow.state().capacitors[capacitor];
    const auto out = std::find(states.begin(), states.end(), 0);
    const auto in = std::find(states.rbegin(), states.rend(), 1);
    const auto at = measure(flow, control, network.monitored_elements()[i]);
    double override_voltage = selected(at.voltage, control.pt_selection, control.pt_phase);
    if (control.voltage_bus) {
      std::vector<Complex> voltages;
      const int bus = network.bus_of(*control.voltage_bus);
      for (const int conductor : control.voltage_bus->nodes) {
        const int node = conductor > 0 ? network.find_node(bus, conductor) : -1;
        if (node >= 0) voltages.push_back(flow.solution().bus_voltages[node]);
      }
      if (!voltages.empty()) override_voltage = selected(voltages, control.pt_selection, control.pt_phase);
    }
    const Wish wish = wish_of(control, at, override_voltage / control.pt_ratio, in != states.rend(), out != states.end(), hour);
    if (wish == Wish::close) {
      actions.push_back({.operation = {Operation::Kind::capacitor_step, capacitor, static_cast<int>(out - states.begin()), 1},
                         .delay = control.delay,
                         .controller = static_cast<int>(i)});
    } else if (wish == Wish::open) {
      actions.push_back({.operation = {Operation::Kind::capacitor_step, capacitor, static_cast<int>(states.rend() - in) - 1, 0},
                         .delay = control.delay_off,
                         .controller = static_cast<int>(i)});
    }
  }
  return actions;
}

}  // namespace gridfed
