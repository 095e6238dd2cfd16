#pragma once

#include <span>

namespace gridfed {

/// Euclidean norm, summed in double in 32 interleaved sums, whatever the machine.
double euclidean_norm(std::span<const float> values);

/// Euclidean norm of the difference of two vectors of one length, likewise; not finite if and only if one of them is not.
double euclidean_distance(std::span<const float> a, std::span<const float> b);

/// What shortens a vector of this norm to at most clip_norm, products rounded to float; 1 where it is short enough. Throws as below.
double clip_factor(double norm, double clip_norm);

/// Scales values down so that their Euclidean norm is at most clip_norm, rounding included; returns the factor, 1 where nothing was
/// clipped. Throws Error if the norm is not finite or clip_norm not positive.
double clip_to_norm(std::span<float> values, double clip_norm);

}  // namespace gridfed
