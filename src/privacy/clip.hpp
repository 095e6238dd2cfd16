#pragma once

#include <span>

namespace gridfed {

/// Euclidean norm, summed in double and in index order.
double euclidean_norm(std::span<const float> values);

/// Scales values down so that their Euclidean norm is at most clip_norm, rounding included; returns the factor, 1 where nothing was
/// clipped. Throws Error if the norm is not finite or clip_norm not positive.
double clip_to_norm(std::span<float> values, double clip_norm);

}  // namespace gridfed
