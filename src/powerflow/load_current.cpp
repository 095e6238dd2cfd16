#include "powerflow/load_current.hpp"

#include <cmath>

namespace gridfed {
namespace {

enum class Stiffness { current, power };

/// Outside v_min..v_max, admittance over the rated one of a load that inside held its current or its power. The impedance is that of the
/// upper limit above it; from v_min down to v_low the current is interpolated; below v_low the impedance is the rated one.
double outside_range(const LoadPhase& phase, double magnitude, Stiffness stiffness) {
  const double rated = phase.rated_voltage;
  if (magnitude <= phase.v_low) return 1;
  const auto limit_current = [&](double limit) { return stiffness == Stiffness::current ? rated : rated * rated / limit; };
  if (magnitude > phase.v_max) return limit_current(phase.v_max) / phase.v_max;
  const double slope = (limit_current(phase.v_min) - phase.v_low) / (phase.v_min - phase.v_low);
  return (phase.v_low + slope * (magnitude - phase.v_low)) / magnitude;
}

/// A ZIP load lets go within a percent or so of its cut-off voltage (OpenDSS, seventh coefficient).
double held(double ratio, double cut_off) {
  return cut_off > 0 ? 0.5 * (1 + std::tanh(500 * (ratio - cut_off))) : 1;
}

}  // namespace

Complex load_current(const LoadPhase& phase, Complex s, Complex v) {
  const double magnitude = std::abs(v);
  const double rated = phase.rated_voltage;
  const double ratio = magnitude / rated;
  const Complex y = std::conj(s) / (rated * rated);
  const bool in_range = magnitude > phase.v_low && magnitude > phase.v_min && magnitude <= phase.v_max;
  const auto power_current = [&](double p, double q) { return std::conj(Complex(p, q) / v); };
  switch (phase.model) {
    case LoadModel::constant_impedance:
      return y * v;
    case LoadModel::constant_power:
      if (in_range) return std::conj(s / v);
      break;
    case LoadModel::constant_p_quadratic_q:
      if (in_range) return power_current(s.real(), 0) + Complex(0, y.imag()) * v;
      break;
    case LoadModel::constant_p_fixed_q:
    case LoadModel::constant_p_fixed_x: {
      if (magnitude <= phase.v_low) return y * v;
      const double q = phase.data->power.imag() * phase.share;
      if (in_range && phase.model == LoadModel::constant_p_fixed_q) return power_current(s.real(), q);
      const Complex reactive_current = Complex(0, -q / (rated * rated)) * v;
      if (in_range) return power_current(s.real(), 0) + reactive_current;
      const double limit = magnitude > phase.v_max ? phase.v_max : phase.v_min;
      return s.real() / (limit * limit) * v + reactive_current;
    }
    case LoadModel::exponential:
      if (in_range)
        return power_current(s.real() * std::pow(ratio, phase.data->exponent_p), s.imag() * std::pow(ratio, phase.data->exponent_q));
      break;
    case LoadModel::constant_current:
      if (in_range) return std::conj(s / (v / magnitude * rated));
      return y * outside_range(phase, magnitude, Stiffness::current) * v;
    case LoadModel::zip: {
      if (magnitude <= phase.v_low) return y * v;
      const auto& z = phase.data->zip;
      const double current = in_range ? 1 / ratio : outside_range(phase, magnitude, Stiffness::current);
      const double power = in_range ? 1 / (ratio * ratio) : outside_range(phase, magnitude, Stiffness::power);
      return held(ratio, z[6]) *
             Complex(y.real() * (z[0] + z[1] * current + z[2] * power), y.imag() * (z[3] + z[4] * current + z[5] * power)) * v;
    }
  }
  return y * outside_range(phase, magnitude, Stiffness::power) * v;
}

CurrentDerivative current_derivative(Complex h, Complex slope, Complex v) {
  const double magnitude = std::abs(v);
  return {h + slope * (magnitude / 2), magnitude > 0 ? slope * v * v / (2 * magnitude) : Complex{}};
}

// With the power s(m) drawn at |v| = m the admittance is h = conj(s) / m^2, its slope conj(s') / m^2 - 2 h / m.
CurrentDerivative load_current_derivative(const LoadPhase& phase, Complex s, Complex v) {
  const double magnitude = std::abs(v);
  const double rated = phase.rated_voltage;
  const Complex y = std::conj(s) / (rated * rated);
  if (phase.model == LoadModel::constant_impedance || magnitude <= phase.v_low) return {y, 0};
  const bool current_model = phase.model == LoadModel::constant_current;
  if (magnitude <= phase.v_min) {
    const double vmin_pu = phase.v_min / rated;
    const double at_min = current_model ? rated : phase.v_min / (vmin_pu * vmin_pu);
    const double slope = (at_min - phase.v_low) / (phase.v_min - phase.v_low);
    const Complex h = y * (phase.v_low + slope * (magnitude - phase.v_low)) / magnitude;
    return current_derivative(h, (y * slope - h) / magnitude, v);
  }
  if (magnitude > phase.v_max) {
    const double vmax_pu = phase.v_max / rated;
    return {y / (current_model ? vmax_pu : vmax_pu * vmax_pu), 0};
  }
  const double ratio = magnitude / rated;
  const auto of_power = [&](double p, double q, double p_slope, double q_slope) {
    const Complex h = Complex(p, -q) / (magnitude * magnitude);
    return current_derivative(h, Complex(p_slope, -q_slope) / (magnitude * magnitude) - 2.0 * h / magnitude, v);
  };
  const double p = s.real(), q = s.imag();
  switch (phase.model) {
    case LoadModel::constant_power:
    case LoadModel::constant_p_fixed_q:
      return of_power(p, q, 0, 0);
    case LoadModel::constant_impedance:
      return {y, 0};
    case LoadModel::constant_p_quadratic_q:
    case LoadModel::constant_p_fixed_x:
      return of_power(p, q * ratio * ratio, 0, 2 * q * ratio / rated);
    case LoadModel::exponential: {
      const double a = phase.data->exponent_p, b = phase.data->exponent_q;
      const double p_now = p * std::pow(ratio, a), q_now = q * std::pow(ratio, b);
      return of_power(p_now, q_now, a * p_now / magnitude, b * q_now / magnitude);
    }
    case LoadModel::constant_current:
      return of_power(p * ratio, q * ratio, p / rated, q / rated);
    case LoadModel::zip: {
      const auto& z = phase.data->zip;
      if (ratio < z[6]) return {};
      return of_power(p * (z[0] * ratio * ratio + z[1] * ratio + z[2]), q * (z[3] * ratio * ratio + z[4] * ratio + z[5]),
                      p * (2 * z[0] * ratio + z[1]) / rated, q * (2 * z[3] * ratio + z[4]) / rated);
    }
  }
  return {};
}

}  // namespace gridfed
