#include "grid/opendss_reader.hpp"
#include "grid/opendss_writer.hpp"
#include "powerflow/make_power_flow.hpp"
#include "powerflow/snapshot_files.hpp"
#include "powerflow/static_control.hpp"
#include "runtime/error.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>

namespace gridfed {
namespace {

namespace fs = std::filesystem;

const fs::path source_folder = GRIDFED_SOURCE_DIR;
constexpr PowerFlowOptions tight{.tolerance = 1e-11, .max_iterations = 500};

/// Cells of each line after the header, lower case.
std::vector<std::vector<std::string>> read_rows(const fs::path& path) {
  std::ifstream in(path);
  if (!in) throw Error("cannot read '{}': check the path", path.string());
  std::vector<std::vector<std::string>> rows;
  std::string text;
  std::getline(in, text);
  while (std::getline(in, text)) {
    std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    auto& cells = rows.emplace_back();
    std::istringstream line(text);
    for (std::string cell; std::getline(line, cell, ',');) cells.push_back(cell);
  }
  return rows;
}

double number(const std::string& cell) {
  return std::stod(cell);
}

double relative(Complex ours, Complex theirs) {
  return std::abs(ours - theirs) / std::abs(theirs);
}

/// Position of "bus.conductor", -1 if the network has no such node.
int find_node(const Network& network, const std::string& name) {
  const auto dot = name.rfind('.');
  const int bus = network.find_bus(name.substr(0, dot));
  return bus < 0 ? -1 : network.find_node(bus, std::stoi(name.substr(dot + 1)));
}

template <class Elements>
int find_element(const Elements& elements, const std::string& name) {
  const auto found = std::find_if(elements.begin(), elements.end(), [&](const auto& e) { return e.name == name; });
  return found == elements.end() ? -1 : static_cast<int>(found - elements.begin());
}

/// Flow of "line.x" or "transformer.x".
BranchFlow flow_of(const PowerFlow& flow, const std::string& element) {
  const auto& data = flow.network().data();
  const std::string name = element.substr(element.find('.') + 1);
  const bool line = element.starts_with("line.");
  const int position = line ? find_element(data.lines, name) : find_element(data.transformers, name);
  if (position < 0) throw Error("network '{}' has no '{}': correct the reference", data.name, element);
  return line ? flow.line_flow(position) : flow.transformer_flow(position);
}

/// One line of a reference: a quantity of a variant, in V, kW and kvar, per unit or taps from neutral.
struct Reference {
  std::string quantity, name;
  Complex value;
  double rtol = 0;
};

std::map<std::string, std::vector<Reference>> read_reference(const fs::path& path) {
  std::map<std::string, std::vector<Reference>> variants;
  for (auto& cells : read_rows(path)) {
    cells.resize(6);
    const auto value = [&](int i) { return cells[i].empty() ? 0.0 : number(cells[i]); };
    variants[cells[0]].push_back({cells[1], cells[2], {value(3), value(4)}, value(5)});
  }
  return variants;
}

/// Tap numbers of a variant, by regulator name.
std::map<std::string, int> taps_of(const std::vector<Reference>& references) {
  std::map<std::string, int> taps;
  for (const auto& r : references) {
    if (r.quantity == "tap") taps[r.name] = static_cast<int>(r.value.real());
  }
  return taps;
}

GridState with_taps(const Network& network, const std::map<std::string, int>& taps) {
  GridState state = initial_state(network);
  const auto& data = network.data();
  for (std::size_t i = 0; i < data.regulators.size(); ++i) {
    const int transformer = network.regulator_transformers()[i], winding = data.regulators[i].winding - 1;
    state.taps[transformer][winding] = tap_ratio(data.transformers[transformer].windings[winding], taps.at(data.regulators[i].name));
  }
  return state;
}

void expect_solution(const PowerFlow& flow, const std::vector<Reference>& references) {
  const auto& network = flow.network();
  const auto& solution = flow.solution();
  int compared = 0;
  for (const auto& r : references) {
    SCOPED_TRACE(r.quantity + " " + r.name);
    if (r.quantity.starts_with("voltage")) {
      const int node = find_node(network, r.name);
      ASSERT_GE(node, 0);
      const Complex voltage = solution.bus_voltages[node];
      const double nominal = network.buses()[network.nodes()[node].bus].nominal_voltage;
      EXPECT_LT(relative(r.quantity == "voltage" ? voltage : std::abs(voltage) / nominal, r.value), r.rtol);
    } else if (r.quantity == "source") {
      EXPECT_LT(relative(flow.balance().source_power / 1e3, r.value), r.rtol);
    } else if (r.quantity == "losses") {
      EXPECT_LT(relative(flow.balance().losses / 1e3, r.value), r.rtol);
    } else if (r.quantity == "flow") {
      EXPECT_LT(relative(flow_of(flow, r.name).power / 1e3, r.value), r.rtol);
    } else {
      EXPECT_TRUE(r.quantity == "tap" || r.quantity == "start") << "unknown quantity in the reference";
      continue;
    }
    ++compared;
  }
  EXPECT_GE(compared, 12);
}

class Feeder : public testing::TestWithParam<const char*> {
 protected:
  fs::path folder = source_folder / "tests/regression" / GetParam();
  std::map<std::string, std::vector<Reference>> reference = read_reference(folder / "reference.csv");
  std::shared_ptr<const Network> network = make_network(read_feeder(
      fs::exists(folder / "feeder.dss") ? folder / "feeder.dss" : source_folder / "inputs/feeders" / (std::string(GetParam()) + ".dss")));
};

double load_scale(const std::string& variant) {
  return variant.ends_with("half_load") ? 0.5 : 1.0;
}

TEST_P(Feeder, ReproducesTheReferenceAtItsTaps) {
  ASSERT_GE(reference.size(), 3u);
  UnbalancedPowerFlow flow(network, tight);
  for (const auto& [variant, references] : reference) {
    SCOPED_TRACE(variant);
    flow.set_state(with_taps(*network, taps_of(references)));
    ASSERT_TRUE(flow.solve(rated_conditions(*network, load_scale(variant))).converged);
    expect_solution(flow, references);
  }
}

TEST_P(Feeder, OwnControlsEndAtTheTapsOfTheReference) {
  for (const auto& [variant, references] : reference) {
    if (variant != "static" && variant != "half_load") continue;
    SCOPED_TRACE(variant);
    UnbalancedPowerFlow flow(network, tight);
    for (const auto& r : references) {
      if (r.quantity == "start") flow.set_state(with_taps(*network, taps_of(reference.at(r.name))));
    }
    const auto control = solve_with_controls(flow, rated_conditions(*network, load_scale(variant)), regulator_settings(*network));
    EXPECT_TRUE(control.settled);
    const auto wanted = taps_of(references);
    for (const auto& [name, tap] : regulator_taps(flow)) EXPECT_EQ(tap, wanted.at(name)) << name;
  }
}

INSTANTIATE_TEST_SUITE_P(Ieee, Feeder,
                         testing::Values("ieee13", "ieee34", "ieee37", "ieee123", "ieee4_dy", "ieee4_grdyd", "ieee4_oyod",
                                         "ieee4_oyod_unbalanced", "ieee4_yd", "ieee4_yy"),
                         [](const auto& test) { return test.param; });

TEST(ManyClasses, ReproduceOpenDssAsWritten) {
  const fs::path folder = source_folder / "tests/regression/many_classes";
  const auto network = make_network(read_feeder(folder / "feeder.dss"));
  UnbalancedPowerFlow flow(network, tight);
  ASSERT_TRUE(flow.solve(rated_conditions(*network)).converged);
  const auto references = read_reference(folder / "reference.csv").at("as_written");
  EXPECT_EQ(references.size(), 21u);
  expect_solution(flow, references);
}

/// A feeder that was written and read back has the voltages it had.
void expect_written_feeder_solves_the_same(const fs::path& script) {
  SCOPED_TRACE(script.string());
  const auto network = make_network(read_feeder(script));
  const fs::path folder = fs::temp_directory_path() / ("gridfed_written_" + std::to_string(getpid()));
  fs::create_directories(folder);
  write_opendss(*network, initial_state(*network), folder / "written.dss");
  const auto again = make_network(read_feeder(folder / "written.dss"));
  fs::remove_all(folder);
  UnbalancedPowerFlow one(network, tight), two(again, tight);
  ASSERT_TRUE(one.solve(rated_conditions(*network)).converged);
  ASSERT_TRUE(two.solve(rated_conditions(*again)).converged);
  ASSERT_EQ(network->node_count(), again->node_count());
  double worst = 0;
  for (int node = 0; node < network->node_count(); ++node) {
    ASSERT_EQ(network->node_name(node), again->node_name(node));
    const Complex voltage = one.solution().bus_voltages[node];
    const double nominal = network->buses()[network->nodes()[node].bus].nominal_voltage;
    worst = std::max(worst, std::abs(two.solution().bus_voltages[node] - voltage) / nominal);
    EXPECT_EQ(nominal, again->buses()[again->nodes()[node].bus].nominal_voltage) << network->node_name(node);
  }
  EXPECT_LT(worst, 1e-9);
}

TEST(WrittenFeeders, SolveToTheSameVoltages) {
  for (const std::string name : {"ieee13", "ieee34", "ieee37", "ieee123", "ieee13_der", "ieee34_der", "ieee37_der", "ieee123_der"}) {
    expect_written_feeder_solves_the_same(source_folder / "inputs/feeders" / (name + ".dss"));
  }
  expect_written_feeder_solves_the_same(source_folder / "tests/regression/many_classes/feeder.dss");
}

TEST(WrittenFeeders, LargeOneSolvesToTheSameVoltages) {
  const fs::path script = source_folder / "../shared/reference/feeders/8500-Node/network/Master.dss";
  if (!fs::exists(script)) GTEST_SKIP() << "no " << script.string();
  expect_written_feeder_solves_the_same(script);
}

/// A generator of model 3 against OpenDSS (C-API 0.14.5, a tolerance of 1e-11): one that holds 0.99 p.u., and one at its limit.
TEST(HeldVoltage, AgreesWithOpenDss) {
  struct Case {
    const char* generator;
    double voltage_pu;
    Complex line_power;  ///< kW, kvar
  };
  for (const auto& [generator, voltage_pu, line_power] :
       {Case{"vpu=0.99 minkvar=-5000 maxkvar=5000", 0.99, {1509.0033268, 720.9930269}},
        Case{"vpu=1 minkvar=-100 maxkvar=100", 0.98883532887, {1509.8796843, 888.2065973}}}) {
    SCOPED_TRACE(generator);
    const fs::path script = fs::temp_directory_path() / ("gridfed_held_" + std::to_string(getpid()) + ".dss");
    std::ofstream(script) << "new circuit.a basekv=12.47\nnew line.l bus1=sourcebus bus2=b r1=0.5 x1=1 r0=0.5 x0=1 length=1\n"
                             "new load.l bus1=b kv=12.47 kw=2000 pf=0.9\nnew generator.g bus1=b kv=12.47 kw=500 model=3 "
                          << generator << "\nset voltagebases=[12.47]\n";
    const auto network = make_network(read_feeder(script));
    fs::remove(script);
    const auto flow = make_power_flow(network, {.tolerance = 1e-11, .max_iterations = 100});
    ASSERT_TRUE(flow->solve(rated_conditions(*network)).converged);
    const double base = 12470 / std::sqrt(3.0);
    const Complex voltage = flow->solution().bus_voltages[find_node(*network, "b.1")];
    EXPECT_NEAR(std::abs(voltage) / base, voltage_pu, 1e-9);
    EXPECT_LT(relative(flow->line_flow(0).power / 1e3, line_power), 1e-6);
  }
}

/// The scripts that OpenDSS ships for the same feeders, where a collection of them with all node voltages and flows stands beside the
/// checkout: every node, every branch.
const fs::path collection = source_folder / "../shared/reference/feeders";

TEST(ShippedScripts, EveryNodeAndBranchAgreesWithOpenDss) {
  if (!fs::exists(collection)) GTEST_SKIP() << "no " << collection.string() << ": skipped 11 shipped scripts, 3 variants each";
  const std::map<std::string, std::string> scripts = {{"13Bus", "IEEE13Nodeckt.dss"},
                                                      {"34Bus", "ieee34Mod1.dss"},
                                                      {"37Bus", "ieee37.dss"},
                                                      {"123Bus", "IEEE123Master.dss"},
                                                      {"4Bus-DY-Bal", "4Bus-DY-Bal.DSS"},
                                                      {"4Bus-GrdYD-Bal", "4Bus-GrdYD-Bal.DSS"},
                                                      {"4Bus-OYOD-Bal", "4Bus-OYOD-Bal.DSS"},
                                                      {"4Bus-OYOD-UnBal", "4bus-OYOD-UnBal.dss"},
                                                      {"4Bus-YD-Bal", "4Bus-YD-Bal.DSS"},
                                                      {"4Bus-YY-Bal", "4Bus-YY-Bal.DSS"},
                                                      {"8500-Node", "Master.dss"}};
  for (const auto& [name, script] : scripts) {
    const auto network = make_network(read_feeder(collection / name / "network" / script));
    UnbalancedPowerFlow flow(network, tight);
    for (const std::string variant : {"neutral_taps", "static", "static_half_load"}) {
      SCOPED_TRACE(name + " " + variant);
      const fs::path folder = collection / name / ("solution_" + variant);
      GridState state = initial_state(*network);
      if (variant == "neutral_taps") set_neutral_taps(state);
      impose_taps(*network, folder / "taps.csv", state);
      impose_capacitors(*network, folder / "capacitors.csv", state);
      flow.set_state(state);
      const auto& solution = flow.solve(rated_conditions(*network, load_scale(variant)));
      ASSERT_TRUE(solution.converged);
      for (const auto& cells : read_rows(folder / "voltages.csv")) {
        const int node = find_node(*network, cells[0]);
        ASSERT_GE(node, 0) << cells[0];
        EXPECT_LT(relative(solution.bus_voltages[node], {number(cells[1]), number(cells[2])}), 1e-6) << cells[0];
      }
      const auto summary = read_rows(folder / "summary.csv").at(0);
      EXPECT_LT(relative(flow.balance().source_power / 1e3, {number(summary[4]), number(summary[5])}), 1e-5);
      EXPECT_LT(relative(flow.balance().losses / 1e3, {number(summary[6]), number(summary[7])}), 1e-5);
      // An open end carries no more than rounding, hence 1 W and 1 mA.
      for (const auto& cells : read_rows(folder / "flows.csv")) {
        if (cells[0].starts_with("capacitor.") || cells[0].starts_with("reactor.")) continue;
        const auto [power, current] = flow_of(flow, cells[0]);
        const Complex wanted{number(cells[1]), number(cells[2])};
        EXPECT_LT(std::abs(power / 1e3 - wanted), 1e-5 * std::abs(wanted) + 1e-3) << cells[0];
        for (std::size_t i = 4; i < cells.size(); ++i) {  // OpenDSS gives a delta winding a fourth conductor, without current
          const double ours = i - 4 < current.size() ? current[i - 4] : 0.0;
          EXPECT_NEAR(ours, number(cells[i]), 1e-5 * number(cells[i]) + 1e-3) << cells[0];
        }
      }
    }
  }
}

/// From all taps neutral (the references' starting point) regulators and capacitors end where OpenDSS leaves them.
TEST(ShippedScripts, OwnControlsEndWhereOpenDssLeavesThem) {
  const fs::path folder = collection / "8500-Node";
  if (!fs::exists(folder)) GTEST_SKIP() << "no " << folder.string() << ": skipped the controls of the 8500-node feeder";
  const auto network = make_network(read_feeder(folder / "network/Master.dss"));
  for (const std::string variant : {"static", "static_half_load"}) {
    SCOPED_TRACE(variant);
    UnbalancedPowerFlow flow(network, {});
    GridState neutral = initial_state(*network), wanted = neutral;
    set_neutral_taps(neutral);
    flow.set_state(neutral);
    const auto control = solve_with_controls(flow, rated_conditions(*network, load_scale(variant)), regulator_settings(*network));
    EXPECT_TRUE(control.settled);
    impose_taps(*network, folder / ("solution_" + variant) / "taps.csv", wanted);
    impose_capacitors(*network, folder / ("solution_" + variant) / "capacitors.csv", wanted);
    EXPECT_EQ(flow.state().capacitors, wanted.capacitors);
    for (const int t : network->regulator_transformers()) {
      const auto& winding = network->data().transformers[t].windings[1];
      EXPECT_EQ(tap_number(winding, flow.state().taps[t][1]), tap_number(winding, wanted.taps[t][1]))
          << network->data().transformers[t].name;
    }
  }
}

}  // namespace
}  // namespace gridfed
