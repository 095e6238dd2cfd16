#pragma once

#include "env/grid_environment.hpp"

#include <functional>
#include <span>

namespace gridfed {

/// What decides. Stateful policies start afresh at every episode.
class Policy {
 public:
  virtual ~Policy() = default;
  /// Called after the environment's reset for day `day`.
  virtual void begin_episode(const GridEnvironment& /*environment*/, int /*day*/) {}
  /// Fills the action, each component in [-1, 1].
  virtual void act(std::span<const float> observation, std::span<float> action) = 0;
};

/// A finished transition and the account of its step.
struct Transition {
  std::span<const float> observation, action, next_observation;
  double reward = 0, cost = 0;
  bool terminated = false, truncated = false;
  const StepInfo* info = nullptr;
};

/// The only episode loop: plays day `day` and hands each transition to sink.
void rollout(GridEnvironment& environment, Policy& policy, std::uint64_t seed, int client, int day,
             const std::function<void(const Transition&)>& sink);

}  // namespace gridfed
