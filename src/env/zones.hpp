#pragma once

#include "grid/network.hpp"

#include <vector>

namespace gridfed {

/// The feeder cut into electrical zones: what each holds, by element position.
struct Zones {
  struct Zone {
    std::vector<int> measurements, lines, loads, solar, wind, batteries, regulators, capacitors;
    double peak_load = 0;       ///< rated active power of its loads [W]
    double battery_power = 0;   ///< [W]
    double battery_energy = 0;  ///< [Wh]
  };
  std::vector<Zone> zones;
  std::vector<int> zone_of_bus;
};

/// Walks the tree of shortest electrical paths depth first, the nearest branch first, and cuts the walk into `count` runs of about equal
/// load and DER capacity, so that a zone is a stretch of feeder with its laterals. Throws Error if there are fewer buses than zones.
Zones make_zones(const Network& network, int count);

}  // namespace gridfed
