#pragma once

#include <cstdint>
#include <vector>

namespace gridfed {

/// Steps of the Poisson-subsampled Gaussian mechanism that were taken alike.
struct PrivacyEvent {
  double sampling_rate;     ///< probability that a unit takes part in a step
  double noise_multiplier;  ///< standard deviation of the noise over the clip norm
  std::int64_t steps;

  bool operator==(const PrivacyEvent&) const = default;
};

/// What was spent, in order, equal neighbours merged.
using PrivacyLedger = std::vector<PrivacyEvent>;

/// Adds to the last event if it is alike, and nothing if no step was taken or nobody took part; says whether an event was appended.
/// Throws Error if a number is out of range.
bool append(PrivacyLedger& ledger, const PrivacyEvent& event);

}  // namespace gridfed
