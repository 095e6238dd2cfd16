#include "control/rules.hpp"

#include "env/zonal_observation.hpp"

#include <algorithm>

namespace gridfed {

int action_offset(const GridEnvironment& environment, ZoneAction kind) {
  const auto& kinds = environment.zone_actions();
  const auto found = std::find(kinds.begin(), kinds.end(), kind);
  return found == kinds.end() ? -1 : static_cast<int>(found - kinds.begin()) * environment.options().zones;
}

void RulePolicy::begin_episode(const GridEnvironment& environment, int /*day*/) {
  environment_ = &environment;
  zones_ = environment.options().zones;
  battery_offset_ = action_offset(environment, ZoneAction::battery);
}

void RulePolicy::act(std::span<const float> observation, std::span<float> action) {
  std::fill(action.begin(), action.end(), 0.0f);
  if (battery_offset_ < 0) return;
  const double measured = ZonalObservation(observation, zones_)(ZonalObservation::head_active);
  const double head = measured + environment_->battery_power() / environment_->peak_load();
  const double discharge = std::clamp((head - options_.discharge_above) / options_.band, 0.0, 1.0);
  const double charge = std::clamp((options_.charge_below - head) / options_.band, 0.0, 1.0);
  for (int z = 0; z < zones_; ++z) action[battery_offset_ + z] = static_cast<float>(discharge - charge);
}

}  // namespace gridfed
