#include "powerflow/power_flow.hpp"

#include "feeders.hpp"
#include "grid/synthetic_network.hpp"
#include "powerflow/admittance.hpp"
#include "powerflow/distribution_power_flow.hpp"
#include "powerflow/static_control.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>

namespace gridfed {
namespace {

constexpr PowerFlowOptions tight{.tolerance = 1e-13, .max_iterations = 500};

double largest_difference(const UnbalancedPowerFlow& a, const UnbalancedPowerFlow& b) {
  double largest = 0;
  const auto& one = a.solution().bus_voltages;
  const auto& two = b.solution().bus_voltages;
  for (std::size_t i = 0; i < one.size(); ++i) {
    const double base = a.network().buses()[a.network().nodes()[i].bus].nominal_voltage;
    largest = std::max(largest, std::abs(one[i] - two[i]) / base);
  }
  return largest;
}

/// A stiff 7.2 kV source, one ohm-and-a-bit of line and one load, single-phase.
std::string two_buses(const std::string& load) {
  return "new circuit.two basekv=7.2 phases=1 bus1=a.1 r1=0 x1=1e-6 r0=0 x0=1e-6\n"
         "new line.l phases=1 bus1=a.1 bus2=b.1 r1=3 x1=4 c1=0 r0=3 x0=4 c0=0 length=1 normamps=10\n"
         "new load.load phases=1 bus1=b.1 kv=7.2 " +
         load + "\nset voltagebases=[12.47]\n";
}

TEST(UnbalancedPowerFlow, SolvesTheQuadraticOfTwoBusesByHand) {
  // |V|^4 + (2 (r p + x q) - E^2) |V|^2 + |z|^2 |s|^2 = 0.
  const auto network = test::script(two_buses("kw=300 kvar=100 vminpu=0.5"));
  UnbalancedPowerFlow flow(network, tight);
  ASSERT_TRUE(flow.solve(rated_conditions(*network)).converged);
  const double p = 300e3, q = 100e3, b = 2 * (3 * p + 4 * q) - 7200.0 * 7200.0;
  const double v = std::sqrt((-b + std::sqrt(b * b - 4 * 25 * (p * p + q * q))) / 2);
  const int node = network->find_node(network->find_bus("b"), 1);
  EXPECT_NEAR(std::abs(flow.solution().bus_voltages[node]), v, 1e-3);
  const double current = std::hypot(p, q) / v;
  EXPECT_NEAR(flow.balance().losses.real(), 3 * current * current, 1);
  EXPECT_NEAR(flow.line_flow(0).current[0], current, 1e-4);
  double loading = 0;
  flow.loadings(std::span(&loading, 1), {});
  EXPECT_NEAR(loading, current / 10, 1e-5);
}

class EveryFeeder : public testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Ieee, EveryFeeder, testing::Values("ieee13_der", "ieee34_der", "ieee37_der", "ieee123_der"),
                         [](const auto& test) { return test.param; });

/// Rated loads at three fifths, DERs producing.
LoadingConditions busy_day(const Network& network) {
  auto conditions = rated_conditions(network, 0.6);
  for (std::size_t i = 0; i < conditions.solar_power.size(); ++i)
    conditions.solar_power[i] = {0.4 * network.data().solar[i].capacity, 0.1 * network.data().solar[i].capacity};
  for (std::size_t i = 0; i < conditions.wind_power.size(); ++i) conditions.wind_power[i] = 0.3 * network.data().wind[i].capacity;
  for (std::size_t i = 0; i < conditions.battery_power.size(); ++i)
    conditions.battery_power[i] = (i % 2 ? -0.5 : 0.5) * network.data().batteries[i].power_rating;
  return conditions;
}

TEST_P(EveryFeeder, PowerIsBalanced) {
  const auto network = test::feeder(GetParam());
  UnbalancedPowerFlow flow(network, tight);
  const auto conditions = busy_day(*network);
  const auto& s = flow.solve(conditions);
  ASSERT_TRUE(s.converged);
  double peak = 0;
  for (const auto& load : network->data().loads) peak += std::abs(load.power);
  // A voltage known to 1e-13 across the 1e-5 p.u. of a substation's impedance.
  const double rounding = 2e-8;
  EXPECT_LT(flow.mismatch().power, rounding * peak);

  // Losses summed over branches, each from the currents into all its conductors, against source + injections - loads - shunts.
  const auto at = [&](int node) { return node == ground ? Complex{} : s.bus_voltages[node]; };
  Complex lost;
  const auto add = [&](const std::vector<int>& nodes, const Eigen::MatrixXcd& y) {
    Eigen::VectorXcd v(static_cast<Eigen::Index>(nodes.size()));
    for (std::size_t i = 0; i < nodes.size(); ++i) v(static_cast<Eigen::Index>(i)) = at(nodes[i]);
    const Eigen::VectorXcd current = y * v;
    lost += (v.array() * current.array().conjugate()).sum();
  };
  for (std::size_t i = 0; i < network->data().lines.size(); ++i) {
    if (!network->data().lines[i].closed) continue;
    auto nodes = network->line_nodes()[i].from;
    nodes.insert(nodes.end(), network->line_nodes()[i].to.begin(), network->line_nodes()[i].to.end());
    add(nodes, line_admittance(network->data().lines[i]));
  }
  for (std::size_t i = 0; i < network->data().transformers.size(); ++i) {
    std::vector<int> nodes;
    for (const auto& winding : network->transformer_nodes()[i]) nodes.insert(nodes.end(), winding.begin(), winding.end());
    add(nodes, transformer_admittance(network->data().transformers[i], flow.state().taps[i]));
  }
  EXPECT_LT(std::abs(lost - flow.balance().losses), rounding * peak);
  EXPECT_GT(flow.balance().losses.real(), 0);

  Complex injected;
  for (const auto* powers : {&conditions.solar_power, &conditions.wind_power, &conditions.battery_power}) {
    for (const Complex power : *powers) injected += power;
  }
  EXPECT_NEAR(flow.balance().source_power.real() + injected.real() - flow.balance().load_power.real() - flow.balance().losses.real(), 0,
              rounding * peak);
}

TEST_P(EveryFeeder, ResultDoesNotDependOnWhatWasSolvedBefore) {
  const auto network = test::feeder(GetParam());
  UnbalancedPowerFlow fresh(network, tight), used(network, tight);
  const auto conditions = busy_day(*network);
  fresh.solve(conditions);
  used.solve(rated_conditions(*network, 0.2));
  used.flat_start();
  used.solve(conditions);
  EXPECT_EQ(largest_difference(fresh, used), 0);
  used.solve(rated_conditions(*network, 0.3));
  used.solve(conditions);  // from the last voltages: the same solution, not the same bits
  EXPECT_LT(largest_difference(fresh, used), 1e-10);
}

TEST_P(EveryFeeder, ChangedTapsEqualAFreshSolver) {
  auto data = test::feeder_data(GetParam());
  UnbalancedPowerFlow changed(make_network(data), tight);
  const auto conditions = busy_day(changed.network());
  changed.solve(conditions);
  GridState state = changed.state();
  for (const int t : changed.network().regulator_transformers()) {
    state.taps[t][1] = tap_ratio(data.transformers[t].windings[1], 5);
    data.transformers[t].windings[1].tap = state.taps[t][1];
  }
  changed.set_state(state);
  changed.flat_start();
  changed.solve(conditions);
  UnbalancedPowerFlow fresh(make_network(data), tight);
  fresh.solve(conditions);
  EXPECT_LT(largest_difference(changed, fresh), 1e-10);
}

/// Large enough that iterations begin in single precision.
std::shared_ptr<const Network> large_network() {
  return make_network(synthetic::synthesize(synthetic::Plan({.buses = 2000, .seed = 3, .style = synthetic::Style::us}), 0).data);
}

TEST(UnbalancedPowerFlow, IterationsInSinglePrecisionEndWhereTheSweepEnds) {
  const auto network = large_network();
  DistributionPowerFlow sweep(network, {.tolerance = 1e-11, .max_iterations = 500});
  ASSERT_TRUE(sweep.solve(rated_conditions(*network)).converged);
  for (const double tolerance : {1e-4, 1e-8, 1e-10}) {
    UnbalancedPowerFlow flow(network, {.tolerance = tolerance, .max_iterations = 500});
    ASSERT_TRUE(flow.solve(rated_conditions(*network)).converged) << tolerance;
    double largest = 0;
    for (int i = 0; i < network->node_count(); ++i) {
      largest = std::max(largest, std::abs(flow.solution().bus_voltages[i] - sweep.solution().bus_voltages[i]) / flow.model().base()[i]);
    }
    EXPECT_LT(largest, std::max(tolerance, 1e-9)) << tolerance;
  }
}

TEST(UnbalancedPowerFlow, ALimitOnIterationsHoldsInSinglePrecisionToo) {
  const auto network = large_network();
  for (const int most : {1, 2, 3}) {
    UnbalancedPowerFlow flow(network, {.tolerance = 1e-12, .max_iterations = most});
    const auto& solution = flow.solve(rated_conditions(*network));
    EXPECT_FALSE(solution.converged);
    EXPECT_EQ(solution.iterations, most);
    for (const Complex v : solution.bus_voltages) ASSERT_TRUE(std::isfinite(std::abs(v)));
  }
}

// Buses where nothing draws are eliminated once; a transformer between them that nobody was expected to touch must not be forgotten.
TEST(UnbalancedPowerFlow, AnUnregulatedTapBesideEliminatedBusesEqualsAFreshSolver) {
  const std::string script = R"(new circuit.c basekv=12.47 bus1=s r1=0.1 x1=1 r0=0.1 x0=1
new line.a bus1=s bus2=m r1=0.3 x1=0.6 r0=0.6 x0=1.5 length=1
new transformer.t windings=2 buses=[m n] conns=[delta wye] kvs=[12.47 4.16] kvas=[2000 2000] xhl=5 %rs=[0.5 0.5]
new line.b bus1=n bus2=e r1=0.3 x1=0.6 r0=0.6 x0=1.5 length=0.1
new load.l bus1=e kv=4.16 kw=900 kvar=300
set voltagebases=[12.47 4.16]
)";
  const auto network = test::script(script);
  UnbalancedPowerFlow changed(network, tight);
  GridState state = changed.state();
  state.taps[0][1] = 1.05;
  changed.solve(rated_conditions(*network));
  changed.set_state(state);
  ASSERT_TRUE(changed.solve(rated_conditions(*network)).converged);
  const auto tapped = test::script(script.substr(0, script.find(" %rs")) + " taps=[1 1.05]" + script.substr(script.find(" %rs")));
  UnbalancedPowerFlow direct(tapped, tight);
  ASSERT_TRUE(direct.solve(rated_conditions(*tapped)).converged);
  EXPECT_LT(largest_difference(changed, direct), 1e-11);
}

