#include "dynamics/islanding.hpp"

#include "feeders.hpp"
#include "powerflow/make_power_flow.hpp"
#include "refusals.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

namespace gridfed {
namespace {

TEST(GridFollowing, FollowsItsSetpointBehindALagAndDroops) {
  GridFollowingInverter inverter;
  inverter.advance({0.5, 0.1}, 1.0, 60, 0.01);
  EXPECT_NEAR(inverter.power().real(), 0.5 * (1 - std::exp(-1.0)), 1e-12);
  inverter.advance({0.5, 0.1}, 1.0, 60, 1);
  EXPECT_NEAR(std::abs(inverter.power() - Complex(0.5, 0.1)), 0, 1e-12);
  inverter.advance({0.5, 0.1}, 1.01, 60.12, 1);  // 0.2 % of frequency over 1 %, 1 % of voltage over 5 %
  EXPECT_NEAR(std::abs(inverter.power() - Complex(0.3, -0.1)), 0, 1e-9);
}

TEST(GridFollowing, NeverExceedsItsCurrentLimit) {
  GridFollowingInverter inverter({.voltage_droop = 0.05});
  inverter.advance({1, 0}, 0.4, 60, 1);  // the voltage droop asks for 12 p.u.
  EXPECT_NEAR(std::abs(inverter.power()) / 0.4, 2, 1e-12);
}

TEST(GridForming, InvertersShareALoadByTheirRatings) {
  GridFormingIsland island({{.rating = 600e3}, {.rating = 400e3}});
  island.advance({500e3, 100e3}, 5);
  const double v = island.voltage();
  const Complex total = island.power(0) + island.power(1);
  EXPECT_NEAR(total.real(), 500e3 * v * v, 1);
  EXPECT_NEAR(total.imag(), 100e3 * v * v, 1);
  EXPECT_NEAR(island.power(0).real() / 600e3, island.power(1).real() / 400e3, 1e-6);
  EXPECT_NEAR(island.frequency(), 60 * (1 - 0.01 * total.real() / 1e6), 1e-5);
  EXPECT_NEAR(island.frequency(0), island.frequency(1), 1e-6);
  EXPECT_LE(island.lowest_frequency(), island.frequency() + 1e-9);
  EXPECT_GT(v, 0.9);
}

TEST(GridForming, SetpointsMoveTheShareAndTheFrequency) {
  GridFormingIsland island({{.rating = 1e6, .active_setpoint = 0.5}, {.rating = 1e6}});
  island.advance({500e3, 0}, 5);
  const double p0 = island.power(0).real() / 1e6, p1 = island.power(1).real() / 1e6;
  EXPECT_NEAR(p0 - p1, 0.5, 1e-6);  // equal frequency: p0 - 0.5 = p1
  EXPECT_NEAR(island.frequency(), 60 * (1 - 0.01 * p1), 1e-5);
}

TEST(GridForming, AFaultIsFedWithLimitedCurrentAndRecoveredFrom) {
  GridFormingIsland island({{.rating = 600e3}, {.rating = 400e3}});
  island.advance({500e3, 0}, 2);
  const double before = island.voltage();
  island.advance({100e6, 0}, 0.15);
  EXPECT_LT(island.voltage(), 0.1);
  EXPECT_NEAR(island.current(0), 2, 1e-9);
  EXPECT_NEAR(island.current(1), 2, 1e-9);
  island.advance({500e3, 0}, 5);
  EXPECT_NEAR(island.voltage(), before, 1e-6);
  EXPECT_TRUE(refuses([] { GridFormingIsland(std::vector<GridFormingOptions>{}); }, "no grid-forming inverter"));
}

/// A substation, a switch, and behind it a load, a plant and two batteries.
std::shared_ptr<const Network> microgrid() {
  return test::script(
      "new circuit.c basekv=12.47 bus1=s\nset voltagebases=[12.47]\n"
      "new line.main bus1=s bus2=a length=1 switch=y\nnew line.l bus1=a bus2=b length=2 r1=0.2 x1=0.4\n"
      "new load.l bus1=b kv=12.47 kw=300 kvar=100\nnew load.other bus1=s kv=12.47 kw=50\n"
      "new pvsystem.p bus1=b kv=12.47 kva=200 pmpp=200\n"
      "new storage.one bus1=a kv=12.47 kwrated=500 kwhrated=1000\nnew storage.two bus1=b kv=12.47 kwrated=100 kwhrated=200\n");
}

TEST(Islanding, AnOpenSwitchMakesAnIslandThatABatteryCanCarry) {
  const auto network = microgrid();
  GridState state = initial_state(*network);
  EXPECT_EQ(islands(*network, state).size(), 1u);
  state.closed[0] = 0;
  const auto parts = islands(*network, state);
  ASSERT_EQ(parts.size(), 2u);
  EXPECT_TRUE(parts[0].has_source);
  EXPECT_NEAR(parts[0].load, 50e3, 1e-6);
  EXPECT_FALSE(parts[1].has_source);
  EXPECT_EQ(parts[1].buses.size(), 2u);
  EXPECT_NEAR(parts[1].load, 300e3, 1e-6);
  EXPECT_EQ(parts[1].batteries, (std::vector<int>{0, 1}));
  EXPECT_EQ(parts[1].solar, (std::vector<int>{0}));

  const auto alone = make_network(island_data(*network, state, parts[1], 0));
  EXPECT_EQ(alone->data().batteries.size(), 1u);
  EXPECT_EQ(alone->data().lines.size(), 1u);
  const auto flow = make_power_flow(alone, PowerFlowOptions{});
  auto conditions = rated_conditions(*alone);
  conditions.solar_power[0] = 150e3;
  ASSERT_TRUE(flow->solve(conditions).converged);
  const auto balance = flow->balance();
  EXPECT_NEAR(balance.source_power.real(), 150e3 + balance.losses.real(), 500);
  EXPECT_GT(std::abs(flow->solution().bus_voltages[0]) / (12.47e3 / std::numbers::sqrt3), 0.9);
  EXPECT_TRUE(refuses([&] { island_data(*network, state, parts[0], 0); }, "does not stand in the island"));
}

TEST(Islanding, TheSynchronismCheckHasTheLimitsOfItsRating) {
  const double deg = std::numbers::pi / 180;
  EXPECT_TRUE(check_synchronism(1.0, 60, std::polar(1.09, 19 * deg), 60.29, 500e3).may_close);
  EXPECT_FALSE(check_synchronism(1.0, 60, 1.11, 60, 500e3).may_close);
  EXPECT_FALSE(check_synchronism(1.0, 60, std::polar(1.0, 21 * deg), 60, 500e3).may_close);
  EXPECT_FALSE(check_synchronism(1.0, 60, 1.0, 60.31, 500e3).may_close);
  EXPECT_TRUE(check_synchronism(1.0, 60, std::polar(1.04, -14 * deg), 59.81, 1e6).may_close);
  EXPECT_FALSE(check_synchronism(1.0, 60, 1.06, 60, 1e6).may_close);
  EXPECT_TRUE(check_synchronism(1.0, 60, std::polar(0.98, 9 * deg), 60.09, 5e6).may_close);
  EXPECT_FALSE(check_synchronism(1.0, 60, std::polar(1.0, 11 * deg), 60, 5e6).may_close);
  EXPECT_FALSE(check_synchronism(1.0, 60, 0.0, 60, 5e6).may_close);
  const auto apart = check_synchronism(1.0, 60, std::polar(0.9, 170 * deg), 59, 1e6);
  EXPECT_NEAR(apart.angle_deg, 170, 1e-9);
  EXPECT_NEAR(apart.voltage, 0.1, 1e-12);
}

TEST(Islanding, AnIslandIsJoinedAgainWhenItDriftsIntoPhase) {
  GridFormingIsland island(std::vector<GridFormingOptions>{{.rating = 500e3}});
  island.advance({200e3, 50e3}, 2);
  // It runs slower than the grid and slips past it: sooner or later the switch may close.
  double waited = 0;
  while (waited < 60 &&
         !check_synchronism(1.0, 60, std::polar(island.voltage(), island.angle_deg() * std::numbers::pi / 180), island.frequency(), 500e3)
              .may_close) {
    island.advance({200e3, 50e3}, 0.05);
    waited += 0.05;
  }
  EXPECT_LT(waited, 60);
  EXPECT_LT(std::abs(60 - island.frequency()), 0.3);
}

}  // namespace
}  // namespace gridfed
