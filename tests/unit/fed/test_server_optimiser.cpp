#include "fed/server_optimiser.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace gridfed {
namespace {

/// Two rounds from 0 with mean changes 0.5 and -0.25.
std::vector<float> two_steps(FederationOptions options) {
  ServerOptimiser server(options, 1);
  std::vector<float> x{0.0f}, trace;
  for (const float change : {0.5f, -0.25f}) {
    std::vector<float> proposal{x[0] + change};
    server.step(x, proposal);
    x = proposal;
    trace.push_back(x[0]);
  }
  return trace;
}

TEST(ServerOptimiser, FedAvgMSumsDecayedChanges) {
  const auto x = two_steps({.aggregation = Aggregation::fedavgm, .server_learning_rate = 0.5, .server_momentum = 0.8});
  EXPECT_NEAR(x[0], 0.25, 1e-7);
  EXPECT_NEAR(x[1], 0.25 + 0.5 * (0.8 * 0.5 - 0.25), 1e-7);
}

// Algorithm 2 of Reddi et al. by hand: v starts at tau^2.
TEST(ServerOptimiser, AdaptiveStepsFollowThePaper) {
  const double tau = 0.1, rate = 0.01, b1 = 0.9, b2 = 0.8;
  const double m1 = 0.1 * 0.5, m2 = b1 * m1 - 0.1 * 0.25;
  const auto expect = [&](Aggregation strategy, double v1, double v2) {
    const auto x = two_steps({.aggregation = strategy,
                              .server_learning_rate = rate,
                              .server_momentum = b1,
                              .server_second_momentum = b2,
                              .server_adaptivity = tau});
    EXPECT_NEAR(x[0], rate * m1 / (std::sqrt(v1) + tau), 1e-8) << name(strategy);
    EXPECT_NEAR(x[1], rate * m1 / (std::sqrt(v1) + tau) + rate * m2 / (std::sqrt(v2) + tau), 1e-8) << name(strategy);
  };
  const double start = tau * tau;
  expect(Aggregation::fedadagrad, start + 0.25, start + 0.25 + 0.0625);
  const double adam = b2 * start + 0.2 * 0.25;
  expect(Aggregation::fedadam, adam, b2 * adam + 0.2 * 0.0625);
  const double yogi = start + 0.2 * 0.25;  // v < change^2: grows
  expect(Aggregation::fedyogi, yogi, yogi + 0.2 * 0.0625);
}

}  // namespace
}  // namespace gridfed
