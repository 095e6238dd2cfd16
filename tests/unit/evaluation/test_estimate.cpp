#include "evaluation/day_score.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace gridfed {
namespace {

TEST(Estimate, MeanAndStandardErrorOfAHandfulOfDays) {
  // Mean 3, squared deviations 4 + 0 + 1 + 1 = 6, variance 6 / 3 = 2, standard error sqrt(2 / 4).
  const std::vector<double> days{1, 3, 4, 4};
  const Estimate e = estimate(days);
  EXPECT_NEAR(e.mean, 3.0, 1e-15);
  EXPECT_NEAR(e.standard_error, std::sqrt(0.5), 1e-15);
}

TEST(Estimate, OneDayHasNoKnownError) {
  const std::vector<double> day{-2.5};
  EXPECT_EQ(estimate(day).mean, -2.5);
  EXPECT_EQ(estimate(day).standard_error, 0.0);
}

TEST(Estimate, NoDayIsZero) {
  EXPECT_EQ(estimate({}).mean, 0.0);
  EXPECT_EQ(estimate({}).standard_error, 0.0);
}

TEST(Estimate, AShiftMovesTheMeanAloneAndAFactorScalesBoth) {
  const std::vector<double> days{0.5, 2, -1}, shifted{10.5, 12, 9}, scaled{-1, -4, 2};
  const Estimate e = estimate(days), plus = estimate(shifted), times = estimate(scaled);
  EXPECT_NEAR(plus.mean, e.mean + 10, 1e-12);
  EXPECT_NEAR(plus.standard_error, e.standard_error, 1e-12);
  EXPECT_NEAR(times.mean, -2 * e.mean, 1e-12);
  EXPECT_NEAR(times.standard_error, 2 * e.standard_error, 1e-12);
}

}  // namespace
}  // namespace gridfed
