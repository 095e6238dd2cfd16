#pragma once

#include "grid/network_data.hpp"

#include <span>

/// What European and American utilities build their networks from.
namespace gridfed::synthetic {

enum class Style { eu, us };

/// A cable or overhead conductor, constants per metre.
struct LineType {
  double rating = 0;                                               ///< [A]
  Eigen::MatrixXcd three_phase_impedance, one_phase_impedance;     ///< [ohm/m]
  Eigen::MatrixXd three_phase_susceptance, one_phase_susceptance;  ///< [S/m]
};

/// Medium-voltage lines of a style, rising ratings: 10 kV cables with aluminium cores (eu), or ACSR on poles, 12.47 kV with a neutral (us).
std::span<const LineType> line_types(Style style);
/// Service drops of 120/240 V, two conductors over a neutral: aluminium triplex No. 2, 1/0 and 4/0 AWG.
struct ServiceType {
  double rating = 0;            ///< [A]
  Eigen::MatrixXcd impedance;   ///< [ohm/m]
  Eigen::MatrixXd susceptance;  ///< [S/m]
};
std::span<const ServiceType> service_types();

/// Rating and per-unit values of a transformer.
struct TransformerType {
  double rating = 0;      ///< [VA]
  double resistance = 0;  ///< of both windings together [p.u.]
  double reactance = 0;   ///< [p.u.]
  double no_load_loss = 0, magnetising_current = 0;
};
/// Smallest of a list, rising ratings, that carries a power [VA]; the largest if none does.
const TransformerType& transformer_for(std::span<const TransformerType> types, double power);
std::span<const TransformerType> substation_transformers();
std::span<const TransformerType> station_transformers();  ///< 10/0.4 kV
std::span<const TransformerType> service_transformers();  ///< 7.2 kV to 120/240 V, centre-tapped

/// A class of customer and how its power follows voltage: ZIP coefficients after Bokhari et al., "Experimental determination of the ZIP
/// coefficients for modern residential, commercial, and industrial loads", IEEE Trans. Power Delivery 29 (2014); the constant-power parts
/// are what the others leave of one.
struct LoadClass {
  double share = 0;  ///< of the nodes with load
  double power_factor = 1;
  std::array<double, 7> zip{};
};
std::span<const LoadClass> load_classes();  ///< residential, commercial, industrial

}  // namespace gridfed::synthetic
