#include "env/grid_environment.hpp"

#include "env/rollout.hpp"
#include "env/zonal_observation.hpp"
#include "feeders.hpp"
#include "runtime/random.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

namespace gridfed {
namespace {

const std::string every_action = "battery,reactive,curtailment,flexible_load,tap,capacitor";
const ScenarioOptions hourly{.timestep = 3600};

GridEnvironment environment(const std::string& name = "ieee13_der", const EnvironmentOptions& options = {},
                            const ScenarioOptions& scenario = hourly) {
  return {test::feeder(name), scenario, options};
}

/// An action that gives every component of a kind one value, zero elsewhere.
std::vector<float> uniform_action(const GridEnvironment& e, ZoneAction kind, float value) {
  std::vector<float> action(e.action_size(), 0.0f);
  const auto& kinds = e.zone_actions();
  const auto offset = (std::find(kinds.begin(), kinds.end(), kind) - kinds.begin()) * e.options().zones;
  std::fill_n(action.begin() + offset, e.options().zones, value);
  return action;
}

/// Everything a day of random actions returns.
std::vector<double> play(GridEnvironment& e, std::uint64_t seed, int day, std::uint64_t actions = 1) {
  std::vector<double> record;
  const auto first = e.reset(seed, 0, day);
  record.assign(first.begin(), first.end());
  RandomStream stream(actions, Draw::test);
  std::vector<float> action(e.action_size());
  for (bool done = false; !done;) {
    for (auto& a : action) a = static_cast<float>(stream.uniform(-1, 1));
    const auto result = e.step(action);
    record.insert(record.end(), result.observation.begin(), result.observation.end());
    record.insert(record.end(), {result.reward, result.cost, result.info.head_power, result.info.losses});
    done = result.terminated || result.truncated;
  }
  return record;
}

TEST(GridEnvironment, NamesAgreeWithSizes) {
  for (const int zones : {1, 3, 5}) {
    auto e = environment("ieee13_der", {.zones = zones, .actions = every_action});
    EXPECT_EQ(e.action_size(), 6 * zones);
    EXPECT_EQ(e.action_names().size(), static_cast<std::size_t>(e.action_size()));
    EXPECT_EQ(e.observation_names().size(), static_cast<std::size_t>(e.observation_size()));
    EXPECT_EQ(e.observation_size(), ZonalObservation::size(zones));
    EXPECT_EQ(e.reset(1, 0, 0).size(), static_cast<std::size_t>(e.observation_size()));
    const auto names = e.observation_names();
    EXPECT_EQ(std::set<std::string>(names.begin(), names.end()).size(), names.size());
  }
}

TEST(GridEnvironment, ActionsStandInTheirOwnOrderWhateverTheDeckSays) {
  const auto e = environment("ieee13_der", {.zones = 2, .actions = "curtailment, battery"});
  EXPECT_EQ(e.action_names(), (std::vector<std::string>{"zone1.battery [-1..1]", "zone2.battery [-1..1]", "zone1.curtailment [-1..1]",
                                                        "zone2.curtailment [-1..1]"}));
}

TEST(GridEnvironment, ObservationSaysWhatItsNamesSay) {
  auto e = environment();
  const auto first = e.reset(1, 0, 0);
  const ZonalObservation seen(first, 4);
  EXPECT_FLOAT_EQ(seen(ZonalObservation::time_sin), 0);
  EXPECT_FLOAT_EQ(seen(ZonalObservation::time_cos), 1);
  EXPECT_FLOAT_EQ(seen(ZonalObservation::time_left), 1);
  EXPECT_NEAR(seen(ZonalObservation::price), (e.scenario().price[0] / 0.15 - 1) / 0.3, 1e-5);
  EXPECT_NEAR(seen(ZonalObservation::price_next_hour), (e.scenario().price[1] / 0.15 - 1) / 0.3, 1e-5);
  const auto voltages = e.measured_voltages();
  double lowest = 10, highest = -10;
  for (int z = 0; z < 4; ++z) {
    lowest = std::min(lowest, 1 + 0.02 * seen(ZonalObservation::voltage_min, z));
    highest = std::max(highest, 1 + 0.02 * seen(ZonalObservation::voltage_max, z));
    EXPECT_NEAR(seen(ZonalObservation::battery_charge, z), 0, 1e-6);  // half full
  }
  EXPECT_NEAR(lowest, *std::min_element(voltages.begin(), voltages.end()), 1e-6);
  EXPECT_NEAR(highest, *std::max_element(voltages.begin(), voltages.end()), 1e-6);
}

TEST(GridEnvironment, TheSameDayIsPlayedTheSameBitForBit) {
  for (const char* name : {"ieee13_der", "ieee37_der"}) {
    auto e = environment(name, {.actions = every_action});
    const auto first = play(e, 3, 4);
    EXPECT_EQ(first, play(e, 3, 4)) << name;
    play(e, 3, 5, 2);  // another day leaves other taps, charges, voltages and capacitors
    e.reset(3, 0, 6);
    e.step(uniform_action(e, ZoneAction::capacitor, -1));
    EXPECT_EQ(first, play(e, 3, 4)) << name;
    auto fresh = environment(name, {.actions = every_action});
    EXPECT_EQ(first, play(fresh, 3, 4)) << name;
  }
}

TEST(GridEnvironment, RefusesActionsThatAreNone) {
  auto e = environment();
  e.reset(1, 0, 0);
  std::vector<float> action(e.action_size(), 0.0f);
  EXPECT_EQ(test::error_of([&] { e.step(std::span(action).first(3)); }), "an action has 3 components, this environment takes 12");
  action[5] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(test::error_of([&] { e.step(action); }), "an action is not finite at step 0: the policy that sent it is broken");
  EXPECT_EQ(e.step_number(), 0);
}

TEST(GridEnvironment, ClipsAndCountsActionsOutOfRange) {
  auto e = environment();
  e.reset(1, 0, 0);
  auto wild = uniform_action(e, ZoneAction::battery, 7);
  const auto clipped = e.step(wild);
  const double battery = clipped.info.battery;
  EXPECT_EQ(clipped.info.clipped_actions, 4);
  e.reset(1, 0, 0);
  const auto full = e.step(uniform_action(e, ZoneAction::battery, 1));
  EXPECT_EQ(full.info.clipped_actions, 0);
  EXPECT_EQ(full.info.battery, battery);
}

TEST(GridEnvironment, ADayWithoutActionReturnsNothing) {
  for (const char* name : {"ieee13_der", "ieee34_der"}) {
    auto e = environment(name);
    e.reset(2, 0, 0);
    for (int t = 0; t < e.scenario().steps; ++t) {
      const auto result = e.step(uniform_action(e, ZoneAction::battery, 0));
      EXPECT_EQ(result.info.scaled_return, 0) << name << " step " << t;
      EXPECT_GT(std::abs(result.info.idle_cost), 0);
    }
  }
}

TEST(GridEnvironment, RewardIsTheSumOfItsAccount) {
  auto e = environment("ieee13_der", {.actions = every_action});
  e.reset(2, 0, 0);
  RandomStream stream(4, Draw::test);
  std::vector<float> action(e.action_size());
  const auto& o = e.options();
  for (int t = 0; t < e.scenario().steps; ++t) {
    for (auto& a : action) a = static_cast<float>(stream.uniform(-1, 1));
    const auto result = e.step(action);
    const auto& i = result.info;
    const double price = e.scenario().price[t] / 1000;  // [$/Wh], steps of an hour
    EXPECT_NEAR(i.energy_cost, price * (i.head_power - i.losses), 1e-12 * e.scale());
    EXPECT_NEAR(i.loss_cost, o.loss_weight * price * i.losses, 1e-12 * e.scale());
    EXPECT_DOUBLE_EQ(i.tap_wear, o.tap_wear * i.tap_operations);
    EXPECT_DOUBLE_EQ(i.violation_penalty, o.safety_penalty * result.cost * e.scale());
    EXPECT_DOUBLE_EQ(result.cost, i.voltage_violation + i.thermal_violation);
    const double gain =
        i.idle_cost - i.energy_cost - i.loss_cost - i.violation_penalty - i.tap_wear - i.battery_wear + i.stored_energy_value;
    EXPECT_NEAR(i.scaled_return, gain / e.scale(), 1e-12);
    EXPECT_DOUBLE_EQ(result.reward, std::max(o.reward_floor, i.scaled_return));
    double violation = 0;
    for (const double v : e.measured_voltages()) violation += std::max({0.0, v - 1.05, 0.95 - v}) / 0.05;
    EXPECT_NEAR(i.voltage_violation, violation / static_cast<double>(e.measured_voltages().size()), 1e-12);
  }
}

TEST(GridEnvironment, AStepCostsWhatItsConstraintsSay) {
  auto e = environment("ieee13_der", {.actions = every_action, .constraints = "voltage,stability"});
  e.reset(2, 0, 0);
  std::vector<float> action(static_cast<std::size_t>(e.action_size()), 1.0F);
  for (int t = 0; t < e.scenario().steps; ++t) {
    const auto result = e.step(action);
    EXPECT_DOUBLE_EQ(result.cost, result.info.voltage_violation + result.info.stability_violation);
    EXPECT_DOUBLE_EQ(result.info.stability_violation, stability_violation(result.info.voltage_lowest));
  }
}

TEST(GridEnvironment, StoredEnergyTelescopesOverADay) {
  auto e = environment();
  e.reset(2, 0, 1);
  const std::vector<double> before(e.battery_charge().begin(), e.battery_charge().end());
  RandomStream stream(4, Draw::test);
  double total = 0;
  for (int t = 0; t < e.scenario().steps; ++t)
    total += e.step(uniform_action(e, ZoneAction::battery, static_cast<float>(stream.uniform(-1, 1)))).info.stored_energy_value;
  double wanted = 0;
  for (std::size_t b = 0; b < before.size(); ++b)
    wanted += (e.battery_charge()[b] - before[b]) * e.network().data().batteries[b].capacity_wh / 1000 * e.stored_energy_price();
  EXPECT_NEAR(total, wanted, 1e-10);
}

TEST(GridEnvironment, ChargeStaysWithinItsLimitsAndTheLastStepTerminates) {
  for (const float setpoint : {1.0f, -1.0f}) {
    auto e = environment();
    e.reset(2, 0, 1);
    for (int t = 1; t <= e.scenario().steps; ++t) {
      const auto result = e.step(uniform_action(e, ZoneAction::battery, setpoint));
      EXPECT_EQ(result.terminated, t == e.scenario().steps);
      EXPECT_FALSE(result.truncated);
      for (std::size_t b = 0; b < e.battery_charge().size(); ++b) {
        EXPECT_GE(e.battery_charge()[b], e.network().data().batteries[b].min_soc - 1e-12);
        EXPECT_LE(e.battery_charge()[b], 1.0);
      }
    }
    EXPECT_NEAR(e.battery_charge()[0], setpoint > 0 ? 0.1 : 1.0, 1e-3);
    EXPECT_NE(test::error_of([&] { e.step(uniform_action(e, ZoneAction::battery, 0)); }).find("the episode is over"), std::string::npos);
  }
}

TEST(GridEnvironment, HeadPowerBalances) {
  auto e = environment("ieee123_der", {.zones = 6});
  e.reset(2, 0, 1);
  for (int t = 0; t < 24; ++t) {
    const auto i = e.step(uniform_action(e, ZoneAction::battery, t % 2 ? 0.5f : -0.5f)).info;
    // Loads away from rated voltage draw a little more or less than their rating.
    EXPECT_NEAR(i.head_power + i.solar + i.wind + i.battery - i.losses, i.load, 0.05 * e.peak_load());
  }
}

TEST(GridEnvironment, CurtailmentTakesItsShareOfSunAndWindAndOnlyFromAbove) {
  auto e = environment();
  const auto noon = [&](float curtailment) {
    e.reset(1, 0, 3);
    for (int t = 0; t < 12; ++t) e.step(uniform_action(e, ZoneAction::battery, 0));
    return e.step(uniform_action(e, ZoneAction::curtailment, curtailment)).info;
  };
  const auto free = noon(0), half = noon(0.5), none = noon(1), negative = noon(-1);
  ASSERT_GT(free.solar, 1e4);
  EXPECT_EQ(free.curtailed, 0);
  EXPECT_NEAR(half.solar, 0.5 * free.solar, 1e-6);
  EXPECT_NEAR(half.wind, 0.5 * free.wind, 1e-6);
  EXPECT_NEAR(none.solar + none.wind, 0, 1e-6);
  EXPECT_NEAR(none.curtailed, free.solar + free.wind, 1e-6);
  EXPECT_EQ(negative.solar, free.solar);
  EXPECT_EQ(none.idle_cost, free.idle_cost);
}

double mean_voltage(const GridEnvironment& e) {
  double sum = 0;
  for (const double v : e.measured_voltages()) sum += v;
  return sum / static_cast<double>(e.measured_voltages().size());
}

TEST(GridEnvironment, ReactivePowerMovesVoltages) {
  auto e = environment("ieee34_der", {.volt_var = false});
  const auto after = [&](float reactive) {
    e.reset(1, 0, 3);
    e.step(uniform_action(e, ZoneAction::reactive, reactive));
    return mean_voltage(e);
  };
  const double up = after(0.3f), idle = after(0), down = after(-0.3f);
  EXPECT_GT(up, idle + 1e-4);
  EXPECT_LT(down, idle - 1e-4);
}

TEST(GridEnvironment, ATapActionMovesTheSetpointsOfItsRegulators) {
  auto e = environment("ieee13_der", {.actions = "tap", .tap_bias = 6});
  const auto after = [&](float tap) {
    e.reset(1, 0, 3);
    e.step(uniform_action(e, ZoneAction::tap, tap));
    return mean_voltage(e);
  };
  const double up = after(1), down = after(-1);
  EXPECT_GT(up, down + 0.03);  // 12 V apart on 120 V, bands of 2 V
}

TEST(GridEnvironment, ACapacitorActionSwitchesAndReleasesTheBanks) {
  auto e = environment("ieee13_der", {.actions = "capacitor", .volt_var = false});
  const auto reactive_at_head = [&](float action) {
    const auto result = e.step(uniform_action(e, ZoneAction::capacitor, action));
    return ZonalObservation(result.observation, 4)(ZonalObservation::head_reactive) * e.peak_load();
  };
  e.reset(1, 0, 3);
  const double on = reactive_at_head(0), off = reactive_at_head(-1), on_again = reactive_at_head(0.9f);
  EXPECT_GT(off, on + 400e3);  // 700 kvar of banks
  EXPECT_LT(on_again, off - 400e3);
}

TEST(GridEnvironment, FlexibleLoadMovesEnergyAndKeepsMostOfIt) {
  auto e = environment("ieee13_der", {.actions = "flexible_load"}, {.timestep = 900});
  const auto energy = [&](float shift) {  // less in the morning, the rest of the day untouched
    e.reset(1, 0, 3);
    std::vector<double> drawn;
    for (int t = 0; t < 96; ++t) {
      const auto i = e.step(uniform_action(e, ZoneAction::flexible_load, t < 16 ? shift : 0.0f)).info;
      drawn.push_back((i.head_power - i.losses + i.solar + i.wind + i.battery) * 0.25);
    }
    return drawn;
  };
  const auto plain = energy(0), moved = energy(-1);
  EXPECT_LT(moved[0], plain[0] - 0.08 * plain[0]);
  EXPECT_GT(moved[20], plain[20] + 0.005 * plain[20]);  // it comes back
  double difference = 0, shifted = 0;
  for (int t = 0; t < 96; ++t) {
    difference += moved[t] - plain[t];
    shifted += std::abs(moved[t] - plain[t]) / 2;
  }
  EXPECT_GT(shifted, 0.1 * plain[0]);
  EXPECT_LT(std::abs(difference), 0.1 * shifted);
}

TEST(GridEnvironment, DivergenceEndsTheEpisodeWithAFlagAndAPenalty) {
  // The feeder carries its load while the battery holds; charging asks for more than the line can bring.
  const auto network = test::script(
      "new circuit.weak basekv=7.2 phases=1 bus1=a.1 r1=0 x1=1e-3 r0=0 x0=1e-3\n"
      "new line.l phases=1 bus1=a.1 bus2=b.1 r1=3 x1=4 c1=0 r0=3 x0=4 c0=0 length=1\n"
      "new load.l phases=1 bus1=b.1 kv=7.2 kw=1000 kvar=200 vminpu=0.1 vlowpu=0.05\n"
      "new storage.b phases=1 bus1=b.1 kv=7.2 kwrated=50000 kva=50000 kwhrated=500000 %stored=50 %idlingkw=0\n"
      "set voltagebases=[12.47]\n");
  GridEnvironment e(network, {.timestep = 3600, .stochastic_loads = false}, {.zones = 1, .actions = "battery", .volt_var = false});
  e.reset(1, 0, 0);
  const auto fine = e.step(std::vector{0.0f});
  EXPECT_FALSE(fine.terminated);
  EXPECT_FALSE(fine.info.diverged);
  const auto broken = e.step(std::vector{-1.0f});
  EXPECT_TRUE(broken.terminated);
  EXPECT_TRUE(broken.info.diverged);
  EXPECT_EQ(broken.reward, e.options().reward_floor);
  EXPECT_GE(broken.cost, 1);
  EXPECT_GE(broken.info.violation_penalty, e.options().safety_penalty * e.scale() * (1 - 1e-12));
  EXPECT_TRUE(std::isfinite(broken.info.scaled_return));
  EXPECT_TRUE(std::all_of(broken.observation.begin(), broken.observation.end(), [](float x) { return std::isfinite(x); }));
  EXPECT_FALSE(e.reset(1, 0, 0).empty());
}

TEST(GridEnvironment, RefusesANetworkThatCannotStartItsDay) {
  const auto network = test::script(
      "new circuit.hopeless basekv=7.2 phases=1 bus1=a.1 r1=0 x1=1e-3 r0=0 x0=1e-3\n"
      "new line.l phases=1 bus1=a.1 bus2=b.1 r1=3 x1=4 c1=0 r0=3 x0=4 c0=0 length=1\n"
      "new load.l phases=1 bus1=b.1 kv=7.2 kw=90000 kvar=20000 vminpu=0.1 vlowpu=0.05\nset voltagebases=[12.47]\n");
  GridEnvironment e(network, hourly, {.zones = 1});
  const std::string message = test::error_of([&] { e.reset(1, 0, 0); });
  EXPECT_NE(message.find("the power flow of network 'hopeless' does not converge at the start of a day"), std::string::npos) << message;
}

TEST(GridEnvironment, RefusesOptionsThatMakeNoSense) {
  const auto refusal = [](const EnvironmentOptions& o) { return test::error_of([&] { environment("ieee13_der", o); }); };
  EXPECT_NE(refusal({.actions = "battery,solar"}).find("env.actions names 'solar'"), std::string::npos);
  EXPECT_NE(refusal({.actions = "tap,tap"}).find("env.actions names 'tap' twice"), std::string::npos);
  EXPECT_NE(refusal({.actions = ""}).find("env.actions is empty"), std::string::npos);
  EXPECT_NE(refusal({.voltage_min = 1.1}).find("env.voltage_min is 1.1"), std::string::npos);
  EXPECT_NE(refusal({.zones = 0}).find("env.zones is 0"), std::string::npos);
}

TEST(Rollout, HandsOverEveryTransitionInOrder) {
  class Idle final : public Policy {
   public:
    void act(std::span<const float> /*observation*/, std::span<float> action) override { std::fill(action.begin(), action.end(), 0.25f); }
  };
  auto e = environment();
  Idle idle;
  int steps = 0;
  std::vector<float> last;
  rollout(e, idle, 1, 0, 2, [&](const Transition& t) {
    EXPECT_TRUE(last.empty() || std::equal(last.begin(), last.end(), t.observation.begin(), t.observation.end()));
    EXPECT_EQ(t.action[0], 0.25f);
    EXPECT_EQ(t.terminated, ++steps == 24);
    last.assign(t.next_observation.begin(), t.next_observation.end());
  });
  EXPECT_EQ(steps, 24);
}

TEST(GridEnvironment, WhatHangsBehindAFailedLineIsNotServedAndTheRestGoesOn) {
  const ScenarioOptions failing{.timestep = 3600, .outages = true, .outage = {.rate = 200, .repair = 4}};
  auto e = environment("ieee123_der", {}, failing), calm = environment("ieee123_der");
  const std::vector<float> nothing(e.action_size(), 0.0f);
  int dark_steps = 0, served_steps = 0;
  for (int day = 0; day < 3; ++day) {
    e.reset(3, 0, day);
    calm.reset(3, 0, day);
    ASSERT_FALSE(e.scenario().outages.empty());
    for (int t = 0; t < 24; ++t) {
      const auto with = e.step(nothing), without = calm.step(nothing);
      EXPECT_FALSE(with.info.diverged);
      EXPECT_NEAR(with.info.load + with.info.unserved, without.info.load, 1e-6 * without.info.load);
      EXPECT_EQ(without.info.unserved, 0);
      dark_steps += with.info.unserved > 0;
      std::vector<int> out;
      for (const auto& o : e.scenario().outages) {
        if (o.begin <= (t + 0.5) * 3600 && (t + 0.5) * 3600 < o.end) out.push_back(o.line);
      }
      const auto dark = dark_buses(e.network(), initial_state(e.network()), out);
      const auto measurements = e.network().measured_voltages();
      for (std::size_t i = 0; i < measurements.size(); ++i) {
        if (dark[measurements[i].bus]) {
          EXPECT_EQ(e.measured_voltages()[i], 1);
        }
      }
      served_steps += with.info.load > 0;
    }
  }
  EXPECT_GT(dark_steps, 10);
  EXPECT_GT(served_steps, 10);
}

}  // namespace
}  // namespace gridfed
