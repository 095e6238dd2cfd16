#include "powerflow/diagnostics.hpp"

#include "feeders.hpp"
#include "powerflow/newton_raphson.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace gridfed {
namespace {

const std::string head =
    "new circuit.c basekv=4.16 mvasc3=100 mvasc1=80\n"
    "new line.main phases=2 bus1=sourcebus.1.2 bus2=b.1.2 r1=0.3 x1=0.6 r0=0.6 x0=1.8 c1=0 c0=0 length=1 units=km\n";

std::vector<std::string> findings_of(const std::string& elements) {
  const auto network = test::script(head + elements + "set voltagebases=[4.16]\n");
  return suspicious_structure(*network, initial_state(*network));
}

void expect_one(const std::vector<std::string>& findings, const std::string& wanted) {
  ASSERT_EQ(findings.size(), 1u);
  EXPECT_NE(findings[0].find(wanted), std::string::npos) << findings[0];
}

class SoundFeeder : public testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Ieee, SoundFeeder,
                         testing::Values("ieee13", "ieee34", "ieee37", "ieee123", "ieee13_der", "ieee34_der", "ieee37_der", "ieee123_der"),
                         [](const auto& test) { return test.param; });

TEST_P(SoundFeeder, LooksSound) {
  const auto network = test::feeder(GetParam());
  for (const auto& finding : suspicious_structure(*network, initial_state(*network))) ADD_FAILURE() << finding;
}

TEST(Diagnostics, ALateralOnAPhaseThatItsBusLacksIsNamed) {
  const auto findings = findings_of(
      "new line.lateral phases=1 bus1=b.3 bus2=c.3 r1=0.3 x1=0.6 r0=0.6 x0=1.8 c1=0 c0=0 length=1 units=km\n"
      "new load.l bus1=c.3 phases=1 kv=2.4 kw=10\n");
  expect_one(findings, "small.dss:3: line 'lateral' stands on conductor 3 of bus 'b', where only b.1.2 is fed");
}

TEST(Diagnostics, ALoadOnAPhaseThatItsBusLacksIsNamed) {
  expect_one(findings_of("new load.l bus1=b.3 phases=1 kv=2.4 kw=10\n"),
             "small.dss:3: load 'l' stands on conductor 3 of bus 'b', where only b.1.2 is fed");
}

TEST(Diagnostics, AnIslandNamesTheLineThatWouldTieIt) {
  const auto network = test::script(head +
                                    "new line.tie phases=2 bus1=b.1.2 bus2=c.1.2 r1=0.3 x1=0.6 r0=0.6 x0=1.8 c1=0 c0=0 length=1 units=km\n"
                                    "new line.end phases=2 bus1=c.1.2 bus2=d.1.2 r1=0.3 x1=0.6 r0=0.6 x0=1.8 c1=0 c0=0 length=1 units=km\n"
                                    "new load.l bus1=d.1 phases=1 kv=2.4 kw=10\nset voltagebases=[4.16]\n");
  GridState state = initial_state(*network);
  state.closed[1] = 0;
  const auto findings = suspicious_structure(*network, state);
  expect_one(findings, "and 1 more form an island without a source: close line 'tie' (");
  EXPECT_NE(findings[0].find("small.dss:3)"), std::string::npos) << findings[0];
}

TEST(Diagnostics, OddImpedancesAreNamed) {
  expect_one(findings_of("new line.feet phases=2 bus1=b.1.2 bus2=c.1.2 r1=300 x1=600 r0=600 x0=1800 c1=0 c0=0 length=0.1 units=km\n"
                         "new load.l bus1=c.1 phases=1 kv=2.4 kw=1\n"),
             "small.dss:3: line 'feet' has ");
  expect_one(findings_of("new line.swapped phases=2 bus1=b.1.2 bus2=c.1.2 r1=0.5 x1=0.001 r0=0.5 x0=0.001 c1=0 c0=0 length=1 units=km\n"
                         "new load.l bus1=c.1 phases=1 kv=2.4 kw=1\n"),
             "line 'swapped' has R + jX = 0.5 + j0.001 ohm, an odd ratio");
  expect_one(findings_of("new transformer.t phases=1 xhl=600 wdg=1 bus=b.1 kv=2.4 kva=50 wdg=2 bus=c.1 kv=0.24 kva=50\n"
                         "new load.l bus1=c.1 phases=1 kv=0.24 kw=1\n"),
             "transformer 't' has a leakage reactance of 600 %");
}

TEST(Diagnostics, AnOverloadedCaseNamesItsNodeAndTheLoadItWouldStillCarry) {
  // Line and load have one angle, so the largest power over z = 4 + 3j ohm is E^2 / (4 |z|) = 2592 kVA; the load asks for 5 MVA.
  const auto network = test::script(
      "new circuit.two basekv=7.2 phases=1 bus1=a.1 r1=0 x1=1e-6 r0=0 x0=1e-6\n"
      "new line.l phases=1 bus1=a.1 bus2=b.1 r1=4 x1=3 c1=0 r0=4 x0=3 c0=0 length=1\n"
      "new load.heavy phases=1 bus1=b.1 kv=7.2 kw=4000 kvar=3000 vminpu=0.05 vlowpu=0.01\nset voltagebases=[12.47]\n");
  NewtonRaphson flow(network, {.max_iterations = 30});
  const auto conditions = rated_conditions(*network);
  ASSERT_FALSE(flow.solve(conditions).converged);
  const auto worst = worst_nodes(flow, conditions);
  ASSERT_FALSE(worst.empty());
  EXPECT_NE(worst[0].find("small.dss:3: node B.1 misses its balance by "), std::string::npos) << worst[0];
  EXPECT_NE(worst[0].find("(load 'heavy')"), std::string::npos) << worst[0];
  const auto scale = largest_load_scale(flow, conditions);
  ASSERT_TRUE(scale);
  EXPECT_NEAR(*scale, 7200.0 * 7200.0 / (4 * 5) / 5e6, 2e-3);
}

}  // namespace
}  // namespace gridfed
