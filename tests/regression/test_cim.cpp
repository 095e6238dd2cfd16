#include "grid/network.hpp"
#include "grid/opendss_reader.hpp"
#include "powerflow/power_flow.hpp"
#include "runtime/error.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace gridfed {
namespace {

namespace fs = std::filesystem;

const fs::path source_folder = GRIDFED_SOURCE_DIR;
const fs::path reference_folder = source_folder.parent_path() / "shared/reference";
constexpr PowerFlowOptions tight{.tolerance = 1e-11, .max_iterations = 500};

template <class Elements>
const auto& named(const Elements& elements, const std::string& name) {
  const auto found = std::find_if(elements.begin(), elements.end(), [&](const auto& e) { return e.name == name; });
  if (found == elements.end()) throw std::runtime_error("no element " + name);
  return *found;
}

void expect_close(double ours, double theirs, const std::string& what, double tolerance = 1e-8) {
  EXPECT_NEAR(ours, theirs, tolerance * std::max(1.0, std::abs(theirs))) << what;
}

/// Largest difference of node voltages that both networks have, per unit of the nominal voltage; and how many nodes that are.
struct Difference {
  double largest = 0;
  int nodes = 0;
};
Difference difference(const UnbalancedPowerFlow& a, const UnbalancedPowerFlow& b) {
  Difference result;
  const Network& one = a.network();
  const Network& two = b.network();
  for (int node = 0; node < one.node_count(); ++node) {
    const auto [bus, conductor] = one.nodes()[node];
    const int other_bus = two.find_bus(one.buses()[bus].name);
    const int other = other_bus < 0 ? -1 : two.find_node(other_bus, conductor);
    if (other < 0) continue;
    ++result.nodes;
    const double apart = std::abs(a.solution().bus_voltages[node] - b.solution().bus_voltages[other]) / one.buses()[bus].nominal_voltage;
    result.largest = std::max(result.largest, apart);
  }
  return result;
}

TEST(CimSmall, IsTheNetworkOfTheScript) {
  const NetworkData cim = read_feeder(source_folder / "tests/regression/cim_small/feeder.xml");
  const NetworkData dss = read_feeder(source_folder / "tests/regression/cim_small/feeder.dss");
  EXPECT_EQ(cim.name, dss.name);
  ASSERT_EQ(cim.sources.size(), 1u);
  expect_close(cim.sources[0].voltage_pu, 1.01, "source");
  expect_close(cim.sources[0].angle_deg, 30, "source");
  EXPECT_EQ(cim.sources[0].z0, dss.sources[0].z0);
  ASSERT_EQ(cim.lines.size(), dss.lines.size());
  for (const auto& line : cim.lines) {
    const auto& other = named(dss.lines, line.name);
    EXPECT_EQ(line.from.bus, other.from.bus);
    EXPECT_EQ(line.from.nodes, other.from.nodes) << line.name;
    EXPECT_EQ(line.to.bus, other.to.bus);
    EXPECT_LT((line.series_impedance - other.series_impedance).cwiseAbs().maxCoeff(), 1e-10) << line.name;
    EXPECT_LT((line.shunt_susceptance - other.shunt_susceptance).cwiseAbs().maxCoeff(), 1e-13) << line.name;
    EXPECT_EQ(line.rating, other.rating) << line.name;
    EXPECT_EQ(line.closed, other.closed) << line.name;
    EXPECT_EQ(line.is_switch, other.is_switch) << line.name;
  }
  ASSERT_EQ(cim.transformers.size(), dss.transformers.size());
  for (const auto& transformer : cim.transformers) {
    const auto& other = named(dss.transformers, transformer.name);
    EXPECT_EQ(transformer.bank, other.bank);
    EXPECT_EQ(transformer.phases, other.phases);
    EXPECT_EQ(transformer.lag_leads, other.lag_leads);
    expect_close(transformer.no_load_loss_pu, other.no_load_loss_pu, transformer.name);
    expect_close(transformer.magnetising_current_pu, other.magnetising_current_pu, transformer.name);
    ASSERT_EQ(transformer.windings.size(), other.windings.size());
    for (std::size_t i = 0; i < transformer.reactance_pu.size(); ++i)
      expect_close(transformer.reactance_pu[i], other.reactance_pu[i], transformer.name);
    for (std::size_t w = 0; w < transformer.windings.size(); ++w) {
      const auto &ours = transformer.windings[w], &theirs = other.windings[w];
      EXPECT_EQ(ours.terminal.bus, theirs.terminal.bus);
      EXPECT_EQ(ours.terminal.nodes, theirs.terminal.nodes) << transformer.name;
      EXPECT_EQ(ours.connection, theirs.connection) << transformer.name;
      expect_close(ours.rated_voltage, theirs.rated_voltage, transformer.name);
      expect_close(ours.rated_power, theirs.rated_power, transformer.name);
      expect_close(ours.resistance_pu, theirs.resistance_pu, transformer.name);
      expect_close(ours.tap, theirs.tap, transformer.name);
    }
  }
  ASSERT_EQ(cim.regulators.size(), 2u);
  for (const auto& regulator : cim.regulators) {
    const auto& other = named(dss.regulators, regulator.name);
    EXPECT_EQ(regulator.transformer, other.transformer);
    EXPECT_EQ(regulator.setpoint, other.setpoint);
    EXPECT_EQ(regulator.r, other.r);
    EXPECT_EQ(regulator.ct_rating, other.ct_rating);
    EXPECT_EQ(regulator.delay, other.delay);
    ASSERT_EQ(regulator.remote.has_value(), other.remote.has_value()) << regulator.name;
    EXPECT_EQ(regulator.remote.value_or(Terminal{}).nodes, other.remote.value_or(Terminal{}).nodes) << regulator.name;
  }
  ASSERT_EQ(cim.loads.size(), dss.loads.size());
  for (const auto& load : cim.loads) {
    const auto& other = named(dss.loads, load.name);
    EXPECT_EQ(load.terminal.nodes, other.terminal.nodes) << load.name;
    EXPECT_EQ(load.model, other.model) << load.name;
    expect_close(load.power.real(), other.power.real(), load.name);
    expect_close(load.power.imag(), other.power.imag(), load.name);
    expect_close(load.rated_voltage, other.rated_voltage, load.name);
  }
  ASSERT_EQ(cim.capacitors.size(), 2u);
  for (const auto& capacitor : cim.capacitors) {
    const auto& other = named(dss.capacitors, capacitor.name);
    EXPECT_EQ(capacitor.states, other.states);
    expect_close(capacitor.step_power[0], other.step_power[0], capacitor.name);
  }
  ASSERT_EQ(cim.reactors.size(), 1u);
  EXPECT_EQ(cim.reactors[0].impedance, dss.reactors[0].impedance);
  ASSERT_EQ(cim.solar.size(), 1u);
  EXPECT_EQ(cim.solar[0].capacity, 50e3);
  ASSERT_EQ(cim.batteries.size(), 1u);
  expect_close(cim.batteries[0].initial_soc, 0.4, "battery");
  EXPECT_EQ(cim.batteries[0].terminal.nodes, dss.batteries[0].terminal.nodes);
  ASSERT_EQ(cim.buses.size(), 1u);
  EXPECT_EQ((*cim.buses[0].position)[1], 20);
  ASSERT_EQ(cim.notes.size(), 1u);
  EXPECT_EQ(cim.notes[0], "1 objects of class Manufacturer are not read");
}

TEST(CimSmall, ClockNumbersSayWhichSideLags) {
  std::ifstream in(source_folder / "tests/regression/cim_small/feeder.xml");
  const std::string text((std::istreambuf_iterator<char>(in)), {});
  const auto path = fs::temp_directory_path() / ("gridfed_clock_" + std::to_string(getpid()) + ".xml");
  const auto leads = [&](const std::string& clock) {
    std::string changed = text;
    const std::string one = "<cim:PowerTransformerEnd.phaseAngleClock>1</";
    changed.replace(changed.find(one), one.size(), "<cim:PowerTransformerEnd.phaseAngleClock>" + clock + "</");
    std::ofstream(path) << changed;
    return named(read_feeder(path).transformers, "sub").lag_leads;
  };
  EXPECT_FALSE(leads("1"));
  EXPECT_TRUE(leads("11"));
  EXPECT_FALSE(leads(""));
  EXPECT_THROW(leads("5"), Error);
  fs::remove(path);
}

TEST(CimSmall, HasTheVoltagesOfTheScript) {
  UnbalancedPowerFlow cim(make_network(read_feeder(source_folder / "tests/regression/cim_small/feeder.xml")), tight);
  UnbalancedPowerFlow dss(make_network(read_feeder(source_folder / "tests/regression/cim_small/feeder.dss")), tight);
  ASSERT_TRUE(cim.solve(rated_conditions(cim.network())).converged);
  ASSERT_TRUE(dss.solve(rated_conditions(dss.network())).converged);
  const auto apart = difference(cim, dss);
  EXPECT_EQ(apart.nodes, dss.network().node_count());
  EXPECT_EQ(apart.nodes, cim.network().node_count());
  EXPECT_LT(apart.largest, 1e-8);
}

/// The published CIM models beside the OpenDSS scripts of the same feeders; they differ in taps, and the 13-node one also in some lines and
/// in what it adds.
class CimFeeder : public testing::Test {
 protected:
  void SetUp() override {
    if (!fs::exists(reference_folder / "cim"))
      GTEST_SKIP() << "no folder " << reference_folder << ": the published CIM models are not checked";
  }
  static NetworkData read(const char* path) { return read_feeder(reference_folder / path); }

