#pragma once

#include "env/rollout.hpp"

namespace gridfed {

/// What a utility runs today: regulators and IEEE 1547 volt-var act by themselves, batteries shave the feeder's peak by two thresholds on
/// the power its head would carry without them (measured there plus their own measured output, so that they do not chase themselves). No
/// price, no forecast.
struct RuleOptions {
  double discharge_above = 0.65, charge_below = 0.40;  ///< head power without batteries [peak load]
  double band = 0.15;  ///< beyond a threshold, head power at which a battery runs at full rating [peak load]
};

class RulePolicy final : public Policy {
 public:
  explicit RulePolicy(const RuleOptions& options = {}) : options_(options) {}
  void begin_episode(const GridEnvironment& environment, int day) override;
  void act(std::span<const float> observation, std::span<float> action) override;

 private:
  RuleOptions options_;
  const GridEnvironment* environment_ = nullptr;  ///< of the episode: where the batteries' meters are
  int zones_ = 0, battery_offset_ = -1;
};

/// First component of an action kind in the environment's action vector, -1 if the interface has none.
int action_offset(const GridEnvironment& environment, ZoneAction kind);

}  // namespace gridfed
