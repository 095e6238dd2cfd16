#include "control/dispatch_reference.hpp"

#include "control/rules.hpp"
#include "dynamics/devices.hpp"

#include <algorithm>
#include <cmath>

namespace gridfed {

// Value of charge c with k steps to go: V_k(c) = max_a [ price p(a) dt - wear |p(a)| dt + settlement (c' - c) E + V_{k-1}(c') ], c' from
// battery_step; linear interpolation between grid points.
void DispatchReference::begin_episode(const GridEnvironment& environment, int /*day*/) {
  zones_ = environment.options().zones;
  battery_offset_ = action_offset(environment, ZoneAction::battery);
  reactive_offset_ = action_offset(environment, ZoneAction::reactive);
  step_ = 0;
  const auto& price = environment.scenario().price;
  plan_.assign(price.size(), 0.0);
  const auto& batteries = environment.network().data().batteries;
  if (batteries.empty() || battery_offset_ < 0) return;

  BatteryData fleet = batteries.front();  // one battery with the sum of ratings stands for all
  double charge = 0, efficiency_in = 0, efficiency_out = 0, reserve = 0;
  fleet.capacity_wh = fleet.power_rating = 0;
  for (const auto& battery : batteries) {
    fleet.capacity_wh += battery.capacity_wh;
    fleet.power_rating += battery.power_rating;
    charge += battery.initial_soc * battery.capacity_wh;
    reserve += battery.min_soc * battery.capacity_wh;
    efficiency_in += battery.charge_efficiency * battery.capacity_wh;
    efficiency_out += battery.discharge_efficiency * battery.capacity_wh;
  }
  fleet.min_soc = reserve / fleet.capacity_wh;
  fleet.charge_efficiency = efficiency_in / fleet.capacity_wh;
  fleet.discharge_efficiency = efficiency_out / fleet.capacity_wh;
  charge /= fleet.capacity_wh;

  constexpr int levels = 201, choices = 21;
  const double dt = environment.timestep(), hours = dt / 3600.0;
  const double settlement = environment.stored_energy_price(), wear = environment.options().battery_wear;
  const int n = static_cast<int>(price.size());
  std::vector<double> value(levels, 0.0), next(levels);
  std::vector<std::vector<float>> best(n, std::vector<float>(levels));
  const auto interpolate = [&](double soc) {
    const double position = std::clamp(soc, 0.0, 1.0) * (levels - 1);
    const int below = std::min(levels - 2, static_cast<int>(position));
    return value[below] + (position - below) * (value[below + 1] - value[below]);
  };
  for (int t = n - 1; t >= 0; --t) {
    for (int level = 0; level < levels; ++level) {
      const double soc = static_cast<double>(level) / (levels - 1);
      double most = -1e300;
      for (int choice = 0; choice < choices; ++choice) {
        const double action = 2.0 * choice / (choices - 1) - 1.0;
        const BatteryStep step = battery_step(fleet, soc, action * fleet.power_rating, dt);
        const double kwh = step.power / 1000 * hours;
        const double gain =
            price[t] * kwh - wear * std::abs(kwh) + settlement * (step.soc - soc) * fleet.capacity_wh / 1000 + interpolate(step.soc);
        if (gain > most + 1e-12) {
          most = gain;
          best[t][level] = static_cast<float>(action);
        }
      }
      next[level] = most;
    }
    value.swap(next);
  }
  for (int t = 0; t < n; ++t) {
    const int level = std::clamp(static_cast<int>(std::lround(charge * (levels - 1))), 0, levels - 1);
    plan_[t] = best[t][level];
    charge = battery_step(fleet, charge, plan_[t] * fleet.power_rating, dt).soc;
  }
}

void DispatchReference::act(std::span<const float> /*observation*/, std::span<float> action) {
  std::fill(action.begin(), action.end(), 0.0f);
  for (int z = 0; z < zones_; ++z) {
    if (battery_offset_ >= 0) action[battery_offset_ + z] = static_cast<float>(plan_[std::min(step_, plan_.size() - 1)]);
    if (reactive_offset_ >= 0) action[reactive_offset_ + z] = static_cast<float>(reactive_);
  }
  ++step_;
}

}  // namespace gridfed
