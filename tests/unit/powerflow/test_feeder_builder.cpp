#include "grid/feeder_builder.hpp"

#include "feeders.hpp"
#include "grid/opendss_writer.hpp"
#include "powerflow/make_power_flow.hpp"
#include "powerflow/static_control.hpp"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>

namespace gridfed {
namespace {

using namespace components;

/// Voltages [p.u.] by node name after regulators have settled.
std::map<std::string, double> voltages(const std::shared_ptr<const Network>& network) {
  const auto flow = make_power_flow(network, {.tolerance = 1e-12});
  solve_with_controls(*flow, rated_conditions(*network), regulator_settings(*network));
  EXPECT_TRUE(flow->solution().converged);
  std::map<std::string, double> result;
  for (const auto& m : network->measured_voltages())
    result[network->node_name(m.node)] = std::abs(flow->solution().bus_voltages[m.node]) / m.base;
  return result;
}

TEST(FeederBuilder, SolvesAsTheSameFeederWrittenAsAScript) {
  FeederBuilder feeder;
  feeder.add_bus({.name = "s", .voltage_level = 12.47e3, .type = BusType::slack, .voltage_pu = 1.02, .short_circuit_power = 2e9})
      .add_bus({.name = "r", .voltage_level = 12.47e3})
      .add_bus({.name = "m", .voltage_level = 12.47e3})
      .add_bus({.name = "n", .voltage_level = 12.47e3, .phases = {2}})
      .add_bus({.name = "l", .voltage_level = 480});
  feeder.add_regulator({.from_bus = "s", .to_bus = "r", .rating = 15e6, .setpoint = 122, .band = 2});
  feeder.add_line({.from_bus = "r",
                   .to_bus = "m",
                   .resistance = 2,
                   .reactance = 4,
                   .zero_sequence_resistance = 5,
                   .zero_sequence_reactance = 12,
                   .susceptance = 1e-5});
  feeder.add_line({.from_bus = "m", .to_bus = "n", .resistance = 1, .reactance = 1, .phases = {2}});
  feeder.add_transformer({.from_bus = "m", .to_bus = "l", .rating = 1e6, .resistance = 0.01, .reactance = 0.06});
  feeder.add_load({.bus = "m", .active_power = 900e3, .reactive_power = 300e3, .connection = Connection::delta});
  feeder.add_load({.bus = "n", .active_power = 200e3, .reactive_power = 50e3, .phases = {2}});
  feeder.add_load({.bus = "l", .active_power = 500e3, .reactive_power = 200e3, .model = LoadModel::constant_impedance});
  feeder.add_capacitor({.bus = "m", .reactive_power = 450e3});
  const double x = 12.47e3 * 12.47e3 / 2e9;
  std::string text = fmt::format("new circuit.c bus1=s basekv=12.47 pu=1.02 r1=0 x1={} r0=0 x0={}\n", x, x);
  for (int p = 1; p <= 3; ++p) {
    text += fmt::format(
        "new transformer.t{0} phases=1 windings=2 buses=[s.{0} r.{0}] kvs=[{1} {1}] kvas=[5000 5000] xhl=0.01 %rs=[0.005 0.005]\n"
        "new regcontrol.t{0} transformer=t{0} winding=2 vreg=122 band=2 ptratio={2}\n",
        p, 12.47 / std::sqrt(3.0), 12.47e3 / std::sqrt(3.0) / 120);
  }
  text +=
      "new line.a bus1=r bus2=m phases=3 r1=2 x1=4 r0=5 x0=12 c1=26.525823848649223 c0=26.525823848649223 length=1\n"
      "new line.b bus1=m.2 bus2=n.2 phases=1 r1=1 x1=1 r0=1 x0=1 c1=0 c0=0 length=1\n"
      "new transformer.t phases=3 windings=2 buses=[m l] conns=[delta wye] kvs=[12.47 0.48] kvas=[1000 1000] xhl=6 %rs=[0.5 0.5]\n"
      "new load.a bus1=m phases=3 conn=delta kv=12.47 kw=900 kvar=300\n"
      "new load.b bus1=n.2 phases=1 kv=7.199557856 kw=200 kvar=50\n"
      "new load.c bus1=l phases=3 kv=0.48 kw=500 kvar=200 model=2\n"
      "new capacitor.c bus1=m phases=3 kv=12.47 kvar=450\n";
  const auto ours = voltages(feeder.build()), theirs = voltages(test::script(text));
  ASSERT_EQ(ours.size(), theirs.size());
  for (const auto& [node, v] : theirs) {
    ASSERT_TRUE(ours.count(node)) << node;
    EXPECT_NEAR(ours.at(node), v, 2e-8) << node;
  }
  // And as the script that is written of it.
  const auto folder = std::filesystem::temp_directory_path() / ("gridfed_built_" + std::to_string(getpid()));
  std::filesystem::create_directories(folder);
  const auto network = feeder.build();
  write_opendss(*network, initial_state(*network), folder / "built.dss");
  const auto again = voltages(make_network(read_feeder(folder / "built.dss")));
  std::filesystem::remove_all(folder);
  ASSERT_EQ(again.size(), ours.size());
  for (const auto& [node, v] : ours) EXPECT_NEAR(again.at(node), v, 1e-9) << node;
  EXPECT_NEAR(ours.at("R.1"), 122.0 / 120, 1.0 / 120 + 1e-9);
}

}  // namespace
}  // namespace gridfed
