#pragma once

#include "data/dataset.hpp"
#include "evaluation/off_policy.hpp"
#include "rl/fitted_q.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace gridfed {

/// A policy that acts as N(mean(s), deviation^2) in each component: what a deterministic one is taken for where a density is needed.
struct GaussianPolicy {
  ActionOf mean;
  double deviation = 0;

  double log_density(std::span<const float> observation, std::span<const float> action) const;
  /// Draws its actions, clipped to [-1, 1].
  ActionOf sampled(RandomStream& stream) const;
};

/// The data's episodes as estimators of the policy's return see them. `log_densities` are those of the recorded actions under the policy
/// that acted, by row; the critic is asked at the recorded actions, and for the value of a state at a number of the policy's own. Throws
/// Error if a log density is missing or not finite.
std::vector<RecordedEpisode> recorded_episodes(const Dataset& data, std::span<const float> log_densities, const GaussianPolicy& policy,
                                               const FittedQ& critic, std::uint64_t seed);

}  // namespace gridfed
