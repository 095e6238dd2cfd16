#include "privacy/calibration.hpp"

#include "privacy/accountant.hpp"
#include "runtime/error.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace gridfed {
namespace {

struct Target {
  double epsilon, delta, sampling_rate;
  std::int64_t steps;
};

const Target targets[] = {{1, 1e-5, 0.01, 120},      {3.2392676, 1e-5, 0.01, 120}, {10, 1e-5, 1, 2},    {13.376, 1e-6, 1, 5},
                          {0.7, 1e-5, 0.0025, 6000}, {22, 1e-5, 0.01, 120},        {0.1, 1e-6, 1, 100}, {50, 1e-4, 0.2, 10}};

TEST(NoiseCalibration, NeverExceedsItsEpsilonAndWastesNothing) {
  for (const Accountant by : {Accountant::rdp, Accountant::pld}) {
    for (const Target& t : targets) {
      if (by == Accountant::pld && t.steps > 1000) continue;  // seconds each
      const double sigma = noise_multiplier_for(t.epsilon, t.delta, t.sampling_rate, t.steps, by);
      const auto spent = [&](double noise) { return spent_epsilon(PrivacyLedger{{t.sampling_rate, noise, t.steps}}, t.delta, by); };
      EXPECT_LE(spent(sigma), t.epsilon) << t.epsilon << " " << name(by);
      EXPECT_GT(spent(sigma * (1 - 2e-6)), t.epsilon) << t.epsilon << " " << name(by);
    }
  }
  EXPECT_THROW(noise_multiplier_for(-1, 1e-5, 0.01, 10), Error);
  EXPECT_THROW(noise_multiplier_for(1, 1e-5, 0.01, 0), Error);
  EXPECT_THROW(noise_multiplier_for(1, 1e-30, 0.01, 10, Accountant::pld), Error);
}

TEST(NoiseCalibration, InvertsTheValuePublishedByTensorFlowPrivacy) {
  EXPECT_NEAR(noise_multiplier_for(3.2392676, 1e-5, 0.01, 120), 0.7, 2e-6);
  EXPECT_NEAR(noise_multiplier_for(0.7242234026, 1e-5, 0.0025, 6000), 1.3, 4e-6);
}

TEST(NoiseCalibration, LeavesRoomForWhatIsSpent) {
  const PrivacyLedger spent{{0.01, 0.9, 100}, {1, 8, 3}};
  for (const Accountant by : {Accountant::rdp, Accountant::pld}) {
    PrivacyLedger all = spent;
    append(all, {0.01, noise_multiplier_for(4, 1e-5, 0.01, 500, by, spent), 500});
    EXPECT_LE(spent_epsilon(all, 1e-5, by), 4);
    EXPECT_GT(spent_epsilon(all, 1e-5, by), 4 * (1 - 1e-4));
    EXPECT_THROW(noise_multiplier_for(0.5, 1e-5, 0.01, 500, by, spent), Error);
  }
}

TEST(AnalyticGaussian, MeetsTheSigmasOfBalleAndWang) {
  EXPECT_NEAR(gaussian_sigma(1, 1e-5), 3.730631635, 5e-10);
  EXPECT_NEAR(gaussian_sigma(1, 1e-6), 4.224678889, 5e-10);
  EXPECT_NEAR(gaussian_sigma(0.1, 1e-5), 30.749566132, 5e-10);
  EXPECT_NEAR(gaussian_sigma(10, 1e-5), 0.49988862, 5e-9);
  EXPECT_NEAR(gaussian_sigma(1, 1e-5, 4), 4 * 3.730631635, 2e-9);
  EXPECT_NEAR(gaussian_delta(10, std::log(3), 5), 0.004159742234, 5e-13);
}

}  // namespace
}  // namespace gridfed
