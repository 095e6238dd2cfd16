#include "control/rules.hpp"
#include "evaluation/day_score.hpp"
#include "grid/opendss_reader.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace gridfed {
namespace {

GridEnvironment hourly_environment() {
  const auto network = make_network(read_feeder(GRIDFED_SOURCE_DIR "/inputs/feeders/ieee13_der.dss"));
  return GridEnvironment(network, {.timestep = 3600}, {});
}

/// Leaves every setpoint where it is.
class Idle final : public Policy {
 public:
  void act(std::span<const float>, std::span<float> action) override { std::ranges::fill(action, 0.0f); }
};

TEST(DayScore, AddsUpWhatTheDayBrought) {
  constexpr std::uint64_t seed = 5;
  constexpr int client = 1, day = 3;
  GridEnvironment environment = hourly_environment();
  RulePolicy rules;
  const DayScore score = score_day(environment, rules, seed, client, day);

  std::vector<StepInfo> steps;
  std::vector<double> costs;
  rollout(environment, rules, seed, client, day, [&](const Transition& t) {
    steps.push_back(*t.info);
    costs.push_back(t.cost);
  });
  ASSERT_EQ(steps.size(), 24u);
  const auto sum = [&](auto of) {
    double total = 0;
    for (const auto& step : steps) total += of(step);
    return total;
  };
  double cost = 0, violated = 0;
  for (const double c : costs) cost += c / 24, violated += (c > 0) / 24.0;
  EXPECT_NEAR(score.cost, cost, 1e-12);
  EXPECT_NEAR(score.steps_violated, violated, 1e-12);
  EXPECT_NEAR(score.voltage_violation + score.thermal_violation, score.cost, 1e-12);
  EXPECT_NEAR(score.scaled_return, sum([](const StepInfo& s) { return s.scaled_return; }), 1e-9);
  EXPECT_NEAR(score.energy_cost, sum([](const StepInfo& s) { return s.energy_cost; }), 1e-9);
  EXPECT_NEAR(score.losses_kwh, sum([](const StepInfo& s) { return s.losses / 1000; }), 1e-9);  // hourly: kW are kWh
  EXPECT_NEAR(score.curtailed_kwh, sum([](const StepInfo& s) { return s.curtailed / 1000; }), 1e-9);
  EXPECT_NEAR(score.battery_kwh, sum([](const StepInfo& s) { return std::abs(s.battery) / 1000; }), 1e-9);
  EXPECT_EQ(score.tap_operations, sum([](const StepInfo& s) { return s.tap_operations; }));
  EXPECT_EQ(score.voltage_lowest, std::ranges::min(steps, {}, &StepInfo::voltage_lowest).voltage_lowest);
  EXPECT_EQ(score.voltage_highest, std::ranges::max(steps, {}, &StepInfo::voltage_highest).voltage_highest);
  EXPECT_EQ(score.diverged, 0);
  EXPECT_GT(score.losses_kwh, 0);
}

TEST(DayScore, ReturnIsTheAccountOverTheScale) {
  GridEnvironment environment = hourly_environment();
  RulePolicy rules;
  const DayScore s = score_day(environment, rules, 5, 0, 0);
  const double account =
      s.idle_cost + s.stored_energy_value - s.energy_cost - s.loss_cost - s.violation_penalty - s.tap_wear - s.battery_wear;
  EXPECT_NEAR(s.scaled_return, account / environment.scale(), 1e-9);
}

TEST(DayScore, ADayDoesNotRememberTheDayBefore) {
  GridEnvironment used = hourly_environment(), fresh = hourly_environment();
  RulePolicy rules;
  Idle idle;
  score_day(used, rules, 5, 0, 7);
  const DayScore after = score_day(used, idle, 5, 0, 2), alone = score_day(fresh, idle, 5, 0, 2);
  EXPECT_EQ(after.scaled_return, alone.scaled_return);
  EXPECT_EQ(after.losses_kwh, alone.losses_kwh);
  EXPECT_EQ(after.voltage_highest, alone.voltage_highest);
}

TEST(DayScore, IdleBatteriesDrawWhatTheirInvertersNeed) {
  GridEnvironment environment = hourly_environment();
  Idle idle;
  EXPECT_NEAR(score_day(environment, idle, 5, 0, 2).battery_kwh, 0.005 * 700 * 24, 1e-9);  // 0.5 % of 700 kW for a day
}

}  // namespace
}  // namespace gridfed
