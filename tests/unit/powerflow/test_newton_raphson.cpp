#include "powerflow/newton_raphson.hpp"

#include "feeders.hpp"
#include "powerflow/newton_equations.hpp"
#include "powerflow/reactive_limits.hpp"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>
#include <numbers>

namespace gridfed {
namespace {

constexpr PowerFlowOptions tight{.tolerance = 1e-11, .max_iterations = 30};

/// Largest difference between the derivatives of Newton's equations at voltages x [p.u.] and central differences, relative to the largest
/// entry of the difference matrix in the same row.
double jacobian_error(const std::shared_ptr<const Network>& network, const LoadingConditions& conditions, std::span<const Complex> x) {
  const NodalModel model(network);
  const NewtonEquations equations(model);
  const NewtonEquations::Case now{conditions, std::vector<int>(equations.holding().size(), 0)};
  const int n = equations.size();
  std::vector<double> u(2 * x.size());
  equations.set_voltages(x, u);
  for (const auto& held : equations.holding()) u.push_back(conditions.generator_power[held.first()].imag());
  Eigen::MatrixXd exact = Eigen::MatrixXd::Zero(n, n), differences(n, n);
  equations.differentiate(model, now, u, [&](int row, int column, double value) { exact(row, column) += value; });
  std::vector<double> above(n), below(n);
  for (int column = 0; column < n; ++column) {
    const double kept = u[column], step = 1e-5 * std::max(1.0, std::abs(kept));
    u[column] = kept + step;
    equations.evaluate(model, now, u, above);
    u[column] = kept - step;
    equations.evaluate(model, now, u, below);
    u[column] = kept;
    for (int row = 0; row < n; ++row) differences(row, column) = (above[row] - below[row]) / (2 * step);
  }
  double worst = 0;
  for (int row = 0; row < n; ++row) {
    worst = std::max(worst, (exact.row(row) - differences.row(row)).cwiseAbs().maxCoeff() / differences.row(row).cwiseAbs().maxCoeff());
  }
  return worst;
}

/// A feeder so weak that the admittances of its line and of what hangs on it are alike.
std::string weak(const std::string& elements) {
  return "new circuit.weak basekv=4.16 mvasc3=2 mvasc1=2\n"
         "new line.l bus1=sourcebus bus2=b r1=5 x1=10 r0=10 x0=30 c1=0 c0=0 length=1\n" +
         elements + "\nset voltagebases=[4.16]\n";
}

/// Unbalanced voltages, all of them near the given magnitude between phases and to ground.
std::vector<Complex> voltages(const Network& network, double magnitude) {
  std::vector<Complex> x;
  for (int node = 0; node < network.node_count(); ++node) {
    const int conductor = network.nodes()[node].conductor;
    x.push_back(std::polar(magnitude * (1 + 0.004 * conductor), 0.1 - 2 * std::numbers::pi / 3 * (conductor - 1) + 0.003 * node));
  }
  return x;
}

class EveryLoadModel : public testing::TestWithParam<std::tuple<int, const char*>> {};
INSTANTIATE_TEST_SUITE_P(Load, EveryLoadModel,
                         testing::Combine(testing::Range(1, 9),
                                          testing::Values("bus1=b phases=3 conn=wye kv=4.16", "bus1=b phases=3 conn=delta kv=4.16",
                                                          "bus1=b.2 phases=1 conn=wye kv=2.4", "bus1=b.1.3 phases=1 conn=delta kv=4.16")));

TEST_P(EveryLoadModel, HasExactDerivativesInEveryRangeOfVoltage) {
  const auto [model, connection] = GetParam();
  const auto network = test::script(weak(fmt::format(
      "new load.l {} kw=600 kvar=300 model={} vminpu=0.9 vmaxpu=1.1 vlowpu=0.5 cvrwatts=0.8 cvrvars=3 zipv=(0.2,0.3,0.5,0.1,0.4,0.5,0.7)",
      connection, model)));
  for (const double magnitude : {0.4, 0.8, 1.0, 1.2}) {
    EXPECT_LT(jacobian_error(network, rated_conditions(*network, 1.3), voltages(*network, magnitude)), 1e-6) << magnitude;
  }
}

TEST(NewtonEquations, InjectionsHaveExactDerivativesAlsoAtTheirCurrentLimit) {
  const auto network =
      test::script(weak("new pvsystem.wye bus1=b.2 phases=1 conn=wye kv=2.4 pmpp=400 kva=400\n"
                        "new pvsystem.delta bus1=b.1.3 phases=1 conn=delta kv=4.16 pmpp=400 kva=400\n"
                        "new storage.three bus1=b phases=3 conn=delta kv=4.16 kwrated=300 kwhrated=600 kva=300\n"
                        "new load.l bus1=b kv=4.16 kw=1"));
  auto conditions = rated_conditions(*network);
  conditions.solar_power = {{300e3, 100e3}, {200e3, -150e3}};
  conditions.battery_power = {{-250e3, 50e3}};
  for (const double magnitude : {0.5, 1.0})
    EXPECT_LT(jacobian_error(network, conditions, voltages(*network, magnitude)), 1e-6) << magnitude;
}

TEST(NewtonEquations, HeldVoltagesHaveExactDerivatives) {
  auto data = test::script_data(weak("new load.l bus1=b kv=4.16 kw=300"));
  data.generators.push_back(
      {.name = "g", .terminal = {"b", {1, 2, 3, 0}}, .rated_voltage = 4160, .power = {200e3, 70e3}, .voltage_setpoint_pu = 1.01});
  data.generators.push_back(
      {.name = "delta", .terminal = {"b", {1, 2, 3}}, .connection = Connection::delta, .rated_voltage = 4160, .power = {100e3, 20e3}});
  const auto network = make_network(data);
  EXPECT_LT(jacobian_error(network, rated_conditions(*network), voltages(*network, 0.98)), 1e-6);
}

TEST(NewtonEquations, TransmissionCasesHaveExactDerivatives) {
  auto data = test::transmission_case("ieee14");
  data.loads[3].model = LoadModel::constant_current;
  data.loads[5].model = LoadModel::constant_impedance;
  const auto network = make_network(data);
  EXPECT_LT(jacobian_error(network, rated_conditions(*network), voltages(*network, 0.97)), 1e-6);
}

/// Voltage of a bus of a case file [p.u.].
Complex bus_voltage(const PowerFlow& flow, int number) {
  const int bus = flow.network().find_bus(std::to_string(number));
  return flow.solution().bus_voltages[flow.network().find_node(bus, 1)] / flow.network().buses()[bus].nominal_voltage;
}

TEST(NewtonRaphson, SolvesTheIeee14BusCaseAsPublished) {
  const auto network = make_network(test::transmission_case("ieee14"));
  NewtonRaphson flow(network, tight);
  const auto& s = flow.solve(rated_conditions(*network));
  ASSERT_TRUE(s.converged);
  EXPECT_LE(s.iterations, 6);
  // Power Systems Test Case Archive, solved to three digits of magnitude and two of angle; reactive powers as a MATPOWER solution has them.
  const double magnitude[] = {1.060, 1.045, 1.010, 1.018, 1.020, 1.070, 1.062, 1.090, 1.056, 1.051, 1.057, 1.055, 1.050, 1.036};
  const double angle[] = {0, -4.98, -12.73, -10.31, -8.77, -14.22, -13.36, -13.36, -14.94, -15.10, -14.79, -15.08, -15.16, -16.03};
  for (int i = 0; i < 14; ++i) {
    EXPECT_NEAR(std::abs(bus_voltage(flow, i + 1)), magnitude[i], 6e-4) << i + 1;
    EXPECT_NEAR(std::arg(bus_voltage(flow, i + 1)) * 180 / std::numbers::pi, angle[i], 6e-3) << i + 1;
  }
  EXPECT_LT(std::abs(flow.balance().source_power / 1e6 - Complex(232.39327236, -16.54930054)), 1e-6);
  EXPECT_NEAR(s.generator_power[0].imag() / 1e6, 43.557100142, 1e-6);
  EXPECT_NEAR(s.generator_power[3].imag() / 1e6, 17.623451371, 1e-6);
  EXPECT_LT(flow.mismatch().power, 1e-9 * 100e6);
}

TEST(NewtonRaphson, AGeneratorAtItsReactiveLimitLetsGoOfItsVoltageAndTakesItBack) {
  auto data = test::transmission_case("ieee14");
  data.generators[2].max_reactive = 8e6;
  const auto network = make_network(data);
  NewtonRaphson flow(network, tight);
  const auto& s = flow.solve(rated_conditions(*network));
  ASSERT_TRUE(s.converged);
  EXPECT_NEAR(s.generator_power[2].imag(), 8e6, 1);
  EXPECT_LT(std::abs(bus_voltage(flow, 6)), 1.07 - 1e-4);
  EXPECT_NEAR(std::abs(bus_voltage(flow, 8)), 1.09, 1e-10);
  EXPECT_LT(flow.mismatch().power, 1e-9 * 100e6);
  // With less load it needs less than its limit, also when the solver starts from the limited solution.
  ASSERT_TRUE(flow.solve(rated_conditions(*network, 0.7)).converged);
  EXPECT_NEAR(std::abs(bus_voltage(flow, 6)), 1.07, 1e-10);
  EXPECT_LT(s.generator_power[2].imag(), 8e6);
}

TEST(NewtonRaphson, AThreePhaseGeneratorHoldsTheMeanOfItsPhases) {
  auto data = test::script_data(
      "new circuit.c basekv=4.16 mvasc3=100 mvasc1=80\n"
      "new line.l bus1=sourcebus bus2=b r1=0.3 x1=0.6 r0=0.6 x0=1.8 c1=0 c0=0 length=1\n"
      "new load.l bus1=b.1 phases=1 kv=2.4 kw=500 kvar=200 vminpu=0.7\nset voltagebases=[4.16]\n");
  data.generators.push_back(
      {.name = "g", .terminal = {"b", {1, 2, 3, 0}}, .rated_voltage = 4160, .power = {300e3, 0}, .voltage_setpoint_pu = 1.02});
  const auto network = make_network(data);
  NewtonRaphson flow(network, tight);
  const auto& s = flow.solve(rated_conditions(*network));
  ASSERT_TRUE(s.converged);
  const int bus = network->find_bus("b");
  double mean = 0;
  for (const int phase : {1, 2, 3}) mean += std::abs(s.bus_voltages[network->find_node(bus, phase)]) / 3;
  EXPECT_NEAR(mean, 1.02 * 4160 / std::numbers::sqrt3, 1e-6);
  EXPECT_NEAR((flow.balance().source_power + s.generator_power[0] - flow.balance().load_power - flow.balance().losses).real(), 0, 1e-3);
}

/// A case whose bus 2 has a second machine: 10 MW, and a range of reactive power of 20 Mvar beside one of 90.
NetworkData two_machines_at_bus_2() {
  auto data = test::transmission_case("ieee14");
  data.generators.push_back(data.generators[0]);
  data.generators[0].power = 30e6;
  data.generators.back().name = "second";
  data.generators.back().power = 10e6;
  data.generators.back().min_reactive = -5e6;
  data.generators.back().max_reactive = 15e6;
  return data;
}

TEST(NewtonRaphson, GeneratorsThatHoldOneVoltageShareReactivePowerByTheirRanges) {
  const auto network = make_network(two_machines_at_bus_2());
  NewtonRaphson flow(network, tight);
  const auto& s = flow.solve(rated_conditions(*network));
  ASSERT_TRUE(s.converged);
  // As with one machine of 40 MW, see above; 43.56 Mvar stand 88.56 above the lower limits of -40 and -5, over a range of 110.
  const double total = 43.557100142, share = (total + 45) / 110;
  EXPECT_NEAR(s.generator_power[0].imag() / 1e6, -40 + 90 * share, 1e-6);
  EXPECT_NEAR(s.generator_power[4].imag() / 1e6, -5 + 20 * share, 1e-6);
  EXPECT_EQ(s.generator_power[4].real(), 10e6);
  EXPECT_LT(flow.mismatch().power, 1e-9 * 100e6);
  EXPECT_LT(std::abs(flow.balance().source_power / 1e6 - Complex(232.39327236, -16.54930054)), 1e-6);
}

TEST(NewtonRaphson, GeneratorsAtOneBusReachTheirLimitsTogether) {
  auto data = two_machines_at_bus_2();
  data.generators[0].max_reactive = 20e6;
  const auto network = make_network(data);
  NewtonRaphson flow(network, tight);
  ASSERT_TRUE(flow.solve(rated_conditions(*network)).converged);
  EXPECT_NEAR(flow.solution().generator_power[0].imag(), 20e6, 1);
  EXPECT_NEAR(flow.solution().generator_power[4].imag(), 15e6, 1);
  EXPECT_LT(std::abs(bus_voltage(flow, 2)), 1.045 - 1e-5);
  // Without limits the voltage is held whatever it takes.
  PowerFlowOptions unlimited = tight;
  unlimited.reactive_limits = false;
  NewtonRaphson free(network, unlimited);
  ASSERT_TRUE(free.solve(rated_conditions(*network)).converged);
  EXPECT_NEAR(std::abs(bus_voltage(free, 2)), 1.045, 1e-10);
  EXPECT_NEAR((free.solution().generator_power[0] + free.solution().generator_power[4]).imag() / 1e6, 43.557100142, 1e-6);
}

TEST(NewtonRaphson, GeneratorsThatHoldUnequalVoltagesAreRefusedByName) {
  auto data = two_machines_at_bus_2();
  data.generators.back().voltage_setpoint_pu = 1.04;
  std::string message = test::error_of([&] { NewtonRaphson(make_network(data), {}); });
  EXPECT_NE(message.find("generators 'gen_2' and 'second' hold the voltage of bus '2' at 1.045 and 1.04 p.u.: make their setpoints equal"),
            std::string::npos)
      << message;
  data.generators.back().rated_voltage = 2e3;
  message = test::error_of([&] { NewtonRaphson(make_network(data), {}); });
  EXPECT_NE(message.find("hold voltages of bus '2' that are not the same"), std::string::npos) << message;
}

TEST(ReactivePower, IsSharedAsMatpowerSharesIt) {
  // MATPOWER's pfsoln: an unlimited machine counts as reaching as far as the total and all finite limits together.
  auto data = two_machines_at_bus_2();
  data.generators[0].max_reactive = std::numeric_limits<double>::infinity();
  const auto share = [&](double total) {
    const auto network = make_network(data);
    std::vector<Complex> power(data.generators.size());
    share_reactive_power(*network, held_voltages(*network)[0], total, power);
    return std::array{power[0].imag() / 1e6, power[4].imag() / 1e6};
  };
  const double far = 30 + 40 + 5 + 15, part = (30 + 45) / (far + 40 + 20);
  EXPECT_NEAR(share(30e6)[0], -40 + (far + 40) * part, 1e-9);
  EXPECT_NEAR(share(30e6)[1], -5 + 20 * part, 1e-9);
  for (auto* g : {&data.generators[0], &data.generators[4]}) g->min_reactive = g->max_reactive = 4e6;  // no range: what is beyond in halves
  EXPECT_NEAR(share(10e6)[0], 5, 1e-9);
  EXPECT_NEAR(share(10e6)[1], 5, 1e-9);
}

TEST(NewtonRaphson, StartsFromTheVoltagesOfTheCase) {
  auto data = test::transmission_case("ieee14");
  NewtonRaphson flat(make_network(data), tight);
  ASSERT_TRUE(flat.solve(rated_conditions(flat.network())).converged);
  for (auto& bus : data.buses) bus.start_voltage = bus_voltage(flat, std::stoi(bus.name));
  NewtonRaphson near(make_network(data), tight);
  ASSERT_TRUE(near.solve(rated_conditions(near.network())).converged);
  EXPECT_LE(near.solution().iterations, 1);
}

TEST(NewtonRaphson, ConvergesCloserToTheNoseThanAFixedPoint) {
  // Two buses over 3 + 4j ohm at 7.2 kV and a power factor of 0.8: the nose lies at 2592 kW, where |v| = E / 2.
  const auto network = test::script(
      "new circuit.two basekv=7.2 phases=1 bus1=a.1 r1=0 x1=1e-6 r0=0 x0=1e-6\n"
      "new line.l phases=1 bus1=a.1 bus2=b.1 r1=4 x1=3 c1=0 r0=4 x0=3 c0=0 length=1\n"
      "new load.load phases=1 bus1=b.1 kv=7.2 kw=1000 kvar=750 vminpu=0.05 vlowpu=0.01\nset voltagebases=[12.47]\n");
  NewtonRaphson flow(network, tight);
  const double nose = 7200.0 * 7200.0 / (4 * 5) * 0.8 / 1e6;  // [MW]: s = E^2 / (4 |z|) where load and line have one angle
  EXPECT_TRUE(flow.solve(rated_conditions(*network, 0.9999 * nose)).converged);
  const auto& s = flow.solve(rated_conditions(*network, 1.001 * nose));
  EXPECT_FALSE(s.converged);
  EXPECT_EQ(network->node_name(flow.mismatch().node), "B.1");
}

}  // namespace
}  // namespace gridfed
