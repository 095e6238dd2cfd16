#include "powerflow/operating_points.hpp"

#include "grid/inverter.hpp"
#include "powerflow/load_shape.hpp"

#include <algorithm>
#include <cmath>

namespace gridfed {

namespace {

/// Power between cells and inverter for one at the terminals [W]: its efficiency counts at the former.
double behind_inverter(const BatteryData& battery, double terminal, bool discharges) {
  const auto& efficiency = battery.inverter.efficiency;
  if (efficiency.empty()) return terminal;
  double behind = terminal;
  for (int i = 0; i < 20; ++i) {
    const double share = value_at(efficiency, behind / battery.inverter_rating);
    behind = discharges ? terminal / share : terminal * share;
  }
  return behind;
}

}  // namespace

double wind_power(const WindTurbineData& turbine, double speed) {
  if (speed < turbine.cut_in_speed || speed > turbine.cut_out_speed) return 0;
  return turbine.capacity * std::min(1.0, std::pow(speed / turbine.rated_speed, 3));
}

LoadingConditions snapshot_conditions(const Network& network, double load_scale) {
  const auto& data = network.data();
  LoadingConditions conditions = rated_conditions(network, load_scale);
  for (std::size_t i = 0; i < data.solar.size(); ++i) conditions.solar_power[i] = data.solar[i].power;
  for (std::size_t i = 0; i < data.wind.size(); ++i) conditions.wind_power[i] = wind_power(data.wind[i], data.wind[i].wind_speed);
  for (std::size_t i = 0; i < data.batteries.size(); ++i) conditions.battery_power[i] = data.batteries[i].power;
  return conditions;
}

OperatingPoints::OperatingPoints(const Network& network, ShapeKind kind, double load_scale)
    : network_(network), load_scale_(load_scale), conditions_(snapshot_conditions(network, load_scale)) {
  const auto& data = network.data();
  const auto none = static_cast<int>(data.load_shapes.size());
  const auto find = [&](const ShapeNames& names, bool daily_for_years) {
    int shape = shape_of(network, names, kind);
    if (shape < 0 && daily_for_years && kind == ShapeKind::yearly) shape = shape_of(network, names, ShapeKind::daily);
    return shape < 0 ? none : shape;
  };
  for (const auto& load : data.loads) load_shapes_.push_back(find(load.shapes, false));
  for (const auto& plant : data.solar) solar_shapes_.push_back(find(plant.shapes, true));
  for (const auto& turbine : data.wind) wind_shapes_.push_back(find(turbine.shapes, false));
  for (const auto& battery : data.batteries) {
    battery_shapes_.push_back(find(battery.shapes, true));
    charge_.push_back(battery.initial_soc);
    states_.push_back(battery.state);
  }
  commanded_.resize(data.batteries.size());
  shape_values_.assign(data.load_shapes.size() + 1, Complex(1, 1));
  panel_power_.assign(data.solar.size(), 0);
  running_.assign(data.solar.size(), 1);
}

void OperatingPoints::set_hour(double hour, double step) {
  const auto& data = network_.data();
  for (std::size_t s = 0; s < data.load_shapes.size(); ++s) shape_values_[s] = value_at(data.load_shapes[s], hour);
  const auto none = static_cast<int>(data.load_shapes.size());
  for (std::size_t i = 0; i < data.loads.size(); ++i) {
    const int shape = load_shapes_[i];
    if (shape == none) continue;
    const auto& load = data.loads[i];
    const Complex value = shape_values_[shape];
    if (!data.load_shapes[shape].use_actual) {
      const double scale = load.fixed ? 1.0 : load_scale_;
      conditions_.load_power[i] = {load.power.real() * scale * value.real(), load.power.imag() * scale * value.imag()};
    } else {
      const double sign = load.power.real() < 0 ? -1 : 1;  // of a generator
      const bool by_factor = value.imag() == 0 && load.keeps_power_factor && load.power.real() != 0;
      conditions_.load_power[i] =
          sign * Complex(value.real(), by_factor ? value.real() * load.power.imag() / load.power.real() : value.imag());
    }
  }
  for (std::size_t i = 0; i < data.solar.size(); ++i) {
    panel_power_[i] = data.solar[i].panel_power * shape_values_[solar_shapes_[i]].real();
    bool running = running_[i] != 0;
    conditions_.solar_power[i] = solar_power(data.solar[i], panel_power_[i], running);
    running_[i] = running;
  }
  for (std::size_t i = 0; i < data.wind.size(); ++i) {
    if (wind_shapes_[i] != none) conditions_.wind_power[i] = wind_power(data.wind[i], shape_values_[wind_shapes_[i]].real());
  }
  for (std::size_t i = 0; i < data.batteries.size(); ++i) dispatch(static_cast<int>(i), shape_values_[battery_shapes_[i]], hour, step);
}

void OperatingPoints::dispatch(int position, Complex shape, double hour, double step) {
  const auto& battery = network_.data().batteries[position];
  BatteryState& state = states_[position];
  const auto& commanded = commanded_[position];
  const double charge = charge_[position], level = commanded ? *commanded / battery.power_rating : shape.real();
  double active = 0;
  if (commanded || battery.dispatch == BatteryData::Dispatch::follow) {
    state = possible_state(battery,
                           level > 0   ? BatteryState::discharging
                           : level < 0 ? BatteryState::charging
                                       : BatteryState::idling,
                           charge);
    active = state == BatteryState::idling ? battery_active_power(battery, state) : battery.power_rating * level;
    conditions_.battery_power[position] = inverter_power(battery.inverter, battery.inverter_rating, active);
    return;
  }
  const double below = battery.charge_below, above = battery.discharge_above;
  if (battery.dispatch == BatteryData::Dispatch::thresholds && (below != 0 || above != 0)) {
    if (state == BatteryState::charging && below != 0 && (below < level || charge >= 1)) state = BatteryState::idling;
    if (state == BatteryState::discharging && above != 0 && (above > level || charge <= battery.min_soc)) state = BatteryState::idling;
    if (state == BatteryState::idling) {
      if (above != 0 && above < level && charge > battery.min_soc) {
        state = BatteryState::discharging;
      } else if (below != 0 && below > level && charge < 1) {
        state = BatteryState::charging;
      }
      const double hour_of_day = hour - 24 * std::floor(hour / 24);
      if (state != BatteryState::charging && battery.charge_hour > 0 && std::abs(hour_of_day - battery.charge_hour) < step)
        state = BatteryState::charging;
    }
  }
  state = possible_state(battery, state, charge);
  conditions_.battery_power[position] = battery_power(battery, state, charge);
}

void OperatingPoints::store(const LoadingConditions& delivered, double hours) {
  const auto& batteries = network_.data().batteries;
  for (std::size_t i = 0; i < batteries.size(); ++i) {
    const auto& b = batteries[i];
    if (states_[i] == BatteryState::idling) continue;
    const bool discharges = states_[i] == BatteryState::discharging;
    const double idling = b.idling_loss * b.power_rating;
    const double behind = behind_inverter(b, std::abs(delivered.battery_power[i].real()), discharges);
    const double net = discharges ? -(behind + idling) : behind - idling;
    charge_[i] += (net < 0 ? net / b.discharge_efficiency : net * b.charge_efficiency) * hours / b.capacity_wh;
    if (discharges ? charge_[i] < b.min_soc : charge_[i] > 1) {
      charge_[i] = discharges ? b.min_soc : 1;
      states_[i] = BatteryState::idling;
    }
  }
}

}  // namespace gridfed
