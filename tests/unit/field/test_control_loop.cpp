#include "controlled_field.hpp"
#include "env/zonal_observation.hpp"

namespace gridfed {
namespace {

const ControlOptions quick{.period = 10, .stale_after = 8, .watchdog = 30};
const SafetyOptions lenient{.line_loading = 3, .transformer_loading = 3, .tap_changes = 0};

TEST(ControlLoop, ReadsDecidesAndCommands) {
  Field field(quick, "", "", lenient);
  field.connect();
  field.wait(1);
  ASSERT_EQ(field.cycles.size(), 1u);
  EXPECT_EQ(field.last().status, CycleStatus::acted) << field.last().reason;
  EXPECT_EQ(field.last().estimate.good, static_cast<int>(field.map.points().size()));
  EXPECT_LT(field.last().estimate.residual, 0.01);
  ASSERT_EQ(field.commanded.size(), 1u);
  // Half the zone's rating, which is the one battery's: 150 kW.
  EXPECT_NEAR(field.commanded[0], 150, 0.1);
  EXPECT_NEAR(field.twin.measure(find_point(*field.network, "battery.bat_67", "active_power")).value(), 150e3, 100);
  field.wait(10);
  EXPECT_EQ(field.last().status, CycleStatus::nothing) << "the battery does what it was told";
  EXPECT_EQ(field.commanded.size(), 1u);
}

TEST(ControlLoop, ObservesWhatTheTwinMeasures) {
  Field field(quick, "", "", lenient);
  field.connect();
  field.wait(1);
  const ZonalObservation seen(field.last().observation, 4);
  double lowest = 2, highest = 0;
  for (int z = 0; z < 4; ++z) {
    lowest = std::min(lowest, ZonalObservation::voltage(seen(ZonalObservation::voltage_min, z)));
    highest = std::max(highest, ZonalObservation::voltage(seen(ZonalObservation::voltage_max, z)));
  }
  Field untouched(quick);
  EXPECT_NEAR(lowest, untouched.twin.lowest_voltage(), 0.005);
  EXPECT_NEAR(highest, untouched.twin.highest_voltage(), 0.005);
}

TEST(ControlLoop, ShieldStandsBetweenPolicyAndField) {
  Field field(quick, "", "", {.line_loading = 0.01, .constraint_layer = false});
  field.connect();
  field.wait(1);
  EXPECT_EQ(field.last().shield.decision, Decision::backup);
  EXPECT_TRUE(field.commanded.empty() || field.commanded[0] == 0);
}

TEST(ControlLoop, DryRunSendsNothing) {
  auto options = quick;
  options.mode = "dry_run";
  Field field(options, "", "", lenient);
  field.connect();
  field.wait(25);
  EXPECT_EQ(field.last().status, CycleStatus::dry_run);
  EXPECT_FALSE(field.last().setpoints.empty());
  EXPECT_TRUE(field.commanded.empty());
}

TEST(ControlLoop, AnOperatorAllowsDeclinesOrIsLate) {
  auto options = quick;
  options.mode = "confirm";
  Field field(options, "", "", lenient);
  field.connect();
  field.wait(1);
  EXPECT_EQ(field.loop.waiting().size(), 1u);
  EXPECT_TRUE(field.commanded.empty());
  field.loop.confirm(false);
  field.wait(1);
  EXPECT_EQ(field.last().status, CycleStatus::declined);
  field.wait(9);
  field.loop.confirm(true);
  field.wait(1);
  EXPECT_EQ(field.last().status, CycleStatus::acted);
  EXPECT_EQ(field.commanded.size(), 1u);
  field.policy.battery = 0.25f;
  field.wait(8);  // the next cycle asks
  ASSERT_EQ(field.loop.waiting().size(), 1u);
  field.wait(8.5);
  EXPECT_EQ(field.last().status, CycleStatus::declined);
  EXPECT_EQ(field.last().reason, "the measurements went stale before an answer");
  field.loop.confirm(true);  // an answer to a question that is over
  field.wait(0.5);
  EXPECT_EQ(field.commanded.size(), 1u);
}

TEST(ControlLoop, NothingIsDecidedFromBadOrMissingMeasurements) {
  Field field(quick, "", "", lenient);
  field.connect();
  const auto charge = field.map.find(std::string_view("battery_charge"));
  field.measures = false;
  const auto& point = field.map.points()[static_cast<std::size_t>(charge)];
  field.outstation->station().update(point.type, point.index, {.value = 30, .flags = flag::comm_lost}, field.now);
  field.wait(1);
  EXPECT_EQ(field.last().status, CycleStatus::held);
  EXPECT_EQ(field.last().reason, "point battery_charge is flagged bad");
  EXPECT_EQ(field.last().estimate.bad, 1);
  EXPECT_TRUE(field.commanded.empty());
  field.measures = true;
  field.wait(10);
  EXPECT_EQ(field.last().status, CycleStatus::acted);
}

TEST(ControlLoop, WhatIsNotNeededMayBeBad) {
  Field field(quick, "", "", lenient);
  field.connect();
  const auto& point = field.map.points()[static_cast<std::size_t>(field.map.find(std::string_view("pv_95_p")))];
  field.measures = false;
  field.outstation->station().update(point.type, point.index, {.value = 0, .flags = flag::comm_lost}, field.now);
  field.wait(1);
  EXPECT_EQ(field.last().status, CycleStatus::acted) << field.last().reason;
  EXPECT_EQ(field.last().estimate.bad, 1);
  EXPECT_LT(field.last().estimate.residual, 0.01) << "the other plant's share stands in for it";
}

TEST(ControlLoop, AVoltageThatTheModelDoesNotExplainIsNotBelieved) {
  Field field(quick, "", "", lenient);
  field.connect();
  const auto& point = field.map.points()[static_cast<std::size_t>(field.map.find(std::string_view("v_83")))];
  field.measures = false;
  field.outstation->station().update(point.type, point.index, {.value = 0.9}, field.now);
  field.wait(1);
  EXPECT_EQ(field.last().status, CycleStatus::held);
  EXPECT_EQ(field.last().estimate.residual_point, "v_83");
  EXPECT_TRUE(field.commanded.empty());
}

TEST(ControlLoop, CablePulledEndsInTheSafeStateAndComesBackSafely) {
  Field field(quick, "", "", lenient);
  field.connect();
  field.wait(1);
  field.cut = true;
  field.wait(50);
  EXPECT_TRUE(field.loop.safe());
  EXPECT_EQ(field.last().status, CycleStatus::offline);
  EXPECT_TRUE(field.last().safe);
  EXPECT_EQ(field.commanded.size(), 1u);
  field.disconnect();
  field.cut = false;
  field.connect();
  field.wait(11);
  EXPECT_EQ(field.last().status, CycleStatus::acted) << field.last().reason;
  EXPECT_TRUE(field.last().safe);
  EXPECT_EQ(field.commanded.back(), 0) << "the first command after the safe state lets the battery rest";
  EXPECT_FALSE(field.loop.safe());
  field.wait(10);
  EXPECT_NEAR(field.commanded.back(), 150, 0.1);
}

TEST(ControlLoop, AnOutstationThatNobodyHearsIsNotCommanded) {
  // Half-open: what is said arrives, answers do not.
  Field field(quick, "", "", lenient);
  field.connect();
  field.wait(1);
  field.policy.battery = -0.5f;
  field.deaf = true;
  field.wait(40);
  EXPECT_EQ(field.last().status, CycleStatus::offline);
  EXPECT_EQ(field.commanded.size(), 1u);
}

TEST(ControlLoop, ACommandWhoseSelectIsNotAnsweredIsNotOperated) {
  Field field(quick, "", "", lenient);
  field.connect();
  field.wait(1);
  field.policy.battery = -0.5f;
  // The answer to the select is lost, 0xC0 + sequence with function 3 in the fragment.
  field.record = [&](ByteSpan down, ByteSpan) {
    for (const auto& fragment : fragments_of(Bytes(down.begin(), down.end())))
      field.deaf = field.deaf || (fragment.size() > 1 && fragment[1] == 3);
  };
  field.wait(15);
  EXPECT_TRUE(field.deaf);
  EXPECT_EQ(field.commanded.size(), 1u);
  EXPECT_EQ(std::ranges::count(field.cycles, CycleStatus::failed, &Cycle::status), 1);
}

TEST(ControlLoop, ARestartedOutstationIsReadAnewBeforeItIsCommanded) {
  Field field(quick, "", "", lenient);
  field.connect();
  field.wait(1);
  field.disconnect();
  field.start_outstation();
  field.policy.battery = 0.25f;
  field.wait(11);
  EXPECT_EQ(field.last().status, CycleStatus::offline);
  EXPECT_EQ(field.last().estimate.good, 0);
  field.connect();
  field.wait(10);
  EXPECT_FALSE(field.loop.master().indications().has(Iin::device_restart));
  EXPECT_EQ(field.last().status, CycleStatus::acted);
  EXPECT_NEAR(field.commanded.back(), 75, 0.1);
}

TEST(ControlLoop, AJumpOfTheCalendarCostsACycleAndMovesNothing) {
  Field field(quick, "", "", lenient);
  field.connect();
  field.wait(1);
  field.policy.battery = 0.1f;
  field.hour += 3;
  field.wait(10);
  EXPECT_TRUE(field.last().clock_jumped);
  EXPECT_EQ(field.last().status, CycleStatus::held);
  EXPECT_EQ(field.commanded.size(), 1u);
  field.wait(10);
  EXPECT_FALSE(field.last().clock_jumped);
  EXPECT_EQ(field.last().status, CycleStatus::acted);
  EXPECT_NEAR(field.last().late, 0, 0.11) << "cycles follow the clock that does not jump";
}

TEST(ControlLoop, MidnightBeginsADay) {
  Field field(quick, "", "", lenient);
  field.hour = 23.999;
  field.connect();
  field.wait(1);
  for (int i = 0; i < 3; ++i) {
    field.wait(10);
    if (field.hour >= 24) field.hour -= 24;
  }
  EXPECT_FALSE(field.last().clock_jumped);
  EXPECT_LT(field.last().hour, 1);
  EXPECT_EQ(field.last().shield.day, 1);
}

TEST(ControlLoop, CommandsThatComeTwiceAreDoneOnce) {
  Field field(quick, "", "", lenient);
  field.copies = 2;
  field.connect();
  field.wait(1);
  EXPECT_EQ(field.last().status, CycleStatus::acted) << field.last().reason;
  EXPECT_EQ(field.commanded.size(), 1u);
}

TEST(ControlLoop, AnOperateThatIsReplayedDoesNothing) {
  Field field(quick, "", "", lenient);
  Bytes operate;
  field.record = [&](ByteSpan down, ByteSpan) {
    for (const auto& fragment : fragments_of(Bytes(down.begin(), down.end()))) {
      if (fragment.size() > 1 && fragment[1] == 4) operate.assign(down.begin(), down.end());
    }
  };
  field.connect();
  field.wait(1);
  ASSERT_EQ(field.commanded.size(), 1u);
  ASSERT_FALSE(operate.empty());
  field.policy.battery = -0.5f;
  field.wait(10);
  ASSERT_EQ(field.commanded.size(), 2u);
  field.record = nullptr;
  field.outstation->station().receive(operate, field.now);
  EXPECT_EQ(field.commanded.size(), 2u);
}

TEST(ControlLoop, AnOutstationOfAnotherAddressIsNotCommanded) {
  Field field(quick, "", "", lenient, 11);
  field.connect();
  field.wait(25);
  EXPECT_FALSE(field.loop.master().online());
  ASSERT_FALSE(field.cycles.empty());
  EXPECT_EQ(field.last().status, CycleStatus::offline);
  EXPECT_TRUE(field.commanded.empty());
}

TEST(ControlLoop, MapsThatCannotDoItAreNamed) {
  const auto said = [](const std::string& line) { return test::error_of([&] { Field field(quick, line, ""); }); };
  EXPECT_NE(said("set_battery, analog_output, 10, 1, , , kW, 2, -300, 300, battery.bat_67, active_power\n")
                .find("commands no active_power of battery 'bat_67'"),
            std::string::npos);
  EXPECT_NE(said("set_pv_95, analog_output, 12, 1, , , kW, 2, 0, 500, solar.pv_95, power_limit\n")
                .find("commands no power_limit of plant 'pv_95'"),
            std::string::npos);
  EXPECT_NE(
      said("head_p, analog_input, 0, 2, 1, 0, kW, 1, , , feeder, active_power\n").find("does not measure the active_power of the feeder"),
      std::string::npos);
  EXPECT_NE(said("battery_charge, analog_input, 36, 3, , , %, 0.1, , , battery.bat_67, charge\n").find("does not measure the charge"),
            std::string::npos);
}

TEST(ControlOptions, AreChecked) {
  const auto said = [](ControlOptions o) { return test::error_of([&] { validate(o); }); };
  EXPECT_EQ(said({}), "no error");
  EXPECT_EQ(said({.period = 5}), "control_period is 5 and control.stale_after 10: a cycle must not be shorter than its measurements last");
  EXPECT_EQ(said({.watchdog = 30}), "control.watchdog is 30 and control_period 60: it must not be shorter");
  EXPECT_EQ(said({.mode = "go"}), "control.mode is 'go': it must be act, dry_run or confirm");
  EXPECT_EQ(said({.command = "x"}), "control.command is 'x': it must be select or direct");
}

}  // namespace
}  // namespace gridfed