TEST_P(EveryFeeder, AccelerationLeadsToTheSameSolution) {
  const auto network = test::feeder(GetParam());
  UnbalancedPowerFlow plain(network, tight);
  plain.solve(busy_day(*network));
  for (const double factor : {0.7, 1.2}) {
    UnbalancedPowerFlow other(network, {.tolerance = 1e-11, .max_iterations = 500, .acceleration_factor = factor});
    ASSERT_TRUE(other.solve(busy_day(*network)).converged) << factor;
    EXPECT_LT(largest_difference(plain, other), 1e-10) << factor;
  }
}

TEST_P(EveryFeeder, RegulatorsSettleWithinTheirBandsOrAtTheirLimits) {
  const auto network = test::feeder(GetParam());
  UnbalancedPowerFlow flow(network, {});
  auto settings = regulator_settings(*network);
  const auto control = solve_with_controls(flow, rated_conditions(*network), settings);
  ASSERT_TRUE(control.settled);
  for (std::size_t i = 0; i < network->data().regulators.size(); ++i) {
    const auto& regulator = network->data().regulators[i];
    const int transformer = network->regulator_transformers()[i];
    const auto& winding = network->data().transformers[transformer].windings[regulator.winding - 1];
    const int tap = tap_number(winding, flow.state().taps[transformer][regulator.winding - 1]);
    const double error = compensated_voltage(flow, static_cast<int>(i)) - settings.setpoint[i];
    EXPECT_TRUE(std::abs(error) <= regulator.band / 2 || (tap == 16 && error < 0) || (tap == -16 && error > 0)) << regulator.name;
  }
  // Content regulators stay where they are.
  EXPECT_EQ(move_regulators(flow, settings), 0);
}

