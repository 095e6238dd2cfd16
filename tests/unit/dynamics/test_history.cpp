#include "dynamics/history.hpp"

#include "dynamics/scenario.hpp"
#include "dynamics/weather.hpp"
#include "feeders.hpp"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <cmath>

namespace gridfed {
namespace {

class HistoryTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::temp_directory_path() / ("gridfed_history_" + std::to_string(getpid()));
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::filesystem::path write(const std::string& text) {
    std::ofstream(folder_ / "p.csv") << text;
    return folder_ / "p.csv";
  }
  /// Whole days of two-hourly rows from 1 March 2024 on, a Friday; cell(day, row) is what follows the time.
  template <class Cell>
  std::string days(const std::string& columns, int count, Cell cell) {
    std::string text = "time," + columns + "\n";
    for (int day = 0; day < count; ++day) {
      for (int row = 0; row < 12; ++row) text += fmt::format("2024-03-{:02} {:02}:00,{}\n", day + 1, 2 * row, cell(day, row));
    }
    return text;
  }
  std::string error(const std::string& text) {
    const auto file = write(text);
    return test::error_of([&] { read_history(file, *network); });
  }
  void expect_refused(const std::string& text, const std::string& wanted) {
    const std::string message = error(text);
    EXPECT_NE(message.find(wanted), std::string::npos) << message;
  }

