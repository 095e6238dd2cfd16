#include "powerflow/batch_power_flow.hpp"

#include "feeders.hpp"
#include "runtime/random.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <limits>
#include <string>
#include <vector>

namespace gridfed {
namespace {

constexpr PowerFlowOptions usual{.tolerance = 1e-8, .max_iterations = 200};

/// Loads between 0.3 and 1.3 of rated, each its own; DERs between idle and 0.5 of their rating, batteries both ways.
LoadingConditions random_conditions(const Network& network, int scenario) {
  RandomStream random(7, Draw::load, 0, static_cast<std::uint64_t>(scenario));
  auto conditions = rated_conditions(network);
  for (auto& power : conditions.load_power) power *= 0.3 + random.uniform();
  for (std::size_t i = 0; i < conditions.solar_power.size(); ++i)
    conditions.solar_power[i] = 0.5 * random.uniform() * network.data().solar[i].capacity;
  for (std::size_t i = 0; i < conditions.wind_power.size(); ++i)
    conditions.wind_power[i] = 0.5 * random.uniform() * network.data().wind[i].capacity;
  for (std::size_t i = 0; i < conditions.battery_power.size(); ++i)
    conditions.battery_power[i] = (random.uniform() - 0.5) * network.data().batteries[i].power_rating;
  return conditions;
}

std::vector<LoadingConditions> random_batch(const Network& network, int scenarios) {
  std::vector<LoadingConditions> batch;
  for (int k = 0; k < scenarios; ++k) batch.push_back(random_conditions(network, k));
  return batch;
}

struct Solved {
  bool converged = false;
  int iterations = 0;
  std::vector<Complex> voltages;
  bool operator==(const Solved&) const = default;
};

std::vector<Solved> solved(BatchPowerFlow& batch, std::span<const LoadingConditions> scenarios) {
  std::vector<Solved> all;
  batch.solve(scenarios, [&](const BatchSolution& some) {
    EXPECT_EQ(some.first(), static_cast<int>(all.size()));
    for (int k = 0; k < some.count(); ++k) {
      auto& one = all.emplace_back(Solved{some.converged(k), some.iterations(k), {}});
      for (int node = 0; node < batch.model().network().node_count(); ++node) one.voltages.push_back(some.voltage(node, k));
    }
  });
  EXPECT_EQ(all.size(), scenarios.size());
  return all;
}

/// Largest difference to a single solve [p.u.].
double largest_difference(const Solved& one, const PowerFlow& single) {
  double largest = 0;
  for (std::size_t node = 0; node < one.voltages.size(); ++node) {
    const double distance = std::abs(one.voltages[node] - single.solution().bus_voltages[node]) / single.model().base()[node];
    if (!(distance <= largest)) largest = distance;
  }
  return largest;
}

/// Compares all scenarios with UnbalancedPowerFlow to the tolerance.
void expect_single_solutions(const std::shared_ptr<const Network>& network, double tolerance, int scenarios,
                             const GridState* state = nullptr) {
  BatchPowerFlow batch(network, {.tolerance = tolerance, .max_iterations = 200});
  UnbalancedPowerFlow single(network, {.tolerance = 1e-12, .max_iterations = 500});
  if (state) {
    batch.set_state(*state);
    single.set_state(*state);
  }
  const auto conditions = random_batch(*network, scenarios);
  const auto solutions = solved(batch, conditions);
  for (int k = 0; k < scenarios; ++k) {
    single.flat_start();
    ASSERT_TRUE(single.solve(conditions[k]).converged) << k;
    EXPECT_TRUE(solutions[k].converged) << k;
    EXPECT_LT(largest_difference(solutions[k], single), 4 * tolerance) << k;
  }
}

class BatchOfFeeder : public testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Ieee, BatchOfFeeder, testing::Values("ieee13_der", "ieee34_der", "ieee37_der", "ieee123_der", "ieee37", "ieee123"),
                         [](const auto& test) { return test.param; });

TEST_P(BatchOfFeeder, EveryScenarioEqualsASingleSolve) {
  const auto network = test::feeder(GetParam());
  expect_single_solutions(network, 1e-8, 21);
  expect_single_solutions(network, 1e-4, 35);
}

TEST_P(BatchOfFeeder, TapsCapacitorsAndSwitchesFollowTheState) {
  const auto network = test::feeder(GetParam());
  GridState state = initial_state(*network);
  for (const int t : network->regulator_transformers()) state.taps[t][1] = tap_ratio(network->data().transformers[t].windings[1], 5);
  for (auto& steps : state.capacitors) {
    for (auto& step : steps) step = 0;
  }
  expect_single_solutions(network, 1e-8, 5, &state);
  // There and back is as if it had never been elsewhere.
  BatchPowerFlow moved(network, usual), fresh(network, usual);
  moved.set_state(state);
  moved.set_state(initial_state(*network));
  const auto conditions = random_batch(*network, 3);
  EXPECT_EQ(solved(moved, conditions), solved(fresh, conditions));
}

TEST_P(BatchOfFeeder, AScenarioDoesNotDependOnItsCompany) {
  const auto network = test::feeder(GetParam());
  for (const double tolerance : {1e-4, 1e-8}) {
    BatchPowerFlow batch(network, {.tolerance = tolerance, .max_iterations = 200});
    const auto conditions = random_batch(*network, 37);
    const auto together = solved(batch, conditions);
    for (std::size_t k = 0; k < conditions.size(); ++k) ASSERT_EQ(solved(batch, {&conditions[k], 1})[0], together[k]) << k;
  }
}

/// A feeder with a load of every model, in and out of its range of voltage, wye and delta.
std::shared_ptr<const Network> every_model() {
  std::string text =
      "new circuit.models basekv=12.47 phases=3 bus1=a r1=0.1 x1=1 r0=0.1 x0=1\n"
      "new line.l phases=3 bus1=a bus2=b r1=0.3 x1=0.6 c1=5 r0=0.6 x0=1.5 c0=3 length=3\n"
      "new line.m phases=3 bus1=b bus2=c r1=0.3 x1=0.6 c1=5 r0=0.6 x0=1.5 c0=3 length=2\n";
  for (int model = 1; model <= 8; ++model) {
    const std::string m = std::to_string(model);
    const bool jumps = model != 1 && model != 2 && model != 5;  // at the limit, where it then has two solutions
    for (const bool cut_off : {false, true}) {
      if (cut_off && model != 8) continue;
      const std::string zip = model == 8 ? fmt::format(" zipv=[0.3 0.3 0.4 0.2 0.5 0.3 {}]", cut_off ? 0.5 : 0) : "";
      const std::string name = m + (cut_off ? "c" : "");
      text += "new load.y" + name + " phases=1 bus1=b." + std::to_string(1 + model % 3) + " kv=7.2 kw=120 kvar=50 model=" + m + zip + "\n";
      text += "new load.d" + name + " phases=3 bus1=c kv=12.47 conn=delta kw=90 kvar=30 model=" + m + (jumps ? "" : " vminpu=0.97") + zip +
              "\n";
      text += "new load.h" + name + " phases=1 bus1=c.2 kv=6.6 kw=30 kvar=10 model=" + m + zip + "\n";
    }
  }
  text += "new load.broken phases=3 bus1=b kv=12.47 kw=60 kvar=30 model=4 cvrwatts=0.8 cvrvars=1.7\n";
  return test::script(text + "set voltagebases=[12.47]\ncalcvoltagebases\n");
}

TEST(BatchPowerFlow, EveryLoadModelEqualsASingleSolve) {
  expect_single_solutions(every_model(), 1e-8, 19);
}

TEST(BatchPowerFlow, SinglePrecisionIsTakenWhereItSuffices) {
  EXPECT_TRUE(BatchPowerFlow(test::feeder("ieee123"), {.tolerance = 1e-4}).single_precision());
  EXPECT_FALSE(BatchPowerFlow(test::feeder("ieee123"), {.tolerance = 1e-8}).single_precision());
}

TEST(BatchPowerFlow, WithoutLoadTheCurrentsAreThoseOfChargingAlone) {
  const auto network = test::feeder("ieee123");
  BatchPowerFlow batch(network, usual);
  const auto solutions = solved(batch, std::vector(2, rated_conditions(*network, 0)));
  UnbalancedPowerFlow single(network, {.tolerance = 1e-12, .max_iterations = 500});
  single.solve(rated_conditions(*network, 0));
  EXPECT_TRUE(solutions[0].converged);
  EXPECT_LT(largest_difference(solutions[1], single), 1e-8);
}

TEST(BatchPowerFlow, ADivergingOrUndefinedScenarioLeavesTheOthersAlone) {
  const auto network = test::feeder("ieee123");
  BatchPowerFlow batch(network, usual);
  auto conditions = random_batch(*network, 13);
  const auto sound = solved(batch, conditions);
  conditions[2].load_power[4] = std::numeric_limits<double>::quiet_NaN();
  for (auto& power : conditions[7].load_power) power *= -1e4;  // far more generation than the feeder can carry
  const auto ill = solved(batch, conditions);
  for (std::size_t k = 0; k < conditions.size(); ++k) {
    const bool unsound = k == 2 || k == 7;
    EXPECT_EQ(ill[k].converged, !unsound) << k;
    if (!unsound) {
      EXPECT_EQ(ill[k], sound[k]) << k;
    }
  }
}

TEST(BatchPowerFlow, WhatPlainIterationsDoNotSettleIsSolvedAlone) {
  // Close to the most the line can carry the plain fixed point hardly contracts.
  const auto network = test::script(
      "new circuit.weak basekv=12.47 phases=3 bus1=a r1=0.1 x1=1 r0=0.1 x0=1\n"
      "new line.l phases=3 bus1=a bus2=b r1=3 x1=6 r0=6 x0=15 c1=0 c0=0 length=1\n"
      "new load.heavy phases=3 bus1=b kv=12.47 kw=5500 kvar=500 model=1 vminpu=0.3\n"
      "set voltagebases=[12.47]\ncalcvoltagebases\n");
  BatchPowerFlow batch(network, {.tolerance = 1e-8, .max_iterations = 40});
  UnbalancedPowerFlow single(network, {.tolerance = 1e-8, .max_iterations = 40});
  const std::vector scenarios{rated_conditions(*network, 0.5), rated_conditions(*network, 1.2)};
  const auto solutions = solved(batch, scenarios);
  EXPECT_TRUE(solutions[0].converged);
  ASSERT_TRUE(single.solve(scenarios[1]).converged);
  EXPECT_TRUE(solutions[1].converged);
  EXPECT_LT(largest_difference(solutions[1], single), 1e-7);
}

TEST(BatchPowerFlow, SaysWhatIsWrong) {
  const auto network = test::feeder("ieee13_der"), other = test::feeder("ieee123");
  BatchPowerFlow batch(network, usual);
  const std::vector wrong{rated_conditions(*other)};
  EXPECT_NE(test::error_of([&] { batch.solve(wrong, [](const BatchSolution&) {}); }).find("do not match network"), std::string::npos);
  EXPECT_NE(test::error_of([&] { BatchPowerFlow(network, {.acceleration_factor = 1.2}); }).find("whole steps"), std::string::npos);
}

TEST(BatchPowerFlow, TheLargeFeederEqualsSingleSolves) {
  const auto master = std::filesystem::path(GRIDFED_SOURCE_DIR) / "../shared/reference/feeders/8500-Node/network/Master.dss";
  if (!std::filesystem::exists(master)) GTEST_SKIP() << "the 8500-node feeder does not stand beside the checkout";
  const auto network = make_network(read_feeder(master));
  expect_single_solutions(network, 1e-8, 9);
  expect_single_solutions(network, 1e-4, 17);
}

}  // namespace
}  // namespace gridfed
