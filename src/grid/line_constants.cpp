#include "grid/line_constants.hpp"

#include "runtime/error.hpp"

#include <cmath>
#include <numbers>

namespace gridfed {
namespace {

// Series impedance of conductor i, and between i and j, with omega = 2 pi f and the earth-return term Ze of the chosen model:
//   Zii = Ri + j omega mu0/(2 pi) ln(1 / GMRi) + Ze(i, i)          Zij = j omega mu0/(2 pi) ln(1 / Dij) + Ze(i, j)
// Susceptance B = omega P^-1 with the potential coefficients of the conductors and their images
//   Pii = ln(2 hi / ri) / (2 pi e0)                                Pij = ln(Dij' / Dij) / (2 pi e0)
using std::numbers::pi;
constexpr double mu0 = 4e-7 * pi;  // [H/m]
constexpr double e0 = 8.854e-12;   // [F/m], rounded as in the distribution programs results are compared with
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
  const double sum = a.height + b.height, dx = a.x - b.x;
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
  const Complex image = self ? 2.0 * (a.height + depth) : std::sqrt(std::pow(sum + 2.0 * depth, 2) + dx * dx);
  return j_unit * omega * mu0 / (2 * pi) * std::log(image);
}

}  // namespace

LineConstants line_constants(std::span<const Conductor> conductors, int phases, double frequency, double earth_resistivity,
                             EarthModel model) {
  const int n = static_cast<int>(conductors.size());
  const double omega = 2 * pi * frequency;
  Eigen::MatrixXcd z(n, n);
  Eigen::MatrixXd potential(n, n);
  for (int i = 0; i < n; ++i) {
    const Conductor& a = conductors[i];
    if (a.height <= 0) throw Error("conductor {} hangs {} m above ground: give it a height above zero", i + 1, a.height);
    if (a.radius <= 0 || a.geometric_mean_radius <= 0 || a.ac_resistance <= 0)
      throw Error("conductor {} lacks a radius, geometric mean radius or resistance: give its wire rac, gmrac and diam", i + 1);
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
  const Eigen::MatrixXd b = omega * potential.inverse();
  const int neutrals = n - phases;
  Eigen::MatrixXcd reduced = z.topLeftCorner(phases, phases);
  if (neutrals > 0)
    reduced -=
        z.topRightCorner(phases, neutrals) * z.bottomRightCorner(neutrals, neutrals).inverse() * z.bottomLeftCorner(neutrals, phases);
  return {reduced, b.topLeftCorner(phases, phases)};
}

}  // namespace gridfed
