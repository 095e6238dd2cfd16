#include "dynamics/clearness.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace gridfed {

namespace {

constexpr double solar_constant = 1361, smallest = 0.05;

/// Mean of the density ~ exp(gamma k) on [a, b].
double exponential_mean(double gamma, double a, double b) {
  if (std::abs(gamma * (b - a)) < 1e-6) return (a + b) / 2 + gamma * (b - a) * (b - a) / 12;
  return b - 1 / gamma + (b - a) / std::expm1(gamma * (b - a));
}

double rate_for_mean(double mean, double a, double b) {
  double low = -500, high = 500;
  for (int i = 0; i < 100; ++i) {
    const double middle = (low + high) / 2;
    (exponential_mean(middle, a, b) < mean ? low : high) = middle;
  }
  return (low + high) / 2;
}

}  // namespace

double extraterrestrial_irradiance(int day_of_year, double zenith_cosine) {
  return solar_constant * (1 + 0.033 * std::cos(2 * std::numbers::pi * day_of_year / 365.0)) * std::max(0.0, zenith_cosine);
}

double largest_daily_clearness(double mean) {
  return 0.6313 + 0.267 * mean - 11.9 * std::pow(mean - 0.75, 8);
}

double daily_clearness(double mean, double probability) {
  const double largest = largest_daily_clearness(mean), gamma = rate_for_mean(mean, smallest, largest);
  if (std::abs(gamma) < 1e-6) return smallest + probability * (largest - smallest);
  // F(k) = (exp(gamma k) - exp(gamma a)) / (exp(gamma b) - exp(gamma a))
  return smallest + std::log1p(probability * std::expm1(gamma * (largest - smallest))) / gamma;
}

HourlyClearness hourly_clearness(double daily, double elevation_sine) {
  const double lambda = -0.19 + 1.12 * daily + 0.24 * std::exp(-8 * daily);
  const double epsilon = 0.32 - 1.6 * std::pow(daily - 0.5, 2);
  const double kappa = 0.19 + 2.27 * daily * daily - 2.51 * std::pow(daily, 3);
  const double a = 0.14 * std::exp(-20 * std::pow(daily - 0.35, 2)), b = 3 * std::pow(daily - 0.45, 2) + 16 * std::pow(daily, 5);
  const double sine = std::max(elevation_sine, 0.02);
  return {lambda + epsilon * std::exp(-kappa / sine), a * std::exp(b * (1 - sine))};
}

double hourly_clearness_correlation(double daily) {
  return 0.38 + 0.06 * std::cos(7.4 * daily - 2.5);
}

SkyRegime sky_regime(double probability) {
  if (probability < 0.45) return {0.92, 0.05};
  if (probability < 0.8) return {0.65, 0.25};
  return {0.30, 0.12};
}

double clear_sky_index(const SkyRegime& regime, double deviation) {
  return std::clamp(regime.mean + regime.swing * deviation, 0.05, 1.05);
}

}  // namespace gridfed
