#include "powerflow/inverter_control.hpp"

#include "grid/inverter.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace gridfed {

namespace {

constexpr int depth = 5, max_power_flows = 200;

}  // namespace

InverterControl::InverterControl(const Network& network, double tolerance) : network_(network), tolerance_(tolerance) {
  const auto& data = network.data();
  const auto add = [&](const InverterControlData& control, const auto& devices, std::span<const std::vector<int>> nodes,
                       const std::string& name, bool solar) {
    for (std::size_t d = 0; d < devices.size(); ++d) {
      const auto& device = devices[d];
      if (device.name != name) continue;
      Inverter inverter{.control = &control,
                        .data = &device.inverter,
                        .solar = solar,
                        .device = static_cast<int>(d),
                        .rating = device.inverter_rating,
                        .voltage_base = device.rated_voltage / (device.phases > 1 ? std::numbers::sqrt3 : 1.0),
                        .nodes = {nodes[d].begin(), nodes[d].begin() + device.phases}};
      inverters_.push_back(std::move(inverter));
    }
  };
  for (const auto& control : data.inverter_controls) {
    for (const auto& name : control.solar) add(control, data.solar, network.solar_nodes(), name, true);
    for (const auto& name : control.batteries) add(control, data.batteries, network.battery_nodes(), name, false);
  }
  for (auto& inverter : inverters_) {
    inverter.capacity = inverter.solar ? data.solar[inverter.device].capacity : data.batteries[inverter.device].power_rating;
    inverter.panel_rating = inverter.solar ? data.solar[inverter.device].panel_rating : inverter.capacity;
  }
  const auto count = static_cast<Eigen::Index>(inverters_.size());
  setpoint_ = Eigen::VectorXd::Zero(2 * count);
  setpoint_.tail(count).setOnes();
  image_ = residual_ = last_image_ = last_residual_ = Eigen::VectorXd::Zero(2 * count);
  image_steps_ = residual_steps_ = Eigen::MatrixXd::Zero(2 * count, depth);
}

void InverterControl::prepare(std::span<const double> panel_power, std::span<const BatteryState> states,
                              const LoadingConditions& conditions) {
  const auto& data = network_.data();
  for (auto& i : inverters_) {
    if (i.solar) {
      const auto& plant = data.solar[i.device];
      // The conditions know whether it runs: a plant that does delivers.
      i.running = conditions.solar_power[i.device].real() != 0 || panel_power[i.device] >= plant.inverter.cut_in * i.rating;
      i.available = i.running ? std::min(through(plant.inverter, i.rating, panel_power[i.device]), plant.capacity) : 0;
      i.controlled = i.running || !(plant.inverter.reactive_stops || i.control->volt_var.empty());
    } else {
      // Not what the inverter makes of it beside its own reactive power: dispatched power comes first here.
      const auto& battery = data.batteries[i.device];
      i.available = states[i.device] == BatteryState::idling ? battery_active_power(battery, BatteryState::idling)
                                                             : conditions.battery_power[i.device].real();
      i.running = i.controlled = true;
    }
  }
}

double InverterControl::voltage(const Inverter& inverter, const PowerFlow& flow) const {
  const auto& v = flow.solution().bus_voltages;
  const auto magnitude = [&](int node) { return node == ground ? 0.0 : std::abs(v[node]); };
  double result = magnitude(inverter.nodes[0]);
  switch (inverter.control->selection) {
    case PhaseSelection::one:
      result = magnitude(inverter.nodes[std::clamp(inverter.control->phase - 1, 0, static_cast<int>(inverter.nodes.size()) - 1)]);
      break;
    case PhaseSelection::average:
      result = 0;
      for (const int node : inverter.nodes) result += magnitude(node) / static_cast<double>(inverter.nodes.size());
      break;
    case PhaseSelection::maximum:
      for (const int node : inverter.nodes) result = std::max(result, magnitude(node));
      break;
    case PhaseSelection::minimum:
      for (const int node : inverter.nodes) result = std::min(result, magnitude(node));
      break;
  }
  return result / inverter.voltage_base;
}

