#pragma once

#include "powerflow/nodal_model.hpp"
#include "powerflow/reactive_limits.hpp"

#include <span>
#include <vector>

namespace gridfed {

/// The equations f(u) = 0 of Newton's method. Unknowns u: real and imaginary part of each node's voltage [p.u.], then the reactive power of
/// each voltage that generators may hold, which the first of them delivers here [VA]. Equations: scaled current that is missing at each
/// node, turned by 45 degrees so that ties without resistance leave no zero on a diagonal; for ideal sources the voltage; for generators
/// the voltage or, at a limit, the reactive power. Where every bus has one conductor, unknowns are the logarithm of the magnitude and the
/// angle instead, and what is missing is a power: from the voltages of a transmission case that leads to the solution more often (Tinney,
/// Hart, "Power flow solution by Newton's method", IEEE Trans. PAS 86, 1967); between phases, or at a neutral, voltages may pass through
/// zero.
class NewtonEquations {
 public:
  explicit NewtonEquations(const NodalModel& model);

  /// What the present case is.
  struct Case {
    LoadingConditions conditions;
    std::vector<int> limit;  ///< by held voltage: 0 is held, -1 stands at the lower reactive limit, 1 at the upper
  };

  std::vector<Complex> voltages(std::span<const double> u) const;  ///< [p.u.]
  void set_voltages(std::span<const Complex> x, std::span<double> u) const;

  int size() const { return 2 * nodes_ + static_cast<int>(holding_.size()); }
  std::span<const HeldVoltage> holding() const { return holding_; }
  /// Mean phase voltage k over its rated voltage, minus the setpoint.
  double voltage_error(const NodalModel& model, int k, std::span<const double> u) const;

  void evaluate(const NodalModel& model, const Case& now, std::span<const double> u, std::span<double> f) const;

  /// Calls add(row, column, value) for every derivative, zeros of the pattern included; values with the same place add up.
  template <class Add>
  void differentiate(const NodalModel& model, const Case& now, std::span<const double> u, Add add) const;

 private:
  LoadingConditions with_reactive_power(const Case& now, std::span<const double> u) const;

  int nodes_ = 0;
  bool polar_ = false;
  std::vector<HeldVoltage> holding_;
  std::vector<double> weight_;                       // of a voltage equation [VA]
  std::vector<std::vector<InjectionPhase>> phases_;  // of the first generator that holds it
  std::vector<char> fixed_;                          // by node
};

inline constexpr Complex newton_turn{0.70710678118654752440, 0.70710678118654752440};

template <class Add>
void NewtonEquations::differentiate(const NodalModel& model, const Case& now, std::span<const double> u, Add add) const {
  const auto x = voltages(u);
  // The current d = a dx + b conj(dx), or the power x conj(d) with dx = x dw, turned, as a 2 x 2 block of reals.
  const auto add_turned = [&](int row, int col, Complex a, Complex b) {
    if (fixed_[row]) return;
    const Complex sum = newton_turn * (a + b), difference = newton_turn * (a - b);
    add(2 * row, 2 * col, sum.real());
    add(2 * row, 2 * col + 1, -difference.imag());
    add(2 * row + 1, 2 * col, sum.imag());
    add(2 * row + 1, 2 * col + 1, difference.real());
  };
  const auto add_block = [&](int row, int col, Complex a, Complex b) {
    if (polar_) {
      add_turned(row, col, x[row] * std::conj(b) * x[col], x[row] * std::conj(a * x[col]));
    } else {
      add_turned(row, col, a, b);
    }
  };
  const auto conditions = with_reactive_power(now, u);
  if (polar_) {
    std::vector<Complex> missing(nodes_);
    model.residual(conditions, x, missing);
    for (int i = 0; i < nodes_; ++i) add_turned(i, i, x[i] * std::conj(missing[i]), 0);
  }
  const auto base = model.base();
  const auto add_phase = [&](int a, int b, CurrentDerivative d) {
    for (const int r : {a, b}) {
      for (const int c : {a, b}) {
        if (r == ground || c == ground) continue;
        const double scale = (r == c ? 1.0 : -1.0) * base[r] * base[c];
        add_block(r, c, scale * d.to_v, scale * d.to_conj_v);
      }
    }
  };
  const auto across = [&](int a, int b) {
    const auto at = [&](int node) { return node == ground ? Complex{} : x[node] * base[node]; };
    return at(a) - at(b);
  };
  const auto row_start = model.row_start(), column = model.column();
  const auto matrix = model.matrix();
  for (int i = 0; i < nodes_; ++i) {
    if (fixed_[i]) {
      const Complex slope = -std::abs(matrix[model.slot(i, i)]) * (polar_ ? x[i] : 1.0);
      add(2 * i, 2 * i, slope.real());
      add(2 * i, 2 * i + 1, -slope.imag());
      add(2 * i + 1, 2 * i, slope.imag());
      add(2 * i + 1, 2 * i + 1, slope.real());
      continue;
    }
    for (int k = row_start[i]; k < row_start[i + 1]; ++k) add_block(i, column[k], -matrix[k], 0);
  }
  for (const auto& phase : model.load_phases()) {
    const auto d = load_current_derivative(phase, now.conditions.load_power[phase.load] * phase.share, across(phase.a, phase.b));
    add_phase(phase.a, phase.b, {phase.linear - d.to_v, -d.to_conj_v});
  }
  const auto add_injections = [&](std::span<const InjectionPhase> phases, const std::vector<Complex>& power) {
    for (const auto& phase : phases) {
      add_phase(phase.a, phase.b, injection_current_derivative(phase, power[phase.device] * phase.share, across(phase.a, phase.b)));
    }
  };
  add_injections(model.solar_phases(), conditions.solar_power);
  add_injections(model.wind_phases(), conditions.wind_power);
  add_injections(model.battery_phases(), conditions.battery_power);
  add_injections(model.generator_phases(), conditions.generator_power);
  for (std::size_t k = 0; k < holding_.size(); ++k) {
    const int own = 2 * nodes_ + static_cast<int>(k);
    const bool holds = now.limit[k] == 0;
    for (const auto& phase : phases_[k]) {
      const Complex dv = across(phase.a, phase.b);
      const Complex current = injection_current(phase, Complex(0, phase.share), dv);  // linear in the power
      const Complex slope = holds ? dv / std::abs(dv) * (weight_[k] * phase.share / phase.rated_voltage) : Complex{};
      for (const int node : {phase.a, phase.b}) {
        if (node == ground) continue;
        const double scale = (node == phase.a ? 1.0 : -1.0) * base[node];
        const Complex turned = fixed_[node] ? Complex{} : newton_turn * scale * (polar_ ? x[node] * std::conj(current) : current);
        const Complex along = scale * (polar_ ? slope * std::conj(x[node]) : slope);
        add(2 * node, own, turned.real());
        add(2 * node + 1, own, turned.imag());
        add(own, 2 * node, along.real());
        add(own, 2 * node + 1, along.imag());
      }
    }
    add(own, own, holds ? 0.0 : 1.0);
  }
}

}  // namespace gridfed
