#pragma once

#include "grid/network_data.hpp"

#include <filesystem>

namespace gridfed {

class StageTimes;

/// How strict a reader is.
struct ReadOptions {
  bool ignore_unknown = false;  ///< unknown classes, properties, commands and options become notes instead of errors
};

/// Reads an OpenDSS script with everything it redirects to. Throws Error naming file and line for what it cannot read or does not know.
/// The stages `parse` and `elements` (from the script's objects to data) are added to `times`.
NetworkData read_opendss(const std::filesystem::path& script, const ReadOptions& options = {}, StageTimes* times = nullptr);

/// Reads a feeder by its file's ending (.dss, .m, .xml, .h5). Throws Error for an unknown ending or a missing file.
NetworkData read_feeder(const std::filesystem::path& path, const ReadOptions& options = {}, StageTimes* times = nullptr);

}  // namespace gridfed
