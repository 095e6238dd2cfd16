#pragma once

#include "data/dataset.hpp"
#include "runtime/hdf5.hpp"

namespace gridfed {

/// True for a file of Minari's layout: groups /episode_0, /episode_1, ...
bool is_minari(const File& file);

/// Reads its episodes in order, at most max_rows transitions (0 = all): observations [steps + 1, o], of which the following row is the next
/// observation, actions [steps, a], rewards, terminations, truncations; costs where the file has infos/cost or costs, else zero. Throws
/// Error naming file, array and row.
Dataset read_minari(const File& file, std::int64_t max_rows);

}  // namespace gridfed
