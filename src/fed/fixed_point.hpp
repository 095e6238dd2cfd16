#pragma once

#include "fed/compression.hpp"
#include "runtime/random.hpp"

#include <cstdint>
#include <limits>
#include <span>
#include <vector>

namespace gridfed {

/// Integers for secure sums: level * step stands for a number. All clients use one step.
struct FixedPoint {
  double step = 1;
  Rounding rounding = Rounding::nearest;
  std::int64_t top = std::numeric_limits<std::int64_t>::max();  ///< levels beyond it become the nearest within
};

/// The largest level of one of `clients` vectors that fixed_point_step plans for.
std::int64_t largest_level(int clients, int bits, int modulus_bits);

/// The step at which the sum of `clients` vectors within +-range lies within +-(2^(modulus_bits - 1) - 1), rounding included; with fewer
/// bits the levels of one vector are the 2^bits - 1 of that width. A range of 0 gives 1. Throws Error if the sum could wrap.
double fixed_point_step(double range, int clients, int bits, int modulus_bits);

/// Levels of weight * value. An empty residual means no error feedback; else it joins the values and keeps what rounding to nearest leaves
/// out, of stochastic rounding nothing (see compress).
std::vector<std::int64_t> to_levels(std::span<const float> values, double weight, const FixedPoint& grid, std::span<float> residual,
                                    RandomStream& stream);

/// The signed number that a sum modulo 2^32 or 2^64 stands for.
inline std::int64_t signed_level(std::uint32_t word) {
  return static_cast<std::int32_t>(word);
}
inline std::int64_t signed_level(std::uint64_t word) {
  return static_cast<std::int64_t>(word);
}

}  // namespace gridfed
