// Builds a feeder of two voltage levels with a plant and a battery, solves it and prints what came out.
#include "grid/feeder_builder.hpp"
#include "powerflow/make_power_flow.hpp"

#include <fmt/core.h>

using namespace gridfed;
using namespace gridfed::components;

int main() {
  FeederBuilder feeder("custom");
  feeder.add_bus({.name = "1", .voltage_level = 12.47e3, .type = BusType::slack})
      .add_bus({.name = "2", .voltage_level = 12.47e3})
      .add_bus({.name = "3", .voltage_level = 400});
  feeder.add_line({.from_bus = "1", .to_bus = "2", .resistance = 1.5, .reactance = 3.0, .rating = 5e6});
  feeder.add_transformer({.from_bus = "2", .to_bus = "3", .rating = 1e6});
  feeder.add_load({.bus = "3", .active_power = 600e3, .reactive_power = 200e3});
  feeder.add_der(SolarPV{.bus = "2", .capacity = 2e6, .efficiency = 0.18, .panel_area = 10000});
  feeder.add_der(Battery{.bus = "2", .capacity = 1e6, .power_rating = 0.5e6, .efficiency = 0.95, .initial_soc = 0.5});
  const auto network = feeder.build();

  const auto flow = make_power_flow(network, PowerFlowOptions{});
  LoadingConditions conditions = rated_conditions(*network);
  conditions.solar_power[0] = 1.2e6;     // W
  conditions.battery_power[0] = -0.3e6;  // charging
  const auto& solution = flow->solve(conditions);

  fmt::print("converged: {} in {} iterations\n", solution.converged, solution.iterations);
  for (const auto& m : network->measured_voltages())
    fmt::print("{}: {:.4f} p.u.\n", network->node_name(m.node), std::abs(solution.bus_voltages[m.node]) / m.base);
  fmt::print("from the source: {:.1f} kW, losses {:.2f} kW\n", flow->balance().source_power.real() / 1e3,
             flow->balance().losses.real() / 1e3);
}
