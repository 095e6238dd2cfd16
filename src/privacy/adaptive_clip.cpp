#include "privacy/adaptive_clip.hpp"

#include "runtime/error.hpp"

#include <cmath>

namespace gridfed {

double next_clip_norm(double clip_norm, double share_within, double quantile, double rate) {
  return clip_norm * std::exp(-rate * (share_within - quantile));
}

double multiplier_beside_count(double noise_multiplier, double count_deviation) {
  const double rest = 1 / (noise_multiplier * noise_multiplier) - 1 / (4 * count_deviation * count_deviation);
  if (!(rest > 0)) {
    throw Error(
        "a count with noise of deviation {:.3g} spends more than the noise multiplier {:.3g} allows: raise privacy.count_noise or the "
        "budget",
        count_deviation, noise_multiplier);
  }
  return 1 / std::sqrt(rest);
}

}  // namespace gridfed
