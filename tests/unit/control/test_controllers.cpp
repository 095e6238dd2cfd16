#include "control/der_policies.hpp"
#include "control/generation_control.hpp"
#include "control/make_policy.hpp"
#include "control/voltage_policy.hpp"
#include "dynamics/frequency_response.hpp"
#include "env/zonal_observation.hpp"
#include "feeders.hpp"
#include "refusals.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace gridfed {
namespace {

/// A long line with much sun at its end: voltages rise by day and sag in the evening.
std::shared_ptr<const Network> weak_feeder() {
  return test::script(
      "new circuit.c basekv=12.47 bus1=a\nset voltagebases=[12.47]\n"
      "new line.1 bus1=a bus2=b length=10 r1=0.3 x1=0.5\nnew line.2 bus1=b bus2=d length=6 r1=0.3 x1=0.5\n"
      "new load.1 bus1=b kv=12.47 kw=1200 pf=0.95\nnew load.2 bus1=d kv=12.47 kw=900 pf=0.95\n"
      "new pvsystem.p bus1=d kv=12.47 kva=7000 pmpp=7000\n"
      "new storage.s bus1=d kv=12.47 kwrated=800 kwhrated=3200 %stored=50\n");
}

struct Day {
  double exchanged = 0, curtailed = 0, violation = 0, over = 0;
  int diverged = 0;
};

/// Ten days of a policy.
Day play(Policy& policy, const std::string& actions, bool volt_var = true) {
  GridEnvironment e(weak_feeder(), {.timestep = 900}, {.zones = 2, .actions = actions, .volt_var = volt_var});
  Day day;
  for (int d = 0; d < 10; ++d) {
    rollout(e, policy, 1, 0, d, [&](const Transition& t) {
      day.over += std::max(0.0, t.info->voltage_highest - 1.05);
      day.violation += t.info->voltage_violation;
      day.exchanged += std::abs(t.info->head_power);
      day.curtailed += t.info->curtailed;
      day.diverged += t.info->diverged;
    });
  }
  return day;
}

TEST(VoltagePolicy, BringsVoltagesBackWhereTheyLeaveTheirBand) {
  IdlePolicy idle;
  VoltagePolicy voltage;
  const Day without = play(idle, "reactive", false), with = play(voltage, "reactive", false);
  EXPECT_GT(without.violation, 1);
  EXPECT_LT(with.violation, 0.6 * without.violation);
  EXPECT_EQ(with.diverged, 0);
}

TEST(VoltagePolicy, MovesAgainstTheWorstVoltageAndReturnsInsideTheBand) {
  GridEnvironment e(weak_feeder(), {.timestep = 900}, {.zones = 2, .actions = "reactive,tap,capacitor"});
  const auto first = e.reset(1, 0, 0);
  std::vector<float> observation(first.begin(), first.end()), action(e.action_size());
  VoltagePolicy policy;
  policy.begin_episode(e, 0);
  const auto see = [&](double low0, double high0, double low1, double high1) {
    const double values[] = {low0, high0, low1, high1};
    for (int z = 0; z < 2; ++z) {
      observation[z * ZonalObservation::zone_features + ZonalObservation::voltage_min] = static_cast<float>((values[2 * z] - 1) / 0.02);
      observation[z * ZonalObservation::zone_features + ZonalObservation::voltage_max] = static_cast<float>((values[2 * z + 1] - 1) / 0.02);
    }
    policy.act(observation, action);
  };
  see(0.99, 1.01, 1.0, 1.06);  // zone 2 is high
  EXPECT_EQ(action[0], 0);
  EXPECT_FLOAT_EQ(action[1], -0.25);
  EXPECT_FLOAT_EQ(action[2], -0.25);  // taps of both zones
  EXPECT_FLOAT_EQ(action[3], -0.25);
  EXPECT_EQ(action[4], 0);
  EXPECT_EQ(action[5], -1);  // its banks go off
  see(0.99, 1.01, 1.0, 1.02);
  EXPECT_FLOAT_EQ(action[1], -0.2);
  EXPECT_EQ(action[5], -1);  // hysteresis
  see(0.93, 0.99, 0.98, 0.99);
  EXPECT_FLOAT_EQ(action[0], 0.25);
  EXPECT_EQ(action[5], 0);
}

TEST(SelfConsumption, LessCrossesTheBorder) {
  IdlePolicy idle;
  SelfConsumptionPolicy policy;
  EXPECT_LT(play(policy, "battery").exchanged, 0.97 * play(idle, "battery").exchanged);
}

TEST(Curtailment, ShedsWhereVoltagesRiseAndOnlyThere) {
  IdlePolicy idle;
  CurtailmentPolicy policy;
  const Day without = play(idle, "curtailment", false), with = play(policy, "curtailment", false);
  EXPECT_EQ(without.curtailed, 0);
  EXPECT_GT(with.curtailed, 0);
  EXPECT_GT(without.over, 0.1);
  EXPECT_LT(with.over, 0.5 * without.over);
  CurtailmentPolicy never(1.5, 1.6);
  EXPECT_EQ(play(never, "curtailment", false).curtailed, 0);
}

TEST(GenerationControl, BringsFrequencyBackWhereDroopAloneLeavesItLow) {
  FrequencyResponse droop({}), both({});
  GenerationControl control;
  for (int second = 0; second < 900; ++second) {
    droop.advance(0.1, 1);
    both.advance(0.1, 1);
    both.set_reference(control.act(both.frequency(), 1));
  }
  EXPECT_NEAR(droop.frequency(), 59.7143, 1e-3);
  EXPECT_NEAR(both.frequency(), 60, 2e-3);
  EXPECT_NEAR(control.reference(), 0.1, 2e-3);
  EXPECT_TRUE(refuses([] { GenerationControl({.period = 0}); }, "all must be positive"));
}

TEST(GenerationControl, ActsOncePerPeriodAndWithinItsLimit) {
  GenerationControl control({.bias = 20, .period = 4, .integral_time = 40, .limit = 0.05});
  EXPECT_EQ(control.act(59.7, 3), 0);
  EXPECT_NEAR(control.act(59.7, 1), 20 * 0.005 * 4 / 40, 1e-12);
  for (int i = 0; i < 20; ++i) control.act(59.7, 4);
  EXPECT_EQ(control.reference(), 0.05);
}

TEST(MakePolicy, KnowsEveryNameAndRefusesOthers) {
  auto e = GridEnvironment(test::feeder("ieee13_der"), {.timestep = 3600}, {});
  for (const char* name : {"idle", "random", "rules", "self_consumption", "voltage", "curtailment", "reference", "behaviour"}) {
    const auto policy = make_policy(name, {}, 1, 0);
    int steps = 0;
    rollout(e, *policy, 1, 0, 0, [&](const Transition& t) {
      ++steps;
      EXPECT_EQ(t.info->clipped_actions, 0) << name;
    });
    EXPECT_EQ(steps, 24) << name;
  }
  EXPECT_TRUE(refuses([] { make_policy("best", {}, 1, 0); }, "there is no policy 'best': take idle, random"));
}

}  // namespace
}  // namespace gridfed
