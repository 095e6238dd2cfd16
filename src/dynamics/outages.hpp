#pragma once

#include "grid/network.hpp"
#include "runtime/random.hpp"

#include <vector>

namespace gridfed {

/// Failure and repair of lines. Defaults are those of 11 kV overhead lines in the RBTS (Allan et al., IEEE Trans. Power Systems 6, 1991).
struct OutageOptions {
  double rate = 0.065;  ///< failures [1/km/yr]
  double repair = 5;    ///< mean time of one, exponential [h]
};

/// A line out of service.
struct Outage {
  int line = 0;
  double begin = 0, end = 0;  ///< [s] from midnight; 0 and the end of the day where it reaches beyond
};

/// Outages of a day [s] of the alternating renewal process of each line that is no switch, in its stationary state. A line without a length
/// counts as 100 m.
std::vector<Outage> draw_outages(const Network& network, const OutageOptions& options, double seconds, RandomStream& stream);

/// Buses without supply while these lines are out, by position.
std::vector<char> dark_buses(const Network& network, const GridState& state, const std::vector<int>& lines_out);

}  // namespace gridfed
