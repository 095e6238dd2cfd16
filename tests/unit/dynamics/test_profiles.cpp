#include "dynamics/load_profile.hpp"
#include "dynamics/weather.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>

namespace gridfed {
namespace {

TEST(Rts79, AnnualPeakIsTheWinterTuesdayOfWeek51) {
  EXPECT_NEAR(rts79_load_factor(51, 2, 17.5), 1.0, 1e-12);  // hour 18 runs from 17 to 18
  double peak = 0;
  for (int week = 1; week <= 52; ++week) {
    for (int day = 1; day <= 7; ++day) {
      for (int hour = 0; hour < 24; ++hour) peak = std::max(peak, rts79_load_factor(week, day, hour + 0.5));
    }
  }
  EXPECT_NEAR(peak, 1.0, 1e-12);
}

TEST(Rts79, FactorsMultiplyAsTheTablesSay) {
  EXPECT_NEAR(rts79_load_factor(1, 1, 0.5), 0.862 * 0.93 * 0.67, 1e-12);   // winter weekday
  EXPECT_NEAR(rts79_load_factor(20, 7, 20.5), 0.88 * 0.75 * 1.00, 1e-12);  // summer weekend
  EXPECT_NEAR(rts79_load_factor(38, 6, 3.5), 0.695 * 0.77 * 0.66, 1e-12);  // fall weekend
  EXPECT_NEAR(rts79_load_factor(23, 3, 10.5), 0.90 * 0.98 * 0.99, 1e-12);  // summer weekday
}

TEST(Rts79, JoinsTheMiddlesOfItsHoursWithoutSteps) {
  EXPECT_NEAR(rts79_load_factor(51, 2, 12.0), 0.95, 1e-12);
  EXPECT_NEAR(rts79_load_factor(51, 2, 8.0), 0.5 * (0.86 + 0.95), 1e-12);
  for (double hour = 0; hour < 24; hour += 0.25)
    EXPECT_LT(std::abs(rts79_load_factor(30, 4, hour + 1e-6) - rts79_load_factor(30, 4, hour)), 1e-6) << hour;
}

TEST(Sun, StandsWhereGeometrySays) {
  EXPECT_NEAR(solar_elevation_cosine(0, 81, 12), 1.0, 1e-3);  // equinox on the equator
  EXPECT_NEAR(solar_elevation_cosine(37, 172, 12), std::cos((37 - 23.45) * std::numbers::pi / 180), 1e-4);
  EXPECT_LT(solar_elevation_cosine(37, 172, 0), 0);
  EXPECT_DOUBLE_EQ(solar_elevation_cosine(37, 100, 9), solar_elevation_cosine(37, 100, 15));
}

TEST(Sun, HaurwitzByHand) {
  EXPECT_NEAR(clear_sky_irradiance(1.0), 1098 * 0.942707, 1e-3);
  EXPECT_NEAR(clear_sky_irradiance(0.5), 549 * 0.888696, 1e-3);
  EXPECT_EQ(clear_sky_irradiance(0), 0);
  EXPECT_EQ(clear_sky_irradiance(-0.3), 0);
}

TEST(Photovoltaics, GiveTheirCapacityAtStandardTestConditions) {
  // Cells stand 31.25 K above the air at 1000 W/m2, so the air must be at -6.25 C.
  EXPECT_DOUBLE_EQ(cell_temperature(-6.25, 1000), 25);
  EXPECT_DOUBLE_EQ(pv_output(1000, -6.25), 1);
  EXPECT_NEAR(pv_output(800, 20), 0.8 * (1 - 0.004 * 20), 1e-12);  // nominal operating conditions: cells at 45 C
  EXPECT_EQ(pv_output(0, 30), 0);
}

TEST(Wind, PowerCurveCorners) {
  EXPECT_EQ(wind_output(2.999, 3, 12, 25), 0);
  EXPECT_EQ(wind_output(3, 3, 12, 25), 0);
  EXPECT_NEAR(wind_output(8, 3, 12, 25), (512.0 - 27) / (1728 - 27), 1e-12);
  EXPECT_EQ(wind_output(12, 3, 12, 25), 1);
  EXPECT_EQ(wind_output(25, 3, 12, 25), 1);
  EXPECT_EQ(wind_output(25.001, 3, 12, 25), 0);
}

TEST(Wind, WeibullQuantilesComeFromNormalOnes) {
  EXPECT_NEAR(weibull_from_normal(0, 2, 7.5), 7.5 * std::sqrt(std::numbers::ln2), 1e-12);  // median
  EXPECT_NEAR(weibull_from_normal(-8, 2, 7.5), 0, 1e-6);
  EXPECT_TRUE(std::isfinite(weibull_from_normal(40, 2, 7.5)));
}

TEST(Wind, PathsHaveTheWeibullMeanAndTheGivenCorrelation) {
  // Independent paths, so the standard errors are those of independent samples.
  constexpr int paths = 4000, steps = 5;
  constexpr double shape = 2, scale = 7.5, correlation = 0.9;
  double mean = 0, squares = 0, x0 = 0, x00 = 0;
  std::array<double, steps> lag{};
  for (int path = 0; path < paths; ++path) {
    RandomStream stream(11, Draw::test, 0, static_cast<std::uint64_t>(path));
    const auto x = unit_ar1(stream, steps, correlation);
    const double speed = weibull_from_normal(x[steps - 1], shape, scale);
    mean += speed / paths;
    squares += speed * speed / paths;
    x0 += x[0] / paths;
    x00 += x[0] * x[0] / paths;
    for (int k = 0; k < steps; ++k) lag[k] += x[0] * x[k] / paths;
  }
  const double wanted = scale * std::tgamma(1 + 1 / shape), wanted_square = scale * scale * std::tgamma(1 + 2 / shape);
  const double root = std::sqrt(static_cast<double>(paths));
  EXPECT_NEAR(mean, wanted, 4 * std::sqrt(wanted_square - wanted * wanted) / root);
  EXPECT_NEAR(squares, wanted_square,
              4 * std::sqrt(std::pow(scale, 4) * std::tgamma(1 + 4 / shape) - wanted_square * wanted_square) / root);
  EXPECT_NEAR(x0, 0, 4 / root);
  EXPECT_NEAR(x00, 1, 4 * std::sqrt(2.0) / root);
  for (int k = 1; k < steps; ++k) {
    const double r = std::pow(correlation, k);
    EXPECT_NEAR(lag[k], r, 4 * std::sqrt(1 + r * r) / root) << k;  // var(x y) = 1 + r^2
  }
}

}  // namespace
}  // namespace gridfed
