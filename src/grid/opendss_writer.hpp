#pragma once

#include "grid/network.hpp"

#include <filesystem>

namespace gridfed {

/// Writes a network in a given state as an OpenDSS script that read_opendss() reads back to the same network (numbers to rounding), and
/// beside it <stem>_buscoords.csv if buses have coordinates. Neutral impedances come out as the reactors that they are here; a generator
/// comes back as a load of negative power if it holds no voltage. Throws Error for what the language or its reader cannot say: ideal
/// sources and lines that transform.
void write_opendss(const Network& network, const GridState& state, const std::filesystem::path& path);

}  // namespace gridfed
