#pragma once

#include "grid/network_data.hpp"

#include <optional>

namespace gridfed {

/// Value of a curve. Throws an Error if it has no point.
double value_at(const Curve& curve, double x);

/// Does an inverter with this power behind it run, given whether it did before?
bool runs(const InverterData& inverter, double rating, double behind, bool ran);

/// Active power at the terminals for the power behind the inverter; a battery that takes power needs more at its terminals than reaches it.
double through(const InverterData& inverter, double rating, double behind);

/// What an inverter makes of active power at its terminals within its rating, positive delivered. Reactive power is what its data asks for,
/// or `requested` by a controller. OpenDSS PVSystem and Storage.
Complex inverter_power(const InverterData& inverter, double rating, double active, bool running = true,
                       std::optional<double> requested = {});

/// Power that a plant delivers at a DC power [VA]; `running` is the state of its inverter before and after.
Complex solar_power(const SolarPvData& plant, double panel_power, bool& running);

/// What a battery is in at a state of charge: one that is full does not charge, one at its reserve does not discharge.
BatteryState possible_state(const BatteryData& battery, BatteryState wanted, double soc);

/// Active power at the terminals in a state, at the rates of its data [W].
double battery_active_power(const BatteryData& battery, BatteryState state);

/// Power that a battery delivers in a possible state, at the rates of its data [VA].
Complex battery_power(const BatteryData& battery, BatteryState wanted, double soc);

}  // namespace gridfed
