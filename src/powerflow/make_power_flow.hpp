#pragma once

#include "powerflow/power_flow.hpp"

namespace gridfed {

/// The solver that the options name, ready for its first solve.
std::unique_ptr<PowerFlow> make_power_flow(std::shared_ptr<const Network> network, const PowerFlowOptions& options);

}  // namespace gridfed
