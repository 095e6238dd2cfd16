// Lines and transformers with open conductors, and earthed neutrals: voltages as OpenDSS (C-API 0.14.5, tolerance 1e-11) has them.
#include "feeders.hpp"
#include "powerflow/make_power_flow.hpp"

#include <gtest/gtest.h>

namespace gridfed {
namespace {

/// Charging of a long line, no-load losses, and two transformers side by side, one of them 30 degrees ahead.
const std::string circuit =
    "new circuit.c basekv=12.47 mvasc3=100 mvasc1=80\n"
    "new line.l bus1=sourcebus bus2=b r1=0.3 x1=0.6 r0=0.6 x0=1.8 c1=300 c0=150 length=3 units=km\n"
    "new line.far bus1=b bus2=c r1=0.3 x1=0.6 r0=0.6 x0=1.8 c1=300 c0=150 length=20 units=km\n"
    "new load.x bus1=b phases=3 kv=12.47 kw=500 kvar=100\n"
    "new transformer.t phases=3 windings=2 xhl=5 %noloadloss=1 %imag=3\n"
    "~ wdg=1 bus=b conn=delta kv=12.47 kva=1000 %r=0.5\n~ wdg=2 bus=e conn=wye kv=4.16 kva=1000 %r=0.5\n"
    "new load.y bus1=e phases=3 kv=4.16 kw=300 kvar=100\n"
    "new transformer.u phases=3 windings=2 xhl=5 %noloadloss=1 %imag=3\n"
    "~ wdg=1 bus=b conn=wye kv=12.47 kva=500 %r=0.5\n~ wdg=2 bus=e conn=wye kv=4.16 kva=500 %r=0.5\n"
    "set voltagebases=[12.47 4.16]\n";

struct Case {
  const char* name;
  std::string text;
  const char* node;
  double volts;
};

class OpenEnds : public testing::TestWithParam<Case> {};
INSTANTIATE_TEST_SUITE_P(
    OpenDss, OpenEnds,
    testing::Values(Case{"line", circuit + "open line.far 2", "B.1", 6898.19139},
                    Case{"conductor", circuit + "new load.z bus1=c phases=3 kv=12.47 kw=200 kvar=20\nopen line.far 2 2", "B.2", 6901.49919},
                    Case{"low_side", circuit + "open transformer.u 2", "B.1", 7171.30022},
                    Case{"phase_of_high_side", circuit + "open transformer.u 1 2", "E.2", 2275.3204},
                    Case{"phase_of_low_side", circuit + "open transformer.t 2 3", "B.2", 7195.4958},
                    Case{"high_side", circuit + "open transformer.t 1", "E.1", 2340.34002},
                    Case{"neutral", circuit + "open transformer.t 2 4", "E.1", 2214.96478},
                    Case{"neutral_of_a_load",
                         "new circuit.c basekv=12.47 mvasc3=100 mvasc1=80\n"
                         "new line.l bus1=sourcebus bus2=b r1=0.3 x1=0.6 r0=0.6 x0=1.8 c1=0 c0=0 length=1\n"
                         "new load.x bus1=b.1 phases=1 kv=7.2 kw=500 kvar=100\n"
                         "new load.star phases=3 bus1=b.1.2.3.7 kv=12.47 kw=900 kvar=300 model=2 rneut=10 xneut=3\n"
                         "set voltagebases=[12.47]\n",
                         "B.7", 111.746833}),
    [](const auto& info) { return std::string(info.param.name); });

TEST_P(OpenEnds, HaveTheVoltagesOfOpenDss) {
  const Case& c = GetParam();
  const auto network = test::script(c.text);
  for (const auto solver : {Solver::unbalanced, Solver::newton_raphson}) {
    const auto flow = make_power_flow(network, {.tolerance = 1e-11, .max_iterations = 1000, .solver = solver});
    const auto& solution = flow->solve(rated_conditions(*network));
    ASSERT_TRUE(solution.converged);
    int node = 0;
    while (network->node_name(node) != c.node) ++node;
    EXPECT_NEAR(std::abs(solution.bus_voltages[node]), c.volts, 1e-6 * c.volts);
  }
}

TEST(OpenEnds, CarryNoCurrentAndKeepTheirCharging) {
  const auto network = test::script(circuit + "open line.far 2");
  UnbalancedPowerFlow flow(network, {.tolerance = 1e-11});
  ASSERT_TRUE(flow.solve(rated_conditions(*network)).converged);
  EXPECT_NEAR(flow.line_flow(1).power.imag() / 1e3, -3 * 2 * 3.14159265 * 60 * 300e-9 * 20 * 6.898 * 6.898e3, 5);  // c1 of 20 km at 6.9 kV
  EXPECT_EQ(network->buses()[network->find_bus("c")].nominal_voltage, network->buses()[network->find_bus("b")].nominal_voltage);
  // Radial solvers see an end, not a loop.
  auto data = network->data();
  data.lines[1].to = {"e", {1, 2, 3}, {0, 1, 2}};
  EXPECT_NO_THROW(make_power_flow(make_network(data), {.solver = Solver::distribution}));
}

TEST(OpenEnds, WhatHangsBehindThemIsNamed) {
  const std::string message = test::error_of([] { test::script(circuit + "new load.z bus1=c phases=3 kv=12.47 kw=200\nopen line.far 1"); });
  EXPECT_NE(message.find("small.dss:3: bus 'c' has no path to a source (line 'far' is open)"), std::string::npos) << message;
}

}  // namespace
}  // namespace gridfed
