#pragma once

#include "field/dnp3/point_database.hpp"
#include "runtime/csv_table.hpp"

#include <filesystem>
#include <limits>

namespace gridfed {

/// What a point measures or moves, and how its number on the wire becomes one in its unit: value = wire * scale + offset.
struct MappedPoint {
  std::string name;
  dnp3::PointType type = dnp3::PointType::analog_input;
  std::uint16_t index = 0;
  std::uint8_t event_class = 0;
  double scale = 1, offset = 0;
  std::string unit;      ///< empty = the SI unit of the quantity
  double dead_band = 0;  ///< in the unit
  double low = -std::numeric_limits<double>::infinity(), high = std::numeric_limits<double>::infinity();  ///< in the unit
  std::string element, quantity;                                                                          ///< "line.l115", "active_power"

  double to_wire(double value) const { return (value - offset) / scale; }
  double from_wire(double wire) const { return wire * scale + offset; }
  bool within_limits(double value) const { return value >= low && value <= high; }
};

/// A point map: a CSV file with the columns name, kind, index, class, element, quantity and, where wanted, scale, offset, unit, dead_band,
/// low, high. Kinds are those of dnp3::type_of_name().
class PointMap {
 public:
  /// Throws an Error naming file and line.
  explicit PointMap(const std::filesystem::path& file);

  std::span<const MappedPoint> points() const { return points_; }
  /// Position, -1 where there is none.
  int find(dnp3::PointType type, std::uint32_t index) const;
  int find(std::string_view name) const;
  /// For an outstation's database.
  std::vector<dnp3::PointOptions> point_options() const;

  /// Throws an Error that names the point's line.
  template <class... Args>
  [[noreturn]] void fail(std::size_t point, fmt::format_string<Args...> format, Args&&... args) const {
    table_.fail(point, format, std::forward<Args>(args)...);
  }

 private:
  MappedPoint read(std::size_t row) const;

  CsvTable table_;
  std::vector<MappedPoint> points_;
  std::vector<std::pair<std::uint32_t, int>> by_type_and_index_;  // sorted
};

}  // namespace gridfed
