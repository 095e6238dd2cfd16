#include "dynamics/frequency_response.hpp"

#include "refusals.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace gridfed {
namespace {

/// Worked out with the same model by another program: H, nadir [Hz], when [s], initial rate of change [Hz/s], frequency after 60 s [Hz].
struct Golden {
  double inertia, nadir, at, rate, settled;
};
constexpr Golden golden[] = {{2, 59.0430, 1.24, -1.5, 59.7143}, {3, 59.1566, 1.68, -1.0, 59.7143}, {5, 59.2718, 2.50, -0.6, 59.7143}};

TEST(FrequencyResponse, ALoadStepOfTenPercentGivesTheGoldenTable) {
  for (const auto& g : golden) {
    FrequencyResponse response({.inertia = g.inertia});
    response.advance(0.1, 0);
    EXPECT_NEAR(response.rate_of_change(), g.rate, 1e-9);
    response.advance(0.1, 60);
    EXPECT_NEAR(response.lowest().frequency, g.nadir, 5.1e-5) << g.inertia;
    EXPECT_NEAR(response.lowest().time, g.at, 5.1e-3) << g.inertia;
    EXPECT_NEAR(response.frequency(), g.settled, 5.1e-5) << g.inertia;
    EXPECT_NEAR(response.time(), 60, 1e-9);
  }
}

TEST(FrequencyResponse, ControlStepsDoNotChangeWhatHappensBetweenThem) {
  FrequencyResponse whole({}), stepped({});
  whole.advance(0.1, 20);
  for (int i = 0; i < 20; ++i) stepped.advance(0.1, 1);
  EXPECT_NEAR(whole.frequency(), stepped.frequency(), 1e-7);
  EXPECT_NEAR(whole.lowest().frequency, stepped.lowest().frequency, 1e-6);
}

TEST(FrequencyResponse, SubstepsAreShortWhereItMovesAndLongWhereItRests) {
  FrequencyResponse response({});
  response.advance(0, 10);
  const long resting = response.substeps();
  response.advance(0.1, 2);
  const long moving = response.substeps() - resting;
  EXPECT_LT(resting, 25);
  EXPECT_GT(moving, 50);
  EXPECT_LT(moving, 2000);  // milliseconds on average, not microseconds
}

TEST(FrequencyResponse, InvertersKeepFrequencyAboveTheLimitThatTheStepBreaksWithout) {
  FrequencyOptions options{.inertia = 3};
  FrequencyResponse without(options);
  without.advance(0.1, 60);
  EXPECT_LT(without.lowest().frequency, 59.5);
  // A fifth of the system are inverters of 1 % droop and 50 ms.
  options.inverter_share = 0.2;
  options.inverter_droop = 0.01;
  options.inverter_response = 0.05;
  FrequencyResponse with(options);
  with.advance(0.1, 60);
  EXPECT_GT(with.lowest().frequency, 59.5);
  // At rest the load step is what governor, damping and inverters give: 0.1 = (1/R + D) w + s (w - deadband) / k.
  const double deadband = options.inverter_deadband / 60;
  const double w = (0.1 + 20 * deadband) / (20 + 1 + 20);
  EXPECT_NEAR(with.frequency(), 60 * (1 - w), 2e-4);
  EXPECT_NEAR(with.inverter_power(), 20 * (w - deadband), 1e-5);
  // The standard's default droop of 5 % in 5 s is too slow and too little for that.
  options.inverter_droop = 0.05;
  options.inverter_response = 5;
  FrequencyResponse slow(options);
  slow.advance(0.1, 60);
  EXPECT_LT(slow.lowest().frequency, 59.5);
  EXPECT_GT(slow.lowest().frequency, without.lowest().frequency);
}

TEST(FrequencyResponse, HeadroomLimitsWhatInvertersGive) {
  FrequencyResponse r({.inverter_share = 0.2, .inverter_droop = 0.01, .inverter_response = 0.05, .inverter_headroom = 0.1});
  r.advance(0.1, 30);
  EXPECT_NEAR(r.inverter_power(), 0.02, 1e-6);
  FrequencyResponse up({.inverter_share = 0.2, .inverter_droop = 0.01, .inverter_response = 0.05});
  up.advance(-0.1, 30);
  EXPECT_GT(up.highest().frequency, 60);
  EXPECT_EQ(up.lowest().frequency, 60);
  EXPECT_LT(up.inverter_power(), 0);
}

TEST(FrequencyResponse, RefusesWhatCannotBe) {
  EXPECT_TRUE(refuses([] { FrequencyResponse({.inertia = 0}); }, "frequency.inertia is 0: it must be positive"));
  EXPECT_TRUE(refuses([] { FrequencyResponse({.damping = -1}); }, "frequency.damping is -1: it must not be negative"));
  EXPECT_TRUE(refuses([] { FrequencyResponse({.inertia = std::nan("")}); }, "frequency.inertia is nan"));
}

TEST(AdaptiveStep, HasTheErrorItIsAskedFor) {
  // A pendulum of unit frequency: energy and phase after ten turns.
  std::vector<double> x{1, 0};
  AdaptiveStep step(2, 1e-9);
  step.advance(x, 20 * M_PI, [](std::span<const double> y, std::span<double> dy) {
    dy[0] = y[1];
    dy[1] = -y[0];
  });
  EXPECT_NEAR(x[0], 1, 1e-4);
  EXPECT_NEAR(x[1], 0, 1e-4);
}

}  // namespace
}  // namespace gridfed
