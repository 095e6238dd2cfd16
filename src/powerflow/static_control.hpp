#pragma once

#include "powerflow/control_queue.hpp"

namespace gridfed {

/// Nodes whose voltages decide what regulators and capacitor controls want.
std::vector<int> measured_nodes(const NodalModel& model);

struct ControlResult {
  bool settled = false;  ///< no controller wants to act any more
  int control_iterations = 0;
  int tap_operations = 0;        ///< sum of |tap number changes|
  int capacitor_operations = 0;  ///< steps switched
};

/// Solves and lets regulators and capacitor controls act until none wants to (OpenDSS control mode STATIC). The solver keeps the final
/// state.
ControlResult solve_with_controls(PowerFlow& flow, const LoadingConditions& conditions, const RegulatorSettings& settings,
                                  int max_control_iterations = 100);

}  // namespace gridfed
