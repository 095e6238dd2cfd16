#include "grid/inverter.hpp"

#include "runtime/error.hpp"

#include <algorithm>
#include <cmath>

namespace gridfed {

double value_at(const Curve& curve, double x) {
  if (curve.empty()) throw Error("a curve has no points: give it at least one");
  if (curve.size() == 1) return curve[0][1];
  std::size_t next = 1;
  while (next + 1 < curve.size() && curve[next][0] < x) ++next;
  const auto& [x0, y0] = curve[next - 1];
  const auto& [x1, y1] = curve[next];
  return x1 == x0 ? y1 : y0 + (y1 - y0) * (x - x0) / (x1 - x0);
}

bool runs(const InverterData& inverter, double rating, double behind, bool ran) {
  return behind >= (ran ? inverter.cut_out : inverter.cut_in) * rating;
}

double through(const InverterData& inverter, double rating, double behind) {
  return inverter.efficiency.empty() ? behind : behind * value_at(inverter.efficiency, behind / rating);
}

Complex inverter_power(const InverterData& inverter, double rating, double active, bool running, std::optional<double> requested) {
  const auto sign = [](double value) { return value < 0 ? -1.0 : 1.0; };
  const bool by_factor = !requested && inverter.power_factor;
  const double factor = inverter.power_factor.value_or(1);
  const double wanted =
      by_factor ? active * std::sqrt(1 / (factor * factor) - 1) * sign(factor) : requested.value_or(inverter.reactive_power);
  if (!running && inverter.reactive_stops) return active;
  const double limit = std::min(rating, wanted < 0 ? inverter.max_absorbed : inverter.max_delivered);
  double reactive = std::clamp(wanted, -limit, limit);
  // Active over apparent power, of what is asked for: kept where the factor comes first.
  const double kept = by_factor ? std::abs(factor) : std::hypot(active, wanted) > 0 ? std::abs(active) / std::hypot(active, wanted) : 1;
  const bool keeps = inverter.factor_first && running && kept < 1;
  if (keeps && reactive != wanted) active = sign(active) * std::abs(reactive) * kept / std::sqrt(1 - kept * kept);
  if (std::hypot(active, reactive) <= rating) return {active, reactive};
  if (keeps) return {sign(active) * rating * kept, sign(reactive) * rating * std::sqrt(1 - kept * kept)};
  if (inverter.active_first) {
    active = std::clamp(active, -rating, rating);
    return {active, sign(reactive) * std::sqrt(rating * rating - active * active)};
  }
  return {sign(active) * std::sqrt(rating * rating - reactive * reactive), reactive};
}

Complex solar_power(const SolarPvData& plant, double panel_power, bool& running) {
  running = runs(plant.inverter, plant.inverter_rating, panel_power, running);
  const double active = running ? std::min(through(plant.inverter, plant.inverter_rating, panel_power), plant.capacity) : 0;
  return inverter_power(plant.inverter, plant.inverter_rating, active, running);
}

BatteryState possible_state(const BatteryData& battery, BatteryState wanted, double soc) {
  if (wanted == BatteryState::charging && soc >= 1) return BatteryState::idling;
  if (wanted == BatteryState::discharging && soc <= battery.min_soc) return BatteryState::idling;
  return wanted;
}

double battery_active_power(const BatteryData& battery, BatteryState state) {
  switch (state) {
    case BatteryState::charging:
      return -battery.power_rating * battery.charge_rate;
    case BatteryState::discharging:
      return battery.power_rating * battery.discharge_rate;
    case BatteryState::idling:
      break;
  }
  const double loss = battery.power_rating * battery.idling_loss;
  return battery.inverter.efficiency.empty() ? -loss : -loss / value_at(battery.inverter.efficiency, loss / battery.inverter_rating);
}

Complex battery_power(const BatteryData& battery, BatteryState wanted, double soc) {
  const double rating = battery.inverter_rating;
  double active = battery_active_power(battery, possible_state(battery, wanted, soc));
  const bool running = runs(battery.inverter, rating, std::abs(active), true);
  if (!running) active = battery_active_power(battery, BatteryState::idling);
  return inverter_power(battery.inverter, rating, active, running);
}

}  // namespace gridfed
