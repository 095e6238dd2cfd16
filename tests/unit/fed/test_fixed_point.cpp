#include "fed/fixed_point.hpp"

#include "runtime/error.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace gridfed {
namespace {

TEST(FixedPoint, TheLargestSumDoesNotWrap) {
  for (const int clients : {1, 2, 3, 64, 255}) {
    for (const int bits : {2, 8, 32}) {
      for (const int modulus : {32, 64}) {
        const double range = 0.375;
        const double step = fixed_point_step(range, clients, bits, modulus);
        RandomStream stream(1, Draw::test);
        std::uint32_t sum32 = 0;
        std::uint64_t sum64 = 0;
        for (int client = 0; client < clients; ++client) {
          const std::vector<float> value{static_cast<float>(range)};
          const auto level = to_levels(value, 1.0, {.step = step}, {}, stream)[0];
          EXPECT_GT(level, 0);
          sum32 += static_cast<std::uint32_t>(level);
          sum64 += static_cast<std::uint64_t>(level);
        }
        const double sum = static_cast<double>(modulus == 32 ? signed_level(sum32) : signed_level(sum64)) * step;
        EXPECT_NEAR(sum / (clients * range), 1, 1e-6);
      }
    }
  }
}

TEST(FixedPoint, RefusesASumThatCouldWrap) {
  EXPECT_THROW(fixed_point_step(1, 1 << 30, 8, 32), Error);
  EXPECT_NO_THROW(fixed_point_step(1, 1 << 30, 8, 64));
  EXPECT_THROW(fixed_point_step(1, 1 << 30, 32, 32), Error);
}

TEST(FixedPoint, SentAndHeldBackAreWhatWasAccumulated) {
  const std::vector<float> values{0.3f, -0.26f, 0.01f};
  std::vector<float> residual{0.1f, 0.0f, -0.5f};
  RandomStream stream(1, Draw::test);
  const auto levels = to_levels(values, 0.5, {.step = 0.125}, residual, stream);  // a level is worth 0.25
  EXPECT_EQ(levels, (std::vector<std::int64_t>{2, -1, -2}));
  EXPECT_NEAR(residual[0], 0.4 - 0.5, 1e-7);
  EXPECT_NEAR(residual[1], -0.26 + 0.25, 1e-7);
  EXPECT_NEAR(residual[2], -0.49 + 0.5, 1e-7);
}

TEST(FixedPoint, StochasticRoundingIsRightOnAverage) {
  const int n = 40000;
  const std::vector<float> values(n, -0.3f);
  RandomStream stream(1, Draw::test);
  double sum = 0;
  for (const auto level : to_levels(values, 1.0, {.step = 1.0, .rounding = Rounding::stochastic}, {}, stream))
    sum += static_cast<double>(level);
  EXPECT_NEAR(sum / n, -0.3, 4 * std::sqrt(0.21 / n));
}

}  // namespace
}  // namespace gridfed
