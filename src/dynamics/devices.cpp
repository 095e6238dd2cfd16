#include "dynamics/devices.hpp"

#include <algorithm>
#include <cmath>

namespace gridfed {

BatteryStep battery_step(const BatteryData& battery, double soc, double wanted_power, double seconds) {
  const double hours = seconds / 3600.0;
  const double wanted = std::clamp(wanted_power, -battery.power_rating, battery.power_rating);
  const double deadband = 1e-3 * battery.power_rating;
  if (wanted > deadband) {
    const double available = std::max(0.0, soc - battery.min_soc) * battery.capacity_wh * battery.discharge_efficiency / hours;
    const double power = std::min(wanted, available);
    if (power > deadband) return {power, soc - power * hours / (battery.discharge_efficiency * battery.capacity_wh)};
  } else if (wanted < -deadband) {
    const double room = std::max(0.0, 1.0 - soc) * battery.capacity_wh / (battery.charge_efficiency * hours);
    const double power = std::min(-wanted, room);
    if (power > deadband) return {-power, std::min(1.0, soc + power * hours * battery.charge_efficiency / battery.capacity_wh)};
  }
  return {-battery.idling_loss * battery.power_rating, soc};
}

}  // namespace gridfed