TEST(UnbalancedPowerFlow, RaisingASetpointRaisesTheTaps) {
  const auto network = test::feeder("ieee13");
  auto settings = regulator_settings(*network);
  const auto sum_of_taps = [&] {
    UnbalancedPowerFlow flow(network, {});
    EXPECT_TRUE(solve_with_controls(flow, rated_conditions(*network), settings).settled);
    double sum = 0;
    for (const int t : network->regulator_transformers()) sum += flow.state().taps[t][1];
    return sum;
  };
  const double before = sum_of_taps();
  for (auto& setpoint : settings.setpoint) setpoint -= 4;
  EXPECT_LT(sum_of_taps(), before - 0.03);
}

TEST(UnbalancedPowerFlow, DivergenceIsAResultThatNamesItsNode) {
  const auto network = test::script(two_buses("kw=2200 kvar=1000 vminpu=0.1 vlowpu=0.05"));
  UnbalancedPowerFlow flow(network, {.max_iterations = 30});
  const auto& s = flow.solve(rated_conditions(*network, 3));
  EXPECT_FALSE(s.converged);
  EXPECT_GT(flow.mismatch().power, 1e3);
  ASSERT_GE(flow.mismatch().node, 0);
  EXPECT_EQ(network->node_name(flow.mismatch().node), "B.1");
  // The next case starts afresh.
  EXPECT_TRUE(flow.solve(rated_conditions(*network)).converged);
}

