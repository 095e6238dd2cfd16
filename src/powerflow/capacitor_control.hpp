#pragma once

#include "powerflow/power_flow.hpp"

#include <vector>

namespace gridfed {

/// A step that a capacitor control wants in or out at the solver's last solution.
struct CapacitorAction {
  Operation operation;
  double delay = 0;    ///< [s]
  int controller = 0;  ///< its position
};

/// Capacitor steps that controllers want in or out (OpenDSS CapControl); `hour` of the day for those that go by time.
std::vector<CapacitorAction> wanted_capacitor_steps(const PowerFlow& flow, double hour = 0);

}  // namespace gridfed
