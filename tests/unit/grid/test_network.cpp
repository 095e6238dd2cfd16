#include "grid/network.hpp"

#include "feeders.hpp"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numbers>

namespace gridfed {
namespace {

std::string refusal(const std::string& text) {
  return test::error_of([&] { test::script(text); });
}

void expect_in(const std::string& part, const std::string& whole) {
  EXPECT_NE(whole.find(part), std::string::npos) << "'" << part << "' is not in:\n" << whole;
}

const std::string circuit = "new circuit.test basekv=12.47\nnew line.one bus1=sourcebus bus2=a r1=0.1 x1=0.2 length=1\n";

TEST(Network, NamesEveryFaultAtOnceWithItsLine) {
  NetworkData data = test::script_data(circuit +
                                       "new load.first bus1=a kv=12.47 kw=10\n"
                                       "new load.second bus1=a kv=12.47 kw=10\n"
                                       "new storage.cell bus1=a kv=12.47 kwrated=10 kwhrated=20\n"
                                       "new transformer.t buses=[a b] kvs=[12.47 4.16] kvas=[500 500]\n"
                                       "new regcontrol.r transformer=t winding=2\n"
                                       "new load.third bus1=b kv=4.16 kw=10\n");
  data.loads[0].rated_voltage = 0;
  data.loads[1].name = "first";
  data.batteries[0].capacity_wh = -1;
  data.batteries[0].charge_efficiency = 1.5;
  data.regulators[0].transformer = "other";
  const std::string message = test::error_of([&] { make_network(data); });
  expect_in("small.dss:3: rated voltage of load 'first' is 0: it must be positive and finite", message);
  expect_in("small.dss:4: load 'first' is defined twice: rename one or edit the first", message);
  expect_in("small.dss:5: energy capacity of Storage 'cell' is -1", message);
  expect_in("small.dss:5: efficiencies of Storage 'cell' must lie in (0, 1]", message);
  expect_in("small.dss:7: regulator 'r' controls transformer 'other', which does not exist: define it first", message);
  EXPECT_EQ(std::count(message.begin(), message.end(), '\n'), 4);
}

TEST(Network, NamesTheIslandedBusAndTheOpenLineInOneSentence) {
  const std::string message =
      refusal(circuit + "new line.two bus1=a bus2=b r1=0.1 x1=0.2 length=1\nnew load.l bus1=b kv=12.47 kw=1\nopen line.two\n");
  expect_in("small.dss:3: bus 'b' has no path to a source (line 'two' is open): close it or disable the elements there", message);
  EXPECT_EQ(message.find('\n'), std::string::npos);
}

TEST(Network, NamesAnIslandOnceHoweverManyBusesItHas) {
  const std::string message = refusal(circuit +
                                      "new line.two bus1=a bus2=b r1=0.1 x1=0.2 length=1\nnew line.three bus1=b bus2=c r1=0.1 x1=0.2\n"
                                      "new line.four bus1=c bus2=d r1=0.1 x1=0.2\nnew load.l bus1=d kv=12.47 kw=1\nopen line.two\n");
  expect_in("bus 'b' has no path to a source nor have 2 more beside it (line 'two' is open): close it or disable the elements there",
            message);
  EXPECT_EQ(message.find('\n'), std::string::npos);
}

TEST(Network, NamesABusThatNothingLeadsTo) {
  expect_in("bus 'far' has no path to a source (no closed line or transformer leads there)",
            refusal(circuit + "new load.l bus1=far kv=12.47 kw=1\n"));
}

TEST(Network, RefusesWhatHasNoImpedanceOrEndsWhereItBegins) {
  NetworkData data = test::script_data(circuit + "new line.two bus1=a bus2=b r1=0.1 x1=0.2 length=1\n");
  data.lines[0].series_impedance.setZero();
  data.lines[1].to = data.lines[1].from;
  const std::string message = test::error_of([&] { make_network(data); });
  expect_in("line 'one' has zero impedance: give it a length or make it a switch", message);
  expect_in("line 'two' joins 'a' to itself: name two buses", message);
  data.sources.clear();
  expect_in("network 'test' has no source: add a Circuit or Vsource", test::error_of([&] { make_network(data); }));
}

TEST(Network, NumbersAndChecksGenerators) {
  NetworkData data = test::script_data(circuit);
  data.generators.push_back({.name = "g",
                             .terminal = {.bus = "a", .nodes = {2, 0}},
                             .phases = 1,
                             .rated_voltage = 7200,
                             .power = {1e4, 0},
                             .voltage_setpoint_pu = 1.02,
                             .min_reactive = -5e3,
                             .max_reactive = 5e3});
  const auto network = make_network(data);
  const int a = network->find_bus("a");
  EXPECT_EQ(network->generator_nodes()[0], (std::vector<int>{network->find_node(a, 2), ground}));
  data.generators[0].phases = 3;
  data.generators[0].voltage_setpoint_pu = 0;
  data.generators[0].min_reactive = 6e3;
  const std::string message = test::error_of([&] { make_network(data); });
  expect_in("generator 'g' has 2 conductors, its connection needs 4", message);
  expect_in("voltage setpoint of generator 'g' is 0: it must be positive and finite", message);
  expect_in("generator 'g' has reactive limits from 6000 to 5000 var: exchange them", message);
}

TEST(Network, LongListsOfFaultsEndWithTheirNumber) {
  NetworkData data = test::script_data(circuit + "new load.l bus1=a kv=12.47 kw=1\n");
  data.loads[0].rated_voltage = -1;
  for (int i = 0; i < 29; ++i) {
    data.loads.push_back(data.loads[0]);
    data.loads.back().name = fmt::format("l{}", i);
  }
  expect_in("... and 10 more", test::error_of([&] { make_network(data); }));
}

TEST(Network, BusesTakeTheNearestVoltageBase) {
  const std::map<std::string, std::map<std::string, double>> line_to_line = {
      {"ieee13", {{"sourcebus", 115e3}, {"650", 4160}, {"rg60", 4160}, {"634", 480}, {"652", 4160}}},
      {"ieee34", {{"sourcebus", 69e3}, {"800", 24.9e3}, {"890", 4160}, {"888", 4160}, {"848", 24.9e3}}},
      {"ieee37", {{"799", 4800}, {"775", 480}, {"740", 4800}}},
      {"ieee123", {{"150", 4160}, {"610", 480}, {"96", 4160}, {"250", 4160}}}};
  for (const auto& [name, buses] : line_to_line) {
    const auto network = test::feeder(name);
    for (const auto& [bus, voltage] : buses) {
      ASSERT_GE(network->find_bus(bus), 0) << name << " " << bus;
      EXPECT_NEAR(network->buses()[network->find_bus(bus)].nominal_voltage, voltage / std::numbers::sqrt3, 1e-6) << name << " " << bus;
    }
  }
}

TEST(Network, PathsLeadToTheSource) {
  for (const char* name : {"ieee13", "ieee34", "ieee37", "ieee123"}) {
    const auto network = test::feeder(name);
    int roots = 0;
    for (const auto& bus : network->buses()) {
      roots += bus.parent < 0;
      if (bus.parent < 0) continue;
      EXPECT_GT(bus.distance, network->buses()[bus.parent].distance) << name << " " << bus.name;
    }
    EXPECT_EQ(roots, 1) << name;
  }
}

TEST(Network, UngroundedSectionsAreMeasuredLineToLine) {
  const auto network = test::feeder("ieee37");
  int measured = 0;
  for (const auto& m : network->measured_voltages()) {
    const auto& bus = network->buses()[m.bus];
    if (bus.name == "sourcebus") continue;
    EXPECT_FALSE(bus.grounded) << bus.name;
    EXPECT_NE(m.reference, ground) << bus.name;
    EXPECT_NEAR(m.base, bus.nominal_voltage * std::numbers::sqrt3, 1e-9) << bus.name;
    ++measured;
  }
  EXPECT_EQ(measured, 3 * (static_cast<int>(network->buses().size()) - 1));
}

TEST(Network, GroundedSectionsAreMeasuredPhaseByPhase) {
  const auto network = test::feeder("ieee13");
  EXPECT_EQ(network->measured_voltages().size(), 41u);
  for (const auto& m : network->measured_voltages()) EXPECT_EQ(m.reference, ground);
}

TEST(Network, NodesAreFoundByBusAndConductor) {
  const auto network = test::feeder("ieee13");
  EXPECT_EQ(network->find_bus("nowhere"), -1);
  const int bus = network->find_bus("611");
  EXPECT_EQ(network->find_node(bus, 1), -1);
  const int node = network->find_node(bus, 3);
  ASSERT_GE(node, 0);
  EXPECT_EQ(network->node_name(node), "611.3");
  EXPECT_EQ(network->node_name(network->find_node(network->find_bus("rg60"), 2)), "RG60.2");
}

TEST(GridState, HoldsWhatTheDataSays) {
  const auto network = test::feeder("ieee123");
  const auto state = initial_state(*network);
  EXPECT_EQ(state.taps.size(), network->data().transformers.size());
  EXPECT_EQ(state.capacitors.size(), 4u);
  EXPECT_EQ(std::count(state.closed.begin(), state.closed.end(), 0), 2);
}

TEST(Taps, NumberAndRatioAreInverse) {
  const WindingData winding;
  for (int number = -16; number <= 16; ++number) {
    EXPECT_NEAR(tap_ratio(winding, number), 1 + 0.00625 * number, 1e-12);
    EXPECT_EQ(tap_number(winding, tap_ratio(winding, number)), number);
  }
  EXPECT_DOUBLE_EQ(tap_ratio(winding, 20), 1.1);
  EXPECT_DOUBLE_EQ(tap_ratio(winding, -20), 0.9);
}

}  // namespace
}  // namespace gridfed
