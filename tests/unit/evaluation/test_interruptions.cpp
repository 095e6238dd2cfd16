#include "evaluation/reliability/interruptions.hpp"

#include "refusals.hpp"

#include <algorithm>
#include <cmath>
#include <fstream>

namespace gridfed {
namespace {

using namespace std::chrono;

constexpr sys_days monday = sys_days(2024y / 6 / 3);

/// A day on a feeder of 1000 customers:
///   A  08:00  tree on the main line: 500 out, 300 back after 3 min by remote switching, 150 after 30 min, 50 after 2 h
///   B  10:00  a recloser opens twice, a minute apart, each for half a minute, and holds: 200 customers of area south
///   C  14:00  it opens once for half a minute, opens again, and a fuse clears: 40 of the same 200 stay out for 90 min
///   D  23:30  a cable fails: 100 customers for 6 h, into the next day
std::vector<Interruption> day() {
  return {{"a", monday + 8h, 3.0 / 60, 300, 600.0, "tree", "north"},
          {"a", monday + 8h, 0.5, 150, 300.0, "tree", "north"},
          {"a", monday + 8h, 2, 50, 100.0, "tree", "north"},
          {"b", monday + 10h, 0.5 / 60, 200, 400.0, "lightning", "south"},
          {"b", monday + 10h + 1min, 0.5 / 60, 200, 400.0, "lightning", "south"},
          {"c", monday + 14h, 0.5 / 60, 200, 400.0, "animal", "south"},
          {"c", monday + 14h + 1min, 1.5, 40, 80.0, "animal", "south"},
          {"d", monday + 23h + 30min, 6, 100, 200.0, "cable", "south"}};
}

TEST(Interruptions, IndicesOfAHandMadeDay) {
  const auto record = day();
  const auto i = indices_of(record, 1000, 24);
  // Sustained: 150 + 50 + 40 + 100 = 340 customers; hours 75 + 100 + 60 + 600 = 835.
  EXPECT_NEAR(i.saifi, 0.340, 1e-12);
  EXPECT_NEAR(i.saidi, 0.835, 1e-12);
  EXPECT_NEAR(i.caidi, 835.0 / 340, 1e-12);
  EXPECT_NEAR(i.asai, 1 - 0.835 / 24, 1e-12);
  // Momentary: 300 of A, 200 twice of B, 200 of C = 900. Events: 300 of A, 200 of B, and of C the 160 that did not stay out.
  EXPECT_NEAR(i.maifi, 0.900, 1e-12);
  EXPECT_NEAR(i.maifi_e, 0.660, 1e-12);
  // North: 200 of A. South: the largest event, 100 of D.
  EXPECT_NEAR(i.caifi, 340.0 / 300, 1e-12);
  // 600 x 0.05 + 300 x 0.5 + 100 x 2 + 3 x 400 / 120 + 80 x 1.5 + 200 x 6 = 30 + 150 + 200 + 10 + 120 + 1200.
  EXPECT_NEAR(i.ens, 1710, 1e-9);
  EXPECT_NEAR(i.aens, 1.710, 1e-12);
}

TEST(Interruptions, FiveMinutesAreMomentaryAndTheLimitIsAParameter) {
  const std::vector<Interruption> record{{"a", monday, 5.0 / 60, 10, {}, "", ""}, {"b", monday, 5.01 / 60, 10, {}, "", ""}};
  EXPECT_NEAR(indices_of(record, 100, 24).saifi, 0.1, 1e-12);
  EXPECT_NEAR(indices_of(record, 100, 24).maifi, 0.1, 1e-12);
  EXPECT_NEAR(indices_of(record, 100, 24, 1.0 / 60).saifi, 0.2, 1e-12);
  EXPECT_NEAR(indices_of(record, 100, 24, 1.0 / 60).maifi_e, 0, 1e-12);
  EXPECT_TRUE(std::isnan(indices_of(record, 100, 24).caifi));  // no areas
  EXPECT_TRUE(std::isnan(indices_of(record, 100, 24).ens));    // no loads
}

TEST(Interruptions, OperationsFurtherApartThanTheLimitAreTwoEvents) {
  const std::vector<Interruption> record{{"a", monday, 0.01, 10, {}, "", ""}, {"a", monday + 6min, 0.01, 10, {}, "", ""}};
  EXPECT_NEAR(indices_of(record, 100, 24).maifi_e, 0.2, 1e-12);
}

TEST(Interruptions, NothingHappened) {
  const auto i = indices_of({}, 10, 8760);
  EXPECT_EQ(i.saifi + i.saidi + i.caidi + i.caifi + i.maifi + i.maifi_e + i.ens + i.aens, 0);
  EXPECT_EQ(i.asai, 1);
  EXPECT_TRUE(refuses([] { indices_of({}, 0, 8760); }, "0 customers over 8760 h have no indices"));
}

TEST(Interruptions, DaysTakeTheWholeDurationOfWhatBeginsInThem) {
  const auto record = day();
  const auto days = daily_saidi(record, 1000, monday - std::chrono::days(1), monday + std::chrono::days(1));
  ASSERT_EQ(days.size(), 3u);
  EXPECT_EQ(days[0], 0);
  EXPECT_NEAR(days[1], 60 * 0.835, 1e-9);
  EXPECT_EQ(days[2], 0);
}

TEST(MajorEvents, ThresholdOfAHandfulOfDays) {
  // Logarithms 0, 1, 2: mean 1, standard deviation 1; the day without interruptions is left out.
  const std::vector<double> days{1, 0, std::exp(1.0), std::exp(2.0)};
  const auto t = major_event_threshold(days);
  EXPECT_NEAR(t.alpha, 1, 1e-12);
  EXPECT_NEAR(t.beta, 1, 1e-12);
  EXPECT_NEAR(t.saidi, std::exp(3.5), 1e-9);
  EXPECT_TRUE(refuses([] { major_event_threshold(std::vector<double>{0, 3}); }, "1 days with interruptions give no threshold"));
}

/// Quantile of the standard normal by bisection.
double normal_quantile(double p) {
  double low = -10, high = 10;
  for (int i = 0; i < 200; ++i) {
    const double middle = (low + high) / 2;
    (0.5 * std::erfc(-middle / std::sqrt(2.0)) < p ? low : high) = middle;
  }
  return low;
}

TEST(MajorEvents, LogNormalDaysExceedTheThresholdAsOftenAsTheGuideSays) {
  // IEEE Std 1366-2012, Annex B: with log-normal days 0.00621 of them, 2.3 a year, lie above 2.5 beta. Five years of evenly spread
  // quantiles of such days, of which 365 x 5 x 0.00621 = 11.3 lie above.
  std::vector<double> days;
  for (int i = 0; i < 5 * 365; ++i) days.push_back(std::exp(-3.0 + 1.9 * normal_quantile((i + 0.5) / (5 * 365))));
  const auto t = major_event_threshold(days);
  EXPECT_NEAR(t.alpha, -3.0, 1e-6);
  EXPECT_NEAR(t.beta, 1.9, 2e-3);
  const auto above = std::ranges::count_if(days, [&](double saidi) { return saidi > t.saidi; });
  EXPECT_EQ(above, 11);
}

TEST(OutageLog, RowsAreReadInOrderOfTime) {
  const auto path = std::filesystem::path(testing::TempDir()) / "outages.csv";
  std::ofstream(path) << "event,start,duration [min],customers,load [kW],cause,area\n"
                         "e2,2024-06-03 10:00,0.5,200,,lightning,south\n"
                         "e1,2024-06-03 08:00:30,30,150,300,tree,north\n"
                         "e1,2024-06-03 08:00:30,120,50,100,tree,north\n";
  const auto record = read_outage_log(path);
  ASSERT_EQ(record.size(), 3u);
  EXPECT_EQ(record[0].event, "e1");
  EXPECT_EQ(record[0].start, monday + 8h + 30s);
  EXPECT_EQ(record[0].duration, 0.5);
  EXPECT_EQ(record[1].customers, 50);
  EXPECT_EQ(record[2].load, std::nullopt);
  EXPECT_EQ(record[2].cause, "lightning");
}

TEST(OutageLog, FaultsNameFileAndLine) {
  const auto path = std::filesystem::path(testing::TempDir()) / "outages.csv";
  const auto refused = [&](const std::string& rows, const std::string& text) {
    std::ofstream(path) << "event,start,duration [min],customers\n" << rows;
    return refuses([&] { read_outage_log(path); }, text);
  };
  EXPECT_TRUE(refused("a,2024-06-03 10:00,5,10\nb,yesterday,5,10\n", "outages.csv:3: start is 'yesterday': write it as"));
  EXPECT_TRUE(refused("a,2024-06-03 10:00,-5,10\n", "outages.csv:2: duration [min] is -5: it must not be below 0"));
  EXPECT_TRUE(refused(",2024-06-03 10:00,5,10\n", "outages.csv:2: event is empty"));
  EXPECT_TRUE(refused("a,2024-06-03 10:00,5\n", "outages.csv:2: 3 cells where"));
}

}  // namespace
}  // namespace gridfed
