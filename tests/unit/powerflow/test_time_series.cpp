#include "powerflow/time_series.hpp"

#include "feeders.hpp"

#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <vector>

namespace gridfed {
namespace {

/// A regulator behind a stiff source of 120 V on its potential transformer: a tap is 0.75 V.
std::shared_ptr<const Network> regulated(const std::string& control, const std::string& more = "") {
  return test::script(
      fmt::format("new circuit.c basekv=12.47 mvasc3=1e6 mvasc1=1e6\n"
                  "new transformer.r phases=1 windings=2 buses=[sourcebus.1 b.1] kvs=[7.2 7.2] kvas=[5000 5000] xhl=0.01 %loadloss=0.0001\n"
                  "{}new load.a bus1=b.1 phases=1 kv=7.2 kw=1\nnew regcontrol.r transformer=r winding=2 ptratio=60 {}\n"
                  "set voltagebases=[12.47]\n",
                  more, control));
}

/// Steps at whose end something other than before is counted, with the count.
template <class Count>
std::map<int, int> changes(const std::shared_ptr<const Network>& network, const SeriesOptions& options, Count count) {
  UnbalancedPowerFlow flow(network, {});
  TimeSeries series(flow, options);
  std::map<int, int> found;
  int before = count(flow);
  while (!series.done()) {
    series.advance();
    EXPECT_TRUE(flow.solution().converged);
    if (const int now = count(flow); now != before) found[series.step()] = before = now;
  }
  return found;
}

int tap_of(const PowerFlow& flow) {
  return tap_number(flow.network().data().transformers[0].windings[1], flow.state().taps[0][1]);
}

SeriesOptions seconds(int steps, double step = 1) {
  return {.shapes = ShapeKind::duty, .steps = steps, .step = step, .control = ControlMode::time};
}

TEST(TimeMode, ARegulatorMovesATapAfterItsDelayAndOneEveryTapDelay) {
  // Seen at 1 s, 4 V off: 5 taps, the first at 1 + 15 s, the next each 2 s later; then 123.75 V is in the band. As OpenDSS.
  const auto network = regulated("vreg=124 band=2 delay=15 tapdelay=2");
  const std::map<int, int> expected{{16, 1}, {18, 2}, {20, 3}, {22, 4}, {24, 5}};
  EXPECT_EQ(changes(network, seconds(40), tap_of), expected);
}

TEST(TimeMode, AnInverseDelayIsDividedByHowFarTheVoltageIsOff) {
  // 4 V off a band of 2 V: 15 s / (2 * 4 / 2) = 3.75 s after 1 s, so with the step that ends at 5 s.
  const auto found = changes(regulated("vreg=124 band=2 delay=15 tapdelay=100 inversetime=yes"), seconds(40), tap_of);
  EXPECT_EQ(found, (std::map<int, int>{{5, 1}}));
}

TEST(TimeMode, ALongStepIsOneTap) {
  const auto found = changes(regulated("vreg=124 band=2"), seconds(8, 3600), tap_of);
  EXPECT_EQ(found, (std::map<int, int>{{2, 1}, {3, 2}, {4, 3}, {5, 4}, {6, 5}}));
}

/// A load that pulls the voltage out of the band for so many seconds from the third on.
std::map<int, int> dip(int length) {
  std::vector<int> values(100, 0);
  std::fill_n(values.begin() + 2, length, 1);
  const std::string shape = fmt::format("new loadshape.s npts=100 sinterval=1 mult=[{}", fmt::join(values, " "));
  const auto network = regulated("vreg=120 band=2 delay=15 tapdelay=2",
                                 fmt::format("{}]\nnew load.heavy bus1=b.1 phases=1 kv=7.2 kw=5000 kvar=0 model=5 vminpu=0.5 duty=s\n"
                                             "edit transformer.r %loadloss=4\n",
                                             shape));
  return changes(network, seconds(60), tap_of);
}

TEST(TimeMode, AControllerBackInItsBandTakesItsActionBack) {
  EXPECT_TRUE(dip(15).empty());           // out of band at 3 to 17 s: due at 18 s
  EXPECT_EQ(dip(16).begin()->first, 18);  // still out of it at 18 s
}

TEST(TimeMode, ABankThatOpenedStaysOpenForItsDeadTime) {
  std::vector<double> values(200, 1.0);
  std::fill_n(values.begin(), 19, 0.1);
  const std::string shape = fmt::format("new loadshape.s npts=200 sinterval=1 mult=[{}", fmt::join(values, " "));
  const auto network =
      test::script(fmt::format("{}]\nnew circuit.c basekv=12.47 mvasc3=1e4 mvasc1=1e4\n"
                               "new line.l bus1=sourcebus bus2=b r1=0.01 x1=0.01 r0=0.01 x0=0.01 c1=0 c0=0 length=1\n"
                               "new load.l bus1=b kv=12.47 kw=100 kvar=1000 duty=s\nnew capacitor.bank bus1=b kv=12.47 kvar=600\n"
                               "new capcontrol.c capacitor=bank element=line.l type=kvar on=300 off=-300 delay=5 delayoff=10 deadtime=60\n"
                               "set voltagebases=[12.47]\n",
                               shape));
  // Too much at 1 s, opens at 11 s. Needed from 20 s on: closes at 11 + 60 + 5 s.
  const auto found = changes(network, seconds(150), [](const PowerFlow& flow) { return flow.state().capacitors[0][0]; });
  EXPECT_EQ(found, (std::map<int, int>{{11, 0}, {76, 1}}));
}

TEST(StaticMode, ARegulatorMovesSeventyPercentOfTheTapsItWants) {
  // DSS C-API 0.14.5 after one control iteration.
  for (const auto& [setpoint, taps] : {std::pair{121.1, 1}, {122.0, 2}, {123.0, 2}, {124.0, 3}, {126.0, 5}, {113.0, -6}}) {
    const auto network = regulated(fmt::format("vreg={} band=2", setpoint));
    UnbalancedPowerFlow flow(network, {});
    flow.solve(rated_conditions(*network));
    ControlQueue queue(*network, regulator_settings(*network));
    queue.sample(flow, 0);
    ASSERT_TRUE(queue.act_first(flow, 0));
    EXPECT_EQ(tap_of(flow), taps) << setpoint;
    EXPECT_EQ(queue.tap_operations(), std::abs(taps));
    EXPECT_EQ(queue.size(), 0);
  }
}

TEST(StaticMode, ARegulatorThatWantsBothWaysTurnsOnceATime) {
  // Below 900 kW forward it is to reverse, above -900 kW to go forward again: any power between suits neither.
  const auto network = regulated("vreg=124 band=100 reversible=yes revvreg=124 revband=100 revthreshold=-900");
  UnbalancedPowerFlow flow(network, {});
  ASSERT_TRUE(flow.solve(rated_conditions(*network, 0.01)).converged);
  auto settings = regulator_settings(*network);
  for (const auto mode : {RegulatorMode::reverse, RegulatorMode::forward}) {
    EXPECT_EQ(move_regulators(flow, settings), 0);
    EXPECT_EQ(settings.mode[0], mode);
  }
}

TEST(StaticMode, ControlsAreContentAtEveryStep) {
  NetworkData data = test::feeder_data("ieee34");
  data.load_shapes.push_back({.name = "s", .active = {0.3, 1.1, 0.7}});
  for (auto& load : data.loads) load.shapes = {.daily = "s"};
  const auto network = make_network(std::move(data));
  UnbalancedPowerFlow flow(network, {});
  TimeSeries series(flow, {.steps = 6});
  while (!series.done()) {
    EXPECT_TRUE(series.advance().settled);
    auto settings = regulator_settings(*network);
    EXPECT_EQ(move_regulators(flow, settings), 0);
  }
  // The second day repeats the first but for the taps it starts from.
  EXPECT_DOUBLE_EQ(series.time(), 6 * 3600.0);
}

TEST(TimeSeries, IsTheSameWhateverWasSolvedBefore) {
  const auto network = regulated("vreg=124 band=2");
  const auto voltages = [&](bool used) {
    UnbalancedPowerFlow flow(network, {});
    if (used) {
      flow.solve(rated_conditions(*network, 0.3));
      flow.flat_start();
    }
    TimeSeries series(flow, seconds(30));
    while (!series.done()) series.advance();
    return flow.solution().bus_voltages;
  };
  EXPECT_EQ(voltages(false), voltages(true));
}

TEST(TimeSeries, RefusesWhatIsNoTime) {
  const auto network = regulated("vreg=120");
  UnbalancedPowerFlow flow(network, {});
  EXPECT_EQ(test::error_of([&] { TimeSeries(flow, {.steps = 0}); }), "series.steps is 0: it must be at least 1");
  EXPECT_EQ(test::error_of([&] { TimeSeries(flow, {.step = -1}); }), "series.step_seconds is -1: it must be positive");
  EXPECT_EQ(test::error_of([&] { TimeSeries(flow, {.start = -3600}); }), "series.start_hour is -1: it must not be negative");
}

}  // namespace
}  // namespace gridfed
