#pragma once

#include "field/dnp3/station.hpp"
#include "field/point_map.hpp"
#include "field/twin.hpp"

#include <map>
#include <tuple>

namespace gridfed {

/// Can a reading be relied on, and if not, why?
enum class Quality {
  good,
  missing,  ///< never heard since the connection stands
  stale,    ///< heard too long ago
  bad,      ///< flagged by the outstation, or no number
};

/// What an outstation last said of the points of a map, in SI.
class Readings {
 public:
  /// Throws Error naming the line of a point that the network does not have.
  Readings(const Network& network, const PointMap& map);

  void take(dnp3::PointType type, std::uint32_t index, const dnp3::PointValue& value, dnp3::Instant now);
  /// Nothing is known any more.
  void forget();

  Quality quality(std::size_t point, dnp3::Instant now, dnp3::Duration longest_age) const;
  double value(std::size_t point) const { return readings_[point].value; }
  const TwinPoint& source(std::size_t point) const { return sources_[point].point; }
  double unit(std::size_t point) const { return sources_[point].unit; }  ///< SI per unit of the map
  std::uint8_t flags(std::size_t point) const { return readings_[point].flags; }
  std::size_t size() const { return readings_.size(); }
  const PointMap& map() const { return map_; }
  /// A point that measures this, an input before an output; -1 where there is none.
  int find(TwinPoint::Element element, int position, Quantity quantity) const;
  /// An output that commands this, -1 where there is none.
  int find_command(TwinPoint::Element element, int position, Quantity quantity) const;

 private:
  struct Source {
    TwinPoint point;
    double unit;
  };
  struct Reading {
    double value = 0;  ///< SI
    std::uint8_t flags = 0;
    std::optional<dnp3::Instant> heard;
  };
  using Key = std::tuple<TwinPoint::Element, int, Quantity>;

  const PointMap& map_;
  std::vector<Source> sources_;
  std::vector<Reading> readings_;
  std::map<Key, int> measures_, commands_;
};

}  // namespace gridfed
