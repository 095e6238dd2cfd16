#include "powerflow/operating_points.hpp"

#include "feeders.hpp"
#include "powerflow/load_shape.hpp"

#include <gtest/gtest.h>

namespace gridfed {
namespace {

std::shared_ptr<const Network> with(const std::string& text) {
  return test::script("new circuit.c basekv=12.47\n" + text + "\nset voltagebases=[12.47]\n");
}

TEST(LoadShape, TheValueNearestToTheHourCounts) {
  // As OpenDSS: the first value is that of hour 1, halves go to the even hour, and the shape repeats.
  const LoadShapeData shape{.name = "s", .active = {0.1, 0.2, 0.3, 0.4}};
  for (const auto& [hour, value] : {std::pair{1.0, 0.1},
                                    {2.0, 0.2},
                                    {4.0, 0.4},
                                    {5.0, 0.1},
                                    {0.25, 0.4},
                                    {0.5, 0.4},
                                    {0.75, 0.1},
                                    {1.5, 0.2},
                                    {2.5, 0.2},
                                    {3.5, 0.4},
                                    {4.5, 0.4},
                                    {0.0, 0.4}})
    EXPECT_EQ(value_at(shape, hour), Complex(value, value)) << hour;
}

TEST(LoadShape, ValuesAtGivenTimesAreJoinedByLines) {
  const LoadShapeData shape{.name = "s", .interval = 0, .times = {3600, 7200, 14400}, .active = {0.5, 0.6, 0.9}, .reactive = {1, 2, 4}};
  for (const auto& [hour, value] : {std::pair{1.0, 0.5}, {1.5, 0.55}, {3.0, 0.75}, {4.0, 0.9}, {5.0, 0.5}, {6.5, 0.675}})
    EXPECT_NEAR(value_at(shape, hour).real(), value, 1e-12) << hour;
  EXPECT_NEAR(value_at(shape, 3).imag(), 3, 1e-12);
  EXPECT_NEAR(value_at(shape, 0.5).real(), 0.7, 1e-12);  // halfway from the last value, where the period before ended, to the first
}

TEST(OperatingPoints, ASnapshotStandsWhereTheScriptPutsIt) {
  const auto network = with(
      "new load.l bus1=sourcebus kv=12.47 kw=100 kvar=40\nnew pvsystem.p bus1=sourcebus kv=12.47 kva=500 pmpp=500 irradiance=0.5 %pmpp=80\n"
      "new pvsystem.capped bus1=sourcebus kv=12.47 kva=500 pmpp=500 irradiance=0.5 %pmpp=40\n"
      "new storage.s bus1=sourcebus kv=12.47 kwrated=100 kwhrated=400 state=discharging %discharge=50\n"
      "new windgen.w bus1=sourcebus kv=12.47 kw=100 rad=10 vwind=6");
  const auto conditions = snapshot_conditions(*network, 0.5);
  EXPECT_EQ(conditions.load_power[0], Complex(50e3, 20e3));
  EXPECT_EQ(conditions.solar_power[0], Complex(250e3));
  EXPECT_EQ(conditions.solar_power[1], Complex(200e3));
  EXPECT_EQ(conditions.battery_power[0], Complex(50e3));
  // 0.5 * 1.225 kg/m3 * pi * 100 m2 * 0.41 * 6^3 m3/s3
  EXPECT_NEAR(conditions.wind_power[0].real(), 17040.94, 0.01);
}

TEST(OperatingPoints, FollowTheShapesOfTheirKind) {
  const auto network = with(
      "new loadshape.d npts=2 mult=[0.5 0.25]\nnew loadshape.y npts=2 mult=[0.1 0.2]\nnew loadshape.w npts=2 mult=[6 30]\n"
      "new loadshape.a npts=2 mult=[10 40] useactual=yes\n"
      "new load.daily bus1=sourcebus kv=12.47 kw=100 kvar=40 daily=d\nnew load.yearly bus1=sourcebus kv=12.47 kw=100 kvar=40 yearly=y\n"
      "new load.fixed bus1=sourcebus kv=12.47 kw=100 kvar=40 daily=d status=fixed\n"
      "new load.actual bus1=sourcebus kv=12.47 kw=1 pf=0.8 daily=a\n"
      "new generator.g bus1=sourcebus kv=12.47 kw=100 kvar=50 daily=d\n"
      "new windgen.w bus1=sourcebus kv=12.47 kw=100 rad=10 daily=w");
  OperatingPoints daily(*network, ShapeKind::daily), yearly(*network, ShapeKind::yearly), duty(*network, ShapeKind::duty);
  for (auto* points : {&daily, &yearly, &duty}) points->set_hour(1, 1);
  // A load's daily shape counts for years, a generator's does not: DSS C-API 0.14.5.
  const auto power = [](const OperatingPoints& p, int load) { return p.conditions().load_power[load] / 1e3; };
  for (const auto* points : {&daily, &yearly, &duty}) {
    EXPECT_EQ(power(*points, 0), Complex(50, 20));
    EXPECT_EQ(power(*points, 2), Complex(100, 40));
    EXPECT_NEAR(std::abs(power(*points, 3) - Complex(10, 7.5)), 0, 1e-12);
  }
  EXPECT_EQ(power(daily, 1), Complex(100, 40));
  EXPECT_EQ(power(yearly, 1), Complex(10, 4));
  EXPECT_EQ(power(duty, 4), Complex(-50, -25));
  EXPECT_EQ(power(yearly, 4), Complex(-100, -50));
  EXPECT_NEAR(daily.conditions().wind_power[0].real(), 17040.94, 0.01);
  daily.set_hour(2, 1);
  EXPECT_EQ(daily.conditions().wind_power[0], Complex(0));  // above cut-out
}

TEST(OperatingPoints, ABatteryFollowsItsShapeAsFarAsItsChargeGoes) {
  const auto network = with(
      "new loadshape.s npts=6 mult=[0.5 1 -1 -0.5 0 0.2]\n"
      "new storage.s bus1=sourcebus kv=12.47 kwrated=100 kwhrated=400 %stored=60 daily=s dispmode=follow");
  OperatingPoints points(*network, ShapeKind::daily);
  // Power [kW] and charge [%] after it, from DSS C-API 0.14.5; by hand: 60 - (50 + 1) / 0.9 / 4 = 45.8333.
  const std::pair<double, double> steps[] = {{50, 45.8333333}, {100, 20}, {-100, 42.275}, {-50, 53.3}, {-1, 53.3}, {20, 47.4666667}};
  for (int hour = 1; hour <= 6; ++hour) {
    points.set_hour(hour, 1);
    EXPECT_NEAR(points.conditions().battery_power[0].real(), 1e3 * steps[hour - 1].first, 1e-6) << hour;
    points.store(points.conditions(), 1);
    EXPECT_NEAR(100 * points.charge()[0], steps[hour - 1].second, 1e-6) << hour;
  }
}

}  // namespace
}  // namespace gridfed
