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

/// Reactive power of IEEE 1547-2018 volt-var, category B: share of the inverter's rating (positive = injected) at a voltage [p.u.].
/// (0.92, +0.44) (0.98, 0) (1.02, 0) (1.08, -0.44).
double volt_var(double voltage_pu);

/// Largest |reactive share| category B asks of an inverter.
inline constexpr double reactive_capability = 0.44;

}  // namespace gridfed
