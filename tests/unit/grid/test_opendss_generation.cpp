// What generators, photovoltaics and storage deliver at the operating point a script states. The powers are OpenDSS's (C-API 0.14.5) after
//   new circuit.a basekv=12.47 bus1=a pu=1.02 mvasc3=200 mvasc1=200
//   new line.l bus1=a bus2=b length=2
//   new load.x bus1=b kv=12.47 kw=500 pf=.9
// the line of the test and a solve at a tolerance of 1e-10.
#include "feeders.hpp"

#include <fmt/core.h>
#include <gtest/gtest.h>

namespace gridfed {
namespace {

NetworkData data_of(const std::string& text) {
  return test::script_data("new circuit.a basekv=12.47 bus1=a\nnew line.l bus1=a bus2=b\n" + text);
}

struct Case {
  std::string properties;
  double kw, kvar;
};

TEST(OpenDssGeneration, PhotovoltaicsAtTheirOperatingPoint) {
  const std::string curves =
      "new xycurve.e npts=2 xarray=[.1 1] yarray=[.9 .95]\nnew xycurve.t npts=3 xarray=[0 25 75] yarray=[1.2 1 .8]\n";
  const std::vector<Case> cases = {{"pmpp=400", 400, 0},
                                   {"pmpp=400 irradiance=.8", 320, 0},
                                   {"pmpp=400 %pmpp=50", 200, 0},
                                   {"pmpp=400 pf=.9", 400, 193.728842},
                                   {"pmpp=400 pf=-.9", 400, -193.728842},
                                   {"pmpp=400 kvar=100", 400, 100},
                                   {"pmpp=400 kvar=450", 217.944947, 450},
                                   {"pmpp=700", 500, 0},
                                   {"pmpp=500 pf=.9", 437.444882, 242.161052},
                                   {"pmpp=500 pf=.9 wattpriority=yes", 500, 0},
                                   {"pmpp=500 pf=.9 pfpriority=yes", 450, 217.944947},
                                   {"pmpp=500 kvar=300", 400, 300},
                                   {"pmpp=500 kvar=300 wattpriority=yes", 500, 0},
                                   {"pmpp=80", 0, 0},
                                   {"pmpp=80 kvar=50", 0, 50},
                                   {"pmpp=80 kvar=50 varfollow=yes", 0, 0},
                                   {"pmpp=400 kvar=200 kvarmax=150", 400, 150},
                                   {"pmpp=50 pf=.9", 0, 0},
                                   {"pmpp=400 kvar=-700", 0, -500},
                                   {"pmpp=450 kvar=-300 wattpriority=yes", 450, -217.944947},
                                   {"pmpp=400 effcurve=e", 375.555556, 0},
                                   {"pmpp=400 effcurve=e p-tcurve=t temperature=50", 336.4, 0}};
  for (const auto& c : cases) {
    const auto power = data_of(curves + "new pvsystem.p bus1=b kv=12.47 kva=500 " + c.properties).solar.at(0).power / 1e3;
    EXPECT_NEAR(power.real(), c.kw, 1e-6) << c.properties;
    EXPECT_NEAR(power.imag(), c.kvar, 1e-6) << c.properties;
  }
}

TEST(OpenDssGeneration, StorageAtItsState) {
  const std::vector<Case> cases = {{"", -2, 0},
                                   {"state=discharging", 200, 0},
                                   {"state=discharging %discharge=50", 100, 0},
                                   {"kw=120", 120, 0},
                                   {"%stored=50 kw=-120", -120, 0},
                                   {"%stored=50 state=charging", -200, 0},
                                   {"%stored=50 state=charging %charge=40", -80, 0},
                                   {"state=charging", -2, 0},
                                   {"%stored=10 state=discharging", -2, 0},
                                   {"kw=120 pf=.9", 120, 25},
                                   {"kw=120 kvar=30", 120, 25},
                                   {"%idlingkw=5", -10, 0},
                                   {"kva=150 kw=200", 150, 0},
                                   {"kva=220 kw=120 kvar=150", 120, 150},
                                   {"kva=220 kw=120 kvar=-250", 0, -220},
                                   {"kva=220 %stored=50 kw=-120 pf=.9", -120, -58.118653},
                                   {"kva=220 kvar=50", -2, 50}};
  for (const auto& c : cases) {
    const auto power = data_of("new storage.s bus1=b kv=12.47 kwrated=200 kwhrated=400 " + c.properties).batteries.at(0).power / 1e3;
    EXPECT_NEAR(power.real(), c.kw, 1e-6) << c.properties;
    EXPECT_NEAR(power.imag(), c.kvar, 1e-6) << c.properties;
  }
}

TEST(OpenDssGeneration, GeneratorsAreLoadsOfNegativePower) {
  const auto data = data_of(
      "set loadmult=0.5 genmult=0.5\nnew generator.a bus1=b kv=12.47 kw=300\nnew generator.b bus1=b kv=12.47 kw=300 pf=-0.9 status=fixed\n"
      "new generator.c bus1=b kv=12.47 kw=300 kvar=50 model=2\nnew generator.d bus1=b kv=12.47 kw=300 kvar=50 model=5\n"
      "new load.a bus1=b kv=12.47\n");
  ASSERT_EQ(data.loads.size(), 5u);
  EXPECT_EQ(data.loads[1].name, "generator.a");
  EXPECT_NEAR(data.loads[1].power.real(), -150e3, 1e-6);
  EXPECT_NEAR(data.loads[1].power.imag(), -161.922847e3 / 2, 1e-3);
  EXPECT_NEAR(data.loads[2].power.imag(), 145.296631e3, 1e-3);
  EXPECT_TRUE(data.loads[1].fixed);
  EXPECT_EQ(data.loads[3].model, LoadModel::constant_impedance);
  EXPECT_EQ(data.loads[4].model, LoadModel::constant_p_fixed_x);
  EXPECT_EQ(data.loads[3].power, Complex(-150e3, -25e3));
  EXPECT_EQ(data.loads[4].power, Complex(-150e3, -50e3));  // genmult leaves a fixed reactive power
  EXPECT_EQ(data.loads[3].vmin_pu, 0.9);
}

// The values are those that the same OpenDSS reports after the same edits (? generator.g.kvar, maxkvar, minkvar).
TEST(OpenDssGeneration, GeneratorsOfModelThreeHoldTheirVoltageWithinTheLimitsOpenDssGivesThem) {
  struct Limits {
    const char* properties;
    double kw, kvar, min, max;
  };
  for (const auto& [properties, kw, kvar, min, max] : {
           Limits{"", 1000, 60, -120, 120},
           Limits{"kw=100 kvar=30 kw=200", 200, 60, -120, 120},
           Limits{"kvar=30 pf=0.9", 1000, 484.322104837853, -968.644209675705, 968.644209675705},
           Limits{"kw=100 kvar=30 pf=-0.9", 100, -48.4322104837853, -96.8644209675705, 96.8644209675705},
           Limits{"kw=0 kvar=30 kw=50", 50, 30, -60, 60},
           Limits{"kvar=40 kw=70", 70, 2.80000000000004, -5.60000000000008, 5.60000000000008},
           Limits{"minkvar=-7 kvar=5", 1000, 5, -10, 10},
           Limits{"kvar=5 minkvar=-7", 1000, 5, -7, 10},
       }) {
    SCOPED_TRACE(properties);
    const NetworkData data = data_of(fmt::format("new generator.g bus1=b kv=12.47 model=3 vpu=1.02 {}", properties));
    EXPECT_TRUE(data.loads.empty());
    ASSERT_EQ(data.generators.size(), 1u);
    const GeneratorData& g = data.generators[0];
    EXPECT_EQ(g.voltage_setpoint_pu, 1.02);
    EXPECT_EQ(g.rated_voltage, 12470);
    EXPECT_NEAR(g.power.real(), 1e3 * kw, 1e-9);
    EXPECT_NEAR(g.power.imag(), 1e3 * kvar, 1e-6);
    EXPECT_NEAR(g.min_reactive, 1e3 * min, 1e-6);
    EXPECT_NEAR(g.max_reactive, 1e3 * max, 1e-6);
  }
  EXPECT_EQ(data_of("new generator.g bus1=b kw=100 kvar=30 model=3\nset genmult=0.5").generators[0].power, Complex(50e3, 30e3));
  EXPECT_EQ(data_of("new generator.g bus1=b model=3 daily=default").notes.size(), 1u);
}

TEST(OpenDssGeneration, WhatIsNotModelledIsRefusedOrNoted) {
  EXPECT_EQ(data_of("new pvsystem.p bus1=b vminpu=.8 vmaxpu=1.2\nnew storage.s bus1=b vminpu=.8").notes.size(), 1u);
  for (const std::string line : {"new generator.g bus1=b model=6", "new generator.g bus1=b dispmode=price", "new pvsystem.p bus1=b model=2",
                                 "new pvsystem.p bus1=b effcurve=none", "new storage.s bus1=b %pminnovars=5"}) {
    EXPECT_NE(test::error_of([&] { data_of(line); }).find("small.dss:3: "), std::string::npos) << line;
  }
}

}  // namespace
}  // namespace gridfed
