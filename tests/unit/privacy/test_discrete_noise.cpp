// The sources are seeded, so each test either always passes or always fails.
#include "privacy/discrete_noise.hpp"

#include "runtime/error.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <vector>

namespace gridfed {
namespace {

constexpr int draws = 1000000;

std::vector<std::int64_t> draw(IntegerNoise noise, std::uint64_t variance, std::uint64_t name) {
  SecureNoise source = SecureNoise::seeded(41, name);
  std::vector<std::int64_t> values(draws, 0);
  add_integer_noise(values, noise, variance, source);
  return values;
}

double discrete_gaussian_mass(std::int64_t k, double variance) {
  double sum = 0;
  for (int i = -400; i <= 400; ++i) sum += std::exp(-i * i / (2 * variance));
  return std::exp(-static_cast<double>(k * k) / (2 * variance)) / sum;
}
double skellam_mass(std::int64_t k, double variance) {  // sum over j of the chances of j + |k| and j
  const double mean = variance / 2, shift = std::abs(static_cast<double>(k));
  double sum = 0;
  for (double j = 0; j < mean + 40 * std::sqrt(mean) + 40; ++j) {
    sum += std::exp((2 * j + shift) * std::log(mean) - 2 * mean - std::lgamma(j + 1) - std::lgamma(j + shift + 1));
  }
  return sum;
}

/// Pearson's statistic over the values that are expected 20 times at least (the rest is one cell), in standard deviations above its mean.
double chi_square_excess(const std::vector<std::int64_t>& values, const std::function<double(std::int64_t)>& mass) {
  std::map<std::int64_t, int> counts;
  for (const std::int64_t value : values) ++counts[value];
  double chi = 0, rest_expected = draws, rest = draws;
  int cells = 0;
  for (std::int64_t k = -400; k <= 400; ++k) {
    const double expected = draws * mass(k);
    if (expected < 20) continue;
    chi += std::pow(counts[k] - expected, 2.0) / expected;
    rest_expected -= expected;
    rest -= counts[k];
    ++cells;
  }
  if (rest_expected > 1) chi += std::pow(rest - rest_expected, 2.0) / rest_expected;
  return (chi - cells) / std::sqrt(2.0 * cells);
}

/// sqrt(n) times the largest distance of the distribution functions; above 1.95 at 0.1 %.
double kolmogorov_smirnov(std::vector<std::int64_t> values, const std::function<double(std::int64_t)>& below_or_equal) {
  std::sort(values.begin(), values.end());
  double distance = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (i + 1 < values.size() && values[i + 1] == values[i]) continue;
    distance = std::max(distance, std::abs(static_cast<double>(i + 1) / draws - below_or_equal(values[i])));
  }
  return distance * std::sqrt(static_cast<double>(draws));
}

double normal_cdf(double x, double variance) {
  return 0.5 * std::erfc(-x / std::sqrt(2 * variance));
}

struct Law {
  IntegerNoise noise;
  double (*mass)(std::int64_t, double);
};

class IntegerNoiseOf : public testing::TestWithParam<Law> {};
INSTANTIATE_TEST_SUITE_P(Laws, IntegerNoiseOf,
                         testing::Values(Law{IntegerNoise::discrete_gaussian, discrete_gaussian_mass},
                                         Law{IntegerNoise::skellam, skellam_mass}),
                         [](const auto& info) { return std::string(name(info.param.noise)); });

TEST_P(IntegerNoiseOf, HasTheMassesOfItsLawOverAMillionDraws) {
  for (const std::uint64_t variance : {1ull, 7ull, 300ull}) {
    const auto mass = [&](std::int64_t k) { return GetParam().mass(k, static_cast<double>(variance)); };
    const auto values = draw(GetParam().noise, variance, variance);
    EXPECT_LT(std::abs(chi_square_excess(values, mass)), 3.3) << variance;  // 0.1 %
    std::map<std::int64_t, double> cumulated;
    double sum = 0;
    for (std::int64_t k = -400; k <= 400; ++k) cumulated[k] = sum += mass(k);
    EXPECT_LT(kolmogorov_smirnov(values, [&](std::int64_t k) { return cumulated.at(k); }), 1.95) << variance;
  }
}

TEST_P(IntegerNoiseOf, IsNormalWhereItIsWide) {
  const std::uint64_t variance = 1ull << 40;
  const auto values = draw(GetParam().noise, variance, 3);
  const auto cdf = [&](std::int64_t k) { return normal_cdf(static_cast<double>(k) + 0.5, static_cast<double>(variance)); };
  EXPECT_LT(kolmogorov_smirnov(values, cdf), 1.95);
  double squares = 0;
  for (const std::int64_t value : values) squares += static_cast<double>(value) * static_cast<double>(value);
  EXPECT_NEAR(squares / draws / static_cast<double>(variance), 1, 4 * std::sqrt(2.0 / draws));
}

// A wrong law must not pass: one of another variance, and a rounded normal.
TEST(IntegerNoise, TheTestsTellLawsApart) {
  const auto values = draw(IntegerNoise::discrete_gaussian, 300, 300);
  EXPECT_GT(chi_square_excess(values, [](std::int64_t k) { return discrete_gaussian_mass(k, 306); }), 3.3);
  const auto unit = draw(IntegerNoise::discrete_gaussian, 1, 1);
  EXPECT_GT(kolmogorov_smirnov(unit, [](std::int64_t k) { return normal_cdf(static_cast<double>(k) + 0.5, 1); }), 1.95);
}

TEST(IntegerNoise, RefusesAVarianceOutOfRange) {
  SecureNoise source = SecureNoise::seeded(1);
  EXPECT_THROW(discrete_gaussian(source, 0), Error);
  EXPECT_THROW(skellam(source, (1ull << 48) + 1), Error);
  EXPECT_EQ(integer_noise("skellam"), IntegerNoise::skellam);
  EXPECT_THROW(integer_noise("laplace"), Error);
}

}  // namespace
}  // namespace gridfed