void InverterControl::target(const Inverter& i, double voltage, double reactive, double active, double& next_reactive,
                             double& next_active) const {
  const auto& control = *i.control;
  const double present = power(i, reactive, active).real() / i.rating;
  if (!control.volt_var.empty()) {
    const double share = value_at(control.volt_var, voltage);
    const double limit = std::min(1.0, (share < 0 ? i.data->max_absorbed : i.data->max_delivered) / i.rating);
    const double room = std::sqrt(std::max(0.0, 1 - present * present));
    const bool of_rating = control.reactive_base == InverterControlData::ReactiveBase::rating;
    const double base = of_rating ? limit : room;
    double most = base > 0 ? std::min(1.0, limit / base) : 0.0;
    if (of_rating && i.data->active_first && base > 0) most = std::min(most, room / base);
    next_reactive = std::clamp(share, -most, most) * base;
  }
  const bool limits = !control.volt_watt.empty() && i.available > 0;
  if (!limits) {
    next_active = 1;
    return;
  }
  using Base = InverterControlData::ActiveBase;
  const double base = control.active_base == Base::capacity    ? i.panel_rating
                      : control.active_base == Base::available ? i.available
                                                               : i.rating;
  next_active = std::clamp(value_at(control.volt_watt, voltage) * base, 0.0, i.rating) / i.rating;
}

Complex InverterControl::power(const Inverter& i, double reactive, double active) const {
  const double delivered = i.available > 0 && !i.control->volt_watt.empty() ? std::min(i.available, active * i.rating) : i.available;
  if (i.control->volt_var.empty()) return inverter_power(*i.data, i.rating, delivered, i.running);
  return inverter_power(*i.data, i.rating, delivered, i.running, reactive * i.rating);
}

void InverterControl::apply(LoadingConditions& conditions) const {
  const auto count = static_cast<Eigen::Index>(inverters_.size());
  for (Eigen::Index k = 0; k < count; ++k) {
    const auto& i = inverters_[k];
    if (!i.controlled) continue;
    (i.solar ? conditions.solar_power : conditions.battery_power)[i.device] = power(i, setpoint_[k], setpoint_[count + k]);
  }
}

bool InverterControl::solve_as_they_stand(PowerFlow& flow, LoadingConditions& conditions, std::span<const double> panel_power,
                                          std::span<const BatteryState> states) {
  prepare(panel_power, states, conditions);
  apply(conditions);
  return flow.solve(conditions).converged;
}

int InverterControl::solve(PowerFlow& flow, LoadingConditions& conditions, std::span<const double> panel_power,
                           std::span<const BatteryState> states) {
  prepare(panel_power, states, conditions);
  const auto count = static_cast<Eigen::Index>(inverters_.size());
  double last = 0;
  int steps = 0;
  settled_ = false;
  for (int flows = 1; flows <= max_power_flows; ++flows) {
    apply(conditions);
    if (!flow.solve(conditions).converged) return flows;
    image_ = setpoint_;
    for (Eigen::Index k = 0; k < count; ++k) {
      const auto& i = inverters_[k];
      if (i.controlled) target(i, voltage(i, flow), setpoint_[k], setpoint_[count + k], image_[k], image_[count + k]);
    }
    residual_ = image_ - setpoint_;
    // A limit above what there is limits nothing, wherever it stands.
    for (Eigen::Index k = 0; k < count; ++k) {
      const double available = inverters_[k].available / inverters_[k].rating;
      if (std::min(setpoint_[count + k], image_[count + k]) >= available) {
        setpoint_[count + k] = image_[count + k];
        residual_[count + k] = 0;
      }
    }
    const double size = residual_.lpNorm<Eigen::Infinity>();
    if (size <= tolerance_) {
      settled_ = true;
      return flows;
    }
    // Where it grew a kink of a curve lies between: the history says nothing about this side of it.
    if (size > 2 * last && flows > 2) steps = 0;
    if (flows > 1 && last > 0) {
      const int column = steps % depth;
      image_steps_.col(column) = image_ - last_image_;
      residual_steps_.col(column) = residual_ - last_residual_;
      ++steps;
    }
    last_image_ = image_;
    last_residual_ = residual_;
    last = size;
    constexpr double damping = 0.5;
    const int known = std::min(steps, depth);
    if (known == 0) {
      setpoint_ += damping * residual_;
      continue;
    }
    const auto changes = residual_steps_.leftCols(known);
    const Eigen::VectorXd mix = changes.completeOrthogonalDecomposition().solve(residual_);
    setpoint_ = image_ - image_steps_.leftCols(known) * mix - (1 - damping) * (residual_ - changes * mix);
  }
  return max_power_flows;
}

}  // namespace gridfed
