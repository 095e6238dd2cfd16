#include "privacy/clip.hpp"

#include "runtime/error.hpp"

#include <array>
#include <cmath>

namespace gridfed {

namespace {

/// Root of the sum of value(i)^2 over i < size. One sum after the other would wait for each addition.
template <class Value>
double root_of_squares(std::size_t size, Value value) {
  constexpr std::size_t lanes = 32;
  std::array<double, lanes> sums{};
  std::size_t i = 0;
  for (; i + lanes <= size; i += lanes) {
    for (std::size_t lane = 0; lane < lanes; ++lane) sums[lane] += value(i + lane) * value(i + lane);
  }
  for (std::size_t lane = 0; i < size; ++i, ++lane) sums[lane] += value(i) * value(i);
  for (std::size_t width = lanes / 2; width > 0; width /= 2) {
    for (std::size_t lane = 0; lane < width; ++lane) sums[lane] += sums[lane + width];
  }
  return std::sqrt(sums[0]);
}

}  // namespace

double euclidean_norm(std::span<const float> values) {
  return root_of_squares(values.size(), [&](std::size_t i) { return static_cast<double>(values[i]); });
}

double euclidean_distance(std::span<const float> a, std::span<const float> b) {
  return root_of_squares(a.size(), [&](std::size_t i) { return static_cast<double>(a[i]) - b[i]; });
}

double clip_factor(double norm, double clip_norm) {
  if (!(clip_norm > 0)) throw Error("the clip norm is {}: set privacy.clip_norm above 0", clip_norm);
  if (!std::isfinite(norm)) throw Error("an update cannot be clipped (its norm is {}): lower the learning rate", norm);
  // Each product is rounded to float, which may lengthen it by 2^-24: the sensitivity promised to the accountant must still hold.
  return norm <= clip_norm ? 1.0 : clip_norm / norm * (1.0 - 0x1.0p-23);
}

double clip_to_norm(std::span<float> values, double clip_norm) {
  const double factor = clip_factor(euclidean_norm(values), clip_norm);
  if (factor < 1) {
    for (float& value : values) value = static_cast<float>(value * factor);
  }
  return factor;
}

}  // namespace gridfed
