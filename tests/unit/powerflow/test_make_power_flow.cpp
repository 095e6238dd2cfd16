#include "powerflow/make_power_flow.hpp"

#include "feeders.hpp"
#include "powerflow/distribution_power_flow.hpp"
#include "powerflow/newton_raphson.hpp"
#include "powerflow/static_control.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace gridfed {
namespace {

/// In voltages that mean something: to ground, or between phases where only parts per million tie a section to ground [p.u.].
double largest_difference(const PowerFlow& a, const PowerFlow& b) {
  double largest = 0;
  const auto voltage = [](const PowerFlow& flow, const VoltageMeasurement& m) {
    const auto& v = flow.solution().bus_voltages;
    return v[m.node] - (m.reference == ground ? Complex{} : v[m.reference]);
  };
  for (const auto& m : a.network().measured_voltages()) largest = std::max(largest, std::abs(voltage(a, m) - voltage(b, m)) / m.base);
  return largest;
}

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

class EverySolver : public testing::TestWithParam<const char*> {
 protected:
  std::shared_ptr<const Network> network = test::feeder(GetParam());
  std::vector<std::unique_ptr<PowerFlow>> solvers() const {
    std::vector<std::unique_ptr<PowerFlow>> all;
    for (const auto solver : {Solver::unbalanced, Solver::newton_raphson, Solver::distribution})
      all.push_back(make_power_flow(network, {.tolerance = 1e-12, .max_iterations = 300, .solver = solver}));
    return all;
  }
};
INSTANTIATE_TEST_SUITE_P(Ieee, EverySolver,
                         testing::Values("ieee13", "ieee34", "ieee37", "ieee123", "ieee13_der", "ieee34_der", "ieee37_der", "ieee123_der"),
                         [](const auto& test) { return test.param; });

TEST_P(EverySolver, FindsTheSameVoltagesAndBalancesEveryNode) {
  const auto all = solvers();
  double peak = 0;
  for (const auto& load : network->data().loads) peak += std::abs(load.power);
  // A voltage in double precision leaves this much of the power in the stiffest tie undecided.
  double stiffest = 0;
  for (const Complex entry : all[0]->model().matrix()) stiffest = std::max(stiffest, std::abs(entry));
  const double rounding = 8 * std::numeric_limits<double>::epsilon() * stiffest;
  for (const auto& conditions : {rated_conditions(*network), busy_day(*network)}) {
    for (const auto& flow : all) {
      const auto& s = flow->solve(conditions);
      ASSERT_TRUE(s.converged);
      EXPECT_LT(largest_difference(*flow, *all[0]), 1e-8);
      EXPECT_LT(std::abs(flow->balance().losses - all[0]->balance().losses), 1e-6 * peak);
      EXPECT_LT(flow->mismatch().power, 1e-9 * peak + rounding) << s.iterations;
    }
  }
}

TEST_P(EverySolver, TakesRegulatorsToTheSameTaps) {
  const auto all = solvers();
  for (const auto& flow : all) {
    ASSERT_TRUE(solve_with_controls(*flow, rated_conditions(*network), regulator_settings(*network)).settled);
    EXPECT_EQ(flow->state().taps, all[0]->state().taps);
    EXPECT_LT(largest_difference(*flow, *all[0]), 1e-8);
  }
}

TEST(MakePowerFlow, AutomaticTakesNewtonsMethodWhereAVoltageIsHeldOrOnePhaseStandsForAll) {
  const auto made = [](std::shared_ptr<const Network> network) { return make_power_flow(std::move(network), {}); };
  EXPECT_NE(dynamic_cast<NewtonRaphson*>(made(make_network(test::transmission_case("ieee14"))).get()), nullptr);
  EXPECT_NE(dynamic_cast<UnbalancedPowerFlow*>(made(test::feeder("ieee13")).get()), nullptr);
  auto data = test::feeder_data("ieee13");
  data.sources[0].ideal = true;
  EXPECT_NE(dynamic_cast<NewtonRaphson*>(made(make_network(data)).get()), nullptr);
}

TEST(MakePowerFlow, SolversThatCannotHoldAVoltageSaySo) {
  const auto network = make_network(test::transmission_case("ieee14"));
  for (const auto solver : {Solver::unbalanced, Solver::distribution}) {
    const std::string message = test::error_of([&] { make_power_flow(network, {.solver = solver}); });
    EXPECT_NE(message.find("generator 'gen_2' holds its voltage"), std::string::npos) << message;
  }
}

TEST(DistributionPowerFlow, NamesAnElementThatClosesALoop) {
  const auto network = test::script(
      "new circuit.ring basekv=4.16 mvasc3=100 mvasc1=80\n"
      "new line.one bus1=sourcebus bus2=b r1=0.3 x1=0.6 r0=0.6 x0=1.8 c1=0 c0=0 length=1\n"
      "new line.two bus1=b bus2=c r1=0.3 x1=0.6 r0=0.6 x0=1.8 c1=0 c0=0 length=1\n"
      "new line.three bus1=c bus2=sourcebus r1=0.3 x1=0.6 r0=0.6 x0=1.8 c1=0 c0=0 length=1\n"
      "new load.l bus1=c kv=4.16 kw=100\nset voltagebases=[4.16]\n");
  const std::string message = test::error_of([&] { DistributionPowerFlow(network, {}); });
  EXPECT_NE(message.find("small.dss:4: line 'three' closes a loop"), std::string::npos) << message;
  // Open, it is radial; closed again by a switching operation, it is refused again.
  auto data = network->data();
  data.lines[2].closed = false;
  const auto open = make_network(data);
  DistributionPowerFlow flow(open, {});
  EXPECT_TRUE(flow.solve(rated_conditions(*open)).converged);
  GridState state = flow.state();
  state.closed[2] = 1;
  EXPECT_NE(test::error_of([&] { flow.set_state(state); }).find("closes a loop"), std::string::npos);
}

TEST(DistributionPowerFlow, SweepsFromAnIdealSource) {
  auto data = test::feeder_data("ieee13");
  data.sources[0].ideal = true;
  const auto network = make_network(data);
  DistributionPowerFlow sweep(network, {.tolerance = 1e-11});
  NewtonRaphson newton(network, {.tolerance = 1e-11});
  ASSERT_TRUE(sweep.solve(rated_conditions(*network)).converged);
  ASSERT_TRUE(newton.solve(rated_conditions(*network)).converged);
  EXPECT_LT(largest_difference(sweep, newton), 1e-8);
  const int node = network->source_nodes()[0][0];
  EXPECT_NEAR(std::abs(sweep.solution().bus_voltages[node]), data.sources[0].voltage_pu * data.sources[0].voltage_base / std::sqrt(3.0),
              1e-6);
  EXPECT_NEAR((newton.balance().source_power - newton.balance().load_power - newton.balance().losses).real(), 0, 1e-3);
  EXPECT_GT(newton.balance().losses.real(), 5e4);
}

}  // namespace
}  // namespace gridfed