TEST(UnbalancedPowerFlow, TightToleranceHoldsNearTheNoseOfTheCurve) {
  // Near the nose of the curve the fixed point contracts slowly, where a small step does not mean a small error.
  const auto network = test::script(two_buses("kw=2200 kvar=1000 vminpu=0.1 vlowpu=0.05"));
  UnbalancedPowerFlow flow(network, {.tolerance = 1e-11, .max_iterations = 1000});
  const auto& s = flow.solve(rated_conditions(*network));
  ASSERT_TRUE(s.converged);
  const double p = 2200e3, q = 1000e3, x = 4 + 1e-6, b = 2 * (3 * p + x * q) - 7200.0 * 7200.0;
  const double v = std::sqrt((-b + std::sqrt(b * b - 4 * (9 + x * x) * (p * p + q * q))) / 2);
  EXPECT_GT(s.iterations, 5);
  EXPECT_NEAR(std::abs(s.bus_voltages[network->find_node(network->find_bus("b"), 1)]), v, 1e-6);
}

TEST(UnbalancedPowerFlow, InjectionsEnterAsWyeAndDeltaSay) {
  const auto network = test::script(
      "new circuit.der basekv=4.16 mvasc3=1e5 mvasc1=1e5\n"
      "new line.l bus1=sourcebus bus2=b r1=0.1 x1=0.2 r0=0.3 x0=0.6 c1=0 c0=0 length=1\n"
      "new pvsystem.wye bus1=b.2 phases=1 conn=wye kv=2.4 pmpp=100 kva=110\n"
      "new pvsystem.delta bus1=b.1.3 phases=1 conn=delta kv=4.16 pmpp=100 kva=110\n"
      "new load.l bus1=b kv=4.16 kw=1\nset voltagebases=[4.16]\n");
  UnbalancedPowerFlow flow(network, tight);
  auto conditions = rated_conditions(*network, 0);
  const auto current = [&] { return flow.line_flow(0).current; };
  conditions.solar_power = {{80e3, 20e3}, 0};
  ASSERT_TRUE(flow.solve(conditions).converged);
  EXPECT_GT(current()[1], 30);  // 82.5 kVA / 2.4 kV
  EXPECT_LT(current()[0] + current()[2], 1e-3);
  EXPECT_NEAR(flow.balance().source_power.real(), -80e3 + flow.balance().losses.real(), 1);
  conditions.solar_power = {0, {80e3, 20e3}};
  ASSERT_TRUE(flow.solve(conditions).converged);
  EXPECT_NEAR(current()[0], current()[2], 1e-3);
  EXPECT_NEAR(current()[0], std::abs(Complex(80e3, 20e3)) / 4160, 0.5);
  EXPECT_LT(current()[1], 1e-3);
}

