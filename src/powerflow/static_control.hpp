#pragma once

#include "powerflow/power_flow.hpp"

#include <span>
#include <vector>

namespace gridfed {

/// What regulators see and how far they may go in one settlement.
struct RegulatorSettings {
  std::vector<double> setpoint;  ///< by regulator [V] on the potential transformer's secondary
};

/// Setpoints as the data has them.
RegulatorSettings regulator_settings(const Network& network);

/// Nodes whose voltages decide what regulators and capacitor controls want.
std::vector<int> measured_nodes(const NodalModel& model);

/// Voltage a regulator compares with its setpoint at the solver's last solution: |V / PT - (R + jX) I / CT| [V].
double compensated_voltage(const PowerFlow& flow, int regulator);

/// What a controller wants to do at the solver's last solution, and after which delay [s].
struct ControlAction {
  Operation operation;
  double delay = 0;
  int taps = 0;         ///< moved by the operation; 0 if it is none of a tap
  int controller = -1;  ///< position of a capacitor control
};

/// Taps by which a regulator wants to boost at the solver's last solution, not rounded; 0 within its band (OpenDSS RegControl).
double wanted_taps(const PowerFlow& flow, int regulator, double setpoint);

/// Tap changes that regulators want, each by as many taps as its error asks for (OpenDSS RegControl): outside the band, towards the
/// setpoint, within the winding's range and below voltage_limit.
std::vector<ControlAction> wanted_tap_changes(const PowerFlow& flow, const RegulatorSettings& settings);

/// Capacitor steps that controllers want in or out (OpenDSS CapControl); `hour` of the day for those that go by time.
std::vector<ControlAction> wanted_capacitor_steps(const PowerFlow& flow, double hour = 0);

/// Carries out the actions with the shortest delay, all at once (OpenDSS control mode STATIC). The solver must then be solved again.
/// Returns the sum of |tap number changes|.
int act_first(PowerFlow& flow, std::span<const ControlAction> actions);

/// One control iteration of the regulators alone: act_first() of what they want; 0 when every regulator is content.
int move_regulators(PowerFlow& flow, const RegulatorSettings& settings);

struct ControlResult {
  bool settled = false;  ///< no controller wants to act any more
  int control_iterations = 0;
  int tap_operations = 0;        ///< sum of |tap number changes|
  int capacitor_operations = 0;  ///< steps switched
};

/// Solves and lets regulators and capacitor controls act until none wants to. The solver keeps the final state.
ControlResult solve_with_controls(PowerFlow& flow, const LoadingConditions& conditions, const RegulatorSettings& settings,
                                  int max_control_iterations = 100);

}  // namespace gridfed
