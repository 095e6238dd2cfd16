#include "powerflow/inverter_control.hpp"

#include "feeders.hpp"
#include "grid/inverter.hpp"
#include "powerflow/controlled_power_flow.hpp"
#include "powerflow/operating_points.hpp"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <numbers>

namespace gridfed {
namespace {

/// One plant at the end of a line whose loop gain is above one: plain iteration between voltage and curve would diverge.
std::shared_ptr<const Network> plant(const std::string& properties, const std::string& control) {
  return test::script(
      "new circuit.c basekv=12.47 mvasc3=30 mvasc1=30\nnew xycurve.vv npts=4 xarray=[0.5 0.99 1.01 1.5] yarray=[1 1 -1 -1]\n"
      "new xycurve.vw npts=3 xarray=[0.5 1.0 1.05] yarray=[1 1 0]\nnew xycurve.out npts=2 xarray=[0.99 1.01] yarray=[0.05 -0.05]\n"
      "new line.l bus1=sourcebus bus2=b r1=1 x1=3 r0=2 x0=6 c1=0 c0=0 length=1\n"
      "new pvsystem.p bus1=b kv=12.47 kva=4000 pmpp=3000 " +
      properties + "\nnew invcontrol.i " + control + "\nset voltagebases=[12.47]\n");
}

struct Outcome {
  double voltage = 0;
  Complex power;
};
Outcome settled(const std::shared_ptr<const Network>& network) {
  UnbalancedPowerFlow flow(network, {.tolerance = 1e-10, .max_iterations = 200});
  auto conditions = snapshot_conditions(*network);
  EXPECT_TRUE(ControlledPowerFlow(flow, ControlMode::fixed, 1e-10).solve_snapshot(conditions).settled);
  const auto& v = flow.solution().bus_voltages;
  Outcome outcome{.power = conditions.solar_power[0] / 4e6};
  for (const int node : network->solar_nodes()[0]) {
    if (node != ground) outcome.voltage += std::abs(v[node]) / 3 / (12470 / std::numbers::sqrt3);
  }
  return outcome;
}

TEST(InverterControl, VoltVarEndsOnItsCurve) {
  const auto network = plant("", "mode=voltvar vvc_curve1=vv refreactivepower=varmax");
  const auto o = settled(network);
  EXPECT_NEAR(o.power.imag(), value_at(network->data().inverter_controls[0].volt_var, o.voltage), 1e-7);
  EXPECT_NEAR(o.power.real(), 0.75, 1e-12);
  EXPECT_GT(std::abs(o.power.imag()), 0.1);  // the curve matters
}

TEST(InverterControl, ReactivePowerIsAShareOfWhatActivePowerLeaves) {
  const auto network = plant("", "mode=voltvar vvc_curve1=vv");
  const auto o = settled(network);
  EXPECT_NEAR(o.power.imag(), std::sqrt(1 - 0.75 * 0.75) * value_at(network->data().inverter_controls[0].volt_var, o.voltage), 1e-7);
}

TEST(InverterControl, ACurveRunsOnAlongItsEnds) {
  const auto o = settled(plant("kvarmax=3000", "mode=voltvar vvc_curve1=out refreactivepower=varmax"));
  EXPECT_GT(o.voltage, 1.01);
  EXPECT_NEAR(o.power.imag(), 0.75 * -5 * (o.voltage - 1), 1e-7);
}

TEST(InverterControl, VoltWattCutsActivePower) {
  const auto network = plant("", "mode=voltwatt voltwatt_curve=vw");
  const auto o = settled(network);
  EXPECT_LT(o.power.real(), 0.75);
  EXPECT_NEAR(o.power.real(), 0.75 * value_at(network->data().inverter_controls[0].volt_watt, o.voltage), 1e-7);
  EXPECT_EQ(o.power.imag(), 0);
}

TEST(InverterControl, BothCurvesHoldTogether) {
  const auto network = plant("", "combimode=vv_vw vvc_curve1=out voltwatt_curve=vw refreactivepower=varmax");
  const auto o = settled(network);
  const auto& control = network->data().inverter_controls[0];
  EXPECT_NEAR(o.power.real(), 0.75 * value_at(control.volt_watt, o.voltage), 1e-7);
  EXPECT_NEAR(o.power.imag(), value_at(control.volt_var, o.voltage), 1e-7);
}

TEST(InverterControl, NothingActsWhereControlsAreOff) {
  const auto network = plant("", "mode=voltvar vvc_curve1=vv");
  UnbalancedPowerFlow flow(network, {});
  auto conditions = snapshot_conditions(*network);
  ControlledPowerFlow(flow, ControlMode::off, 1e-8).solve_snapshot(conditions);
  EXPECT_EQ(conditions.solar_power[0], Complex(3e6));
}

}  // namespace
}  // namespace gridfed