  static void expect_transformer(const TransformerData& ours, const TransformerData& theirs) {
    EXPECT_EQ(ours.phases, theirs.phases) << ours.name;
    EXPECT_EQ(ours.lag_leads, theirs.lag_leads) << ours.name;
    expect_close(ours.no_load_loss_pu, theirs.no_load_loss_pu, ours.name, 1e-7);
    ASSERT_EQ(ours.windings.size(), theirs.windings.size());
    for (std::size_t x = 0; x < ours.reactance_pu.size(); ++x)
      EXPECT_NEAR(ours.reactance_pu[x], theirs.reactance_pu[x], 1e-6 * theirs.reactance_pu[x]) << ours.name;
    for (std::size_t w = 0; w < ours.windings.size(); ++w) {
      const auto &one = ours.windings[w], &two = theirs.windings[w];
      EXPECT_EQ(one.terminal.bus, two.terminal.bus) << ours.name;
      EXPECT_EQ(one.terminal.nodes, two.terminal.nodes) << ours.name;
      EXPECT_EQ(one.connection, two.connection) << ours.name;
      expect_close(one.rated_voltage, two.rated_voltage, ours.name, 1e-6);
      expect_close(one.rated_power, two.rated_power, ours.name, 1e-6);
      EXPECT_NEAR(one.resistance_pu, two.resistance_pu, 1e-6 * two.resistance_pu) << ours.name;
    }
  }

