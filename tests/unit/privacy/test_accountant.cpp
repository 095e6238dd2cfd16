#include "privacy/accountant.hpp"

#include "runtime/error.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace gridfed {
namespace {

struct Golden {
  double sampling_rate, noise_multiplier;
  int steps;
  double delta, epsilon, digit;  // digit: half a unit of the last printed place
};

// Printed in tensorflow/privacy: compute_dp_sgd_privacy_test.py and compute_noise_from_budget_test.py.
const Golden published[] = {
    {0.01, 0.7, 120, 1e-5, 3.2392676, 5e-8}, {1, 0.7, 2, 1e-5, 10.8602036, 5e-8}, {0.01, 0.35, 120, 1e-5, 22.6248601, 5e-8},
    {1, 0.35, 2, 1e-5, 26.2880374, 5e-8},    {1, 1.0, 5, 1e-6, 13.376, 5e-4},     {0.0025, 1.3, 6000, 1e-5, 0.7242234026, 5e-11},
};

TEST(RenyiAccountant, MeetsTheEpsilonsPublishedWithTensorFlowPrivacy) {
  for (const Golden& row : published) {
    RenyiAccountant accountant;
    accountant.add(row.sampling_rate, row.noise_multiplier, row.steps);
    EXPECT_NEAR(accountant.epsilon(row.delta), row.epsilon, row.digit) << row.sampling_rate << " " << row.noise_multiplier;
  }
}

TEST(RenyiAccountant, MeetsTheDivergencesPublishedAtIntegerOrders) {
  EXPECT_NEAR(50 * renyi_divergence(0.01, 2.5, 5), 2.18075656e-3, 5e-12);
  EXPECT_NEAR(50 * renyi_divergence(0.01, 2.5, 50), 2.38460375e-2, 5e-11);
  EXPECT_NEAR(50 * renyi_divergence(0.01, 2.5, 100), 167.416308, 5e-7);
}

TEST(RenyiAccountant, FineOrdersReachTheOptimumOfTheGaussian) {
  std::vector<double> orders;
  for (int i = 1; i < 100000; ++i) orders.push_back(1 + i * 1e-3);
  RenyiAccountant accountant(orders);
  accountant.add(1, 4.530877117);
  EXPECT_NEAR(accountant.epsilon(1e-6), 1, 5e-10);
}

TEST(RenyiAccountant, FractionalOrdersBoundTheExactDivergenceFromAbove) {
  // Exact: quadrature of E_{N(0,s)}[(1 - q + q exp((2x - 1) / (2 s^2)))^order].
  const double q = 0.01, sigma = 0.7;
  for (const double order : {1.1, 1.5, 2.3, 4.4, 10.9}) {
    double moment = 0;
    const double h = 1e-3;
    for (double x = -12; x < 30; x += h) {
      const double density = std::exp(-x * x / (2 * sigma * sigma)) / (sigma * std::sqrt(2 * M_PI));
      moment += h * density * std::pow(1 - q + q * std::exp((2 * x - 1) / (2 * sigma * sigma)), order);
    }
    const double exact = std::log(moment) / (order - 1);
    const double bound = renyi_divergence(q, sigma, order);
    EXPECT_GE(bound, exact * (1 - 1e-9)) << order;
    EXPECT_LE(bound, exact * 1.25) << order;
  }
}

TEST(RenyiAccountant, DivergenceGrowsWithTheOrder) {
  double last = 0;
  for (const double order : RenyiAccountant::default_orders()) {
    const double divergence = renyi_divergence(0.02, 1.1, order);
    EXPECT_GE(divergence, last * (1 - 1e-3)) << order;  // fractional values lie a little high
    last = divergence;
  }
}

TEST(RenyiAccountant, StepsComposeHoweverTheyAreAdded) {
  RenyiAccountant whole, parts, mixed;
  whole.add(0.01, 0.7, 120);
  for (int i = 0; i < 120; ++i) parts.add(0.01, 0.7);
  EXPECT_EQ(whole.epsilon(1e-5), parts.epsilon(1e-5));
  ASSERT_EQ(parts.events().size(), 1u);
  EXPECT_EQ(parts.events()[0].steps, 120);

  mixed.add(0.01, 0.7, 60);
  mixed.add(1, 5.0, 3);
  mixed.add(0.01, 0.7, 60);
  EXPECT_GT(mixed.epsilon(1e-5), whole.epsilon(1e-5));
  RenyiAccountant other_order;
  other_order.add(1, 5.0, 3);
  other_order.add(0.01, 0.7, 120);
  EXPECT_NEAR(mixed.epsilon(1e-5), other_order.epsilon(1e-5), 1e-12);
}

TEST(RenyiAccountant, KnowsItsExtremes) {
  RenyiAccountant accountant;
  EXPECT_EQ(accountant.epsilon(1e-5), 0);
  accountant.add(0, 1.0, 100);
  EXPECT_EQ(accountant.epsilon(1e-5), 0);
  accountant.add(0.5, 0.0);
  EXPECT_TRUE(std::isinf(accountant.epsilon(1e-5)));
  EXPECT_THROW(accountant.add(1.5, 1.0), Error);
  EXPECT_THROW(accountant.add(0.5, -1.0), Error);
  EXPECT_THROW(accountant.add(0.5, std::nan("")), Error);
  EXPECT_THROW(accountant.add(0.5, 1.0, -1), Error);
  EXPECT_THROW(accountant.epsilon(0), Error);
  EXPECT_THROW(RenyiAccountant({0.5}), Error);
}

}  // namespace
}  // namespace gridfed
