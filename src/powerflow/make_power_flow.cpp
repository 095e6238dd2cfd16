#include "powerflow/make_power_flow.hpp"

#include "powerflow/distribution_power_flow.hpp"
#include "powerflow/fast_decoupled.hpp"
#include "powerflow/newton_raphson.hpp"

#include <algorithm>

namespace gridfed {

std::unique_ptr<PowerFlow> make_power_flow(std::shared_ptr<const Network> network, const PowerFlowOptions& options) {
  switch (options.solver) {
    case Solver::newton_raphson:
      return std::make_unique<NewtonRaphson>(std::move(network), options);
    case Solver::fast_decoupled:
      return std::make_unique<FastDecoupled>(std::move(network), options);
    case Solver::distribution:
      return std::make_unique<DistributionPowerFlow>(std::move(network), options);
    case Solver::unbalanced:
      return std::make_unique<UnbalancedPowerFlow>(std::move(network), options);
    case Solver::automatic:
      break;
  }
  const auto& data = network->data();
  const bool shifts = std::any_of(data.lines.begin(), data.lines.end(), [](const auto& line) { return line.ratio.imag() != 0; });
  const bool holds = std::any_of(data.generators.begin(), data.generators.end(), [](const auto& g) { return g.voltage_setpoint_pu; }) ||
                     std::any_of(data.sources.begin(), data.sources.end(), [](const auto& s) { return s.ideal; });
  if (shifts || holds || is_positive_sequence(*network)) return std::make_unique<NewtonRaphson>(std::move(network), options);
  return std::make_unique<UnbalancedPowerFlow>(std::move(network), options);
}

}  // namespace gridfed
