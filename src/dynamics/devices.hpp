#pragma once

#include "grid/network_data.hpp"

namespace gridfed {

/// What a battery did in a step: power at its terminals (positive = discharge) and the charge it ended with.
struct BatteryStep {
  double power = 0;  ///< [W]
  double soc = 0;    ///< share of capacity
};

/// Charges or discharges at the wanted power [W, positive = discharge] for a time [s], within rating and charge limits. Energy in the cells
/// falls by power / discharge_efficiency and rises by -power * charge_efficiency; an idle battery draws its idling loss from the feeder.
BatteryStep battery_step(const BatteryData& battery, double soc, double wanted_power, double seconds);

}  // namespace gridfed
