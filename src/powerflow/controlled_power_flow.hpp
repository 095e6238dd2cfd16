#pragma once

#include "powerflow/inverter_control.hpp"
#include "powerflow/static_control.hpp"

namespace gridfed {

/// A power flow with everything that acts on it: inverters on their curves at once, regulators and capacitor controls after their delays
/// (ControlMode::time) or until none wants to act (fixed), or none of them (off). The solver must outlive it.
class ControlledPowerFlow {
 public:
  /// `tolerance` of the power flow.
  ControlledPowerFlow(PowerFlow& flow, ControlMode mode, double tolerance, int max_control_iterations = 100);

  /// Solves at a time since midnight of the first day [s]. Inverters under control put their power into the conditions; `panel_power` is
  /// the DC power of each plant [W]. The solver keeps the state of taps and banks.
  ControlResult solve(LoadingConditions& conditions, std::span<const double> panel_power, std::span<const BatteryState> states,
                      double time);
  /// The same for what the network's script states.
  ControlResult solve_snapshot(LoadingConditions& conditions);

  const ControlQueue& queue() const { return queue_; }

 private:
  PowerFlow& flow_;
  ControlMode mode_;
  int max_control_iterations_;
  ControlQueue queue_;
  InverterControl inverters_;
};

}  // namespace gridfed
