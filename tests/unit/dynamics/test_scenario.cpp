#include "dynamics/scenario.hpp"

#include "feeders.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace gridfed {
namespace {

class ScenarioTest : public testing::Test {
 protected:
  Scenario draw(const ScenarioOptions& options, std::uint64_t seed = 1, int client = 0, int day = 0) {
    return draw_scenario(*network, options, seed, client, day);
  }
  std::shared_ptr<const Network> network = test::feeder("ieee13_der");
};

void expect_equal(const Scenario& a, const Scenario& b) {
  EXPECT_EQ(a.day_of_year, b.day_of_year);
  EXPECT_EQ(a.load, b.load);
  EXPECT_EQ(a.solar, b.solar);
  EXPECT_EQ(a.wind, b.wind);
  EXPECT_EQ(a.price, b.price);
}

TEST_F(ScenarioTest, TheSameDayComesBackWhateverWasDrawnBefore) {
  const auto first = draw({}, 7, 2, 5);
  for (int day = 0; day < 3; ++day) draw({}, 7, 1, day);
  expect_equal(first, draw({}, 7, 2, 5));
}

TEST_F(ScenarioTest, SeedClientAndDayEachMakeAnotherDay) {
  const auto first = draw({}, 7, 2, 5);
  EXPECT_NE(first.load, draw({}, 8, 2, 5).load);
  EXPECT_NE(first.load, draw({}, 7, 3, 5).load);
  EXPECT_NE(first.price, draw({}, 7, 2, 6).price);
}

TEST_F(ScenarioTest, LeavingOutASourceMovesNothingElse) {
  const auto all = draw({});
  const auto calm = draw({.renewable_sources = "solar"});
  EXPECT_EQ(all.load, calm.load);
  EXPECT_EQ(all.solar, calm.solar);
  EXPECT_TRUE(std::all_of(calm.wind.begin(), calm.wind.end(), [](float w) { return w == 0; }));
  const auto dark = draw({.renewable_sources = "none"});
  EXPECT_EQ(all.wind.size(), dark.wind.size());
  EXPECT_TRUE(std::all_of(dark.solar.begin(), dark.solar.end(), [](float s) { return s == 0; }));
}

TEST_F(ScenarioTest, SizesFollowTheStep) {
  for (const double timestep : {300.0, 900.0, 3600.0}) {
    const auto s = draw({.timestep = timestep});
    EXPECT_EQ(s.steps, static_cast<int>(86400 / timestep));
    const auto& data = network->data();
    EXPECT_EQ(s.load.size(), s.steps * data.loads.size());
    EXPECT_EQ(s.solar.size(), s.steps * data.solar.size());
    EXPECT_EQ(s.wind.size(), s.steps * data.wind.size());
    EXPECT_EQ(s.price.size(), static_cast<std::size_t>(s.steps));
  }
}

TEST_F(ScenarioTest, AShorterStepKeepsTheDaysLoadAndPrices) {
  ScenarioOptions quiet{.timestep = 300, .stochastic_loads = false, .renewable_sources = "none"};
  const auto fine = draw(quiet);
  quiet.timestep = 900;
  const auto coarse = draw(quiet);
  const auto mean = [](const auto& values) {
    return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
  };
  EXPECT_NEAR(mean(fine.load), mean(coarse.load), 1e-3 * mean(coarse.load));
  for (int t = 0; t < coarse.steps; ++t) EXPECT_EQ(fine.price[3 * t], coarse.price[t]);
}

TEST_F(ScenarioTest, EveryValueIsPossible) {
  for (int day = 0; day < 40; ++day) {
    const auto s = draw({}, 3, 0, day);
    EXPECT_TRUE(std::all_of(s.load.begin(), s.load.end(), [](float f) { return f > 0 && f < 2; }));
    EXPECT_TRUE(std::all_of(s.solar.begin(), s.solar.end(), [](float f) { return f >= 0 && f < 1.3; }));
    EXPECT_TRUE(std::all_of(s.wind.begin(), s.wind.end(), [](float f) { return f >= 0 && f <= 1; }));
    EXPECT_TRUE(std::all_of(s.price.begin(), s.price.end(), [](double p) { return p > 0 && p < 1; }));
    EXPECT_EQ(s.solar_factor(0, 0), 0);  // midnight
    EXPECT_TRUE(s.day_of_year >= 1 && s.day_of_year <= 365);
  }
}

TEST_F(ScenarioTest, LoadNoiseHasItsStandardDeviation) {
  // One value a day and load at 12:00, so that days are independent; the profile is divided out.
  double sum = 0, squares = 0;
  constexpr int days = 400;
  const int loads = static_cast<int>(network->data().loads.size());
  for (int day = 0; day < days; ++day) {
    const auto noisy = draw({.timestep = 3600}, 5, 0, day), quiet = draw({.timestep = 3600, .stochastic_loads = false}, 5, 0, day);
    const double noise = noisy.load_factor(12, day % loads) / quiet.load_factor(12, day % loads) - 1;
    sum += noise / days;
    squares += noise * noise / days;
  }
  const double variance = 0.04 * 0.04 + 0.10 * 0.10;
  EXPECT_NEAR(sum, 0, 4 * std::sqrt(variance / days));
  EXPECT_NEAR(squares, variance, 4 * variance * std::sqrt(2.0 / days));
}

TEST_F(ScenarioTest, RefusesOptionsThatMakeNoDay) {
  const auto refusal = [](const ScenarioOptions& o) { return test::error_of([&] { validate(o); }); };
  EXPECT_EQ(refusal({}), "no error");
  EXPECT_NE(refusal({.timestep = 0}).find("env.timestep is 0 s"), std::string::npos);
  EXPECT_NE(refusal({.episode_length = 90000}).find("at most 86400"), std::string::npos);
  EXPECT_NE(refusal({.wind_correlation = 1}).find("env.wind_correlation is 1"), std::string::npos);
  EXPECT_NE(refusal({.energy_price = 0}).find("env.energy_price is 0"), std::string::npos);
  EXPECT_NE(refusal({.renewable_sources = "tidal"}).find("env.renewable_sources is 'tidal'"), std::string::npos);
}

}  // namespace
}  // namespace gridfed
