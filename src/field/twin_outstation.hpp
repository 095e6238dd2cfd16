#pragma once

#include "field/dnp3/outstation.hpp"
#include "field/point_map.hpp"
#include "field/twin.hpp"

namespace gridfed {

/// A twin as an outstation: its quantities are points, commands move it.
class TwinOutstation {
 public:
  /// A command that was asked for and what became of it, for the log.
  using OnCommand = std::function<void(const MappedPoint& point, double value, dnp3::CommandStatus status)>;

  /// Twin, network and map must outlive it. Throws an Error naming the line of a point that the network or the protocol does not have.
  TwinOutstation(Twin& twin, const Network& network, const PointMap& map, const dnp3::OutstationOptions& options, OnCommand on_command);

  /// Takes over all values of the twin's last solution. Without one, what hangs on it is flagged as lost and the device as in trouble.
  void report(dnp3::Instant now);
  /// Solves and reports again if commands have come since; to be called after each turn of the loop.
  void settle(dnp3::Instant now);

  dnp3::Dnp3Outstation& station() { return station_; }

 private:
  struct Source {
    TwinPoint point;
    double unit;  ///< SI per unit of the map
  };
  static std::vector<Source> sources_of(const Network& network, const PointMap& map);
  dnp3::PointValue value_of(std::size_t point) const;
  dnp3::CommandStatus act(const dnp3::Command& command, bool only_check);

  Twin& twin_;
  const PointMap& map_;
  std::vector<Source> sources_;
  std::vector<double> last_;  // on the wire
  OnCommand on_command_;
  dnp3::Dnp3Outstation station_;
  bool commanded_ = false;
};

}  // namespace gridfed
