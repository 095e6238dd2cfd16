#include "control/der_policies.hpp"

#include "control/rules.hpp"
#include "env/zonal_observation.hpp"

#include <algorithm>

namespace gridfed {

void SelfConsumptionPolicy::begin_episode(const GridEnvironment& environment, int /*day*/) {
  environment_ = &environment;
  zones_ = environment.options().zones;
  battery_offset_ = action_offset(environment, ZoneAction::battery);
}

void SelfConsumptionPolicy::act(std::span<const float> observation, std::span<float> action) {
  std::fill(action.begin(), action.end(), 0.0f);
  if (battery_offset_ < 0) return;
  const ZonalObservation seen(observation, zones_);
  for (int z = 0; z < zones_; ++z) {
    const auto& zone = environment_->zones().zones[z];
    if (zone.battery_power == 0) continue;
    // What the zone would draw without its batteries, which are metered.
    const double net = seen(ZonalObservation::net_load, z) * environment_->zone_peak(z) + environment_->battery_power(z);
    action[battery_offset_ + z] = static_cast<float>(std::clamp(net / zone.battery_power, -1.0, 1.0));
  }
}

void CurtailmentPolicy::begin_episode(const GridEnvironment& environment, int /*day*/) {
  zones_ = environment.options().zones;
  offset_ = action_offset(environment, ZoneAction::curtailment);
  shed_.assign(zones_, 0.0);
}

void CurtailmentPolicy::act(std::span<const float> observation, std::span<float> action) {
  std::fill(action.begin(), action.end(), 0.0f);
  if (offset_ < 0) return;
  const ZonalObservation seen(observation, zones_);
  for (int z = 0; z < zones_; ++z) {
    const double highest = ZonalObservation::voltage(seen(ZonalObservation::voltage_max, z));
    const double asked = std::clamp((highest - begin_) / (end_ - begin_), 0.0, 1.0);
    // The voltage is seen with what is shed already: to hold it, shedding must go on.
    shed_[z] = asked > 0 ? std::min(1.0, shed_[z] + asked) : std::max(0.0, shed_[z] - 0.25);
    action[offset_ + z] = static_cast<float>(shed_[z]);
  }
}

void IdlePolicy::act(std::span<const float> /*observation*/, std::span<float> action) {
  std::fill(action.begin(), action.end(), 0.0f);
}

}  // namespace gridfed
