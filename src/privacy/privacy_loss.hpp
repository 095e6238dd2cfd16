#pragma once

#include <cstdint>
#include <vector>

namespace gridfed {

/// Whether the unit is in the first of the two data sets that are compared (remove) or in the second (add). A promise needs both.
enum class Adjacency { remove, add };
/// On which side of the exact curve of delta over epsilon a distribution on a grid lies, for it and for all that it is composed with.
enum class Estimate { pessimistic, optimistic };

/// Distribution of the privacy loss log(P/Q) under P, on multiples of a step (Meiser and Mohammadi, 2018; Koskela et al., 2020).
struct LossDistribution {
  std::int64_t first = 0;      ///< masses[i] lies at the loss (first + i) * step
  std::vector<double> masses;  ///< they and `infinite` sum to at most 1
  double infinite = 0;         ///< mass of outcomes that betray the unit
};

/// One step of the Poisson-subsampled Gaussian mechanism; sampling_rate in (0, 1], noise_multiplier above 0. Of the loss at most
/// 2 tail_mass is rounded to the ends of the grid (pessimistic: the upper end to infinity). Losses above 700 count as infinite, or as 700.
LossDistribution subsampled_gaussian_loss(double sampling_rate, double noise_multiplier, Adjacency adjacency, Estimate estimate,
                                          double step, double tail_mass);

}  // namespace gridfed
