#include "powerflow/fast_decoupled.hpp"

#include "feeders.hpp"
#include "powerflow/newton_raphson.hpp"

#include <gtest/gtest.h>

namespace gridfed {
namespace {

double largest_difference(const PowerFlow& a, const PowerFlow& b) {
  double largest = 0;
  for (int node = 0; node < a.network().node_count(); ++node) {
    largest = std::max(largest, std::abs(a.solution().bus_voltages[node] - b.solution().bus_voltages[node]) / a.model().base()[node]);
  }
  return largest;
}

class BothSchemes : public testing::TestWithParam<DecouplingScheme> {
 protected:
  PowerFlowOptions options{.tolerance = 1e-8, .max_iterations = 50, .scheme = GetParam()};
};
INSTANTIATE_TEST_SUITE_P(FastDecoupled, BothSchemes, testing::Values(DecouplingScheme::xb, DecouplingScheme::bx));

TEST_P(BothSchemes, SolvesPublishedCasesInAsManyIterationsAsMatpower) {
  // PYPOWER 5.1.21, tolerance 1e-8 on mismatches over voltage: 6 (XB) and 6 (BX) for nine buses, 6 and 8 for IEEE 14.
  for (const auto& data : {test::transmission_case("ieee9"), test::transmission_case("ieee14")}) {
    const auto network = make_network(data);
    FastDecoupled flow(network, options);
    NewtonRaphson exact(network, {.tolerance = 1e-12, .max_iterations = 20});
    ASSERT_TRUE(exact.solve(rated_conditions(*network)).converged);
    const auto& s = flow.solve(rated_conditions(*network));
    ASSERT_TRUE(s.converged) << data.name;
    EXPECT_LE(s.iterations, 10) << data.name;
    EXPECT_GE(s.iterations, 4) << data.name;
    EXPECT_LT(largest_difference(flow, exact), 1e-8) << data.name;
    EXPECT_LT(std::abs(flow.balance().source_power - exact.balance().source_power), 1e-7 * 100e6);
    for (std::size_t g = 0; g < s.generator_power.size(); ++g) {
      EXPECT_LT(std::abs(s.generator_power[g] - exact.solution().generator_power[g]), 1e-6 * 100e6) << g;
    }
  }
}

TEST_P(BothSchemes, ReactiveLimitsEndWhereNewtonsMethodEnds) {
  auto data = test::transmission_case("ieee14");
  data.generators[2].max_reactive = 8e6;
  data.generators[3].max_reactive = 20e6;
  data.generators.push_back(data.generators[0]);
  data.generators.back().name = "second";
  data.generators[0].power = data.generators.back().power = 20e6;
  const auto network = make_network(data);
  FastDecoupled flow(network, options);
  NewtonRaphson exact(network, {.tolerance = 1e-12, .max_iterations = 20});
  for (const double scale : {1.0, 0.3, 1.1}) {
    ASSERT_TRUE(exact.solve(rated_conditions(*network, scale)).converged);
    ASSERT_TRUE(flow.solve(rated_conditions(*network, scale)).converged);
    EXPECT_LT(largest_difference(flow, exact), 1e-7) << scale;
    for (std::size_t g = 0; g < data.generators.size(); ++g)
      EXPECT_LT(std::abs(flow.solution().generator_power[g] - exact.solution().generator_power[g]), 1e-5 * 100e6) << g;
  }
}

TEST_P(BothSchemes, ReactiveLimitsAreFoundBeforeTheLastDigits) {
  auto data = test::transmission_case("ieee14");
  auto free = options;
  free.reactive_limits = false;
  FastDecoupled without(make_network(data), free);
  data.generators[2].max_reactive = 8e6;
  data.generators[3].max_reactive = 20e6;
  const auto network = make_network(data);
  FastDecoupled with(network, options);
  ASSERT_TRUE(without.solve(rated_conditions(*network)).converged);
  ASSERT_TRUE(with.solve(rated_conditions(*network)).converged);
  EXPECT_GT(largest_difference(with, without), 1e-3);  // limits are reached
  EXPECT_LT(with.solution().iterations, 2 * without.solution().iterations);
}

TEST_P(BothSchemes, TakesSourcesWithAnImpedanceTappedTransformersAndVoltageDependentLoads) {
  const auto network = test::script(
      "new circuit.two basekv=7.2 phases=1 bus1=a.1 r1=0 x1=0.5 r0=0 x0=0.5\n"
      "new line.l phases=1 bus1=a.1 bus2=b.1 r1=1 x1=4 c1=100 r0=1 x0=4 c0=100 length=1\n"
      "new load.load phases=1 bus1=b.1 kv=7.2 kw=500 kvar=200 model=8 zipv=(0.2,0.3,0.5,0.1,0.4,0.5,0.5) vminpu=0.5\n"
      "new transformer.t phases=1 buses=[b.1 c.1] kvs=[7.2 2.4] kvas=[500 500] taps=[1.05 0.975] xhl=5 %noloadloss=0.5 %imag=1\n"
      "new load.low phases=1 bus1=c.1 kv=2.4 kw=300 kvar=100 vminpu=0.5\nset voltagebases=[12.47 4.16]\n");
  FastDecoupled flow(network, options);
  NewtonRaphson exact(network, {.tolerance = 1e-12});
  ASSERT_TRUE(exact.solve(rated_conditions(*network)).converged);
  ASSERT_TRUE(flow.solve(rated_conditions(*network)).converged);
  EXPECT_LT(largest_difference(flow, exact), 1e-8);
}

TEST(FastDecoupled, RefusesThreePhasesByName) {
  const auto network = test::feeder("ieee13");
  const std::string message = test::error_of([&] { FastDecoupled(network, {}); });
  EXPECT_NE(message.find("more than one conductor"), std::string::npos) << message;
  EXPECT_NE(message.find("powerflow.solver"), std::string::npos) << message;
}

}  // namespace
}  // namespace gridfed
