#include "grid/line_constants.hpp"

#include "runtime/error.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

namespace gridfed {
namespace {

// Series impedance of conductor i, and between i and j, with omega = 2 pi f and the earth-return term Ze of the chosen model:
//   Zii = Ri + j omega mu0/(2 pi) ln(1 / GMRi) + Ze(i, i)          Zij = j omega mu0/(2 pi) ln(1 / Dij) + Ze(i, j)
// Susceptance B = omega P^-1 with the potential coefficients of the conductors and their images
//   Pii = ln(2 hi / ri) / (2 pi e0)                                Pij = ln(Dij' / Dij) / (2 pi e0)
// Shields of cables follow Kersting, Distribution System Modeling and Analysis, ch. 4 and 5: k strands of radius RS on a circle R count as
// one conductor of resistance rS / k and GMR (GMRS k R^(k-1))^(1/k), at R from their core and (D^k - R^k)^(1/k) from what lies D away. The
// admittance of a core to its shield is that of its insulation between the radii a and b, 2 pi omega e0 er / ln(b / a).
using std::numbers::pi;
// Rounded as in the distribution programs results are compared with.
constexpr double mu0 = 12.56637e-7;             // [H/m]
constexpr double e0 = 8.854e-12;                // [F/m]
constexpr double tape_resistivity = 2.3718e-8;  // copper [ohm m], the value OpenDSS takes
constexpr Complex j_unit{0, 1};

/// Ratio of the modified Bessel functions I0 and I1 by their power series; fine for |z| < 35.
Complex bessel_ratio(Complex z) {
  const Complex quarter = z * z / 4.0;
  Complex term = 1, i0 = 1, i1_over_half_z = 1;
  for (int k = 1; k < 500 && std::abs(term) > 1e-18 * std::abs(i0); ++k) {
    term *= quarter / double(k * k);
    i0 += term;
    i1_over_half_z += term / double(k + 1);
  }
  return i0 / (i1_over_half_z * z / 2.0);
}

/// Resistance of a round conductor with skin effect [ohm/m].
double skin_resistance(double dc_resistance, double frequency) {
  const Complex one_one{1, 1};
  const Complex alpha = one_one * std::sqrt(frequency * mu0 / dc_resistance);
  const Complex ratio = std::abs(alpha) > 35 ? Complex(1) : bessel_ratio(alpha);
  return (one_one * ratio * std::sqrt(dc_resistance * frequency * mu0) / 2.0).real();
}

/// Earth-return impedance [ohm/m] of the loop of two conductors (or one with itself).
Complex earth_return(const Conductor& a, const Conductor& b, bool self, double frequency, double rho, EarthModel model) {
  const double omega = 2 * pi * frequency;
  const double sum = std::abs(a.height) + std::abs(b.height), dx = a.x - b.x;
  switch (model) {
    case EarthModel::carson:
      return {omega * mu0 / 8, omega * mu0 / (2 * pi) * std::log(658.5 * std::sqrt(rho / frequency))};
    case EarthModel::full_carson: {
      // Carson (1926), P and Q of his correction integral as a series in k.
      const double image_distance = self ? sum : std::hypot(sum, dx);
      const double theta = self ? 0 : std::acos(sum / image_distance);
      const double k = 2.8099e-3 * image_distance * std::sqrt(frequency / rho);
      const double b1 = 1 / (3 * std::numbers::sqrt2), b2 = 1.0 / 16, b3 = b1 / 15, b4 = b2 / 24;
      const double d2 = b2 * pi / 4, d4 = b4 * pi / 4, c2 = 1.3659315, c4 = c2 + 1.0 / 4 + 1.0 / 6;
      const double k2 = k * k, k3 = k2 * k, k4 = k2 * k2;
      const double p = pi / 8 - b1 * k * std::cos(theta) +
                       b2 * k2 * ((c2 - std::log(k)) * std::cos(2 * theta) + theta * std::sin(2 * theta)) + b3 * k3 * std::cos(3 * theta) -
                       d4 * k4 * std::cos(4 * theta);
      const double q = 0.5 * std::log(1.85138 / k) + b1 * k * std::cos(theta) - d2 * k2 * std::cos(2 * theta) +
                       b3 * k3 * std::cos(3 * theta) - b4 * k4 * ((c4 - std::log(k)) * std::cos(4 * theta) + theta * std::sin(4 * theta));
      return omega * mu0 / pi * Complex(p, q + 0.5 * std::log(image_distance));
    }
    case EarthModel::deri:
      break;
  }
  // Deri, Tevan, Semlyen, Castanheira (1981), doi:10.1109/TPAS.1981.317011: an image below the complex depth 1/sqrt(j omega mu0/rho).
  const Complex depth = 1.0 / std::sqrt(j_unit * omega * mu0 / rho);
  const Complex image = self ? 2.0 * (std::abs(a.height) + depth) : std::sqrt(std::pow(sum + 2.0 * depth, 2) + dx * dx);
  return j_unit * omega * mu0 / (2 * pi) * std::log(image);
}

/// Impedance of each conductor and shield with each other, shields last.
Eigen::MatrixXcd shielded_impedance(const Eigen::MatrixXcd& cores, std::span<const Conductor> conductors, double frequency, double rho,
                                    EarthModel model) {
  const double omega = 2 * pi * frequency;
  const auto n = static_cast<int>(conductors.size());
  std::vector<int> shielded;
  for (int i = 0; i < n; ++i)
    if (conductors[i].shield) shielded.push_back(i);
  const auto shields = static_cast<int>(shielded.size());
  Eigen::MatrixXcd z = Eigen::MatrixXcd::Zero(n + shields, n + shields);
  z.topLeftCorner(n, n) = cores;
  const auto at = [&](const Conductor& a, const Conductor& b, bool same, double distance) {
    return -j_unit * omega * mu0 / (2 * pi) * std::log(distance) + earth_return(a, b, same, frequency, rho, model);
  };
  for (int s = 0; s < shields; ++s) {
    const Conductor& a = conductors[shielded[s]];
    const CableShield& shield = *a.shield;
    z(n + s, n + s) = shield.resistance + at(a, a, true, shield.geometric_mean_radius);
    for (int t = 0; t < s; ++t) {
      const Conductor& b = conductors[shielded[t]];
      z(n + s, n + t) = z(n + t, n + s) = at(a, b, false, std::hypot(a.x - b.x, a.height - b.height));
    }
    for (int i = 0; i < n; ++i) {
      const Conductor& b = conductors[i];
      const bool own = i == shielded[s];
      double distance = own ? shield.radius : std::hypot(a.x - b.x, a.height - b.height);
      if (!own && shield.strands > 0) distance *= std::pow(1 - std::pow(shield.radius / distance, shield.strands), 1.0 / shield.strands);
      z(n + s, i) = z(i, n + s) = at(a, b, own, distance);
    }
  }
  return z;
}

/// What remains of z when the currents of all but the first `kept` conductors return at no voltage (Kron).
Eigen::MatrixXcd reduced(const Eigen::MatrixXcd& z, int kept) {
  const Eigen::Index rest = z.rows() - kept;
  if (rest == 0) return z;
  const Eigen::MatrixXcd result = z.topLeftCorner(kept, kept) -
                                  z.topRightCorner(kept, rest) * z.bottomRightCorner(rest, rest).inverse() * z.bottomLeftCorner(rest, kept);
  return (result + result.transpose()) / 2;  // symmetric to the last bit
}

void check_shield(const CableShield& shield, int conductor) {
  if (!(shield.resistance > 0 && shield.geometric_mean_radius > 0 && shield.radius > 0 && std::isfinite(shield.resistance)))
    throw Error("the shield of conductor {} lacks a size or resistance: give its strands or tape", conductor);
  if (!(shield.insulation_inner > 0 && shield.insulation_outer > shield.insulation_inner && shield.permittivity > 0))
    throw Error("the insulation of conductor {} lies between {} and {} m: give its thickness, diameter and permittivity", conductor,
                shield.insulation_inner, shield.insulation_outer);
}

}  // namespace

CableShield concentric_neutral(int strands, double resistance, double geometric_mean_radius, double radius) {
  const double k = strands;
  return {.strands = strands,
          .resistance = resistance / k,
          .geometric_mean_radius = std::pow(geometric_mean_radius * k * std::pow(radius, k - 1), 1 / k),
          .radius = radius};
}

CableShield tape_shield(double diameter, double thickness, double lap_percent) {
  const double centre = (diameter - thickness) / 2;
  return {.strands = 0,
          .resistance = 0.3183 * tape_resistivity / (diameter * thickness * std::sqrt(50 / (100 - lap_percent))),  // 0.3183 = 1 / pi
          .geometric_mean_radius = centre,
          .radius = centre};
}

LineConstants line_constants(std::span<const Conductor> conductors, int phases, double frequency, double earth_resistivity,
                             EarthModel model) {
  const int n = static_cast<int>(conductors.size());
  const double omega = 2 * pi * frequency;
  const bool cables = std::any_of(conductors.begin(), conductors.end(), [](const Conductor& c) { return c.shield.has_value(); });
  Eigen::MatrixXcd z(n, n);
  Eigen::MatrixXd potential(n, n);
  for (int i = 0; i < n; ++i) {
    const Conductor& a = conductors[i];
    if (a.height == 0 || (a.height < 0 && !cables))
      throw Error("conductor {} hangs {} m above ground: give it a height above zero", i + 1, a.height);
    if (a.radius <= 0 || a.geometric_mean_radius <= 0 || a.ac_resistance <= 0)
      throw Error("conductor {} lacks a radius, geometric mean radius or resistance: give its wire rac, gmrac and diam", i + 1);
    if (a.shield) check_shield(*a.shield, i + 1);
    for (int j = 0; j <= i; ++j) {
      const Conductor& b = conductors[j];
      const bool self = i == j;
      const double distance = self ? a.geometric_mean_radius : std::hypot(a.x - b.x, a.height - b.height);
      if (!self && distance < a.radius + b.radius)
        throw Error("conductors {} and {} occupy the same space: move one of them", j + 1, i + 1);
      z(i, j) = -j_unit * omega * mu0 / (2 * pi) * std::log(distance) + earth_return(a, b, self, frequency, earth_resistivity, model);
      if (self) z(i, i) += model == EarthModel::deri ? skin_resistance(a.dc_resistance, frequency) : a.ac_resistance;
      const double gap = self ? (a.capacitance_radius > 0 ? a.capacitance_radius : a.radius) : distance;
      potential(i, j) = std::log(std::hypot(a.x - b.x, a.height + b.height) / gap) / (2 * pi * e0);
      z(j, i) = z(i, j);
      potential(j, i) = potential(i, j);
    }
  }
  // Neutrals at earth potential: Kron's reduction for the impedance, and simply their rows left out for the susceptance.
  if (!cables) return {reduced(z, phases), (omega * potential.inverse()).topLeftCorner(phases, phases)};
  Eigen::MatrixXd b = Eigen::MatrixXd::Zero(phases, phases);
  for (int i = 0; i < phases; ++i) {
    if (const auto& shield = conductors[i].shield)
      b(i, i) = 2 * pi * e0 * shield->permittivity * omega / std::log(shield->insulation_outer / shield->insulation_inner);
  }
  return {reduced(shielded_impedance(z, conductors, frequency, earth_resistivity, model), phases), b};
}

}  // namespace gridfed
