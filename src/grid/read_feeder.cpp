#include "grid/cim_reader.hpp"
#include "grid/matpower_reader.hpp"
#include "grid/network_tables.hpp"
#include "grid/opendss_reader.hpp"
#include "runtime/error.hpp"

#include <algorithm>
#include <cctype>

namespace gridfed {

NetworkData read_feeder(const std::filesystem::path& path, const ReadOptions& options, StageTimes* times) {
  std::string ending = path.extension().string();
  std::transform(ending.begin(), ending.end(), ending.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (ending == ".dss") return read_opendss(path, options, times);
  if (ending == ".m") return read_matpower(path);
  if (ending == ".xml") return read_cim(path);
  if (ending == ".h5") return read_network_tables(path);
  throw Error(
      "{}: feeders of kind '{}' cannot be read: give an OpenDSS script (.dss), a MATPOWER case (.m), a CIM model (.xml) or tables (.h5)",
      path.string(), path.extension().string());
}

}  // namespace gridfed
