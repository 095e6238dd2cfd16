#include "dynamics/devices.hpp"

#include <gtest/gtest.h>

namespace gridfed {
namespace {

const BatteryData battery{.name = "b",
                          .capacity_wh = 400e3,
                          .power_rating = 100e3,
                          .charge_efficiency = 0.95,
                          .discharge_efficiency = 0.9,
                          .idling_loss = 0.01,
                          .initial_soc = 0.5,
                          .min_soc = 0.2};

TEST(Battery, EnergyIsBalancedBothWays) {
  const auto out = battery_step(battery, 0.5, 80e3, 900);
  EXPECT_DOUBLE_EQ(out.power, 80e3);
  EXPECT_NEAR((0.5 - out.soc) * 400e3, 20e3 / 0.9, 1e-9);
  const auto in = battery_step(battery, 0.5, -80e3, 900);
  EXPECT_DOUBLE_EQ(in.power, -80e3);
  EXPECT_NEAR((in.soc - 0.5) * 400e3, 20e3 * 0.95, 1e-9);
}

TEST(Battery, StopsAtItsReserveAndWhenFull) {
  auto step = battery_step(battery, 0.21, 100e3, 3600);
  EXPECT_NEAR(step.soc, 0.2, 1e-12);
  EXPECT_NEAR(step.power, 0.01 * 400e3 * 0.9, 1e-9);
  step = battery_step(battery, 0.99, -100e3, 3600);
  EXPECT_NEAR(step.soc, 1.0, 1e-12);
  EXPECT_NEAR(step.power, -0.01 * 400e3 / 0.95, 1e-9);
}

TEST(Battery, NeverExceedsItsRating) {
  EXPECT_DOUBLE_EQ(battery_step(battery, 0.6, 1e9, 900).power, 100e3);
  EXPECT_DOUBLE_EQ(battery_step(battery, 0.6, -1e9, 900).power, -100e3);
}

TEST(Battery, IdleItDrawsItsIdlingLossFromTheFeeder) {
  for (const auto& [soc, wanted] : {std::pair{0.5, 0.0}, {0.5, 50.0}, {0.2, 100e3}, {1.0, -100e3}}) {
    const auto step = battery_step(battery, soc, wanted, 900);
    EXPECT_DOUBLE_EQ(step.power, -1e3);
    EXPECT_DOUBLE_EQ(step.soc, soc);
  }
}

TEST(Battery, ARoundTripCostsBothEfficiencies) {
  const auto in = battery_step(battery, 0.5, -50e3, 3600);
  const auto out = battery_step(battery, in.soc, 50e3 * 0.95 * 0.9, 3600);
  EXPECT_NEAR(out.soc, 0.5, 1e-12);
}

}  // namespace
}  // namespace gridfed
