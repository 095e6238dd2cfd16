#include "powerflow/admittance.hpp"

#include <cmath>
#include <numbers>

namespace gridfed {

namespace {

using Eigen::Index;
using Eigen::MatrixXcd;

constexpr Complex j{0.0, 1.0};

/// Adds a two-terminal admittance between positions a and b of a matrix; b < 0 is ground.
void add_between(MatrixXcd& y, Index a, Index b, Complex value) {
  y(a, a) += value;
  if (b < 0) return;
  y(b, b) += value;
  y(a, b) -= value;
  y(b, a) -= value;
}

/// Shunt between phases of a terminal (delta) or from phases to ground or to a second terminal (wye).
MatrixXcd bank_admittance(std::size_t conductors, bool second_terminal, Connection connection, int phases, Complex y_phase) {
  const auto n = static_cast<Index>(conductors);
  MatrixXcd y = MatrixXcd::Zero(second_terminal ? 2 * n : n, second_terminal ? 2 * n : n);
  if (connection == Connection::delta) {
    const Index branches = phases == 1 ? 1 : (phases == 2 ? 1 : phases);
    for (Index p = 0; p < branches; ++p) add_between(y, p, (p + 1) % n, y_phase);
  } else {
    for (Index p = 0; p < std::min<Index>(n, phases); ++p) add_between(y, p, second_terminal ? n + p : -1, y_phase);
  }
  return y;
}

/// Eliminates the open conductors of a terminal that begins at `first`: no current enters them (Kron). Their rows and columns are zero.
void eliminate_open(MatrixXcd& y, const Terminal& terminal, Index first) {
  for (const int conductor : terminal.open) {
    const Index k = first + conductor;
    const Complex pivot = y(k, k);
    if (pivot != 0.0) y -= (y.col(k) * y.row(k) / pivot).eval();
    y.row(k).setZero();
    y.col(k).setZero();
  }
}

}  // namespace

int delta_direction(const TransformerData& transformer) {
  const auto& one = transformer.windings[0];
  const auto& two = transformer.windings[1];
  if (one.connection == two.connection) return 1;
  const auto& high = one.rated_voltage >= two.rated_voltage ? one : two;
  const bool high_is_delta = high.connection == Connection::delta;
  return high_is_delta == transformer.lag_leads ? 1 : -1;
}

MatrixXcd line_admittance(const LineData& line) {
  const Index n = line.series_impedance.rows();
  const MatrixXcd series = line.series_impedance.inverse();
  const MatrixXcd shunt = j * line.shunt_susceptance.cast<Complex>() / 2.0;
  MatrixXcd y(2 * n, 2 * n);
  y.topLeftCorner(n, n) = series + shunt;
  y.bottomRightCorner(n, n) = series + shunt;
  y.topRightCorner(n, n) = -series;
  y.bottomLeftCorner(n, n) = -series;
  if (line.ratio != 1.0) {  // behind the ideal transformer v = v_from / ratio, and its power is that at `from`: i_from = i / conj(ratio)
    y.topRows(n) /= std::conj(line.ratio);
    y.leftCols(n) /= line.ratio;
  }
  eliminate_open(y, line.from, 0);
  eliminate_open(y, line.to, n);
  return y;
}

// Short-circuit impedances between winding 1 and each other winding form Z_B on a 1-volt base; its inverse, spread over the windings by the
// incidence matrix A = [-1 | I], is the admittance of one phase between ideal 1-volt windings. Turns ratios and connections follow.
MatrixXcd transformer_admittance(const TransformerData& transformer, std::span<const double> taps) {
  const auto& windings = transformer.windings;
  const auto count = static_cast<Index>(windings.size());
  const double phase_power = windings[0].rated_power / transformer.phases;
  const double z_base = 1.0 / phase_power;
  const auto reactance = [&](Index a, Index b) {  // pair order 12, 13, ..., 23, ...
    if (a > b) std::swap(a, b);
    Index position = 0;
    for (Index i = 0; i < a; ++i) position += count - 1 - i;
    return transformer.reactance_pu[position + b - a - 1];
  };
  const auto resistance = [&](Index w) { return windings[w].resistance_pu * windings[0].rated_power / windings[w].rated_power; };
  MatrixXcd z(count - 1, count - 1);
  for (Index a = 1; a < count; ++a) {
    for (Index b = 1; b < count; ++b) {
      z(a - 1, b - 1) = a == b ? Complex(resistance(0) + resistance(a), reactance(0, a))
                               : Complex(resistance(0), 0.5 * (reactance(0, a) + reactance(0, b) - reactance(a, b)));
    }
  }
  z *= z_base;
  MatrixXcd incidence = MatrixXcd::Zero(count - 1, count);
  incidence.col(0).setConstant(-1.0);
  incidence.rightCols(count - 1).setIdentity();
  MatrixXcd one_volt = incidence.transpose() * z.inverse() * incidence;
  one_volt(1, 1) += Complex(transformer.no_load_loss_pu, -transformer.magnetising_current_pu) / z_base;

  std::vector<Index> offset(count + 1, 0);
  for (Index w = 0; w < count; ++w) offset[w + 1] = offset[w] + static_cast<Index>(windings[w].terminal.nodes.size());
  MatrixXcd y = MatrixXcd::Zero(offset[count], offset[count]);
  const int direction = delta_direction(transformer);
  const auto near_end = [&](Index w, int phase) { return offset[w] + phase; };
  const auto far_end = [&](Index w, int phase) -> Index {
    if (windings[w].connection == Connection::wye) return offset[w + 1] - 1;
    if (transformer.phases == 1) return offset[w] + 1;
    return offset[w] + (phase + direction + transformer.phases) % transformer.phases;
  };
  for (int phase = 0; phase < transformer.phases; ++phase) {
    for (Index a = 0; a < count; ++a) {
      const bool star_a = transformer.phases > 1 && windings[a].connection == Connection::wye;
      const double rated_a = windings[a].rated_voltage / (star_a ? std::numbers::sqrt3 : 1.0);
      for (Index b = 0; b < count; ++b) {
        const bool star_b = transformer.phases > 1 && windings[b].connection == Connection::wye;
        const double rated_b = windings[b].rated_voltage / (star_b ? std::numbers::sqrt3 : 1.0);
        const Complex value = one_volt(a, b) / (rated_a * taps[a] * rated_b * taps[b]);
        y(near_end(a, phase), near_end(b, phase)) += value;
        y(far_end(a, phase), far_end(b, phase)) += value;
        y(near_end(a, phase), far_end(b, phase)) -= value;
        y(far_end(a, phase), near_end(b, phase)) -= value;
      }
      // Half of the shunt at each end of a winding, and once more at a wye's neutral that nothing earths, as OpenDSS places it.
      const Complex antifloat = -0.5 * j * transformer.antifloat_ppm * 1e-6 * phase_power / (rated_a * rated_a);
      y(near_end(a, phase), near_end(a, phase)) += antifloat;
      y(far_end(a, phase), far_end(a, phase)) += antifloat;
      if (phase == 0 && windings[a].connection == Connection::wye) {
        const auto& earthing = windings[a].neutral_impedance;
        y(far_end(a, phase), far_end(a, phase)) += earthing ? 1.0 / *earthing : antifloat;
      }
    }
  }
  for (Index w = 0; w < count; ++w) eliminate_open(y, windings[w].terminal, offset[w]);
  return y;
}

MatrixXcd capacitor_admittance(const CapacitorData& capacitor, std::span<const int> states) {
  double power = 0;
  for (std::size_t step = 0; step < states.size(); ++step) power += states[step] ? capacitor.step_power[step] : 0.0;
  const bool star = capacitor.connection == Connection::wye && capacitor.phases > 1;
  const double voltage = star ? capacitor.rated_voltage / std::numbers::sqrt3 : capacitor.rated_voltage;
  const Complex y_phase = j * power / static_cast<double>(capacitor.phases) / (voltage * voltage);
  return bank_admittance(capacitor.terminal.nodes.size(), capacitor.to.has_value(), capacitor.connection, capacitor.phases, y_phase);
}

MatrixXcd reactor_admittance(const ReactorData& reactor) {
  return bank_admittance(reactor.terminal.nodes.size(), reactor.to.has_value(), reactor.connection, reactor.phases,
                         1.0 / reactor.impedance);
}

MatrixXcd source_admittance(const SourceData& source) {
  const auto n = static_cast<Index>(source.terminal.nodes.size());
  if (source.ideal) return MatrixXcd::Zero(n, n);
  if (n == 1) return MatrixXcd::Constant(1, 1, 1.0 / source.z1);
  const Complex self = (2.0 * source.z1 + source.z0) / 3.0;
  const Complex mutual = (source.z0 - source.z1) / 3.0;
  MatrixXcd z = MatrixXcd::Constant(n, n, mutual);
  z.diagonal().setConstant(self);
  return z.inverse();
}

Eigen::VectorXcd source_voltages(const SourceData& source) {
  const auto n = static_cast<Index>(source.terminal.nodes.size());
  const double magnitude =
      source.voltage_pu * source.voltage_base / (n == 1 ? 1.0 : 2.0 * std::sin(std::numbers::pi / static_cast<double>(n)));
  Eigen::VectorXcd voltage(n);
  for (Index p = 0; p < n; ++p) {
    voltage(p) = std::polar(
        magnitude, source.angle_deg * std::numbers::pi / 180.0 - 2.0 * std::numbers::pi * static_cast<double>(p) / static_cast<double>(n));
  }
  return voltage;
}

}  // namespace gridfed
