#include "control/adversarial_policy.hpp"
#include "control/make_policy.hpp"
#include "control/safety_judge.hpp"
#include "feeders.hpp"
#include "runtime/random.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace gridfed {
namespace {

GridEnvironment environment(const std::string& feeder = "ieee123_der", EnvironmentOptions options = {},
                            const ScenarioOptions& scenario = {}) {
  return {test::feeder(feeder), scenario, options};
}

/// Plays what it is told.
struct Script final : Policy {
  std::function<void(std::span<float>)> play;
  explicit Script(std::function<void(std::span<float>)> p) : play(std::move(p)) {}
  void act(std::span<const float>, std::span<float> action) override { play(action); }
};

struct Played {
  SafetyScore score;
  ShieldCounts counts;
  std::vector<double> rewards;
};

Played play(Policy& policy, const SafetyOptions& options, int days, SafetyShield::Mode mode = SafetyShield::Mode::guard,
            const EnvironmentOptions& environment_options = {}) {
  auto e = environment("ieee123_der", environment_options);
  const auto backup = make_policy(options.backup, {}, 1, 0);
  SafetyShield shield(policy, *backup, environment("ieee123_der", environment_options), options, mode);
  SafetyJudge judge(environment("ieee123_der", environment_options));
  Played played;
  for (int d = 0; d < days; ++d) {
    rollout(e, shield, 1, 0, first_test_day + d, [&](const Transition& t) {
      judge.judge(e, t.info->diverged, shield);
      played.rewards.push_back(t.reward);
    });
  }
  played.score = judge.score();
  played.counts = shield.counts();
  return played;
}

TEST(DayState, ResumedGoesOnAsTheOriginal) {
  auto e = environment("ieee123_der", {.actions = "battery,reactive,curtailment,flexible_load,tap,capacitor"});
  auto model = environment("ieee123_der", {.actions = "battery,reactive,curtailment,flexible_load,tap,capacitor"});
  e.reset(1, 0, 7);
  RandomStream random(5, Draw::test);
  std::vector<float> action(static_cast<std::size_t>(e.action_size()));
  for (int step = 0; step < 30; ++step) {
    for (auto& a : action) a = static_cast<float>(random.uniform(-1, 1));
    model.resume(e.state(), e.scenario());
    const auto foreseen = model.step(action);
    const auto real = e.step(action);
    EXPECT_NEAR(foreseen.info.voltage_highest, real.info.voltage_highest, 1e-5) << step;
    EXPECT_NEAR(foreseen.info.voltage_lowest, real.info.voltage_lowest, 1e-5) << step;
    EXPECT_NEAR(foreseen.info.head_power, real.info.head_power, 1e-4 * e.peak_load()) << step;
    EXPECT_EQ(foreseen.info.tap_operations, real.info.tap_operations) << step;
  }
}

TEST(DayState, OfAnotherNetworkIsRefused) {
  auto e = environment(), other = environment("ieee13_der");
  e.reset(1, 0, 0);
  other.reset(1, 0, 0);
  EXPECT_NE(test::error_of([&] { other.resume(e.state(), e.scenario()); }), "no error");
}

/// Rows of the constraint layer against central differences of whole steps, volt-var included. Returns the largest row.
double expect_rows(const EnvironmentOptions& options, double h, double tolerance) {
  auto e = environment("ieee123_der", options), model = environment("ieee123_der", options);
  SafetyMonitor monitor({}, options);
  ConstraintLayer layer(model);
  e.reset(1, 0, first_test_day);
  std::vector<float> action(static_cast<std::size_t>(e.action_size()), 0.0f);
  while (e.step_number() < 44) e.step(action);  // no regulator stands at the edge of its band
  monitor.begin_day(e);
  for (std::size_t k = 0; k < action.size(); ++k) action[k] = k < 4 ? 0.3f : 0.2f;
  // Taps that have settled under this action stay where they are.
  model.resume(e.state(), e.scenario());
  model.step(action);
  auto before = e.state();
  before.grid = model.state().grid;
  const auto at = [&](std::span<const float> a) {
    model.resume(before, e.scenario());
    EXPECT_FALSE(model.step(a).info.diverged);
    EXPECT_EQ(model.state().grid.taps, before.grid.taps) << "a tap moved: the comparison means nothing";
    std::vector<double> use;
    for (const double v : model.measured_voltages()) use.push_back((v - monitor.voltage_middle()) / monitor.voltage_half());
    for (const double l : model.line_loadings()) use.push_back(l);
    for (const double l : model.transformer_loadings()) use.push_back(l);
    return use;
  };
  at(action);
  const auto linear = layer.linearise(model, before, monitor, action);
  const double largest = linear.rows.cwiseAbs().maxCoeff();
  for (std::size_t k = 0; k < action.size(); ++k) {
    auto up = action, down = action;
    up[k] += static_cast<float>(h);
    down[k] -= static_cast<float>(h);
    const auto above = at(up), below = at(down);
    const double step = double(up[k]) - double(down[k]);
    for (std::size_t i = 0; i < above.size(); ++i)
      EXPECT_NEAR(linear.rows(static_cast<Eigen::Index>(i), static_cast<Eigen::Index>(k)), (above[i] - below[i]) / step,
                  tolerance * largest)
          << "row " << i << " action " << k;
  }
  return largest;
}

TEST(ConstraintLayer, RowsAgreeWithFiniteDifferences) {
  EXPECT_GT(expect_rows({.volt_var = false, .power_flow_tolerance = 1e-10}, 0.005, 5e-3), 0.01);
  // volt-var settles to 0.002 of a rating, so a difference of settled steps knows no better.
  EXPECT_GT(expect_rows({.power_flow_tolerance = 1e-10}, 0.03, 0.1), 0.01);
}

TEST(ConstraintLayer, MovesAnActionToTheLimitAndNoFurther) {
  const EnvironmentOptions options{.voltage_max = 1.035, .volt_var = false};
  auto e = environment("ieee123_der", options), model = environment("ieee123_der", options);
  SafetyMonitor monitor({}, options);
  ConstraintLayer layer(model);
  e.reset(1, 0, first_test_day);
  monitor.begin_day(e);
  const auto before = e.state();
  std::vector<float> action(static_cast<std::size_t>(e.action_size()), 0.0f);
  std::fill_n(action.begin() + 4, 4, 1.0f);  // all reactive power
  const auto use = [&] {
    model.resume(before, e.scenario());
    return monitor.assess(model, model.step(action).info.diverged).use[static_cast<std::size_t>(Limit::voltage)];
  };
  const double wanted = use();
  const double goal = wanted - 0.05;
  const auto result = layer.project(model, before, monitor, goal, action);
  EXPECT_TRUE(result.feasible);
  EXPECT_GE(result.active, 1);
  EXPECT_NEAR(use(), goal, 0.01);
}

TEST(SafetyMonitor, NamesLimitsAndPlaces) {
  auto e = environment();
  e.reset(1, 0, first_test_day);
  SafetyMonitor monitor({.line_loading = 1e-3, .frequency_stiffness = 0.001}, e.options());
  monitor.begin_day(e);
  e.step(std::vector<float>(static_cast<std::size_t>(e.action_size()), 0.5f));
  const auto a = monitor.assess(e, false);
  EXPECT_TRUE(a.violated(Limit::line));
  EXPECT_FALSE(a.violated(Limit::voltage));
  EXPECT_FALSE(monitor.place_name(e.network(), Limit::line, a.place[static_cast<std::size_t>(Limit::line)]).empty());
  // Every watt moves this system: the step of the head is a deviation.
  EXPECT_GT(a.use[static_cast<std::size_t>(Limit::frequency)], 1);
  EXPECT_TRUE(monitor.assess(e, true).violated());
  SafetyMonitor stiff({}, e.options());
  stiff.begin_day(e);
  stiff.set_frequency(59.4);
  EXPECT_NEAR(stiff.assess(e, false).use[static_cast<std::size_t>(Limit::frequency)], 1.2, 1e-9);
}

TEST(SafetyShield, LeavesAloneWhatUsesNoLimit) {
  const SafetyOptions wide{.line_loading = 10, .transformer_loading = 10, .tap_changes = 0};
  const EnvironmentOptions wide_voltage{.voltage_min = 0.7, .voltage_max = 1.3};
  const auto policy = make_policy("random", {}, 1, 0);
  const auto guarded = play(*policy, wide, 1, SafetyShield::Mode::guard, wide_voltage);
  EXPECT_EQ(guarded.counts.backup + guarded.counts.projected, 0);
  auto alone = environment("ieee123_der", wide_voltage);
  std::vector<double> rewards;
  rollout(alone, *policy, 1, 0, first_test_day, [&](const Transition& t) { rewards.push_back(t.reward); });
  EXPECT_EQ(guarded.rewards, rewards);  // bit for bit: foreseeing changes nothing
}

TEST(SafetyShield, TakesOverFromActionsThatAreNotFinite) {
  Script broken([](std::span<float> action) { std::ranges::fill(action, std::numeric_limits<float>::quiet_NaN()); });
  const auto played = play(broken, {}, 1);
  EXPECT_EQ(played.counts.invalid, 96);
  EXPECT_EQ(played.counts.backup + played.counts.projected_backup, 96);
  EXPECT_EQ(played.counts.handovers, 1);
  EXPECT_EQ(played.score.avoidable, 0);
}

TEST(SafetyShield, ReleasesWithHysteresis) {
  // Full reactive power breaks the limit on odd hours; between the thresholds nothing changes hands.
  auto e = environment();
  AdversarialPolicy bad;
  const auto backup = make_policy("rules", {}, 1, 0);
  SafetyShield shield(bad, *backup, environment(), {.release_threshold = 0.5, .constraint_layer = false});
  int changes = 0;
  bool held = false;
  rollout(e, shield, 1, 0, first_test_day + 1, [&](const Transition&) {
    const auto& last = shield.last();
    const bool backup_acts = last.decision == Decision::backup;
    EXPECT_TRUE(!last.handed_over || last.foreseen.severity() > 0.95);
    EXPECT_TRUE(!last.released || last.foreseen.severity() <= 0.5);
    if (backup_acts && !last.handed_over) {
      EXPECT_GT(last.foreseen.severity(), 0.5);
      held = held || last.foreseen.severity() <= 0.95;
    }
    changes += last.handed_over + last.released;
  });
  EXPECT_GT(changes, 0);
  EXPECT_TRUE(held) << "no step lay between the thresholds: the test shows nothing";
}

TEST(SafetyShield, LeavesNoViolationThatTheBackupAvoids) {
  Script random_bang([random = RandomStream(9, Draw::test)](std::span<float> action) mutable {
    for (auto& a : action) a = random.uniform() < 0.5 ? -1.0f : 1.0f;
  });
  AdversarialPolicy adversarial;
  const EnvironmentOptions all{.actions = "battery,reactive,curtailment,tap"};
  long unguarded = 0;
  for (Policy* policy : {static_cast<Policy*>(&random_bang), static_cast<Policy*>(&adversarial)}) {
    unguarded += play(*policy, {}, 3, SafetyShield::Mode::watch, all).score.avoidable;
    const auto guarded = play(*policy, {}, 3, SafetyShield::Mode::guard, all);
    EXPECT_EQ(guarded.score.avoidable, 0);
    EXPECT_EQ(guarded.score.steps, 288);
    EXPECT_GT(guarded.counts.projected + guarded.counts.backup, 0);
  }
  EXPECT_GT(unguarded, 20) << "without a shield too little is violated for this to show anything";
}

TEST(SafetyOptions, AreChecked) {
  const auto said = [](SafetyOptions o) { return test::error_of([&] { validate(o); }); };
  EXPECT_EQ(said({}), "no error");
  EXPECT_EQ(said({.release_threshold = 0.99}),
            "safety.release_threshold is 0.99 and safety.intervention_threshold 0.95: they must not decrease, nor exceed 1");
  EXPECT_EQ(said({.backup = "random"}), "safety.backup is 'random': take idle, rules, self_consumption, voltage or curtailment");
  EXPECT_EQ(said({.forecast = "oracle"}), "safety.forecast is 'oracle': it must be measured or persistence");
  EXPECT_EQ(said({.line_loading = 0}), "safety.line_loading is 0: it must be positive");
}

}  // namespace
}  // namespace gridfed
