#include "feeders.hpp"
#include "powerflow/static_control.hpp"

#include <fmt/core.h>
#include <gtest/gtest.h>

namespace gridfed {
namespace {

std::shared_ptr<const Network> bank(const std::string& control, double kw, double kvar, const std::string& states) {
  return test::script(
      fmt::format("new circuit.c basekv=12.47 mvasc3=200 mvasc1=180\n"
                  "new line.l bus1=sourcebus bus2=b r1=0.5 x1=1.5 r0=1 x0=3 c1=0 c0=0 length=1\n"
                  "new load.l bus1=b kv=12.47 kw={} kvar={}\n"
                  "new capacitor.bank bus1=b kv=12.47 kvar=1200 numsteps=3 states=[{}]\n"
                  "new capcontrol.c capacitor=bank element=line.l terminal=1 {}\nset voltagebases=[12.47]\n",
                  kw, kvar, states, control));
}

struct Case {
  const char* control;
  double kw, kvar;
  const char* before;
  std::vector<int> after;  ///< as OpenDSS (DSS C-API 0.14.5, control mode STATIC) leaves it
};

class CapacitorControl : public testing::TestWithParam<Case> {};
INSTANTIATE_TEST_SUITE_P(
    OpenDss, CapacitorControl,
    testing::Values(Case{"type=kvar ptratio=1 ctratio=1 onsetting=600 offsetting=-300", 3000, 1500, "0 0 0", {1, 1, 1}},
                    Case{"type=kvar ptratio=1 ctratio=1 onsetting=600 offsetting=-300", 1000, 100, "1 1 1", {1, 0, 0}},
                    Case{"type=voltage ptratio=60 onsetting=117 offsetting=122", 6000, 2000, "0 0 0", {0, 0, 0}},
                    Case{"type=voltage ptratio=60 onsetting=117 offsetting=119", 1000, 100, "1 1 1", {0, 0, 0}},
                    Case{"type=current ctratio=60 onsetting=2.5 offsetting=2.0", 3000, 1500, "0 0 0", {1, 1, 0}},
                    Case{"type=current ctratio=60 onsetting=2.5 offsetting=1.0", 800, 100, "1 1 1", {1, 1, 1}},
                    Case{"type=pf onsetting=0.95 offsetting=0.99", 3000, 1500, "0 0 0", {1, 1, 0}},
                    Case{"type=pf onsetting=0.95 offsetting=-0.98", 1000, 100, "1 1 1", {0, 0, 0}},
                    Case{"type=pf onsetting=0.9 offsetting=0.99", 3000, 1200, "1 0 0", {1, 0, 0}},
                    Case{"type=kvar ptratio=60 ctratio=1 onsetting=5000 offsetting=-5000 voltoverride=yes vmin=115 vmax=118.5",
                         500,
                         100,
                         "1 1 1",
                         {0, 0, 0}},
                    Case{"type=time onsetting=0 offsetting=5", 1000, 100, "0 0 0", {1, 1, 1}},
                    Case{"type=time onsetting=6 offsetting=20", 1000, 100, "1 1 1", {0, 0, 0}}));

TEST_P(CapacitorControl, EndsWithTheStepsInServiceThatOpenDssLeaves) {
  const Case& c = GetParam();
  const auto network = bank(c.control, c.kw, c.kvar, c.before);
  UnbalancedPowerFlow flow(network, {});
  const auto result = solve_with_controls(flow, rated_conditions(*network), regulator_settings(*network));
  EXPECT_TRUE(result.settled);
  EXPECT_EQ(flow.state().capacitors[0], c.after);
  int moved = 0;
  for (int k = 0; k < 3; ++k) moved += flow.state().capacitors[0][k] != initial_state(*network).capacitors[0][k];
  EXPECT_EQ(result.capacitor_operations, moved);
}

TEST(CapacitorControlActions, ALowVoltageClosesABankWhoseStepsAreAllOut) {
  // OpenDSS (C-API 0.14.5) leaves this bank out: it takes a bank for closed as long as its terminal is, whatever its steps, and so never
  // looks at vmin. Only after `open capacitor.bank 1` does it close the bank, as here in both cases.
  const std::string control = "type=kvar ptratio=60 onsetting=9000 offsetting=-9000 voltoverride=yes vmin=118 vmax=126";
  for (const bool opened : {false, true}) {
    auto network = bank(control, 6000, 2000, "0 0 0");
    if (opened) {
      network = test::script(
          "new circuit.c basekv=12.47 mvasc3=200 mvasc1=180\n"
          "new line.l bus1=sourcebus bus2=b r1=0.5 x1=1.5 r0=1 x0=3 c1=0 c0=0 length=1\nnew load.l bus1=b kv=12.47 kw=6000 kvar=2000\n"
          "new capacitor.bank bus1=b kv=12.47 kvar=1200\nopen capacitor.bank 1\n"
          "new capcontrol.c capacitor=bank element=line.l terminal=1 " +
          control + "\nset voltagebases=[12.47]\n");
    }
    UnbalancedPowerFlow flow(network, {});
    EXPECT_TRUE(solve_with_controls(flow, rated_conditions(*network), regulator_settings(*network)).settled);
    EXPECT_EQ(flow.state().capacitors[0][0], 1);
  }
}

TEST(CapacitorControlActions, TheShortestDelayActsFirst) {
  const auto network = test::script(
      "new circuit.c basekv=12.47 mvasc3=200 mvasc1=180\n"
      "new line.l bus1=sourcebus bus2=b r1=0.5 x1=1.5 r0=1 x0=3 c1=0 c0=0 length=1\n"
      "new load.l bus1=b kv=12.47 kw=3000 kvar=1500\n"
      "new capacitor.slow bus1=b kv=12.47 kvar=300 states=[0]\nnew capacitor.fast bus1=b kv=12.47 kvar=300 states=[0]\n"
      "new capcontrol.s capacitor=slow element=line.l type=kvar ptratio=1 ctratio=1 onsetting=600 offsetting=-300 delay=30\n"
      "new capcontrol.f capacitor=fast element=line.l type=kvar ptratio=1 ctratio=1 onsetting=600 offsetting=-300 delay=10\n"
      "set voltagebases=[12.47]\n");
  UnbalancedPowerFlow flow(network, {});
  flow.solve(rated_conditions(*network));
  const auto actions = wanted_capacitor_steps(flow);
  ASSERT_EQ(actions.size(), 2u);
  ControlQueue queue(*network, regulator_settings(*network));
  queue.sample(flow, 0);
  ASSERT_TRUE(queue.act_first(flow, 0));
  EXPECT_EQ(flow.state().capacitors, (std::vector<std::vector<int>>{{0}, {1}}));
}

TEST(CapacitorControlActions, RefusesToMonitorWhatHasNoMeter) {
  const auto network = test::script(
      "new circuit.c basekv=12.47\nnew line.l bus1=sourcebus bus2=b r1=0.5 x1=1.5 r0=1 x0=3 length=1\n"
      "new load.l bus1=b kv=12.47 kw=3000 kvar=1500\nnew capacitor.bank bus1=b kv=12.47 kvar=300\n"
      "new capcontrol.c capacitor=bank element=load.l type=kvar\n");
  UnbalancedPowerFlow flow(network, {});
  flow.solve(rated_conditions(*network));
  EXPECT_NE(test::error_of([&] {
              wanted_capacitor_steps(flow);
            }).find("small.dss:5: capacitor control 'c' monitors 'l': only lines, transformers, capacitors and reactors"),
            std::string::npos);
}

}  // namespace
}  // namespace gridfed
