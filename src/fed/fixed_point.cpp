#include "fed/fixed_point.hpp"

#include "runtime/error.hpp"

#include <algorithm>
#include <cmath>

namespace gridfed {

std::int64_t largest_level(int clients, int bits, int modulus_bits) {
  // Levels are doubles before they are integers: 2^53 of them are exact.
  const double largest_sum = std::ldexp(1.0, std::min(modulus_bits, 54) - 1) - 1;
  const double levels = bits < 32 ? std::ldexp(1.0, bits - 1) - 1 : std::floor(largest_sum / clients) - 1;
  if (levels < 1 || (levels + 1) * clients > largest_sum) {
    throw Error("the sum of {} clients does not fit {} bits (fed.modulus_bits): set 64, or lower fed.bits", clients, modulus_bits);
  }
  return static_cast<std::int64_t>(levels);
}

double fixed_point_step(double range, int clients, int bits, int modulus_bits) {
  const auto levels = static_cast<double>(largest_level(clients, bits, modulus_bits));
  return range > 0 ? range / levels : 1.0;
}

std::vector<std::int64_t> to_levels(std::span<const float> values, double weight, const FixedPoint& grid, std::span<float> residual,
                                    RandomStream& stream) {
  std::vector<std::int64_t> levels(values.size());
  const double scale = weight / grid.step, top = static_cast<double>(grid.top);
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double value = residual.empty() ? values[i] : static_cast<double>(values[i]) + residual[i];
    const double exact = value * scale;
    const double rounded = grid.rounding == Rounding::stochastic ? std::floor(exact + stream.uniform()) : std::nearbyint(exact);
    const double level = std::clamp(rounded, -top, top);
    levels[i] = static_cast<std::int64_t>(level);
    if (residual.empty()) continue;
    const bool kept = grid.rounding == Rounding::nearest && scale > 0;
    residual[i] = kept ? static_cast<float>(value - level / scale) : 0.0f;
  }
  return levels;
}

}  // namespace gridfed
