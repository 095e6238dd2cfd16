#include "privacy/adaptive_clip.hpp"

#include "privacy/noise.hpp"
#include "runtime/error.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace gridfed {
namespace {

TEST(AdaptiveClip, FollowsAQuantileOfTheNorms) {
  SecureNoise source = SecureNoise::seeded(4);
  const int clients = 400;
  for (const double quantile : {0.3, 0.5, 0.8}) {
    double clip = 0.01, mean = 0;
    for (int round = 0; round < 400; ++round) {
      int within = 0;
      for (int client = 0; client < clients; ++client) within += std::exp(source.normal()) <= clip;  // median 1
      const double share = (within + clients / 20.0 * source.normal()) / clients;
      clip = next_clip_norm(clip, share, quantile, 0.2);
      if (round >= 300) mean += std::log(clip) / 100;
    }
    const double expected = quantile == 0.3 ? -0.5244 : quantile == 0.5 ? 0.0 : 0.8416;  // of the normal distribution
    EXPECT_NEAR(mean, expected, 0.06) << quantile;
  }
}

// 1 / z^2 = 1 / z_delta^2 + 1 / (2 sigma_b)^2.
TEST(AdaptiveClip, CountAndChangesSpendWhatOneMechanismDoes) {
  const double multiplier = multiplier_beside_count(1.5, 5.0);
  EXPECT_NEAR(1 / (multiplier * multiplier) + 1 / 100.0, 1 / 2.25, 1e-12);
  EXPECT_GT(multiplier, 1.5);
  EXPECT_THROW(multiplier_beside_count(10.0, 5.0), Error);
}

}  // namespace
}  // namespace gridfed
