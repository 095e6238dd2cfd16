#include "powerflow/newton_equations.hpp"

#include "powerflow/power_flow.hpp"

#include <cmath>

namespace gridfed {

NewtonEquations::NewtonEquations(const NodalModel& model)
    : nodes_(model.network().node_count()),
      polar_(is_positive_sequence(model.network())),
      holding_(held_voltages(model.network())),
      fixed_(nodes_, 0) {
  for (const auto& held : holding_) {
    auto& own = phases_.emplace_back();
    for (const auto& phase : model.generator_phases()) {
      if (phase.device == held.first()) own.push_back(phase);
    }
    // A voltage error counts like the current that it drives through the node, so that a line search weighs both alike.
    const int node = own.front().a;
    weight_.push_back(std::abs(model.matrix()[model.slot(node, node)]));
  }
  for (const auto& fixed : model.fixed_nodes()) fixed_[fixed.node] = 1;
}

std::vector<Complex> NewtonEquations::voltages(std::span<const double> u) const {
  std::vector<Complex> x(nodes_);
  for (int i = 0; i < nodes_; ++i) {
    const Complex value(u[2 * i], u[2 * i + 1]);
    x[i] = polar_ ? std::exp(value) : value;
  }
  return x;
}

void NewtonEquations::set_voltages(std::span<const Complex> x, std::span<double> u) const {
  for (int i = 0; i < nodes_; ++i) {
    const Complex value = polar_ ? std::log(x[i]) : x[i];
    u[2 * i] = value.real();
    u[2 * i + 1] = value.imag();
  }
}

double NewtonEquations::voltage_error(const NodalModel& model, int k, std::span<const double> u) const {
  const auto at = [&](int node) {
    if (node == ground) return Complex{};
    const Complex value(u[2 * node], u[2 * node + 1]);
    return (polar_ ? std::exp(value) : value) * model.base()[node];
  };
  double mean = 0;
  for (const auto& phase : phases_[k]) mean += phase.share * std::abs(at(phase.a) - at(phase.b)) / phase.rated_voltage;
  return mean - *model.network().data().generators[holding_[k].first()].voltage_setpoint_pu;
}

LoadingConditions NewtonEquations::with_reactive_power(const Case& now, std::span<const double> u) const {
  LoadingConditions conditions = now.conditions;
  for (std::size_t k = 0; k < holding_.size(); ++k) {
    for (const int g : holding_[k].generators) conditions.generator_power[g].imag(0);
    conditions.generator_power[holding_[k].first()].imag(u[2 * nodes_ + k]);
  }
  return conditions;
}

void NewtonEquations::evaluate(const NodalModel& model, const Case& now, std::span<const double> u, std::span<double> f) const {
  const auto x = voltages(u);
  std::vector<Complex> missing(nodes_);
  model.residual(with_reactive_power(now, u), x, missing);
  for (int i = 0; i < nodes_; ++i) missing[i] = newton_turn * (polar_ ? x[i] * std::conj(missing[i]) : missing[i]);
  for (const auto& fixed : model.fixed_nodes()) {
    missing[fixed.node] = std::abs(model.matrix()[model.slot(fixed.node, fixed.node)]) * (fixed.voltage - x[fixed.node]);
  }
  for (int i = 0; i < nodes_; ++i) {
    f[2 * i] = missing[i].real();
    f[2 * i + 1] = missing[i].imag();
  }
  for (std::size_t k = 0; k < holding_.size(); ++k) {
    const std::size_t own = 2 * nodes_ + k;
    f[own] = now.limit[k] == 0  ? weight_[k] * voltage_error(model, static_cast<int>(k), u)
             : now.limit[k] < 0 ? u[own] - holding_[k].min_reactive
                                : u[own] - holding_[k].max_reactive;
  }
}

}  // namespace gridfed
