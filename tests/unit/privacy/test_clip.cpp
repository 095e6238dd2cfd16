#include "privacy/clip.hpp"

#include "runtime/error.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <vector>

namespace gridfed {
namespace {

TEST(ClipToNorm, LeavesShortVectorsAlone) {
  std::vector<float> values{3, -4};
  EXPECT_EQ(clip_to_norm(values, 5.0), 1.0);
  EXPECT_EQ(values, (std::vector<float>{3, -4}));
  std::vector<float> zero(3, 0.0f);
  EXPECT_EQ(clip_to_norm(zero, 1e-9), 1.0);
}

TEST(ClipToNorm, ScalesLongVectorsAndNeverExceedsTheNorm) {
  std::vector<float> values{3, -4};
  EXPECT_NEAR(clip_to_norm(values, 1.0), 0.2, 1e-7);
  EXPECT_NEAR(values[0], 0.6, 1e-6);
  EXPECT_NEAR(values[1], -0.8, 1e-6);
  for (int n = 1; n < 2000; n += 7) {
    std::vector<float> ramp(n);
    for (int i = 0; i < n; ++i) ramp[i] = 1.0f + 0.37f * i;
    clip_to_norm(ramp, 0.7);
    EXPECT_LE(euclidean_norm(ramp), 0.7);
    EXPECT_GT(euclidean_norm(ramp), 0.7 * (1 - 1e-6));
  }
}

TEST(ClipToNorm, RefusesWhatItCannotClip) {
  std::vector<float> values{1, std::numeric_limits<float>::quiet_NaN()};
  EXPECT_THROW(clip_to_norm(values, 1.0), Error);
  std::vector<float> finite{1};
  EXPECT_THROW(clip_to_norm(finite, 0.0), Error);
}

}  // namespace
}  // namespace gridfed