  /// Loads by name; the script's voltage range and rating, which CIM does not carry or rounds, go into ours.
  static void expect_load(LoadData& ours, const LoadData& theirs) {
    EXPECT_EQ(ours.terminal.bus, theirs.terminal.bus) << ours.name;
    EXPECT_EQ(ours.terminal.nodes, theirs.terminal.nodes) << ours.name;
    EXPECT_EQ(ours.connection, theirs.connection) << ours.name;
    EXPECT_EQ(ours.model, theirs.model) << ours.name;
    EXPECT_LT(std::abs(ours.power - theirs.power), 1e-6 * std::abs(theirs.power)) << ours.name;
    EXPECT_NEAR(ours.rated_voltage, theirs.rated_voltage, 0.002 * theirs.rated_voltage) << ours.name;
    ours.vmin_pu = theirs.vmin_pu;
    ours.vmax_pu = theirs.vmax_pu;
    ours.vlow_pu = theirs.vlow_pu;
    ours.rated_voltage = theirs.rated_voltage;
  }

  static void expect_regulator(const RegulatorData& ours, const RegulatorData& theirs) {
    EXPECT_EQ(ours.transformer, theirs.transformer);
    EXPECT_EQ(ours.winding, theirs.winding);
    for (const auto member : {&RegulatorData::setpoint, &RegulatorData::band, &RegulatorData::pt_ratio, &RegulatorData::ct_rating,
                              &RegulatorData::r, &RegulatorData::x}) {
      EXPECT_EQ(ours.*member, theirs.*member) << ours.name;
    }
  }
};

TEST_F(CimFeeder, Ieee123IsThatOfTheScriptElementByElementAndSolved) {
  NetworkData cim = read("cim/IEEE123.xml"), dss = read("feeders/123Bus/network/IEEE123Master.dss");
  ASSERT_EQ(cim.lines.size(), 126u);
  for (auto& line : cim.lines) {
    const LineData& other = named(dss.lines, line.name);
    EXPECT_EQ(line.from.bus, other.from.bus) << line.name;
    EXPECT_EQ(line.from.nodes, other.from.nodes) << line.name;
    if (line.is_switch) {  // CIM has no impedance for them; those that stand open end in buses of their own in the script
      line.series_impedance = other.series_impedance;
      continue;
    }
    EXPECT_EQ(line.to.bus, other.to.bus) << line.name;
    const double z = other.series_impedance.cwiseAbs().maxCoeff(), b = other.shunt_susceptance.cwiseAbs().maxCoeff();
    EXPECT_LT((line.series_impedance - other.series_impedance).cwiseAbs().maxCoeff(), 1e-6 * z) << line.name;
    EXPECT_LT((line.shunt_susceptance - other.shunt_susceptance).cwiseAbs().maxCoeff(), 1e-6 * b) << line.name;
  }
  ASSERT_EQ(cim.transformers.size(), dss.transformers.size());
  for (const auto& transformer : cim.transformers) expect_transformer(transformer, named(dss.transformers, transformer.name));
  ASSERT_EQ(cim.loads.size(), dss.loads.size());
  for (auto& load : cim.loads) expect_load(load, named(dss.loads, load.name));
  ASSERT_EQ(cim.regulators.size(), dss.regulators.size());
  for (const auto& regulator : cim.regulators) expect_regulator(regulator, named(dss.regulators, regulator.name));
  ASSERT_EQ(cim.capacitors.size(), dss.capacitors.size());
  for (const auto& capacitor : cim.capacitors)
    expect_close(capacitor.step_power[0], named(dss.capacitors, capacitor.name).step_power[0], capacitor.name, 1e-6);
  EXPECT_EQ(cim.buses.size(), 130u);  // all have coordinates
  for (auto& transformer : dss.transformers) {
    const auto& other = named(cim.transformers, transformer.name);
    for (std::size_t w = 0; w < other.windings.size(); ++w) transformer.windings[w].tap = other.windings[w].tap;
  }
  UnbalancedPowerFlow ours(make_network(cim), tight), theirs(make_network(dss), tight);
  ASSERT_TRUE(ours.solve(rated_conditions(ours.network())).converged);
  ASSERT_TRUE(theirs.solve(rated_conditions(theirs.network())).converged);
  const auto apart = difference(ours, theirs);
  EXPECT_EQ(apart.nodes, 274);
  EXPECT_LT(apart.largest, 1e-6);
}

TEST_F(CimFeeder, Ieee13SharesElementsWithTheScriptAndConverges) {
  NetworkData cim = read("cim/IEEE13.xml");
  const NetworkData dss = read("feeders/13Bus/network/IEEE13Nodeckt.dss");
  for (const char* name : {"632645", "645646", "671684", "684652", "692675"}) {  // the others have matrices of another arrangement
    const auto &line = named(cim.lines, name), &other = named(dss.lines, name);
    EXPECT_EQ(line.from.nodes, other.from.nodes) << name;
    EXPECT_LT((line.series_impedance - other.series_impedance).norm(), 1e-6 * other.series_impedance.norm()) << name;
  }
  for (const char* name : {"reg1", "reg2", "reg3"}) {
    const auto &transformer = named(cim.transformers, name), &other = named(dss.transformers, name);
    EXPECT_EQ(transformer.bank, "reg");
    EXPECT_EQ(transformer.windings[1].terminal.nodes, other.windings[1].terminal.nodes);
    EXPECT_NEAR(transformer.reactance_pu[0], other.reactance_pu[0], 1e-6 * other.reactance_pu[0]);
    expect_regulator(named(cim.regulators, name), named(dss.regulators, name));
  }
  TransformerData behind_fuse = named(cim.transformers, "xfm1");
  EXPECT_EQ(behind_fuse.windings[0].terminal.bus, "xf1");
  behind_fuse.windings[0].terminal.bus = "633";
  expect_transformer(behind_fuse, named(dss.transformers, "xfm1"));
  for (const auto& load : dss.loads) {
    LoadData ours = named(cim.loads, load.name);
    expect_load(ours, load);
  }
  for (const auto& capacitor : dss.capacitors)
    expect_close(named(cim.capacitors, capacitor.name).step_power[0], capacitor.step_power[0], capacitor.name, 1e-6);
  // The star point of the substation is earthed through 0.4 ohm, the third winding is idle, and a house has a split-phase service.
  EXPECT_EQ(named(cim.reactors, "sub3_neutral_2").impedance, Complex(0, 0.4));
  EXPECT_EQ(named(cim.transformers, "tpoletop").windings[2].terminal.nodes, (std::vector<int>{0, 2}));
  EXPECT_EQ(cim.solar.size(), 2u);
  EXPECT_EQ(cim.batteries.size(), 3u);
  EXPECT_TRUE(cim.notes.empty());
  UnbalancedPowerFlow flow(make_network(cim), tight);
  EXPECT_TRUE(flow.solve(rated_conditions(flow.network())).converged);
}

}  // namespace
}  // namespace gridfed
