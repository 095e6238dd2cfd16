#include "privacy/clip.hpp"

#include "runtime/error.hpp"

#include <cmath>

namespace gridfed {

double euclidean_norm(std::span<const float> values) {
  double squares = 0;
  for (const float value : values) squares += static_cast<double>(value) * value;
  return std::sqrt(squares);
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
