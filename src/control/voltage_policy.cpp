#include "control/voltage_policy.hpp"

#include "control/rules.hpp"
#include "env/zonal_observation.hpp"

#include <algorithm>

namespace gridfed {

void VoltagePolicy::begin_episode(const GridEnvironment& environment, int /*day*/) {
  zones_ = environment.options().zones;
  reactive_offset_ = action_offset(environment, ZoneAction::reactive);
  tap_offset_ = action_offset(environment, ZoneAction::tap);
  capacitor_offset_ = action_offset(environment, ZoneAction::capacitor);
  reactive_.assign(zones_, 0.0);
  bank_off_.assign(zones_, 0);
  tap_ = 0;
}

/// An action that raises voltage, moved against what is outside the band.
double VoltagePolicy::moved(double action, double lowest, double highest) const {
  const double above = std::max(0.0, highest - options_.high), below = std::max(0.0, options_.low - lowest);
  if (above == 0 && below == 0) return action > 0 ? std::max(0.0, action - options_.step / 5) : std::min(0.0, action + options_.step / 5);
  return std::clamp(action + (below > above ? options_.step : -options_.step), -1.0, 1.0);
}

void VoltagePolicy::act(std::span<const float> observation, std::span<float> action) {
  std::fill(action.begin(), action.end(), 0.0f);
  const ZonalObservation seen(observation, zones_);
  double lowest = 2, highest = 0;
  for (int z = 0; z < zones_; ++z) {
    const double low = ZonalObservation::voltage(seen(ZonalObservation::voltage_min, z));
    const double high = ZonalObservation::voltage(seen(ZonalObservation::voltage_max, z));
    lowest = std::min(lowest, low);
    highest = std::max(highest, high);
    reactive_[z] = moved(reactive_[z], low, high);
    if (high > options_.bank_off) bank_off_[z] = 1;
    if (high < options_.bank_on) bank_off_[z] = 0;
    if (reactive_offset_ >= 0) action[reactive_offset_ + z] = static_cast<float>(reactive_[z]);
    if (capacitor_offset_ >= 0) action[capacitor_offset_ + z] = bank_off_[z] ? -1.0f : 0.0f;
  }
  tap_ = moved(tap_, lowest, highest);
  for (int z = 0; z < zones_ && tap_offset_ >= 0; ++z) action[tap_offset_ + z] = static_cast<float>(tap_);
}

}  // namespace gridfed
