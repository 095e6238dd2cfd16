#pragma once

#include "grid/network_data.hpp"

#include <filesystem>

namespace gridfed {

/// Reads a MATPOWER case (Zimmerman, Murillo-Sánchez, "MATPOWER User's Manual", appendix B; versions 1 and 2). Throws Error naming file and
/// line for what it cannot read; code beyond the arithmetic of distribution cases is refused, not ignored.
///
/// A case is a positive-sequence equivalent: every bus becomes one conductor (node 1) whose voltage is the line-to-line voltage and whose
/// powers are those of all three phases, so that impedances are ohms of a phase and currents sqrt(3) times those of a conductor. A bus
/// without baseKV (MATPOWER allows 0) stands at 1 kV. Reference buses become ideal sources, the machines of a PV bus one that holds Vg, bus
/// shunts become reactors, all branches lines; voltage limits, areas and costs have no place in NetworkData.
NetworkData read_matpower(const std::filesystem::path& path);

}  // namespace gridfed
