#pragma once

#include "powerflow/nodal_model.hpp"

#include <optional>
#include <vector>

namespace gridfed {

/// What the network's script states for an instant (OpenDSS mode snapshot): loads at rated power times load_scale, photovoltaics at their
/// irradiance, storage in its state, wind at its speed.
LoadingConditions snapshot_conditions(const Network& network, double load_scale = 1.0);

/// Output of a turbine at a wind speed [m/s]: with the cube of the speed up to the rated one [W].
double wind_power(const WindTurbineData& turbine, double speed);

/// Loads and devices as their load shapes let them follow time (OpenDSS modes daily, yearly, dutycycle), and the charge of batteries.
class OperatingPoints {
 public:
  OperatingPoints(const Network& network, ShapeKind kind, double load_scale = 1.0);

  const LoadingConditions& conditions() const { return conditions_; }
  /// DC power of each plant [W].
  std::span<const double> panel_power() const { return panel_power_; }
  /// Share of capacity by battery.
  std::span<const double> charge() const { return charge_; }
  std::span<const BatteryState> battery_states() const { return states_; }

  /// Everything at an hour after the start of the shapes; `step` is the time since the last call [h].
  void set_hour(double hour, double step);
  /// From the next hour on a battery delivers this power as far as its charge lets it [W], negative while charging, whatever its shape
  /// says.
  void command_battery(int battery, double power) { commanded_[static_cast<std::size_t>(battery)] = power; }
  /// Batteries deliver the power of these conditions for a time [h].
  void store(const LoadingConditions& delivered, double hours);

 private:
  void dispatch(int battery, Complex shape, double hour, double step);

  const Network& network_;
  double load_scale_;
  std::vector<int> load_shapes_, solar_shapes_, wind_shapes_, battery_shapes_;
  std::vector<Complex> shape_values_;  // of this hour, by shape; the last one of elements without
  std::vector<double> panel_power_, charge_;
  std::vector<std::uint8_t> running_;  // inverters of plants
  std::vector<BatteryState> states_;
  std::vector<std::optional<double>> commanded_;  // by battery
  LoadingConditions conditions_;
};

}  // namespace gridfed