TEST(UnbalancedPowerFlow, ADeltaLoadOfTwoPhasesIsAnOpenDelta) {
  const auto network = test::script(
      "new circuit.open_delta basekv=4.16 mvasc3=1e6 mvasc1=1e6\n"
      "new line.l bus1=sourcebus bus2=b r1=1e-4 x1=0 r0=1e-4 x0=0 c1=0 c0=0\n"
      "new load.l bus1=b.1.2.3 phases=2 conn=delta kv=4.16 kw=60 kvar=0\nset voltagebases=[4.16]\n");
  UnbalancedPowerFlow flow(network, {});
  ASSERT_TRUE(flow.solve(rated_conditions(*network)).converged);
  const auto current = flow.line_flow(0).current;  // 30 kW between 1 and 2, 30 kW between 2 and 3
  EXPECT_NEAR(current[0], 30e3 / 4160, 1e-3);
  EXPECT_NEAR(current[2], 30e3 / 4160, 1e-3);
  EXPECT_NEAR(current[1], std::sqrt(3.0) * 30e3 / 4160, 1e-3);
}

TEST(UnbalancedPowerFlow, AnOpenLineCarriesNothing) {
  const auto network = test::feeder("ieee123");
  UnbalancedPowerFlow flow(network, {});
  const auto& lines = network->data().lines;
  GridState state = flow.state();
  const auto tie = std::find_if(lines.begin(), lines.end(), [](const auto& l) { return !l.closed; });
  ASSERT_NE(tie, lines.end());
  const int position = static_cast<int>(tie - lines.begin());
  flow.solve(rated_conditions(*network));
  EXPECT_EQ(flow.line_flow(position).power, Complex{});
  state.closed[position] = 1;
  flow.set_state(state);
  flow.solve(rated_conditions(*network));
  EXPECT_GT(std::abs(flow.line_flow(position).power), 1e3);
}

TEST(UnbalancedPowerFlow, AFloatingSectionIsRefusedByName) {
  const auto network = test::script(
      "new circuit.floats basekv=12.47 mvasc3=1e4\n"
      "new transformer.t phases=3 xhl=5 ppm=0\n"
      "~ wdg=1 bus=sourcebus conn=delta kv=12.47 kva=500\n"
      "~ wdg=2 bus=low conn=delta kv=0.48 kva=500\n"
      "new load.l bus1=low conn=delta kv=0.48 kw=10\nset voltagebases=[12.47, 0.48]\n");
  const std::string message = test::error_of([&] { UnbalancedPowerFlow(network, {}); });
  EXPECT_NE(message.find("the nodal admittance of network 'floats' is singular at node "), std::string::npos) << message;
  EXPECT_NE(message.find("ppm_antifloat"), std::string::npos) << message;
}

