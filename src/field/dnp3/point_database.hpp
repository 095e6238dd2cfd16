#pragma once

#include "field/dnp3/object_header.hpp"

#include <array>
#include <span>
#include <string>
#include <vector>

namespace gridfed::dnp3 {

/// How a point is reported.
struct PointOptions {
  PointType type = PointType::binary_input;
  std::uint16_t index = 0;
  std::uint8_t event_class = 0;                            ///< 1 to 3; 0 makes no events
  double dead_band = 0;                                    ///< of numbers: a change must be larger to be an event
  std::uint8_t static_variation = 0, event_variation = 0;  ///< where the master asks for none; 0 = those of groups_of()
};

struct Point {
  PointOptions options;
  PointValue value{.flags = flag::restart};
  std::string text;       ///< of octet strings, 255 bytes at most
  PointValue reported{};  ///< by the last event
};

/// The points of an outstation by type and index; indices may have gaps.
class PointDatabase {
 public:
  /// Throws an Error where two points share type and index, and for classes and variations that there are not.
  explicit PointDatabase(std::span<const PointOptions> points);

  std::span<const Point> points(PointType type) const { return points_[static_cast<std::size_t>(type)]; }
  std::span<Point> points(PointType type) { return points_[static_cast<std::size_t>(type)]; }
  /// Null where there is none.
  Point* find(PointType type, std::uint32_t index);
  /// Position of the first point of at least this index.
  std::size_t position(PointType type, std::uint32_t index) const;

 private:
  std::array<std::vector<Point>, point_types> points_;
};

/// Is the value to be an event after what was reported last?
bool has_changed(const Point& point, const PointValue& value);

/// Points that a read asks for and what of them is still to be sent.
struct StaticSelection {
  PointType type = PointType::binary_input;
  std::size_t next = 0, end = 0;  ///< positions
  std::uint8_t variation = 0;     ///< 0 = each point's own
};

/// Appends points up to a size of `out`; true when none is left. Packed variations are sent of points that are online without any other
/// flag, of others the one with flags.
bool put_static(Bytes& out, std::size_t capacity, const PointDatabase& database, StaticSelection& selection);

}  // namespace gridfed::dnp3
