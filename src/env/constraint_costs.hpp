#pragma once

#include <string>
#include <vector>

namespace gridfed {

struct StepInfo;

/// What a constraint costs in a step, from its account: 0 where it holds.
using ConstraintCost = double (*)(const StepInfo& step);

/// The functions that env.constraints lists: voltage and thermal cost a step's violation of limits and ratings, stability how near the
/// weakest node is to the nose of its voltage curve. Throws Error naming an unknown or repeated one.
std::vector<ConstraintCost> constraint_costs(const std::string& names);

/// For a node at v [p.u.]: (1 - v) / v, the drop over the voltage, beyond 0.25. It is 1 at the nose, where load and Thevenin impedance are
/// equal (Vu, Begovic, Novosel, Saha, 1999, doi:10.1109/59.780916), phase angles left out and 1 p.u. taken without load.
double stability_violation(double lowest_voltage);

}  // namespace gridfed
