#pragma once

#include "field/control_loop.hpp"
#include "runtime/hdf5.hpp"

namespace gridfed {

inline constexpr Version control_version{1, 0};

/// Cycles of a control loop, for a file of kind `control`: /columns and /cycles [n, columns]; /status, /reason [n]; /observations [n, o]
/// and /actions [n, a], not a number where nothing was decided; /measurements [n, points] in the map's units and /flags [n, points] as they
/// stood at the end of the cycle; /commands/{cycle, point, value} of all setpoints, and whether they were sent; as attributes of the root
/// the names of points, observations and actions, one a line.
class ControlRecord {
 public:
  explicit ControlRecord(const Readings& readings) : readings_(readings) {}

  void append(const Cycle& cycle);
  std::size_t size() const { return status_.size(); }
  void write(const std::filesystem::path& path, const FileHeader& header, const GridEnvironment& environment,
             const std::string& policy) const;

 private:
  const Readings& readings_;
  std::vector<double> cycles_, measurements_, command_values_;
  std::vector<std::int32_t> status_, command_cycles_, command_points_;
  std::vector<std::uint8_t> flags_, command_sent_;
  std::vector<std::string> reasons_;
  std::vector<std::vector<float>> observations_, actions_;
};

}  // namespace gridfed
