#pragma once

#include "powerflow/power_flow.hpp"

namespace gridfed {

/// What regulators see and how far they may go in one settlement.
struct RegulatorSettings {
  std::vector<double> setpoint;  ///< by regulator [V] on the potential transformer's secondary
};

/// Setpoints as the data has them.
RegulatorSettings regulator_settings(const Network& network);

/// Voltage a regulator compares with its setpoint at the solver's last solution: |V / PT - (R + jX) I / CT| [V].
double compensated_voltage(const PowerFlow& flow, int regulator);

/// One control iteration at the solver's last solution. Among the regulators that want to move those with the shortest delay act, all at
/// once, each by as many taps as its error asks for (OpenDSS control mode STATIC). Returns the sum of |tap number changes|, 0 when every
/// regulator is content; the solver then holds the new taps and must be solved again.
int move_regulators(PowerFlow& flow, const RegulatorSettings& settings);

struct ControlResult {
  bool settled = false;  ///< no regulator wants to move any more
  int control_iterations = 0;
  int tap_operations = 0;  ///< sum of |tap number changes|
};

/// Solves and lets regulators act until none wants to move. The solver keeps the final taps.
ControlResult solve_with_controls(PowerFlow& flow, const LoadingConditions& conditions, const RegulatorSettings& settings,
                                  int max_control_iterations = 30);

}  // namespace gridfed
