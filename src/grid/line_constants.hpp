#pragma once

#include "grid/network_data.hpp"

#include <optional>
#include <span>

namespace gridfed {

/// How the return path through the earth is modelled.
enum class EarthModel {
  carson,       ///< first terms of Carson's series, as in Kersting's modified equations
  full_carson,  ///< Carson's series to the fourth power
  deri,         ///< complex depth of Deri et al. (1981), with the skin effect of the conductors
};

/// Shield of a cable, at earth potential, and the insulation under it: a tape, or a concentric neutral of round strands.
struct CableShield {
  int strands = 0;                                    ///< 0 = tape
  double resistance = 0;                              ///< of all strands together [ohm/m]
  double geometric_mean_radius = 0;                   ///< [m]
  double radius = 0;                                  ///< from the core's centre to that of a strand or of the tape [m]
  double insulation_inner = 0, insulation_outer = 0;  ///< radii [m]
  double permittivity = 2.3;                          ///< relative, of the insulation
};

/// `strands` of a concentric neutral on a circle of `radius`; resistance [ohm/m] and geometric mean radius [m] of one.
CableShield concentric_neutral(int strands, double resistance, double geometric_mean_radius, double radius);

/// A copper tape of outer `diameter` and `thickness` [m], wound with an overlap of `lap_percent`.
CableShield tape_shield(double diameter, double thickness, double lap_percent);

/// One conductor in the cross-section of a line: bare, or the core of a cable.
struct Conductor {
  double ac_resistance = 0;          ///< [ohm/m]
  double dc_resistance = 0;          ///< [ohm/m]
  double geometric_mean_radius = 0;  ///< [m]
  double radius = 0;                 ///< [m]
  double capacitance_radius = 0;     ///< [m], of the bundle if it differs from `radius`
  double x = 0, height = 0;          ///< [m]; the depth of a cable, above or below zero
  std::optional<CableShield> shield;
};

/// Impedance and susceptance of a line per metre.
struct LineConstants {
  Eigen::MatrixXcd series_impedance;  ///< [ohm/m]
  Eigen::MatrixXd shunt_susceptance;  ///< [S/m]
};

/// Constants of parallel conductors over (cables: in) an earth of resistivity `earth_resistivity` [ohm m]. Conductors after the first
/// `phases` are neutrals at earth potential and eliminated; pass the number of conductors to keep them all. Shields are always eliminated.
/// Where one conductor has a shield, cores couple capacitively with their shields alone and bare conductors with nothing.
LineConstants line_constants(std::span<const Conductor> conductors, int phases, double frequency, double earth_resistivity,
                             EarthModel model);

}  // namespace gridfed
