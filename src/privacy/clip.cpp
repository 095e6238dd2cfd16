#include "privacy/clip.hpp"

#include "runtime/error.hpp"

#include <array>
#include <cmath>

namespace gridfed {

namespace {

/// Root of the sum of value(i)^2 over i < size. One sum after the other would wait for each addition.
template <class Value>
double root_of_squares(std::size_t size, Value value) {
  std::array<double, 8> sums{};
  std::size_t i = 0;
  for (; i + sums.size() <= size; i += sums.size()) {
    for (std::size_t lane = 0; lane < sums.size(); ++lane) sums[lane] += value(i + lane) * value(i + lane);
  }
  for (; i < size; ++i) sums[0] += value(i) * value(i);
  return std::sqrt(((sums[0] + sums[1]) + (sums[2] + sums[3])) + ((sums[4] + sums[5]) + (sums[6] + sums[7])));
}

}  // namespace

double euclidean_norm(std::span<const float> values) {
  return root_of_squares(values.size(), [&](std::size_t i) { return static_cast<double>(values[i]); });
}

double euclidean_distance(std::span<const float> a, std::span<const float> b) {
  return root_of_squares(a.size(), [&](std::size_t i) { return static_cast<double>(a[i]) - b[i]; });
}

double clip_to_norm(std::span<float> values, double clip_norm) {
  if (!(clip_norm > 0)) throw Error("the clip norm is {}: set privacy.clip_norm above 0", clip_norm);
  const double norm = euclidean_norm(values);
  if (!std::isfinite(norm)) throw Error("an update cannot be clipped (its norm is {}): lower the learning rate", norm);
  if (norm <= clip_norm) return 1.0;
  // Each product is rounded to float, which may lengthen it by 2^-24: the sensitivity promised to the accountant must still hold.
  const double factor = clip_norm / norm * (1.0 - 0x1.0p-23);
  for (float& value : values) value = static_cast<float>(value * factor);
  return factor;
}

}  // namespace gridfed
