#pragma once

#include "data/dataset.hpp"
#include "rl/fitted_q.hpp"
#include "rl/options.hpp"

#include <cstdint>

namespace gridfed {

/// What fitted Q evaluation tells of a policy from data alone; discounted returns from the starts of the recorded episodes.
struct FittedValue {
  double recorded = 0;   ///< mean of the episodes as they were
  double estimate = 0;   ///< of the policy
  double deviation = 0;  ///< of the estimate, over fits to bootstrap samples of the episodes
  double lower = 0;      ///< estimate - 1.645 deviation: the 95 % lower bound, were the error normal
};

/// Fits with the networks, rates and length of the options, once to all data and `fits` times to samples of its episodes.
FittedValue fitted_value(const RlOptions& options, const Dataset& data, const ActionOf& policy, int fits, std::uint64_t seed);

}  // namespace gridfed