TEST(UnbalancedPowerFlow, SectionsTiedToGroundByPartsPerMillionConvergeToRoundingError) {
  const auto network = test::feeder("ieee37");
  UnbalancedPowerFlow flow(network, {.tolerance = 1e-13, .max_iterations = 30});
  EXPECT_TRUE(flow.solve(rated_conditions(*network)).converged);
}

TEST(UnbalancedPowerFlow, RefusesOptionsAndConditionsThatMakeNoSense) {
  const auto network = test::feeder("ieee13");
  EXPECT_NE(test::error_of([&] { UnbalancedPowerFlow(network, {.tolerance = 0}); }).find("powerflow.tolerance is 0"), std::string::npos);
  EXPECT_NE(test::error_of([&] { UnbalancedPowerFlow(network, {.max_iterations = 0}); }).find("at least 1"), std::string::npos);
  EXPECT_NE(test::error_of([&] { UnbalancedPowerFlow(network, {.acceleration_factor = 2}); }).find("(0, 2)"), std::string::npos);
  UnbalancedPowerFlow flow(network, {});
  EXPECT_NE(test::error_of([&] { flow.solve({}); }).find("one power for each of its 15 loads"), std::string::npos);
}

TEST(UnbalancedPowerFlow, MeasuredVoltagesAreThoseOfAFullSolveAndCompleteGivesTheRest) {
  for (const char* name : {"ieee13_der", "ieee34_der", "ieee37_der", "ieee123_der"}) {
    const auto network = test::feeder(name);
    UnbalancedPowerFlow all(network, {}), measured(network, {});
    const auto conditions = rated_conditions(*network);
    const auto& full = all.solve(conditions);
    const auto& part = measured.solve(conditions, PowerFlow::Voltages::measured);
    const auto nodes = measured_nodes(all.model());
    EXPECT_FALSE(nodes.empty());
    for (const int node : nodes) EXPECT_EQ(part.bus_voltages[node], full.bus_voltages[node]) << name;
    EXPECT_NE(part.bus_voltages, full.bus_voltages);
    EXPECT_EQ(measured.complete().bus_voltages, full.bus_voltages);
    for (std::size_t r = 0; r < network->data().regulators.size(); ++r)
      EXPECT_EQ(compensated_voltage(measured, static_cast<int>(r)), compensated_voltage(all, static_cast<int>(r)));
  }
}

// At 0.645 of rated load, load 722b (OpenDSS's model 4) stands at its lower limit, where it jumps from its power law to an impedance and
// draws less below than above: there is a solution on either side, and the start decides.
TEST(UnbalancedPowerFlow, WhereALoadJumpsIeee37HasTwoSolutions) {
  const auto network = test::feeder("ieee37");
  const auto conditions = rated_conditions(*network, 0.645);
  const auto from = [&](double scale) {
    UnbalancedPowerFlow flow(network, {.tolerance = 1e-10, .max_iterations = 200});
    flow.solve(rated_conditions(*network, scale));
    EXPECT_TRUE(flow.solve(conditions).converged);
    EXPECT_LT(flow.mismatch().power, 1e-3);
    return flow.solution().bus_voltages;
  };
  const auto above = from(0.3), below = from(1.2);
  double difference = 0;
  for (std::size_t node = 0; node < above.size(); ++node) difference = std::max(difference, std::abs(above[node] - below[node]));
  EXPECT_GT(difference / (4800 / std::numbers::sqrt3), 5e-4);
  EXPECT_LT(difference / (4800 / std::numbers::sqrt3), 1e-3);
}

}  // namespace
}  // namespace gridfed
