#include "powerflow/load_current.hpp"

#include <cmath>

namespace gridfed {

Complex load_current(const LoadPhase& phase, Complex s, Complex v) {
  const double magnitude = std::abs(v);
  const double rated = phase.rated_voltage;
  const Complex y = std::conj(s) / (rated * rated);
  if (phase.model == LoadModel::constant_impedance || magnitude <= phase.v_low) return y * v;
  const bool current_model = phase.model == LoadModel::constant_current;
  if (magnitude <= phase.v_min) {
    // Current at v_min on the rated admittance: constant power there is y / vmin_pu^2, constant current y / vmin_pu.
    const double vmin_pu = phase.v_min / rated;
    const double at_min = current_model ? rated : phase.v_min / (vmin_pu * vmin_pu);
    const double slope = (at_min - phase.v_low) / (phase.v_min - phase.v_low);
    return y * (phase.v_low + slope * (magnitude - phase.v_low)) * (v / magnitude);
  }
  if (magnitude > phase.v_max) {
    const double vmax_pu = phase.v_max / rated;
    return y * v / (current_model ? vmax_pu : vmax_pu * vmax_pu);
  }
  const double ratio = magnitude / rated;
  const auto power_current = [&](double p, double q) { return std::conj(Complex(p, q) / v); };
  switch (phase.model) {
    case LoadModel::constant_power:
    case LoadModel::constant_p_fixed_q:
      return std::conj(s / v);
    case LoadModel::constant_impedance:
      return y * v;
    case LoadModel::constant_p_quadratic_q:
    case LoadModel::constant_p_fixed_x:
      return power_current(s.real(), 0) + Complex(0, y.imag()) * v;
    case LoadModel::exponential:
      return power_current(s.real() * std::pow(ratio, phase.data->exponent_p), s.imag() * std::pow(ratio, phase.data->exponent_q));
    case LoadModel::constant_current:
      return std::conj(s / (v / magnitude * rated));
    case LoadModel::zip: {
      const auto& z = phase.data->zip;
      if (ratio < z[6]) return 0;
      return power_current(s.real() * (z[0] * ratio * ratio + z[1] * ratio + z[2]),
                           s.imag() * (z[3] * ratio * ratio + z[4] * ratio + z[5]));
    }
  }
  return 0;
}

}  // namespace gridfed
