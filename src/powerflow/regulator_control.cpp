#include "powerflow/regulator_control.hpp"

#include "powerflow/admittance.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

namespace gridfed {

namespace {

const TransformerData& transformer_of(const Network& network, int regulator) {
  return network.data().transformers[network.regulator_transformers()[regulator]];
}

double winding_base(const TransformerData& transformer, const WindingData& winding) {
  const bool star = transformer.phases > 1 && winding.connection == Connection::wye;
  return star ? winding.rated_voltage / std::numbers::sqrt3 : winding.rated_voltage;
}

Complex voltage_at(const PowerFlow& flow, int node) {
  return node == ground ? Complex{} : flow.solution().bus_voltages[node];
}

/// Which phase of the measured winding counts, from 0, and its voltage on the potential transformer's secondary [V].
struct PhaseVoltage {
  int phase = 0;
  Complex voltage;
};

PhaseVoltage winding_voltage(const PowerFlow& flow, int position) {
  const Network& network = flow.network();
  const auto& regulator = network.data().regulators[position];
  const auto& data = transformer_of(network, position);
  const auto& nodes = network.transformer_nodes()[network.regulator_transformers()[position]][regulator.measured_winding - 1];
  const bool wye = data.windings[regulator.measured_winding - 1].connection == Connection::wye;
  const auto voltage = [&](int p) {
    if (wye) return voltage_at(flow, nodes[p]) - voltage_at(flow, nodes.back());
    const auto count = static_cast<int>(nodes.size());
    return voltage_at(flow, nodes[p]) - voltage_at(flow, nodes[(p + delta_direction(data) + count) % count]);
  };
  // At a remote bus one phase is measured, and of the winding the first.
  int phase = regulator.remote ? 0 : std::clamp(regulator.pt_phase - 1, 0, data.phases - 1);
  Complex chosen = voltage(phase);
  if (!regulator.remote && regulator.pt_selection != PhaseSelection::one) {
    chosen = voltage(phase = 0);
    for (int p = 1; p < data.phases; ++p) {
      const Complex other = voltage(p);
      const bool more = std::abs(other) > std::abs(chosen), less = std::abs(other) < std::abs(chosen);
      if (regulator.pt_selection == PhaseSelection::maximum ? more : less) chosen = other, phase = p;
    }
  }
  return {phase, chosen / regulator.pt_ratio};
}

double remote_voltage(const PowerFlow& flow, int position) {
  const Network& network = flow.network();
  const auto& regulator = network.data().regulators[position];
  const auto& winding = transformer_of(network, position).windings[regulator.measured_winding - 1];
  const auto& conductors = regulator.remote->nodes;
  const int bus = network.bus_of(*regulator.remote);
  const int node = network.find_node(bus, conductors.empty() ? 1 : conductors[0]);
  const int far = winding.connection == Connection::wye ? ground : network.find_node(bus, conductors.size() < 2 ? 2 : conductors[1]);
  return std::abs(voltage_at(flow, node) - voltage_at(flow, far)) / regulator.remote_pt_ratio;
}

double tap_of(const PowerFlow& flow, int position) {
  const Network& network = flow.network();
  return flow.state().taps[network.regulator_transformers()[position]][network.data().regulators[position].winding - 1];
}

}  // namespace

RegulatorSettings regulator_settings(const Network& network) {
  RegulatorSettings settings;
  for (const auto& regulator : network.data().regulators) settings.setpoint.push_back(regulator.setpoint);
  settings.mode.assign(settings.setpoint.size(), RegulatorMode::forward);
  return settings;
}

double compensated_voltage(const PowerFlow& flow, int position, RegulatorMode mode) {
  const Network& network = flow.network();
  const auto& regulator = network.data().regulators[position];
  if (regulator.remote) return remote_voltage(flow, position);
  const auto [phase, voltage] = winding_voltage(flow, position);
  double measured = std::abs(voltage);
  if (regulator.r != 0 || regulator.x != 0 || regulator.z > 0) {
    const auto current_into = flow.winding_current(network.regulator_transformers()[position], regulator.measured_winding - 1)[phase];
    const Complex current = -current_into / regulator.ct_rating;  // towards the load
    const bool forward = mode == RegulatorMode::forward;
    const auto& back = regulator.reverse;
    measured = regulator.z != 0 ? std::abs(std::abs(voltage) - (forward ? regulator.z : back.z) * std::abs(current))
                                : std::abs(voltage - (forward ? Complex(regulator.r, regulator.x) : Complex(back.r, back.x)) * current);
  }
  return mode == RegulatorMode::reverse ? measured / tap_of(flow, position) : measured;
}

bool wants_to_turn(const PowerFlow& flow, int position, RegulatorMode mode) {
  const Network& network = flow.network();
  const auto& regulator = network.data().regulators[position];
  if (regulator.reverse.action == ReversePower::disregarded || regulator.remote) return false;
  const int transformer = network.regulator_transformers()[position], winding = regulator.measured_winding - 1;
  const auto& nodes = network.transformer_nodes()[transformer][winding];
  const auto current = flow.winding_current(transformer, winding);
  double forward = 0;  // [W] out of the winding
  for (std::size_t c = 0; c < nodes.size(); ++c) forward -= (voltage_at(flow, nodes[c]) * std::conj(current[c])).real();
  return mode == RegulatorMode::forward ? forward < -regulator.reverse.threshold : forward > regulator.reverse.threshold;
}

RegulatorMode turned(const RegulatorData& regulator, RegulatorMode mode) {
  if (mode != RegulatorMode::forward) return RegulatorMode::forward;
  return regulator.reverse.action == ReversePower::cogeneration ? RegulatorMode::cogeneration : RegulatorMode::reverse;
}

bool goes_to_neutral(const RegulatorData& regulator, RegulatorMode mode) {
  return mode != RegulatorMode::forward && regulator.reverse.to_neutral;
}

RegulatorWish regulator_wish(const PowerFlow& flow, int position, const RegulatorSettings& settings) {
  const auto& regulator = flow.network().data().regulators[position];
  const auto& data = transformer_of(flow.network(), position);
  const auto& winding = data.windings[regulator.winding - 1];
  const double increment = (winding.max_tap - winding.min_tap) / winding.num_taps, tap = tap_of(flow, position);
  const RegulatorMode mode = settings.mode[position];
  if (goes_to_neutral(regulator, mode))
    return {.taps = static_cast<int>(std::nearbyint((1 - tap) / increment)), .delay = regulator.tap_delay};
  const double setpoint = settings.setpoint[position], voltage = compensated_voltage(flow, position, mode);
  const bool forward = mode == RegulatorMode::forward;
  double boost = (forward ? setpoint : regulator.reverse.setpoint + (setpoint - regulator.setpoint)) - voltage;
  bool content = std::abs(boost) <= (forward ? regulator.band : regulator.reverse.band) / 2;
  if (regulator.voltage_limit > 0) {
    const double own = std::abs(winding_voltage(flow, position).voltage);
    if (own > regulator.voltage_limit) boost = regulator.voltage_limit - own, content = false;
  }
  if (content) return {.content = true};
  const double base = winding_base(data, data.windings[regulator.measured_winding - 1]);
  RegulatorWish wish{.taps = static_cast<int>(std::nearbyint(boost * regulator.pt_ratio / base / increment)), .delay = regulator.delay};
  // Seen from the other side a tap works the other way.
  if (mode == RegulatorMode::reverse || regulator.winding != regulator.measured_winding) wish.taps = -wish.taps;
  constexpr double slack = 1e-9;
  wish.at_limit = wish.taps > 0 ? tap >= winding.max_tap - slack : tap <= winding.min_tap + slack;
  if (regulator.inverse_time) wish.delay /= std::min(10.0, 2 * std::abs(setpoint - voltage) / regulator.band);
  return wish;
}

int taps_at_once(const RegulatorData& regulator, int taps) {
  if (taps == 0) return 0;
  const int share = std::min(std::max(static_cast<int>(0.7 * std::abs(taps)), 1), regulator.max_tap_change);
  return taps < 0 ? -share : share;
}

int move_regulators(PowerFlow& flow, RegulatorSettings& settings) {
  const Network& network = flow.network();
  const auto& regulators = network.data().regulators;
  const auto count = static_cast<int>(regulators.size());
  std::vector<RegulatorWish> wishes(regulators.size());
  // Of settings that want back and forth at one power, each regulator follows one a time.
  std::vector<bool> settled(regulators.size(), false);
  const auto turns = [&](int i) { return !settled[i] && wants_to_turn(flow, i, settings.mode[i]); };
  std::vector<Operation> operations;
  int moved = 0;
  for (bool turning = true; turning && moved == 0;) {
    double first_move = std::numeric_limits<double>::infinity(), first_turn = first_move;
    for (int i = 0; i < count; ++i) {
      wishes[i] = regulator_wish(flow, i, settings);
      wishes[i].taps = wishes[i].at_limit ? 0 : taps_at_once(regulators[i], wishes[i].taps);
      if (wishes[i].taps != 0) first_move = std::min(first_move, wishes[i].delay);
      if (turns(i)) first_turn = std::min(first_turn, regulators[i].reverse.delay);
    }
    // Turning moves no tap, so that those who turned can be asked again.
    turning = first_turn < first_move;
    for (int i = 0; i < count; ++i) {
      if (turning && regulators[i].reverse.delay == first_turn && turns(i)) {
        settings.mode[i] = turned(regulators[i], settings.mode[i]);
        settled[i] = true;
      }
      if (turning || wishes[i].taps == 0 || wishes[i].delay > first_move) continue;
      const int transformer = network.regulator_transformers()[i], part = regulators[i].winding - 1;
      const auto& winding = network.data().transformers[transformer].windings[part];
      const int before = tap_number(winding, flow.state().taps[transformer][part]);
      const double next = tap_ratio(winding, before + wishes[i].taps);
      operations.push_back({Operation::Kind::tap, transformer, part, next});
      moved += std::abs(tap_number(winding, next) - before);
    }
  }
  flow.operate(operations);
  return moved;
}

}  // namespace gridfed
