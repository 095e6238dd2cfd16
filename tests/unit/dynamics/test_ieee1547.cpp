#include "dynamics/ieee1547.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <string>

namespace gridfed {
namespace {

using Status = RideThrough::Status;

TEST(VoltVar, PassesThroughThePointsOfBothCategories) {
  for (const auto& [v, q] : {std::pair{0.92, 0.44},
                             {0.98, 0.0},
                             {1.00, 0.0},
                             {1.02, 0.0},
                             {1.08, -0.44},
                             {0.95, 0.22},
                             {1.05, -0.22},
                             {0.5, 0.44},
                             {1.5, -0.44}})
    EXPECT_NEAR(volt_var(v), q, 1e-12) << v;
  for (const auto& [v, q] : {std::pair{0.90, 0.25}, {1.00, 0.0}, {1.10, -0.25}, {0.95, 0.125}, {0.8, 0.25}, {1.2, -0.25}})
    EXPECT_NEAR(volt_var(v, volt_var_a), q, 1e-12) << v;
}

TEST(VoltWatt, FallsFromOneToItsLowest) {
  for (const auto& [v, p] : {std::pair{0.9, 1.0}, {1.06, 1.0}, {1.08, 0.6}, {1.10, 0.2}, {1.2, 0.2}})
    EXPECT_NEAR(volt_watt(v), p, 1e-12) << v;
  EXPECT_NEAR(volt_watt(1.10, 0.05), 0.05, 1e-12);
}

TEST(FrequencyDroop, ActsBeyondItsDeadband) {
  EXPECT_EQ(frequency_droop(0.036), 0);
  EXPECT_EQ(frequency_droop(-0.036), 0);
  EXPECT_NEAR(frequency_droop(0.336), -0.3 / (60 * 0.05), 1e-12);
  EXPECT_NEAR(frequency_droop(-0.336), 0.3 / (60 * 0.05), 1e-12);
}

TEST(ResponseTime, NinetyPercentOfAStepIsThereAfterIt) {
  EXPECT_NEAR(lagged(0, 1, volt_var_response_b, volt_var_response_b), 0.9, 1e-12);
  EXPECT_NEAR(lagged(1, 0, 10, volt_watt_response), 0.1, 1e-12);
  EXPECT_EQ(lagged(0, 1, 1, 0), 1);
}

/// Time until a resource trips at constant voltage and frequency, to a millisecond; 1000 = it does not.
double trip_time(PerformanceCategory category, double voltage, double frequency) {
  RideThrough r(category);
  for (int ms = 1; ms <= 1000000; ++ms) {
    if (r.advance(voltage, frequency, 1e-3) == Status::tripped) return ms * 1e-3;
  }
  return 1000;
}

TEST(RideThrough, TripsAtTheTimesOfTheTable) {
  using enum PerformanceCategory;
  struct Case {
    double voltage, frequency, one, two, three;
  };
  for (const auto& c : {Case{1.21, 60, 0.16, 0.16, 0.16}, Case{1.15, 60, 2, 2, 13}, Case{1.10, 60, 1000, 1000, 1000},
                        Case{0.80, 60, 1000, 1000, 21}, Case{0.69, 60, 2, 10, 21}, Case{0.49, 60, 2, 10, 2}, Case{0.44, 60, 0.16, 0.16, 2},
                        Case{1, 62.1, 0.16, 0.16, 0.16}, Case{1, 61.3, 300, 300, 300}, Case{1, 58.4, 300, 300, 300},
                        Case{1, 56.4, 0.16, 0.16, 0.16}, Case{1, 61.2, 1000, 1000, 1000}, Case{1, 58.5, 1000, 1000, 1000}}) {
    EXPECT_NEAR(trip_time(one, c.voltage, c.frequency), c.one, 1.5e-3) << c.voltage << " " << c.frequency;
    EXPECT_NEAR(trip_time(two, c.voltage, c.frequency), c.two, 1.5e-3) << c.voltage << " " << c.frequency;
    EXPECT_NEAR(trip_time(three, c.voltage, c.frequency), c.three, 1.5e-3) << c.voltage << " " << c.frequency;
  }
}

TEST(RideThrough, DefaultTripsLeaveRoomForWhatMustBeRiddenThrough) {
  for (const auto category : {PerformanceCategory::one, PerformanceCategory::two, PerformanceCategory::three}) {
    const auto settings = ride_through_settings(category);
    for (double v = 0.005; v < 1.3; v += 0.01) {
      double trips = 1e9;
      for (const auto& t : settings.trips) {
        if (t.quantity == TripThreshold::Quantity::voltage && (t.above ? v > t.threshold : v < t.threshold))
          trips = std::min(trips, t.clearing_time);
      }
      EXPECT_LE(std::min(required_ride_through(category, v), 1e9), trips) << v;
    }
  }
}

TEST(RideThrough, CeasesWithoutTrippingWhileTheVoltageIsVeryLow) {
  RideThrough third(PerformanceCategory::three), second(PerformanceCategory::two);
  EXPECT_EQ(third.advance(0.45, 60, 0.5), Status::ceased);
  EXPECT_EQ(third.power_limit(), 0);
  EXPECT_EQ(third.advance(1.0, 60, 0.01), Status::running);
  EXPECT_EQ(third.power_limit(), 1);  // no ramp: it never left
  EXPECT_EQ(third.advance(1.15, 60, 1), Status::ceased);
  EXPECT_EQ(second.advance(0.46, 60, 0.1), Status::running);
  EXPECT_EQ(second.advance(0.25, 60, 0.1), Status::ceased);
}

TEST(RideThrough, AThresholdThatIsLeftStartsAgain) {
  RideThrough r(PerformanceCategory::one);
  for (int dip = 0; dip < 5; ++dip) {
    EXPECT_EQ(r.advance(0.6, 60, 1.9), Status::running);
    EXPECT_EQ(r.advance(1.0, 60, 0.01), Status::running);
  }
  EXPECT_EQ(r.advance(0.6, 60, 2.0), Status::tripped);
}

TEST(RideThrough, EntersServiceAfterItsDelayAndRampsUp) {
  RideThrough r(PerformanceCategory::two);
  EXPECT_EQ(r.advance(1.3, 60, 0.16), Status::tripped);
  EXPECT_EQ(r.trips(), 1);
  EXPECT_EQ(r.advance(1.0, 60, 299), Status::tripped);
  EXPECT_EQ(r.advance(1.06, 60, 1), Status::tripped);  // outside 0.917 to 1.05: the wait begins anew
  EXPECT_EQ(r.advance(1.0, 60.2, 400), Status::tripped);
  EXPECT_EQ(r.advance(0.91, 60, 400), Status::tripped);
  EXPECT_TRUE(std::isinf(r.time_to_change(0.91, 60)));
  EXPECT_NEAR(r.time_to_change(1.0, 60), 300, 1e-9);
  EXPECT_EQ(r.advance(1.0, 60, 299), Status::tripped);
  EXPECT_NEAR(r.time_to_change(1.0, 60), 1, 1e-9);
  EXPECT_EQ(r.power_limit(), 0);
  EXPECT_EQ(r.advance(1.0, 60, 1), Status::running);
  EXPECT_NEAR(r.power_limit(), 0, 1e-12);
  r.advance(1.0, 60, 75);
  EXPECT_NEAR(r.power_limit(), 0.25, 1e-12);
  r.advance(1.0, 60, 300);
  EXPECT_EQ(r.power_limit(), 1);
  EXPECT_NEAR(r.time_to_change(1.15, 60), 2, 1e-9);
}

}  // namespace
}  // namespace gridfed
