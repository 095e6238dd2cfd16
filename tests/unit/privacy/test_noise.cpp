#include "privacy/noise.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace gridfed {
namespace {

std::vector<double> draw(SecureNoise& noise, int count) {
  std::vector<double> values(count);
  for (double& value : values) value = noise.normal();
  return values;
}

TEST(SecureNoise, IsStandardNormal) {
  SecureNoise noise;
  EXPECT_TRUE(noise.is_private());
  const int n = 400000;
  auto values = draw(noise, n);
  double sum = 0, squares = 0, fourth = 0, neighbours = 0;
  for (int i = 0; i < n; ++i) {
    const double square = values[i] * values[i];
    sum += values[i];
    squares += square;
    fourth += square * square;
    if (i > 0) neighbours += values[i] * values[i - 1];
  }
  // Six standard errors: a sound source fails once in 10^8 runs.
  EXPECT_NEAR(sum / n, 0, 6 / std::sqrt(n));
  EXPECT_NEAR(squares / n, 1, 6 * std::sqrt(2.0 / n));
  EXPECT_NEAR(fourth / n, 3, 6 * std::sqrt(96.0 / n));
  EXPECT_NEAR(neighbours / n, 0, 6 / std::sqrt(n));
  // Kolmogorov and Smirnov: P(sqrt(n) D > 3) = 2 exp(-18).
  std::sort(values.begin(), values.end());
  double distance = 0;
  for (int i = 0; i < n; ++i) distance = std::max(distance, std::abs(0.5 * std::erfc(-values[i] / std::sqrt(2.0)) - (i + 0.5) / n));
  EXPECT_LT(distance * std::sqrt(n), 3);
}

TEST(SecureNoise, NoTwoSourcesAgreeUnlessTheyShareAKey) {
  SecureNoise a, b;
  EXPECT_NE(draw(a, 100), draw(b, 100));
  const SecureNoise::Key key = SecureNoise::fresh_key();
  SecureNoise c(key), d(key);
  EXPECT_EQ(draw(c, 5000), draw(d, 5000));
  EXPECT_TRUE(c.is_private());
}

TEST(SecureNoise, SeededRepeatsAndSaysThatItIsNotPrivate) {
  SecureNoise a = SecureNoise::seeded(7, 2, 3), b = SecureNoise::seeded(7, 2, 3), other = SecureNoise::seeded(7, 3, 2);
  EXPECT_FALSE(a.is_private());
  const auto first = draw(a, 3000);
  EXPECT_EQ(first, draw(b, 3000));
  EXPECT_NE(first, draw(other, 3000));
}

TEST(SecureNoise, AddsNoiseOfTheScaleAsked) {
  SecureNoise noise = SecureNoise::seeded(1);
  std::vector<float> values(100000, 5.0f);
  noise.add_to(values, 0.5);
  double sum = 0, squares = 0;
  for (const float value : values) {
    sum += value - 5.0;
    squares += (value - 5.0) * (value - 5.0);
  }
  EXPECT_NEAR(sum / values.size(), 0, 0.01);
  EXPECT_NEAR(squares / values.size(), 0.25, 0.01);
}

}  // namespace
}  // namespace gridfed
