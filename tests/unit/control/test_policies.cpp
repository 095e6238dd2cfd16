#include "control/behaviour.hpp"
#include "control/dispatch_reference.hpp"
#include "control/rules.hpp"
#include "env/zonal_observation.hpp"
#include "feeders.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace gridfed {
namespace {

GridEnvironment environment(const EnvironmentOptions& options = {}) {
  return {test::feeder("ieee13_der"), {.timestep = 3600}, options};
}

/// Battery action of the rules at a head power that excludes the batteries' own [peak load].
double rule(double head) {
  auto e = environment();
  const auto first = e.reset(1, 0, 0);
  std::vector<float> observation(first.begin(), first.end());
  observation[4 * ZonalObservation::zone_features + ZonalObservation::head_active] =
      static_cast<float>(head - e.battery_power() / e.peak_load());
  std::vector<float> action(e.action_size(), 9.0f);
  RulePolicy rules({.discharge_above = 0.65, .charge_below = 0.40, .band = 0.15});
  rules.begin_episode(e, 0);
  rules.act(observation, action);
  for (int z = 1; z < 4; ++z) EXPECT_EQ(action[z], action[0]);
  for (std::size_t i = 4; i < action.size(); ++i) EXPECT_EQ(action[i], 0) << i;
  return action[0];
}

TEST(RulePolicy, ShavesAboveAndFillsBelowItsThresholds) {
  EXPECT_EQ(rule(0.5), 0);
  EXPECT_NEAR(rule(0.65), 0, 1e-6);
  EXPECT_NEAR(rule(0.725), 0.5, 1e-6);
  EXPECT_EQ(rule(0.9), 1);
  EXPECT_NEAR(rule(0.325), -0.5, 1e-6);
  EXPECT_EQ(rule(-1), -1);
}

/// A load that stands still above the threshold: what the batteries deliver must not lead them to stop, nor stopping to start again.
TEST(RulePolicy, HoldsItsOutputUnderAConstantLoad) {
  auto network = test::script(
      "new circuit.c basekv=12.47\nnew line.l bus1=sourcebus bus2=a length=0.1\nnew load.l bus1=a kv=12.47 kw=1000 pf=1\n"
      "new storage.b bus1=a kv=12.47 kwrated=200 kwhrated=4000 %stored=100\n");
  const auto file = std::filesystem::temp_directory_path() / ("gridfed_flat_" + std::to_string(getpid()) + ".csv");
  {
    std::ofstream out(file);
    out << "time,load [pu]\n2024-03-01 00:00,0.74\n2024-03-01 12:00,0.74\n";
  }
  GridEnvironment e(network, {.timestep = 900}, {.zones = 1, .actions = "battery"},
                    std::make_shared<const History>(read_history(file, *network)));
  std::filesystem::remove(file);
  RulePolicy rules;
  auto observation = e.reset(1, 0, 0);
  rules.begin_episode(e, 0);
  std::vector<float> action(1);
  for (int t = 0; t < 24; ++t) {
    rules.act(observation, action);
    EXPECT_NEAR(action[0], 0.6, 0.02) << t;  // (0.74 - 0.65) / 0.15, and the loss of the line
    observation = e.step(action).observation;
  }
}

TEST(RulePolicy, LeavesAnInterfaceWithoutBatteriesAlone) {
  auto e = environment({.actions = "curtailment"});
  RulePolicy rules;
  const auto observation = e.reset(1, 0, 0);
  rules.begin_episode(e, 0);
  std::vector<float> action(e.action_size(), 9.0f);
  rules.act(observation, action);
  EXPECT_EQ(action, std::vector<float>(4, 0.0f));
  EXPECT_EQ(action_offset(e, ZoneAction::battery), -1);
  EXPECT_EQ(action_offset(environment(), ZoneAction::curtailment), 8);
}

/// Actions of days at one observation, in which the rules idle: what is left is the noise.
std::vector<std::vector<float>> noise(const BehaviourOptions& options, int days, int steps, std::uint64_t seed = 1) {
  auto e = environment();
  const auto first = e.reset(1, 0, 0);
  std::vector<float> observation(first.begin(), first.end());
  observation[4 * ZonalObservation::zone_features + ZonalObservation::head_active] = 0.5f;
  BehaviourPolicy policy(options, seed, 0);
  std::vector<std::vector<float>> actions;
  for (int day = 0; day < days; ++day) {
    policy.begin_episode(e, day);
    for (int t = 0; t < steps; ++t) policy.act(observation, actions.emplace_back(e.action_size()));
  }
  return actions;
}

TEST(BehaviourPolicy, IsTheSameOnTheSameDayWhateverCameBefore) {
  auto e = environment();
  const auto first = e.reset(1, 0, 0);
  const std::vector<float> observation(first.begin(), first.end());
  const auto day = [&](BehaviourPolicy& policy, int number) {
    policy.begin_episode(e, number);
    std::vector<float> all, action(e.action_size());
    for (int t = 0; t < 24; ++t) {
      policy.act(observation, action);
      all.insert(all.end(), action.begin(), action.end());
    }
    return all;
  };
  BehaviourPolicy one({}, 5, 2), two({}, 5, 2), other({}, 5, 3);
  const auto wanted = day(one, 7);
  day(two, 3);
  EXPECT_EQ(day(two, 7), wanted);
  EXPECT_NE(day(two, 8), wanted);
  EXPECT_NE(day(other, 7), wanted);
}

TEST(BehaviourPolicy, NoiseHasItsStandardDeviationAndCorrelation) {
  const BehaviourOptions options{.price_follower_share = 0, .random_share = 0, .noise_levels = {0.1}, .noise_correlation = 0.9};
  constexpr int days = 2000;
  const auto actions = noise(options, days, 2);
  double variance = 0, lag = 0, zones = 0;
  for (int day = 0; day < days; ++day) {
    const auto& now = actions[2 * day];
    variance += now[0] * now[0] / days;
    lag += now[0] * actions[2 * day + 1][0] / days;
    zones += now[0] * now[1] / days;
  }
  EXPECT_NEAR(variance, 0.01, 4 * 0.01 * std::sqrt(2.0 / days));
  EXPECT_NEAR(lag / variance, 0.9, 4 * std::sqrt(1.81 / days));
  EXPECT_NEAR(zones / variance, 0.5, 4 * std::sqrt(1.25 / days));  // half of the variance is common
}

TEST(BehaviourPolicy, CurtailsRarelyAndNeverNegatively) {
  const BehaviourOptions options{.price_follower_share = 0, .random_share = 0, .noise_levels = {0.5}};
  constexpr int days = 2000;
  int curtailed = 0;
  for (const auto& action : noise(options, days, 1)) {
    EXPECT_GE(action[8], 0);
    curtailed += action[8] > 0;
  }
  const double share = 0.5 * std::erfc(1.5 / std::sqrt(2.0));
  EXPECT_NEAR(curtailed, share * days, 4 * std::sqrt(share * days));
}

TEST(BehaviourPolicy, StaysWithinTheActionSpace) {
  for (const auto& action : noise({.noise_levels = {2.0}}, 50, 24)) {
    EXPECT_TRUE(std::all_of(action.begin(), action.end(), [](float a) { return a >= -1 && a <= 1; }));
  }
}

TEST(BehaviourPolicy, RefusesOptionsThatMakeNoSense) {
  const auto refusal = [](const BehaviourOptions& o) { return test::error_of([&] { validate(o); }); };
  EXPECT_EQ(refusal({}), "no error");
  EXPECT_NE(refusal({.price_follower_share = 0.8, .random_share = 0.3}).find("sum to at most 1"), std::string::npos);
  EXPECT_NE(refusal({.noise_levels = {}}).find("behaviour.noise_levels"), std::string::npos);
  EXPECT_NE(refusal({.noise_correlation = 1}).find("behaviour.noise_correlation is 1"), std::string::npos);
  EXPECT_NE(refusal({.noise_common = 2}).find("behaviour.noise_common is 2"), std::string::npos);
}

/// What a policy's batteries earn on the price alone: energy sold minus wear plus the settlement of the charge [$].
double trading_gain(Policy& policy, int day) {
  auto e = environment();
  double gain = 0;
  int t = 0;
  rollout(e, policy, 9, 0, day, [&](const Transition& transition) {
    const auto& i = *transition.info;
    gain += e.scenario().price[t++] * i.battery / 1000 - i.battery_wear + i.stored_energy_value;
    for (const double charge : e.battery_charge()) EXPECT_TRUE(charge >= 0.1 - 1e-9 && charge <= 1);
  });
  return gain;
}

TEST(DispatchReference, EarnsMoreOnThePriceThanRulesOrIdling) {
  class Idle final : public Policy {
    void act(std::span<const float> /*observation*/, std::span<float> action) override { std::fill(action.begin(), action.end(), 0.0f); }
  };
  double over_rules = 0;
  for (int day = 0; day < 6; ++day) {
    DispatchReference reference;
    RulePolicy rules;
    Idle idle;
    const double best = trading_gain(reference, day);
    EXPECT_GT(best, trading_gain(idle, day)) << day;
    const double gap = best - trading_gain(rules, day);
    EXPECT_GT(gap, 0) << day;
    over_rules += gap;
  }
  EXPECT_GT(over_rules, 1);
}

TEST(DispatchReference, PlaysItsPlanInEveryZoneWithAConstantReactivePart) {
  auto e = environment();
  const auto observation = e.reset(9, 0, 1);
  DispatchReference reference(-0.25);
  reference.begin_episode(e, 1);
  std::vector<float> action(e.action_size());
  reference.act(observation, action);
  for (int z = 0; z < 4; ++z) {
    EXPECT_EQ(action[z], action[0]);
    EXPECT_EQ(action[4 + z], -0.25f);
    EXPECT_EQ(action[8 + z], 0);
  }
}

TEST(DispatchReference, AFlatPriceIsNotWorthMovingFor) {
  GridEnvironment e(test::feeder("ieee13_der"), {.timestep = 3600, .price_spread = 0}, {});
  e.reset(9, 0, 1);
  DispatchReference reference;
  reference.begin_episode(e, 1);
  std::vector<float> action(e.action_size());
  for (int t = 0; t < 24; ++t) {
    reference.act({}, action);
    // Losses of a round trip are never earned back; a battery at work spares its idling loss, so a whisper is allowed.
    EXPECT_LE(std::abs(action[0]), 0.1f) << t;
  }
}

}  // namespace
}  // namespace gridfed
