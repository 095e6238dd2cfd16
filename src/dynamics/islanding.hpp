#pragma once

#include "dynamics/inverter_dynamics.hpp"
#include "grid/network.hpp"

#include <vector>

namespace gridfed {

/// Buses that closed lines, transformers and series elements join.
struct Island {
  std::vector<int> buses;
  bool has_source = false;
  double load = 0;                          ///< rated active power [W]
  std::vector<int> solar, wind, batteries;  ///< by position
};

/// All islands of a network in a state, that of the first source first.
std::vector<Island> islands(const Network& network, const GridState& state);

/// An island as a network of its own, in which one of its batteries forms the grid: a voltage of 1 p.u. behind the inverter's impedance
/// takes its place. Controls stay where all they need does. Throws Error if the battery is elsewhere or cannot form three phases or one.
NetworkData island_data(const Network& network, const GridState& state, const Island& island, int battery,
                        const GridFormingOptions& inverter = {});

/// How far the two sides of an open switch are apart, and whether they may be joined.
struct Synchronism {
  double frequency = 0;  ///< [Hz]
  double voltage = 0;    ///< [p.u.]
  double angle_deg = 0;
  bool may_close = false;
};

/// The synchronism check of a resource or island of a rating [VA]: voltages [p.u.] and frequencies [Hz] of both sides (IEEE
/// 1547-2018, 4.10.4).
Synchronism check_synchronism(Complex voltage_a, double frequency_a, Complex voltage_b, double frequency_b, double rating);

}  // namespace gridfed
