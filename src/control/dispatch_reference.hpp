#pragma once

#include "env/rollout.hpp"

#include <vector>

namespace gridfed {

/// The head-room reference: a dynamic programme over the batteries' charge on the day-ahead price, with the environment's own efficiencies,
/// wear and settlement, played in every zone. It knows the price curve (as every policy does at midnight) but no load, weather or voltage;
/// a constant reactive action completes it.
class DispatchReference final : public Policy {
 public:
  explicit DispatchReference(double reactive = 0) : reactive_(reactive) {}
  void begin_episode(const GridEnvironment& environment, int day) override;
  void act(std::span<const float> observation, std::span<float> action) override;

 private:
  double reactive_;
  int zones_ = 0, battery_offset_ = -1, reactive_offset_ = -1;
  std::vector<double> plan_;  // battery action by step
  std::size_t step_ = 0;
};

}  // namespace gridfed
