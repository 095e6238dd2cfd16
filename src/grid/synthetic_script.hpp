#pragma once

#include "grid/synthetic_network.hpp"
#include "runtime/communicator.hpp"

#include <filesystem>

namespace gridfed::synthetic {

/// Collective on comm. Writes a network as an OpenDSS script, and <stem>_buscoords.csv beside it, substation by substation: no rank holds
/// more than one of them. The bytes do not depend on the number of ranks. Returns how near it came to its laws, the same on every rank.
Statistics write_script(const Communicator& comm, const Plan& plan, const std::filesystem::path& path);

}  // namespace gridfed::synthetic
