#include "powerflow/sensitivities.hpp"

#include "powerflow/power_flow.hpp"
#include "runtime/error.hpp"

#include <algorithm>
#include <cmath>

namespace gridfed {

namespace {

Complex at(std::span<const Complex> v, int node) {
  return node == ground ? Complex{} : v[static_cast<std::size_t>(node)];
}

/// d|z| along dz.
double magnitude_change(Complex z, Complex dz) {
  const double magnitude = std::abs(z);
  return magnitude > 0 ? (std::conj(z) * dz).real() / magnitude : std::abs(dz);
}

LoadingConditions sum(LoadingConditions a, const LoadingConditions& b) {
  const auto add = [](std::vector<Complex>& to, const std::vector<Complex>& from) {
    for (std::size_t i = 0; i < to.size(); ++i) to[i] += from[i];
  };
  add(a.load_power, b.load_power);
  add(a.solar_power, b.solar_power);
  add(a.wind_power, b.wind_power);
  add(a.battery_power, b.battery_power);
  add(a.generator_power, b.generator_power);
  return a;
}

}  // namespace

void Sensitivities::linearise(const NodalModel& model, const LoadingConditions& conditions, std::span<const Complex> v) {
  at_ = {conditions, std::vector<int>(equations_.holding().size(), 0)};
  std::vector<Complex> x(v.begin(), v.end());
  for (std::size_t i = 0; i < x.size(); ++i) x[i] /= model.base()[i];
  equations_.set_voltages(x, u_);
  for (std::size_t k = 0; k < equations_.holding().size(); ++k)
    u_[2 * x.size() + k] = conditions.generator_power[static_cast<std::size_t>(equations_.holding()[k].first())].imag();
  std::vector<Eigen::Triplet<double>> entries;
  equations_.differentiate(model, at_, u_, [&](int row, int column, double value) { entries.emplace_back(row, column, value); });
  jacobian_.resize(equations_.size(), equations_.size());
  jacobian_.setFromTriplets(entries.begin(), entries.end());
  // The pattern is that of the network, whatever its state.
  if (!analysed_) factor_.analyzePattern(jacobian_);
  analysed_ = true;
  factor_.factorize(jacobian_);
  if (factor_.info() != Eigen::Success)
    throw Error("the power flow of network '{}' has no sensitivities here (its equations are singular): relieve the feeder",
                model.network().data().name);
  f_.resize(u_.size());
  equations_.evaluate(model, at_, u_, f_);
}

std::vector<Complex> Sensitivities::voltages(const NodalModel& model, const LoadingConditions& change) {
  // Currents are affine in the powers, so a difference of residuals is exact.
  const NewtonEquations::Case changed{sum(at_.conditions, change), at_.limit};
  std::vector<double> f(u_.size());
  equations_.evaluate(model, changed, u_, f);
  Eigen::VectorXd right(static_cast<Eigen::Index>(f.size()));
  for (std::size_t i = 0; i < f.size(); ++i) right[static_cast<Eigen::Index>(i)] = f_[i] - f[i];
  const Eigen::VectorXd du = factor_.solve(right);
  std::vector<Complex> dv(static_cast<std::size_t>(model.network().node_count()));
  const bool polar = is_positive_sequence(model.network());  // u is then the logarithm of the voltage
  const auto x = equations_.voltages(u_);
  for (std::size_t i = 0; i < dv.size(); ++i) {
    const Complex step(du[static_cast<Eigen::Index>(2 * i)], du[static_cast<Eigen::Index>(2 * i + 1)]);
    dv[i] = model.base()[i] * (polar ? x[i] * step : step);
  }
  return dv;
}

double voltage_change(const VoltageMeasurement& m, std::span<const Complex> v, std::span<const Complex> dv) {
  return magnitude_change(at(v, m.node) - at(v, m.reference), at(dv, m.node) - at(dv, m.reference)) / m.base;
}

double line_loading_change(const NodalModel& model, int line, std::span<const Complex> v, std::span<const Complex> dv) {
  const double rating = model.network().data().lines[static_cast<std::size_t>(line)].rating;
  if (rating <= 0 || !model.state().closed[static_cast<std::size_t>(line)]) return 0;
  const auto& primitive = model.lines()[static_cast<std::size_t>(line)];
  const auto conductors = primitive.nodes.size() / 2;
  const auto current = model.currents_into(primitive, 0, conductors, v), change = model.currents_into(primitive, 0, conductors, dv);
  std::size_t worst = 0;
  for (std::size_t r = 1; r < conductors; ++r) {
    if (std::norm(current[r]) > std::norm(current[worst])) worst = r;
  }
  return magnitude_change(current[worst], change[worst]) / rating;
}

double transformer_loading_change(const NodalModel& model, int transformer, std::span<const Complex> v, std::span<const Complex> dv) {
  const auto& data = model.network().data().transformers[static_cast<std::size_t>(transformer)];
  const double rating = data.rating > 0 ? data.rating : data.windings[0].rated_power;
  const auto& primitive = model.transformers()[static_cast<std::size_t>(transformer)];
  const auto conductors = model.network().transformer_nodes()[static_cast<std::size_t>(transformer)][0].size();
  const auto current = model.currents_into(primitive, 0, conductors, v), change = model.currents_into(primitive, 0, conductors, dv);
  Complex power = 0, power_change = 0;
  for (std::size_t r = 0; r < conductors; ++r) {
    const int node = primitive.nodes[r];
    power += at(v, node) * std::conj(current[r]);
    power_change += at(dv, node) * std::conj(current[r]) + at(v, node) * std::conj(change[r]);
  }
  return magnitude_change(power, power_change) / rating;
}

}  // namespace gridfed
