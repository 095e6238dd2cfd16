#pragma once

#include "fed/options.hpp"

#include <cstddef>
#include <span>
#include <vector>

namespace gridfed {

/// Coordinates are dealt to ranks in runs of so many.
inline constexpr std::size_t coordinate_block = 1024;

// Rules that a few clients cannot bend as they like. rows holds the vectors of `vectors` clients, one after the other.

/// Middle value of every coordinate, the mean of the two middle ones of an even number (Yin et al., 2018).
void coordinate_median(std::span<const float> rows, std::size_t vectors, std::span<float> result);

/// Mean of every coordinate without the `trimmed` smallest and the `trimmed` largest values (Yin et al., 2018).
void trimmed_mean(std::span<const float> rows, std::size_t vectors, int trimmed, std::span<float> result);

/// Squared distances of all pairs i < j, (0,1), (0,2) ... (1,2) ..., in the first `counted` coordinates, one row for each run of
/// coordinate_block of them: adding the rows up in order gives the same bits however the runs are dealt to ranks.
std::vector<double> pair_distances(std::span<const float> rows, std::size_t vectors, std::size_t counted);

/// The clients that Krum keeps, ascending: the `kept` with the least sum of squared distances to their vectors - byzantine - 2 nearest
/// others (Blanchard et al., 2017); of equal ones the first. distances: one for each pair.
std::vector<std::size_t> krum_choice(std::span<const double> distances, std::size_t vectors, int byzantine, std::size_t kept);

/// Throws Error unless so many vectors are enough for the rule to withstand `byzantine` bad ones.
void require_enough(Aggregation rule, int byzantine, int vectors);

}  // namespace gridfed
