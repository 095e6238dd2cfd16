#include "powerflow/controlled_power_flow.hpp"

namespace gridfed {

ControlledPowerFlow::ControlledPowerFlow(PowerFlow& flow, ControlMode mode, double tolerance, int max_control_iterations)
    : flow_(flow),
      mode_(mode),
      max_control_iterations_(max_control_iterations),
      queue_(flow.network(), regulator_settings(flow.network())),
      // A curve turns an error of voltage into a larger one of power.
      inverters_(flow.network(), 100 * tolerance) {}

ControlResult ControlledPowerFlow::solve(LoadingConditions& conditions, std::span<const double> panel_power,
                                         std::span<const BatteryState> states, double time) {
  ControlResult result;
  const auto taps = queue_.tap_operations(), steps = queue_.capacitor_operations();
  const bool inverters = mode_ != ControlMode::off && !inverters_.empty();
  for (;;) {
    bool acted = false;
    if (inverters) {
      // What is due now acts before the inverters have moved, and as that voltage wants it.
      if (mode_ == ControlMode::time && inverters_.solve_as_they_stand(flow_, conditions, panel_power, states)) {
        queue_.sample(flow_, time);
        acted = queue_.act_until(flow_, time);
      }
      inverters_.solve(flow_, conditions, panel_power, states);
    } else {
      flow_.solve(conditions, mode_ == ControlMode::off ? PowerFlow::Voltages::all : PowerFlow::Voltages::measured);
    }
    if (!flow_.solution().converged) break;
    if (mode_ == ControlMode::off) {
      result.settled = true;
      break;
    }
    queue_.sample(flow_, time);
    if (result.control_iterations == max_control_iterations_) break;
    acted |= mode_ == ControlMode::time ? queue_.act_until(flow_, time) : queue_.act_first(flow_, time);
    if (!acted) {
      result.settled = !inverters || inverters_.settled();
      break;
    }
    ++result.control_iterations;
  }
  flow_.complete();
  result.tap_operations = static_cast<int>(queue_.tap_operations() - taps);
  result.capacitor_operations = static_cast<int>(queue_.capacitor_operations() - steps);
  return result;
}

ControlResult ControlledPowerFlow::solve_snapshot(LoadingConditions& conditions) {
  const auto& data = flow_.network().data();
  std::vector<double> panel_power;
  std::vector<BatteryState> states;
  for (const auto& plant : data.solar) panel_power.push_back(plant.panel_power);
  for (const auto& battery : data.batteries) states.push_back(battery.state);
  return solve(conditions, panel_power, states, data.simulation.start);
}

}  // namespace gridfed
