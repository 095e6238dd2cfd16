#include "evaluation/economics.hpp"

#include "refusals.hpp"

#include <cmath>
#include <fstream>

namespace gridfed {
namespace {

using namespace std::chrono;

TEST(Tariff, TimeOfUsePricesFollowTheHour) {
  const std::vector<PricePeriod> periods{{16, 21, 0.40}, {22, 6, 0.08}, {0, 24, 0.15}};
  const auto prices = time_of_use_prices(periods, 0.5, 96);
  EXPECT_EQ(prices[0], 0.08);
  EXPECT_EQ(prices[11], 0.08);  // 05:30
  EXPECT_EQ(prices[12], 0.15);  // 06:00
  EXPECT_EQ(prices[32], 0.40);  // 16:00
  EXPECT_EQ(prices[42], 0.15);  // 21:00
  EXPECT_EQ(prices[44], 0.08);  // 22:00
  EXPECT_EQ(prices[48 + 32], 0.40);
  const std::vector<PricePeriod> gap{{0, 12, 0.1}};
  EXPECT_TRUE(refuses([&] { time_of_use_prices(gap, 1, 24); }, "no price covers hour 12"));
}

TEST(Tariff, SeriesHoldUntilTheNextPrice) {
  const auto path = std::filesystem::path(testing::TempDir()) / "prices.csv";
  std::ofstream(path) << "time,price [$/kWh]\n2024-06-03 00:00,0.10\n2024-06-03 01:00,-0.02\n2024-06-03 02:00,0.30\n";
  const auto series = read_price_series(path);
  const auto start = sys_days(2024y / 6 / 3);
  EXPECT_EQ(prices_at(series, start + 30min, 0.5, 4), (std::vector<double>{0.10, -0.02, -0.02, 0.30}));
  EXPECT_TRUE(refuses([&] { prices_at(series, start - 1h, 1, 2); }, "the price series begins after step 0"));
  std::ofstream(path) << "time,price [$/kWh]\n2024-06-03 00:00,0.10\n2024-06-03 00:00,0.2\n";
  EXPECT_TRUE(refuses([&] { read_price_series(path); }, "prices.csv:3: time does not rise"));
}

TEST(Tariff, EnergyIsBoughtAndSold) {
  // 0.5 h x (4 kW x 0.1 + -2 kW x 0.2 x 0.5) = 0.5 x (0.4 - 0.2).
  EXPECT_NEAR(energy_cost(std::vector<double>{4, -2}, std::vector<double>{0.1, 0.2}, 0.5, 0.5), 0.1, 1e-15);
  EXPECT_TRUE(refuses([] { energy_cost(std::vector<double>{4}, std::vector<double>{}, 1); }, "1 powers meet 0 prices"));
}

TEST(Tariff, DemandIsTheHighestMeanOfAWindow) {
  const std::vector<double> power{10, 30, 20, 40, 50, 0, 0};  // 5-minute steps; windows of 15 min: 20, 30, 0
  EXPECT_NEAR(billing_demand(power, 1.0 / 12, 0.25), 30, 1e-12);
  EXPECT_NEAR(demand_charge(power, 1.0 / 12, 12, 0.25), 360, 1e-9);
  EXPECT_EQ(billing_demand(power, 0.25), 50);
  EXPECT_TRUE(refuses([&] { billing_demand(power, 0.2, 0.25); }, "no whole number of steps"));
}

TEST(OutageCost, IsInterpolatedByLogarithms) {
  const CustomerDamage damage{.durations = {1, 4, 8}, .costs = {2, 8, 20}};
  EXPECT_EQ(damage(0), 0);
  EXPECT_EQ(damage(0.1), 2);
  EXPECT_NEAR(damage(2), 4, 1e-12);  // half way from 1 to 4 and from 2 to 8 on logarithmic scales
  EXPECT_NEAR(damage(4), 8, 1e-12);
  EXPECT_EQ(damage(8), 20);
  EXPECT_NEAR(damage(10), 26, 1e-12);  // 3 $/kW a further hour
}

TEST(OutageCost, TablesAreChecked) {
  const auto path = std::filesystem::path(testing::TempDir()) / "damage.csv";
  const auto refused = [&](const std::string& rows, const std::string& text) {
    std::ofstream(path) << "class,duration [h],cost [$/kW]\n" << rows;
    return refuses([&] { read_customer_damage(path); }, text);
  };
  EXPECT_TRUE(refused("a,1,1\na,0.5,2\n", "damage.csv:3: duration must rise"));
  EXPECT_TRUE(refused("a,1,0\n", "damage.csv:2: duration and cost must be above 0"));
  EXPECT_TRUE(refused("a,1,1\n", "one duration for class 'a'"));
  std::ofstream(path) << "class,duration [h],cost [$/kW]\na,1,1\nb,1,4\na,2,3\nb,2,4\n";
  EXPECT_EQ(read_customer_damage(path).at("a").costs, (std::vector<double>{1, 3}));
}

TEST(OutageCost, TheShippedTableHasTheClassesOfItsSource) {
  const auto damage = read_customer_damage(GRIDFED_SOURCE_DIR "/inputs/reliability/customer_damage.csv");
  EXPECT_EQ(damage.size(), 7u);
  EXPECT_EQ(damage.at("residential")(1), 0.482);
  EXPECT_EQ(damage.at("commercial")(8), 83.01);
}

TEST(Wear, RainflowOfTheStandardsExample) {
  // ASTM E1049-85, figure 6: -2 1 -3 5 -1 3 -4 4 -2 gives ranges 3 (half), 4 (one and a half: 1 whole, 1 half), 6 (half), 8 (two halves),
  // 9 (half).
  const auto cycles = rainflow_cycles(std::vector<double>{-2, 1, -3, 5, -1, 3, -4, 4, -2});
  std::map<double, double> counts;
  for (const auto& cycle : cycles) counts[cycle.depth] += cycle.count;
  EXPECT_EQ(counts, (std::map<double, double>{{3, 0.5}, {4, 1.5}, {6, 0.5}, {8, 1.0}, {9, 0.5}}));
}

TEST(Wear, FlatAndMonotoneCourses) {
  EXPECT_TRUE(rainflow_cycles(std::vector<double>{0.5, 0.5}).empty());
  const auto rise = rainflow_cycles(std::vector<double>{0.25, 0.375, 0.375, 0.75});
  ASSERT_EQ(rise.size(), 1u);
  EXPECT_EQ(rise[0].depth, 0.5);
  EXPECT_EQ(rise[0].count, 0.5);
}

TEST(Wear, CostsAreSharesOfAReplacement) {
  const std::vector<BatteryCycle> cycles{{1.0, 1}, {0.5, 2}};
  EXPECT_NEAR(battery_wear_cost(cycles, {.replacement_cost = 6000, .cycles_at_full_depth = 3000, .exponent = 1}), 4, 1e-12);
  EXPECT_NEAR(battery_wear_cost(cycles, {.replacement_cost = 6000, .cycles_at_full_depth = 3000, .exponent = 2}), 3, 1e-12);
  EXPECT_NEAR(tap_wear_cost(50, 20000, 100000), 10, 1e-12);
}

TEST(Investment, PresentValueAndAnnuity) {
  // -1000 + 600 / 1.1 + 600 / 1.21 = -1000 + 545.4545 + 495.8678.
  EXPECT_NEAR(net_present_value(std::vector<double>{-1000, 600, 600}, 0.1), 41.3223, 1e-4);
  EXPECT_NEAR(annuity_factor(0.1, 2), 1.7355, 1e-4);
  EXPECT_EQ(annuity_factor(0, 7), 7);
}

TEST(SavingsOfAPolicy, ArePairedByDay) {
  const std::vector<double> rules{10, 20, 30, 40}, learned{9, 17, 29, 37};  // saves 1, 3, 1, 3
  const auto s = savings(rules, learned, RandomStream(1, Draw::test));
  EXPECT_NEAR(s.mean.mean, 2, 1e-12);
  EXPECT_NEAR(s.mean.standard_error, std::sqrt(4.0 / 3 / 4), 1e-12);
  EXPECT_NEAR(s.share, 0.08, 1e-12);
  EXPECT_GE(s.low, 1);
  EXPECT_LT(s.low, 2);
  EXPECT_GT(s.high, 2);
  EXPECT_LE(s.high, 3);
  EXPECT_TRUE(refuses([&] { savings(rules, std::vector<double>{1}, RandomStream(1, Draw::test)); }, "do not pair"));
}

TEST(SavingsOfAPolicy, IntervalCoversTheTruthAsOftenAsItSays) {
  int covered = 0;
  constexpr int trials = 400;
  for (int trial = 0; trial < trials; ++trial) {
    RandomStream days(7, Draw::test, 0, static_cast<std::uint64_t>(trial));
    std::vector<double> baseline(60), policy(60);
    for (std::size_t i = 0; i < baseline.size(); ++i) {
      baseline[i] = 100 + 10 * days.normal();
      policy[i] = baseline[i] - 2 - 4 * days.normal();
    }
    const auto s = savings(baseline, policy, RandomStream(7, Draw::test, 1, static_cast<std::uint64_t>(trial)), 0.95, 500);
    covered += s.low <= 2 && 2 <= s.high;
  }
  EXPECT_NEAR(covered, 0.95 * trials, 4 * std::sqrt(trials * 0.95 * 0.05));
}

}  // namespace
}  // namespace gridfed
