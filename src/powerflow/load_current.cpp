#include "powerflow/load_current.hpp"

#include <cmath>

namespace gridfed {
namespace {

/// A value and how it changes with the voltage's magnitude [per V].
template <class T>
struct Sloped {
  T value{}, slope{};
};

enum class Stiffness { current, power };

/// Outside v_min..v_max, admittance over the rated one of a load that inside held its current or its power. The impedance is that of the
/// upper limit above it; from v_min down to v_low the current is interpolated; below v_low the impedance is the rated one.
Sloped<double> outside_range(const LoadPhase& phase, double magnitude, Stiffness stiffness) {
  const double rated = phase.rated_voltage;
  if (magnitude <= phase.v_low) return {1, 0};
  const auto limit_current = [&](double limit) { return stiffness == Stiffness::current ? rated : rated * rated / limit; };
  if (magnitude > phase.v_max) return {limit_current(phase.v_max) / phase.v_max, 0};
  const double slope = (limit_current(phase.v_min) - phase.v_low) / (phase.v_min - phase.v_low);
  const double value = (phase.v_low + slope * (magnitude - phase.v_low)) / magnitude;
  return {value, (slope - value) / magnitude};
}

/// A ZIP load lets go within a percent or so of its cut-off voltage (OpenDSS, seventh coefficient). By the voltage in per unit.
Sloped<double> held(double ratio, double cut_off) {
  if (cut_off <= 0) return {1, 0};
  constexpr double steepness = 500;
  const double t = std::tanh(steepness * (ratio - cut_off));
  return {0.5 * (1 + t), 0.5 * steepness * (1 - t * t)};
}

/// Admittance through which a load draws its current at this magnitude of its voltage [S].
Sloped<Complex> load_admittance(const LoadPhase& phase, Complex s, double magnitude) {
  const double rated = phase.rated_voltage, ratio = magnitude / rated;
  const Complex y = std::conj(s) / (rated * rated);
  const bool in_range = magnitude > phase.v_low && magnitude > phase.v_min && magnitude <= phase.v_max;
  // With the power p + jq drawn at a magnitude m the admittance is h = (p - jq) / m^2, its slope (p' - jq') / m^2 - 2 h / m.
  const auto of_power = [&](double p, double q, double p_slope, double q_slope) -> Sloped<Complex> {
    const double square = magnitude * magnitude;
    const Complex h = Complex(p, -q) / square;
    return {h, Complex(p_slope, -q_slope) / square - 2.0 * h / magnitude};
  };
  const auto outside = [&](Stiffness stiffness) -> Sloped<Complex> {
    const auto factor = outside_range(phase, magnitude, stiffness);
    return {y * factor.value, y * factor.slope};
  };
  const double p = s.real(), q = s.imag();
  switch (phase.model) {
    case LoadModel::constant_impedance:
      return {y, 0};
    case LoadModel::constant_power:
      return in_range ? of_power(p, q, 0, 0) : outside(Stiffness::power);
    case LoadModel::constant_p_quadratic_q:
      return in_range ? of_power(p, q * ratio * ratio, 0, 2 * q * ratio / rated) : outside(Stiffness::power);
    case LoadModel::constant_p_fixed_q:
    case LoadModel::constant_p_fixed_x: {
      if (magnitude <= phase.v_low) return {y, 0};
      const double own_q = phase.data->power.imag() * phase.share;
      if (in_range && phase.model == LoadModel::constant_p_fixed_q) return of_power(p, own_q, 0, 0);
      if (in_range) return of_power(p, own_q * ratio * ratio, 0, 2 * own_q * ratio / rated);
      const double limit = magnitude > phase.v_max ? phase.v_max : phase.v_min;
      return {Complex(p / (limit * limit), -own_q / (rated * rated)), 0};
    }
    case LoadModel::exponential: {
      if (!in_range) return outside(Stiffness::power);
      const double a = phase.data->exponent_p, b = phase.data->exponent_q;
      const double p_now = p * std::pow(ratio, a), q_now = q * std::pow(ratio, b);
      return of_power(p_now, q_now, a * p_now / magnitude, b * q_now / magnitude);
    }
    case LoadModel::constant_current:
      return in_range ? of_power(p * ratio, q * ratio, p / rated, q / rated) : outside(Stiffness::current);
    case LoadModel::zip: {
      if (magnitude <= phase.v_low) return {y, 0};
      const auto& z = phase.data->zip;
      const Sloped<double> current =
          in_range ? Sloped<double>{1 / ratio, -1 / (ratio * magnitude)} : outside_range(phase, magnitude, Stiffness::current);
      const Sloped<double> power = in_range ? Sloped<double>{1 / (ratio * ratio), -2 / (ratio * ratio * magnitude)}
                                            : outside_range(phase, magnitude, Stiffness::power);
      const auto grip = held(ratio, z[6]);
      const Complex mix(y.real() * (z[0] + z[1] * current.value + z[2] * power.value),
                        y.imag() * (z[3] + z[4] * current.value + z[5] * power.value));
      const Complex mix_slope(y.real() * (z[1] * current.slope + z[2] * power.slope),
                              y.imag() * (z[4] * current.slope + z[5] * power.slope));
      return {grip.value * mix, grip.value * mix_slope + grip.slope / rated * mix};
    }
  }
  return {};
}

}  // namespace

Complex load_current(const LoadPhase& phase, Complex s, Complex v) {
  return load_admittance(phase, s, std::abs(v)).value * v;
}

CurrentDerivative current_derivative(Complex h, Complex slope, Complex v) {
  const double magnitude = std::abs(v);
  return {h + slope * (magnitude / 2), magnitude > 0 ? slope * v * v / (2 * magnitude) : Complex{}};
}

CurrentDerivative load_current_derivative(const LoadPhase& phase, Complex s, Complex v) {
  const auto h = load_admittance(phase, s, std::abs(v));
  return current_derivative(h.value, h.slope, v);
}

}  // namespace gridfed
