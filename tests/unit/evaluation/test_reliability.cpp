#include "evaluation/reliability/monte_carlo.hpp"
#include "grid/opendss_reader.hpp"

#include "refusals.hpp"

#include <cmath>
#include <fstream>

namespace gridfed {
namespace {

const std::string inputs = GRIDFED_SOURCE_DIR "/inputs/reliability/";

ReliabilityModel rbts() {
  const auto network = make_network(read_feeder(inputs + "rbts_bus2.dss"));
  return make_reliability_model(*network, FailureTable::read(inputs + "rates.csv"), read_customers(inputs + "rbts_bus2_customers.csv"), {});
}

/// Half a unit of the last printed digit.
void expect_printed(double value, double printed, int digits, const char* what) {
  EXPECT_NEAR(value, printed, 0.5 * std::pow(10, -digits) * (1 + 1e-9)) << what;
}

// Indices of Allan, Billinton, Sjarief, Goel and So (1991): failure of 11 kV sections and transformers, fuses, disconnectors, alternative
// supply; sources and breakers perfect.
TEST(RbtsBus2, IndicesEqualThePublishedDigits) {
  struct Row {
    const char* feeder;
    double saifi, saidi, caidi, asai, ens;
  };
  const Row repaired[] = {{"feeder 1", 0.2480, 3.6184, 14.591, 0.999587, 13.172},
                          {"feeder 2", 0.1397, 0.5232, 3.744, 0.999940, 1.122},
                          {"feeder 3", 0.2499, 3.6238, 14.501, 0.999586, 11.203},
                          {"feeder 4", 0.2471, 3.6051, 14.591, 0.999588, 12.248}};
  const auto model = rbts();
  EXPECT_EQ(model.load_points.size(), 22u);
  EXPECT_EQ(model.customers(), 1908);
  const Consequences consequences(model);
  const auto years = expected_years(model, consequences, damage_of(model, {}), false);
  for (const auto& row : repaired) {
    const auto i = feeder_indices(model, years, row.feeder);
    expect_printed(i.saifi, row.saifi, 4, row.feeder);
    expect_printed(i.saidi, row.saidi, 4, row.feeder);
    expect_printed(i.caidi, row.caidi, 3, row.feeder);
    expect_printed(i.asai, row.asai, 6, row.feeder);
    expect_printed(i.ens / 1000, row.ens, 3, row.feeder);
  }
  const auto s = feeder_indices(model, years, "");
  expect_printed(s.saifi, 0.2482, 4, "system");
  expect_printed(s.saidi, 3.6126, 4, "system");
  expect_printed(s.caidi, 14.555, 3, "system");
  expect_printed(s.asai, 0.999588, 6, "system");
  expect_printed(s.ens / 1000, 37.7457, 4, "system");
  expect_printed(s.aens, 19.783, 3, "system");
  const auto r = feeder_indices(model, expected_years(model, consequences, damage_of(model, {}), true), "");
  expect_printed(r.saifi, 0.2482, 4, "replaced");
  expect_printed(r.saidi, 0.7656, 4, "replaced");
  expect_printed(r.caidi, 3.084, 3, "replaced");
  expect_printed(r.asai, 0.999913, 6, "replaced");
  expect_printed(r.ens / 1000, 8.8438, 4, "replaced");
}

TEST(RbtsBus2, FirstLoadPointByHand) {
  // LP1: main sections 0.75 km repaired in 5 h, 2.10 km switched in 1 h; lateral 0.6 km; a transformer.
  const auto model = rbts();
  const auto y = expected_years(model, Consequences(model), damage_of(model, {}), false)[0];
  EXPECT_NEAR(y.interruptions, 0.065 * (0.75 + 2.10 + 0.6) + 0.015, 1e-12);
  EXPECT_NEAR(y.hours, 0.065 * (0.75 * 5 + 2.10 * 1 + 0.6 * 5) + 0.015 * 200, 1e-12);
  EXPECT_NEAR(y.energy, y.hours * 535, 1e-9);
}

/// A source, a breaker, two sections with a disconnector between, a fused lateral, and a normally open point at the far end.
ReliabilityModel small(const std::string& edits, const std::string& more_rates = "") {
  const std::filesystem::path folder = testing::TempDir();
  std::ofstream(folder / "small.dss") << "new circuit.small bus1=s basekv=11\nset maxiterations=20\n"
                                         "new line.m1 bus1=s bus2=a length=1 units=km\nnew line.m2 bus1=a bus2=b length=2 units=km\n"
                                         "new line.lat bus1=b bus2=c length=0.5 units=km\n"
                                         "new line.tie bus1=b bus2=s switch=yes normamps=100\nopen line.tie 1\n"
                                         "new relay.m1 monitoredobj=line.m1\nnew swtcontrol.m2 switchedobj=line.m2\n"
                                         "new fuse.lat monitoredobj=line.lat\n"
                                         "new load.a bus1=a kv=11 kw=1000 kvar=0\nnew load.b bus1=b kv=11 kw=800 kvar=0\n"
                                         "new load.c bus1=c kv=11 kw=500 kvar=0\n"
                                      << edits;
  std::ofstream(folder / "rates.csv") << "element,per,failure rate [1/yr],temporary rate [1/yr],repair [h],switching [h],transfer [kVA]\n"
                                         "line,km,0.1,0.3,4,1,\nswitch,unit,0,,0,1.5,\n"
                                      << more_rates;
  return make_reliability_model(*make_network(read_feeder(folder / "small.dss")), FailureTable::read(folder / "rates.csv"), {}, {});
}

std::vector<LoadPointYear> years_of(const ReliabilityModel& model) {
  return expected_years(model, Consequences(model), damage_of(model, {}), false);
}

TEST(ReliabilityModel, FaultsAreIsolatedAndTakenOver) {
  // Fault on m1 (0.1): a waits 4 h, b and c are taken over in 1.5 h. m2 (0.2): a is switched back in 1 h, b and c wait. Lateral (0.05): c
  // alone. The breaker does not reclose, so temporary faults are switched back in 1 h: m1 and m2 (0.9) hit all, the lateral (0.15) c.
  const auto y = years_of(small(""));
  EXPECT_NEAR(y[0].interruptions, 0.1 + 0.2 + 0.9, 1e-12);
  EXPECT_NEAR(y[0].hours, 0.1 * 4 + 0.2 * 1 + 0.9, 1e-12);
  EXPECT_NEAR(y[1].hours, 0.1 * 1.5 + 0.2 * 4 + 0.9, 1e-12);
  EXPECT_NEAR(y[2].interruptions, 0.1 + 0.2 + 0.05 + 0.9 + 0.15, 1e-12);
  EXPECT_NEAR(y[2].hours, 0.1 * 1.5 + 0.2 * 4 + 0.05 * 4 + 1.05, 1e-12);
}

TEST(ReliabilityModel, ATransferTakesWhatFits) {
  // 1000 kVA carry b with its 800 kW, not c with 500 beyond: c waits for the repair of m1.
  const auto y = years_of(small("", "switch.tie,unit,0,,0,1.5,1000\n"));
  EXPECT_NEAR(y[1].hours, 0.1 * 1.5 + 0.2 * 4 + 0.9, 1e-12);
  EXPECT_NEAR(y[2].hours, 0.1 * 4 + 0.2 * 4 + 0.05 * 4 + 1.05, 1e-12);
  // By its ampacity of 100 A the point carries 1905 kVA, of 50 A only 953.
  EXPECT_NEAR(years_of(small("edit line.tie normamps=50\n"))[2].hours, y[2].hours, 1e-12);
  EXPECT_LT(years_of(small(""))[2].hours, y[2].hours);
}

TEST(ReliabilityModel, ReclosersTurnTemporaryFaultsIntoMomentaryInterruptions) {
  const auto y = years_of(small("edit relay.m1 enabled=no\nnew recloser.m1 monitoredobj=line.m1\n"));
  EXPECT_NEAR(y[0].interruptions, 0.3, 1e-12);
  EXPECT_NEAR(y[0].momentary, 0.3 * 3.5, 1e-12);  // fuses are saved: the lateral's faults are seen too
  EXPECT_NEAR(y[2].momentary, 0.3 * 3.5, 1e-12);
}

TEST(ReliabilityModel, DevicesFailToo) {
  // A failed disconnector takes both blocks beside it.
  const auto plain = years_of(small("")), y = years_of(small("", "disconnector.m2,unit,0.01,,3,1,\n"));
  EXPECT_NEAR(y[0].hours - plain[0].hours, 0.03, 1e-12);
  EXPECT_NEAR(y[1].hours - plain[1].hours, 0.03, 1e-12);
}

TEST(ReliabilityModel, APointWithoutAllPhasesTakesNoThreePhaseLoad) {
  const auto y = years_of(small("edit line.tie phases=1 bus1=b.1 bus2=s.1\nopen line.tie 1\n"));
  EXPECT_NEAR(y[1].hours, 0.1 * 4 + 0.2 * 4 + 0.9, 1e-12);
}

TEST(ReliabilityModel, FaultsOfInputsAreNamed) {
  EXPECT_TRUE(refuses([] { small("", "line,km,1,,1,1,\n"); }, "rates.csv:4: element 'line' stands twice"));
  EXPECT_TRUE(refuses([] { small("", "motor,unit,1,,1,1,\n"); }, "rates.csv:4: element is 'motor': begin with a class"));
  EXPECT_TRUE(refuses([] { small("", "switch.x,km,1,,1,1,\n"); }, "rates.csv:4: only lines have a rate per km"));
  EXPECT_TRUE(refuses([] { small("new line.z bus1=a bus2=d length=3\n"); }, "line.z has no length"));
  const auto network = make_network(read_feeder(inputs + "rbts_bus2.dss"));
  const auto rates = FailureTable::read(inputs + "rates.csv");
  auto customers = read_customers(inputs + "rbts_bus2_customers.csv");
  customers.push_back({.load = "lp99", .customers = 1});
  EXPECT_TRUE(
      refuses([&] { make_reliability_model(*network, rates, customers, {}); }, "names load 'lp99', which the feeder does not have"));
  customers.resize(21);
  EXPECT_TRUE(refuses([&] { make_reliability_model(*network, rates, customers, {}); }, "loads lp22 are not in the table of customers"));
  const auto model = rbts();
  EXPECT_TRUE(refuses([&] { damage_of(model, {{"commercial", {}}}); }, "load 'lp1' is of class 'residential'"));
}

TEST(MonteCarlo, RepairTimesHaveTheMeanTheyAreGiven) {
  const auto model = rbts();
  const Consequences consequences(model);
  const auto damage = damage_of(model, {});
  const double expected = feeder_indices(model, expected_years(model, consequences, damage, false), "").ens;
  for (const char* word : {"exponential", "lognormal", "constant"}) {
    std::vector<LoadPointYear> points(22);
    std::vector<double> ens;
    const MonteCarloOptions options{.repair = word, .repair_cv = 0.5};
    for (int year = 0; year < 60000; ++year)
      ens.push_back(simulate_year(model, consequences, damage, false, momentary_limit, options, 3, year, points).ens);
    const Estimate e = estimate(ens);
    EXPECT_NEAR(e.mean, expected, 3 * e.standard_error) << word;
    EXPECT_LT(e.standard_error, 0.012 * expected) << word;
  }
}

}  // namespace
}  // namespace gridfed
