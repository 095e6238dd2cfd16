#include "grid/network.hpp"
#include "grid/opendss_reader.hpp"
#include "powerflow/admittance.hpp"
#include "powerflow/make_power_flow.hpp"
#include "powerflow/newton_raphson.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <numbers>
#include <sstream>

namespace gridfed {
namespace {

namespace fs = std::filesystem;

struct Reference {
  std::string bus;
  Complex voltage, published;  // [p.u.]
};

std::vector<Reference> read_reference(const fs::path& path) {
  std::ifstream in(path);
  EXPECT_TRUE(in) << path;
  std::vector<Reference> rows;
  std::string text;
  std::getline(in, text);
  while (std::getline(in, text)) {
    std::istringstream line(text);
    std::string bus, cell;
    std::getline(line, bus, ',');
    std::vector<double> values;
    while (std::getline(line, cell, ',')) values.push_back(std::stod(cell));
    const auto phasor = [&](int i) { return std::polar(values.at(i), values.at(i + 1) * std::numbers::pi / 180); };
    rows.push_back({bus, phasor(0), phasor(2)});
  }
  return rows;
}

/// Power that enters the network's lines and shunts at each node [VA], v conj(Y v).
std::vector<Complex> powers(const Network& network, const std::vector<Complex>& v) {
  std::vector<Complex> power(v.size());
  const auto add = [&](const std::vector<int>& nodes, const Eigen::MatrixXcd& y) {
    Eigen::VectorXcd voltage(y.rows());
    for (Eigen::Index i = 0; i < y.rows(); ++i) voltage(i) = v[nodes[i]];
    const Eigen::VectorXcd current = y * voltage;
    for (Eigen::Index i = 0; i < y.rows(); ++i) power[nodes[i]] += voltage(i) * std::conj(current(i));
  };
  const auto& data = network.data();
  for (std::size_t i = 0; i < data.lines.size(); ++i)
    add({network.line_nodes()[i].from[0], network.line_nodes()[i].to[0]}, line_admittance(data.lines[i]));
  for (std::size_t i = 0; i < data.reactors.size(); ++i) add(network.reactor_nodes()[i].from, reactor_admittance(data.reactors[i]));
  return power;
}

class TransmissionCase : public testing::TestWithParam<const char*> {};

TEST_P(TransmissionCase, ReferenceVoltagesSatisfyTheEquations) {
  const fs::path folder = fs::path(GRIDFED_SOURCE_DIR) / "tests/regression" / GetParam();
  const auto network = make_network(read_feeder(folder / "case.m"));
  const auto& data = network->data();
  const auto reference = read_reference(folder / "reference.csv");
  ASSERT_EQ(static_cast<int>(reference.size()), network->node_count());
  std::vector<Complex> v(network->node_count());
  const bool rounded = std::string(GetParam()) == "ieee9";
  for (const auto& row : reference) {
    const int bus = network->find_bus(row.bus);
    ASSERT_GE(bus, 0) << row.bus;
    v[network->find_node(bus, 1)] = row.voltage * network->buses()[bus].nominal_voltage;
    EXPECT_NEAR(std::abs(row.voltage), std::abs(row.published), rounded ? 0.0005 : 0.0015) << row.bus;
    EXPECT_NEAR(std::arg(row.voltage), std::arg(row.published), (rounded ? 0.05 : 0.02) * std::numbers::pi / 180) << row.bus;
  }
  std::vector<Complex> missing = powers(*network, v);
  std::vector<bool> reactive(v.size(), true), active(v.size(), true);  // is it specified?
  for (std::size_t i = 0; i < data.loads.size(); ++i) missing[network->load_nodes()[i][0]] += data.loads[i].power;
  for (std::size_t i = 0; i < data.generators.size(); ++i) {
    const int node = network->generator_nodes()[i][0];
    missing[node] -= data.generators[i].power;
    reactive[node] = !data.generators[i].voltage_setpoint_pu;
    EXPECT_NEAR(std::abs(v[node]), *data.generators[i].voltage_setpoint_pu * data.generators[i].rated_voltage, 1e-6);
  }
  ASSERT_EQ(data.sources.size(), 1u);
  const int slack = network->source_nodes()[0][0];
  EXPECT_LT(std::abs(v[slack] - source_voltages(data.sources[0])(0)), 1e-6);
  active[slack] = reactive[slack] = false;
  for (std::size_t node = 0; node < v.size(); ++node) {
    const std::string name = network->node_name(static_cast<int>(node));
    EXPECT_NEAR(active[node] ? missing[node].real() : 0, 0, 1) << name;  // of 100 MVA
    EXPECT_NEAR(reactive[node] ? missing[node].imag() : 0, 0, 1) << name;
  }
}

TEST_P(TransmissionCase, EverySolverEndsAtTheReference) {
  const fs::path folder = fs::path(GRIDFED_SOURCE_DIR) / "tests/regression" / GetParam();
  const auto network = make_network(read_feeder(folder / "case.m"));
  using enum DecouplingScheme;
  for (const auto& options : {PowerFlowOptions{.tolerance = 1e-11, .solver = Solver::newton_raphson},
                              PowerFlowOptions{.tolerance = 1e-11, .solver = Solver::fast_decoupled, .scheme = xb},
                              PowerFlowOptions{.tolerance = 1e-11, .solver = Solver::fast_decoupled, .scheme = bx}}) {
    const auto flow = make_power_flow(network, options);
    const auto& solution = flow->solve(rated_conditions(*network));
    ASSERT_TRUE(solution.converged);
    for (const auto& row : read_reference(folder / "reference.csv")) {
      const int bus = network->find_bus(row.bus);
      const Complex voltage = solution.bus_voltages[network->find_node(bus, 1)] / network->buses()[bus].nominal_voltage;
      EXPECT_LT(std::abs(voltage - row.voltage), 1e-9) << row.bus;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Ieee, TransmissionCase, testing::Values("ieee9", "ieee14"),
                         [](const auto& info) { return std::string(info.param); });

TEST(Transmission, SolvesThreeBusesByHand) {
  const auto network = make_network(read_feeder(fs::path(GRIDFED_SOURCE_DIR) / "tests/regression/three_bus/case.m"));
  NewtonRaphson flow(network, {.tolerance = 1e-12, .max_iterations = 50});
  const auto& solution = flow.solve(rated_conditions(*network));
  ASSERT_TRUE(solution.converged);
  const auto voltage = [&](const char* name) {
    const int bus = network->find_bus(name);
    return solution.bus_voltages[network->find_node(bus, 1)] / network->buses()[bus].nominal_voltage;
  };
  const double u = std::sqrt((1 + std::sqrt(1 - 4 * 0.01)) / 2);
  const Complex two = std::polar(u, -std::asin(0.1 / u));
  EXPECT_LT(std::abs(voltage("1") - 1.0), 1e-8);
  EXPECT_LT(std::abs(voltage("2") - two), 1e-8);
  EXPECT_LT(std::abs(voltage("3") - two / std::polar(0.95, std::numbers::pi / 6)), 1e-8);
  EXPECT_NEAR(flow.balance().source_power.real(), 100e6, 10);
}

}  // namespace
}  // namespace gridfed
