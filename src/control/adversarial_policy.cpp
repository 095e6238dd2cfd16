#include "control/adversarial_policy.hpp"

#include "env/zonal_observation.hpp"

#include <algorithm>

namespace gridfed {

void AdversarialPolicy::begin_episode(const GridEnvironment& environment, int /*day*/) {
  environment_ = &environment;
}

void AdversarialPolicy::act(std::span<const float> observation, std::span<float> action) {
  const int zones = environment_->options().zones;
  const ZonalObservation seen(observation, zones);
  double above = 0, below = 0;
  for (int z = 0; z < zones; ++z) {
    above = std::max(above, ZonalObservation::voltage(seen(ZonalObservation::voltage_max, z)) - 1);
    below = std::max(below, 1 - ZonalObservation::voltage(seen(ZonalObservation::voltage_min, z)));
  }
  const float up = above > below ? 1.0f : -1.0f;
  const auto& kinds = environment_->zone_actions();
  for (std::size_t k = 0; k < kinds.size(); ++k) {
    const bool lowers = kinds[k] == ZoneAction::curtailment || kinds[k] == ZoneAction::flexible_load;
    std::fill_n(action.begin() + static_cast<std::ptrdiff_t>(k) * zones, zones, lowers ? -up : up);
  }
}

}  // namespace gridfed
