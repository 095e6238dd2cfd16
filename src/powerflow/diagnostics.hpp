#pragma once

#include "powerflow/power_flow.hpp"

#include <optional>
#include <string>
#include <vector>

namespace gridfed {

/// What looks wrong with a network in a state, one sentence each with element, file and line where known, and remedy: islands; conductors
/// that nothing ties to a source, among them laterals and loads on a phase that their bus does not have; impedances that are orders of
/// magnitude off or whose R/X is odd. Needs no solution.
std::vector<std::string> suspicious_structure(const Network& network, const GridState& state);

/// The nodes with the largest mismatches at the solver's last voltages under these conditions, worst first, one sentence each.
std::vector<std::string> worst_nodes(const PowerFlow& flow, const LoadingConditions& conditions, int count = 10);

/// Largest factor on all loads at which the solver still converges from no load with half its rated voltage or more at every load, to three
/// digits and at most 16; none if it does not even at a hundredth. Leaves the solver at some solution.
std::optional<double> largest_load_scale(PowerFlow& flow, const LoadingConditions& conditions);

}  // namespace gridfed
