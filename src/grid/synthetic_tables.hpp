#pragma once

#include "grid/synthetic_network.hpp"
#include "runtime/communicator.hpp"
#include "runtime/hdf5.hpp"

#include <filesystem>

namespace gridfed::synthetic {

/// Collective on comm. Writes a network as tables (network_tables.hpp), substation by substation: each is made twice, once to be counted,
/// and no rank holds more than one of them. What the file holds does not depend on the number of ranks. Returns how near it came to its
/// laws, the same on every rank.
Statistics write_tables(const Communicator& comm, const Plan& plan, const FileHeader& header, const std::filesystem::path& path);

}  // namespace gridfed::synthetic
