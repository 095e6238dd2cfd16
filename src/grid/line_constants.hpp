#pragma once

#include "grid/network_data.hpp"

#include <span>

namespace gridfed {

/// How the return path through the earth is modelled.
enum class EarthModel {
  carson,       ///< first terms of Carson's series, as in Kersting's modified equations
  full_carson,  ///< Carson's series to the fourth power
  deri,         ///< complex depth of Deri et al. (1981), with the skin effect of the conductors
};

/// One bare overhead conductor in the cross-section of a line.
struct Conductor {
  double ac_resistance = 0;          ///< [ohm/m]
  double dc_resistance = 0;          ///< [ohm/m]
  double geometric_mean_radius = 0;  ///< [m]
  double radius = 0;                 ///< [m]
  double capacitance_radius = 0;     ///< [m], of the bundle if it differs from `radius`
  double x = 0, height = 0;          ///< [m]
};

/// Impedance and susceptance of a line per metre.
struct LineConstants {
  Eigen::MatrixXcd series_impedance;  ///< [ohm/m]
  Eigen::MatrixXd shunt_susceptance;  ///< [S/m]
};

/// Constants of parallel overhead conductors over an earth of resistivity `earth_resistivity` [ohm m]. Conductors after the first
/// `phases` are neutrals at earth potential and eliminated; pass the number of conductors to keep them all.
LineConstants line_constants(std::span<const Conductor> conductors, int phases, double frequency, double earth_resistivity,
                             EarthModel model);

}  // namespace gridfed
