#include "grid/synthetic_equipment.hpp"

#include "grid/line_constants.hpp"

#include <algorithm>
#include <numbers>

namespace gridfed::synthetic {

namespace {

constexpr double foot = 0.3048, mile = 1609.344, inch = 0.0254;
constexpr double earth_resistivity = 100;  // ohm m

struct Cable {
  double rating, r, x, c;  // A, ohm/km, ohm/km, nF/km
};

/// Single-core 6/10 kV cables with aluminium cores of 35 to 500 mm2 and XLPE insulation, laid in trefoil (typical of manufacturers' lists).
constexpr Cable cables[] = {
    {145, 0.868, 0.139, 220}, {171, 0.641, 0.132, 245}, {217, 0.443, 0.123, 280}, {249, 0.313, 0.123, 315},  {280, 0.253, 0.113, 340},
    {315, 0.206, 0.110, 360}, {358, 0.161, 0.110, 406}, {416, 0.122, 0.105, 456}, {471, 0.100, 0.0974, 495}, {535, 0.078, 0.0942, 550},
};

LineType cable_type(const Cable& cable) {
  // Screens earthed at both ends: a typical zero sequence. Every core has its screen, so that nothing couples capacitively.
  const Complex z1(cable.r * 1e-3, cable.x * 1e-3), z0(4 * cable.r * 1e-3, 3.5 * cable.x * 1e-3);
  const double b = 2 * std::numbers::pi * 50 * cable.c * 1e-12;
  const Complex own = (z0 + 2.0 * z1) / 3.0, mutual = (z0 - z1) / 3.0;
  LineType type{.rating = cable.rating,
                .three_phase_impedance = Eigen::MatrixXcd::Constant(3, 3, mutual),
                .one_phase_impedance = Eigen::MatrixXcd::Constant(1, 1, own),
                .three_phase_susceptance = Eigen::MatrixXd::Identity(3, 3) * b,
                .one_phase_susceptance = Eigen::MatrixXd::Constant(1, 1, b)};
  type.three_phase_impedance.diagonal().setConstant(own);
  return type;
}

struct Wire {
  double rating, r, gmr, diameter;  // A, ohm/mile, ft, in
};

/// ACSR No. 4, 1/0, 4/0, 336.4 and 556.5 kcmil, and stranded aluminium No. 2, 1/0 and 4/0 (Kersting, Distribution System Modeling and
/// Analysis, appendix A).
constexpr Wire overhead_wires[] = {{140, 2.55, 0.00452, 0.257},
                                   {230, 1.12, 0.00446, 0.398},
                                   {340, 0.592, 0.00814, 0.563},
                                   {530, 0.306, 0.0244, 0.721},
                                   {730, 0.1859, 0.0313, 0.927}};
constexpr Wire service_wires[] = {{130, 1.54, 0.00883, 0.292}, {175, 0.97, 0.0111, 0.368}, {265, 0.484, 0.0158, 0.522}};

/// A conductor at a place in the cross-section [m].
Conductor at(const Wire& wire, double x, double height) {
  return {.ac_resistance = wire.r / mile,
          .dc_resistance = wire.r / mile,
          .geometric_mean_radius = wire.gmr * foot,
          .radius = wire.diameter / 2 * inch,
          .capacitance_radius = wire.diameter / 2 * inch,
          .x = x,
          .height = height,
          .shield = {}};
}

LineConstants constants(const std::vector<Conductor>& conductors, int phases) {
  return line_constants(conductors, phases, 60, earth_resistivity, EarthModel::carson);
}

/// A crossarm of 7 ft 29 ft above ground, or a pole top, with the neutral 4 ft below.
LineType overhead_type(const Wire& wire) {
  const auto [z3, b3] =
      constants({at(wire, 0, 29 * foot), at(wire, 2.5 * foot, 29 * foot), at(wire, 7 * foot, 29 * foot), at(wire, 4 * foot, 25 * foot)}, 3);
  const auto [z1, b1] = constants({at(wire, 0.5 * foot, 29 * foot), at(wire, 0, 24 * foot)}, 1);
  return {.rating = wire.rating,
          .three_phase_impedance = z3,
          .one_phase_impedance = z1,
          .three_phase_susceptance = b3,
          .one_phase_susceptance = b1};
}

ServiceType service_type(const Wire& wire) {
  const double apart = (wire.diameter + 2 * 0.08) * inch;  // insulation of 80 mil; the three lie together
  const auto [z, b] =
      constants({at(wire, 0, 20 * foot), at(wire, apart, 20 * foot), at(wire, apart / 2, 20 * foot + apart * std::numbers::sqrt3 / 2)}, 2);
  return {.rating = wire.rating, .impedance = z, .susceptance = b};
}

}  // namespace

std::span<const LineType> line_types(Style style) {
  static const auto european = [] {
    std::vector<LineType> types;
    for (const auto& cable : cables) types.push_back(cable_type(cable));
    return types;
  }();
  static const auto american = [] {
    std::vector<LineType> types;
    for (const auto& wire : overhead_wires) types.push_back(overhead_type(wire));
    return types;
  }();
  return style == Style::eu ? european : american;
}

std::span<const ServiceType> service_types() {
  static const auto types = [] {
    std::vector<ServiceType> all;
    for (const auto& wire : service_wires) all.push_back(service_type(wire));
    return all;
  }();
  return types;
}

const TransformerType& transformer_for(std::span<const TransformerType> types, double power) {
  const auto found = std::find_if(types.begin(), types.end(), [&](const auto& type) { return type.rating >= power; });
  return found == types.end() ? types.back() : *found;
}

std::span<const TransformerType> substation_transformers() {
  static constexpr TransformerType types[] = {
      {2.5e6, 0.007, 0.07, 0.0012, 0.004}, {5e6, 0.006, 0.08, 0.0010, 0.003},   {10e6, 0.005, 0.09, 0.0008, 0.002},
      {16e6, 0.005, 0.10, 0.0007, 0.002},  {25e6, 0.0045, 0.11, 0.0006, 0.001}, {40e6, 0.004, 0.12, 0.0005, 0.001},
      {63e6, 0.004, 0.14, 0.0005, 0.001},  {80e6, 0.0035, 0.14, 0.0004, 0.001}, {125e6, 0.0035, 0.15, 0.0004, 0.001}};
  return types;
}

std::span<const TransformerType> station_transformers() {
  static constexpr TransformerType types[] = {{50e3, 0.0220, 0.0334, 0.0038, 0.025},  {100e3, 0.0175, 0.0360, 0.0032, 0.02},
                                              {160e3, 0.0147, 0.0372, 0.0029, 0.019}, {250e3, 0.0130, 0.0378, 0.0026, 0.018},
                                              {400e3, 0.0115, 0.0383, 0.0023, 0.015}, {630e3, 0.0103, 0.0387, 0.0021, 0.013},
                                              {1e6, 0.0105, 0.0591, 0.0017, 0.012}};
  return types;
}

std::span<const TransformerType> service_transformers() {
  static constexpr TransformerType types[] = {
      {25e3, 0.0127, 0.0204, 0.002, 0.005}, {37.5e3, 0.0119, 0.0204, 0.002, 0.005}, {50e3, 0.0110, 0.0204, 0.002, 0.005}};
  return types;
}

std::span<const LoadClass> load_classes() {
  constexpr double cut_off = 0.5;
  static constexpr LoadClass classes[] = {{0.75, 0.97, {1.18, -1.64, 1 - 1.18 + 1.64, 8.29, -13.67, 1 - 8.29 + 13.67, cut_off}},
                                          {0.20, 0.95, {0.76, -0.52, 1 - 0.76 + 0.52, 6.92, -11.75, 1 - 6.92 + 11.75, cut_off}},
                                          {0.05, 0.90, {1.21, -1.61, 1 - 1.21 + 1.61, 4.35, -7.08, 1 - 4.35 + 7.08, cut_off}}};
  return classes;
}

}  // namespace gridfed::synthetic
