#include "privacy/pld_accountant.hpp"

#include "privacy/accountant.hpp"
#include "privacy/calibration.hpp"
#include "runtime/error.hpp"

#include <gtest/gtest.h>
#include <boost/math/quadrature/tanh_sinh.hpp>

#include <algorithm>
#include <cmath>
#include <vector>

namespace gridfed {
namespace {

struct Golden {
  double sampling_rate, noise_multiplier;
  int steps;
  double delta, epsilon, digit;  // digit: half a unit of the last printed place
};

PldAccountant accountant_of(double rate, double noise, int steps, double step = 1e-4) {
  PldAccountant accountant(step);
  accountant.add(rate, noise, steps);
  return accountant;
}

// Printed in tensorflow/privacy (compute_dp_sgd_privacy_test.py, compute_noise_from_budget_test.py), the last recomputed with
// dp-accounting.
TEST(PldAccountant, MeetsTheTightEpsilonsPublishedWithTensorFlowPrivacy) {
  const Golden published[] = {
      {0.01, 0.7, 120, 1e-5, 2.4612381, 5e-8}, {1, 0.7, 2, 1e-5, 10.1224946, 5e-8}, {0.01, 0.35, 120, 1e-5, 18.6977407, 5e-8},
      {1, 0.35, 2, 1e-5, 24.7160779, 5e-8},    {1, 1.0, 5, 1e-6, 12.595, 5e-4},     {0.0025, 1.3, 6000, 1e-5, 0.6401109, 5e-8},
  };
  for (const Golden& row : published) {
    const auto [lower, upper] = accountant_of(row.sampling_rate, row.noise_multiplier, row.steps).epsilon(row.delta);
    EXPECT_NEAR(upper, row.epsilon, row.digit) << row.sampling_rate << " " << row.noise_multiplier;
    EXPECT_LE(lower, upper);
    EXPECT_GE(lower, upper * (1 - 1e-3)) << row.sampling_rate << " " << row.noise_multiplier;
  }
}

// Google's dp-accounting, pld_privacy_accountant_test.py.
TEST(PldAccountant, MeetsTheDeltasPublishedWithDpAccounting) {
  // Both are printed up to a unit off in the last place: dp-accounting 0.6.0 itself says 0.15593277616591, and the closed form 0.12693674.
  EXPECT_NEAR(accountant_of(0.2, 0.5, 3).delta(1).upper, 0.15594, 1e-5);
  EXPECT_NEAR(accountant_of(0.2, 0.5, 3).delta(1).upper, 0.15593277616591, 1e-11);
  EXPECT_NEAR(accountant_of(1, std::sqrt(3), 3).delta(1).upper, 0.126936, 1e-6);
  EXPECT_NEAR(accountant_of(1, std::sqrt(3), 3).delta(1).upper, gaussian_delta(1, 1), 1e-8);
  EXPECT_NEAR(noise_multiplier_for(1, 1e-5, 0.01, 1, Accountant::pld), 0.67379294682, 7e-7);
}

double normal_cdf(double x) {
  return 0.5 * std::erfc(-x / std::sqrt(2));
}

/// Output of one step at which log((mixture) / (plain Gaussian)) is log_ratio.
double output_at(double q, double s, double log_ratio) {
  const double excess = std::expm1(log_ratio) / q;
  return excess > -1 ? s * s * std::log1p(excess) + 0.5 : -INFINITY;
}

/// delta of one step, add/remove, in closed form: the best test rejects beyond the output at which the loss is epsilon.
double delta_of_one(double q, double s, double epsilon, bool remove) {
  const double x = output_at(q, s, remove ? epsilon : -epsilon);
  const double plain = normal_cdf(remove ? -x / s : x / s), moved = normal_cdf(remove ? (1 - x) / s : (x - 1) / s);
  const double mixed = (1 - q) * plain + q * moved;
  return remove ? mixed - std::exp(epsilon) * plain : plain - std::exp(epsilon) * mixed;
}

/// delta of two steps: over the output of the first by quadrature, of the second in closed form.
double delta_of_two(double q, double s, double epsilon, bool remove) {
  const auto integrand = [&](double x) {
    const double plain = std::exp(-x * x / (2 * s * s)), mixed = (1 - q) * plain + q * std::exp(-(x - 1) * (x - 1) / (2 * s * s));
    const double loss = remove ? std::log(mixed / plain) : std::log(plain / mixed);
    return (remove ? mixed : plain) * delta_of_one(q, s, epsilon - loss, remove) / (s * std::sqrt(2 * M_PI));
  };
  // Where the second step's test begins or ceases to be trivial the integrand is steep.
  const double end = output_at(q, s, remove ? epsilon - std::log1p(-q) : -epsilon - std::log1p(-q));
  std::vector<double> breaks{-10 * s, 0, 0.5, 1, 1 + 10 * s};
  if (end > breaks.front() && end < breaks.back()) breaks.push_back(end);
  std::sort(breaks.begin(), breaks.end());
  boost::math::quadrature::tanh_sinh<double> quadrature;
  double sum = 0;
  for (std::size_t i = 0; i + 1 < breaks.size(); ++i) {
    // On [-1, 1], as a short interval far from zero has no points left beside its ends.
    const double middle = (breaks[i] + breaks[i + 1]) / 2, half = (breaks[i + 1] - breaks[i]) / 2;
    sum += half * quadrature.integrate([&](double t) { return integrand(middle + half * t); }, 1e-11);
  }
  return sum;
}

double exact_delta(double q, double s, int steps, double epsilon) {
  if (q == 1) return gaussian_delta(s / std::sqrt(steps), epsilon);
  const auto of = [&](bool remove) { return steps == 1 ? delta_of_one(q, s, epsilon, remove) : delta_of_two(q, s, epsilon, remove); };
  return std::max(of(true), of(false));
}

// 200 of them: any number of steps without sampling, one or two with it.
TEST(PldAccountant, BracketsTheExactEpsilonOnAGrid) {
  int checked = 0, within = 0;
  const auto check = [&](double q, double s, int steps) {
    const double delta = 1e-5;
    const auto [lower, upper] = accountant_of(q, s, steps, 1e-3).epsilon(delta);
    // The exact curve falls: at the upper bound it is below delta, at the lower one above.
    EXPECT_LE(exact_delta(q, s, steps, upper), delta * (1 + 1e-9)) << q << " " << s << " " << steps << " upper " << upper;
    if (lower > 0) {
      EXPECT_GE(exact_delta(q, s, steps, lower), delta * (1 - 1e-9)) << q << " " << s << " " << steps << " lower " << lower;
    }
    ++checked;
    within += upper - lower <= 1e-3 * upper;
  };
  for (const double s : {0.5, 0.8, 1.0, 1.5, 2.0, 3.0, 4.0, 8.0})
    for (const int steps : {1, 3, 10, 30, 50, 70, 100}) check(1, s, steps);
  for (const double q : {0.001, 0.003, 0.01, 0.03, 0.1, 0.2, 0.5, 0.9, 0.99})
    for (const double s : {0.4, 0.5, 0.7, 0.9, 1.1, 1.5, 2.0, 4.0})
      for (const int steps : {1, 2}) check(q, s, steps);
  EXPECT_EQ(checked, 200);
  EXPECT_GE(within, 150);
}

TEST(PldAccountant, BoundsCloseInWithTheStepAndNestEachOther) {
  const auto coarse = accountant_of(0.02, 0.8, 50, 1e-2).epsilon(1e-6), fine = accountant_of(0.02, 0.8, 50, 1e-3).epsilon(1e-6);
  EXPECT_LE(coarse.lower, fine.lower);
  EXPECT_GE(coarse.upper, fine.upper);
  EXPECT_LT(fine.upper - fine.lower, 0.02 * (coarse.upper - coarse.lower));  // second order
}

TEST(PldAccountant, IsTighterThanRenyi) {
  for (const double q : {0.01, 0.2, 1.0}) {
    RenyiAccountant renyi;
    renyi.add(q, 1.1, 200);
    EXPECT_LT(accountant_of(q, 1.1, 200).epsilon(1e-5).upper, renyi.epsilon(1e-5)) << q;
  }
}

TEST(PldAccountant, ComposesUnlikeSteps) {
  PldAccountant mixed, other_order;
  mixed.add(1, 6, 10);
  mixed.add(1, 9, 4);
  other_order.add(1, 9, 4);
  other_order.add(1, 6, 10);
  const double sigma = 1 / std::sqrt(10.0 / 36 + 4.0 / 81);  // Gaussians compose to a Gaussian
  const auto [lower, upper] = mixed.epsilon(1e-5);
  EXPECT_LE(gaussian_delta(sigma, upper), 1e-5);
  EXPECT_GE(gaussian_delta(sigma, lower), 1e-5);
  EXPECT_NEAR(lower, upper, 1e-6);
  EXPECT_NEAR(upper, other_order.epsilon(1e-5).upper, 1e-10);
}

TEST(PldAccountant, KnowsItsExtremes) {
  PldAccountant accountant;
  EXPECT_EQ(accountant.epsilon(1e-5).upper, 0);
  accountant.add(0, 1.0, 100);
  EXPECT_TRUE(accountant.events().empty());
  EXPECT_EQ(accountant_of(1, 1e4, 1).epsilon(1e-3).upper, 0);
  EXPECT_TRUE(std::isinf(accountant_of(0.5, 0, 1).epsilon(1e-5).upper));
  EXPECT_TRUE(std::isinf(accountant_of(1, 0.01, 1).epsilon(1e-5).upper));  // 5000 and more
  EXPECT_GT(accountant_of(1, 0.01, 1).epsilon(1e-5).lower, 600);
  EXPECT_THROW(accountant.add(1.5, 1.0), Error);
  EXPECT_THROW(accountant.add(0.5, std::nan("")), Error);
  EXPECT_THROW(accountant.epsilon(0), Error);
  EXPECT_THROW(accountant.delta(-1), Error);
  EXPECT_THROW(PldAccountant(0), Error);
}

}  // namespace
}  // namespace gridfed