  std::filesystem::path folder_;
  std::shared_ptr<const Network> network = test::feeder("ieee13_der");
};

TEST_F(HistoryTest, ColumnsReplaceWhatWouldBeDrawnAndNothingElse) {
  const auto file = write(days("load [pu],load.671 [kW],price [$/MWh]", 5,
                               [](int day, int row) { return fmt::format("{},{},{}", 0.1 * day + 0.01 * row, 100.0, 50 + row); }));
  const History history = read_history(file, *network);
  ASSERT_EQ(history.days(), 5);
  EXPECT_EQ(history.step, 7200);
  EXPECT_EQ(history.day_of_year[0], 61);
  EXPECT_EQ(history.weekday[0], 5);
  const ScenarioOptions options{.timestep = 3600};
  const Scenario s = draw_scenario(*network, options, 1, 0, first_training_day + 1, &history);
  EXPECT_EQ(s.day_of_year, 62);
  double rated = 0;
  const auto& loads = network->data().loads;
  for (const auto& load : loads) rated += load.terminal.bus == "671" ? load.power.real() : 0;
  ASSERT_GT(rated, 0);
  for (int t = 0; t < 24; ++t) {
    for (int i = 0; i < s.loads; ++i) {
      const double wanted = loads[i].terminal.bus == "671" ? 100e3 / rated : 0.1 + 0.01 * (t / 2);
      EXPECT_NEAR(s.load_factor(t, i), wanted, 1e-6) << t << " " << loads[i].name;
    }
    EXPECT_NEAR(s.price[t], (50 + t / 2) / 1000.0, 1e-6);
  }
  // The sun is not in the file: it is drawn for the file's date, the same whatever the loads are.
  const auto other = write(days("load [pu]", 5, [](int, int) { return "0.5"; }));
  const History without = read_history(other, *network);
  EXPECT_EQ(draw_scenario(*network, options, 1, 0, 1, &without).solar, s.solar);
}

TEST_F(HistoryTest, FinerRowsAreAveragedCoarserOnesHeld) {
  const auto file = write(days("load [pu]", 5, [](int, int row) { return fmt::format("{}", row); }));
  const History history = read_history(file, *network);
  const Scenario coarse = draw_scenario(*network, {.timestep = 14400}, 1, 0, 0, &history);
  ASSERT_EQ(coarse.steps, 6);
  for (int t = 0; t < 6; ++t) EXPECT_FLOAT_EQ(coarse.load[static_cast<std::size_t>(t) * coarse.loads], 2 * t + 0.5f);
  const Scenario fine = draw_scenario(*network, {.timestep = 900}, 1, 0, 0, &history);
  for (int t = 0; t < 96; ++t) EXPECT_FLOAT_EQ(fine.load[static_cast<std::size_t>(t) * fine.loads], t / 8);
  EXPECT_NE(
      test::error_of([&] { draw_scenario(*network, {.timestep = 4800}, 1, 0, 0, &history); }).find("one must be a multiple of the other"),
      std::string::npos);
}

TEST_F(HistoryTest, WindSpeedGoesThroughEachTurbinesOwnCurve) {
  const auto turbines = test::script(
      "new circuit.c basekv=12.47\nnew line.l bus1=sourcebus bus2=a length=1\nnew load.l bus1=a kv=12.47 kw=100\n"
      "new windgen.one bus1=a kv=12.47 kw=10 vcutin=3\nnew windgen.two bus1=a kv=12.47 kw=10 vcutin=6\n");
  const auto file = write(days("wind [m/s]", 5, [](int, int) { return "5"; }));
  const History history = read_history(file, *turbines);
  const Scenario s = draw_scenario(*turbines, {}, 1, 0, 0, &history);
  const auto& first = turbines->data().wind[0];
  EXPECT_NEAR(s.wind_factor(0, 0), wind_output(5, 3, first.rated_speed, first.cut_out_speed), 1e-6);
  EXPECT_GT(s.wind_factor(0, 0), 0);
  EXPECT_EQ(s.wind_factor(0, 1), 0);
}

TEST_F(HistoryTest, NoDayServesTwoUses) {
  const auto file = write(days("load [pu]", 10, [](int day, int) { return fmt::format("{}", day); }));
  const History history = read_history(file, *network);
  std::vector<int> used(10, 0);
  for (int d = 0; d < 6; ++d) ++used[history_day(history, first_training_day + d)];
  for (int d = 0; d < 2; ++d) ++used[history_day(history, first_validation_day + d)];
  for (int d = 0; d < 2; ++d) ++used[history_day(history, first_test_day + d)];
  EXPECT_EQ(used, std::vector<int>(10, 1));
  EXPECT_NE(test::error_of([&] { history_day(history, first_training_day + 6); }).find("10 days, of which 6 are for learning"),
            std::string::npos);
  EXPECT_NE(test::error_of([&] { history_day(history, first_test_day + 2); }).find("2 are for judging"), std::string::npos);
}

TEST_F(HistoryTest, WhatIsWrongIsNamedWithItsLine) {
  const auto column = [&](const std::string& header) { return days(header, 1, [](int, int) { return "1"; }); };
  const auto value = [&](const std::string& bad) { return days("load [pu]", 1, [&](int, int row) { return row == 3 ? bad : "1"; }); };
  expect_refused(value("nan"), "p.csv:5: column 'load [pu]' holds 'nan' at 2024-03-01 06:00: give a finite number");
  expect_refused(value("inf"), "p.csv:5: column 'load [pu]' holds 'inf'");
  expect_refused(value(""), "p.csv:5: column 'load [pu]' holds ''");
  expect_refused(value("1e"), "p.csv:5: column 'load [pu]' holds '1e'");
  expect_refused(value("-1"), "must not be negative");
  expect_refused(value("1,2"), "p.csv:5: 3 cells where the header has 2");
  expect_refused(column("load"), "p.csv:1: column 'load' states no unit");
  expect_refused(column("load [MW]"), "p.csv:1: column 'load [MW]' has unit 'MW': load may be given in pu or kW");
  expect_refused(column("price [pu]"), "$/kWh or $/MWh");
  expect_refused(column("laod [pu]"), "unknown column 'laod [pu]'");
  expect_refused(column("load.nowhere [pu]"), "column 'load.nowhere [pu]' speaks of nothing in network 'ieee13'");
  expect_refused("time,load [pu],load [kW]\n", "p.csv:1: column 'load [kW]' stands twice");
  expect_refused("when,load [pu]\n", "the first column is 'when'");
  expect_refused("", "is empty");
  expect_refused("time,load [pu]\n2024-03-01 06:00,1\n", "begin at midnight");
  expect_refused("time,load [pu]\n01.03.2024,1\n", "p.csv:2: '01.03.2024' is no time");
  expect_refused("time,load [pu]\n2024-02-30 00:00,1\n", "is no time");
  const std::string hours = "time,load [pu]\n2024-03-31 00:00,1\n2024-03-31 01:00,1\n";
  expect_refused(hours + "2024-03-31 03:00,1\n",
                 "p.csv:4: 2024-03-31 03:00 follows 2024-03-31 01:00 where the step is 3600 s: an hour is missing");
  expect_refused(hours + "2024-03-31 01:00,1\n", "as by daylight saving");
  expect_refused(hours + "2024-03-31 06:00,1\n", "a gap: fill it");
  expect_refused(hours + "2024-03-30 06:00,1\n", "rows must be in order");
  expect_refused(hours, "the last day ends at 2024-03-31 01:00");
  EXPECT_NE(test::error_of([&] { read_history(folder_ / "none.csv", *network); }).find("cannot read profile"), std::string::npos);
}

}  // namespace
}  // namespace gridfed
