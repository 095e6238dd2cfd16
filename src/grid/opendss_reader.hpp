#pragma once

#include "grid/network_data.hpp"

#include <filesystem>

namespace gridfed {

/// Reads an OpenDSS script with everything it redirects to. Throws Error naming file and line for what it cannot read or does not know.
NetworkData read_opendss(const std::filesystem::path& script);

/// Reads a feeder by its file's ending (.dss, .m, .xml). Throws Error for an unknown ending or a missing file.
NetworkData read_feeder(const std::filesystem::path& path);

}  // namespace gridfed
