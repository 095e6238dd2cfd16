#include "control/constraint_layer.hpp"

#include "control/projection.hpp"
#include "dynamics/devices.hpp"
#include "dynamics/ieee1547.hpp"

#include <algorithm>
#include <cmath>

namespace gridfed {

namespace {

using Voltages = std::vector<Complex>;

LoadingConditions nothing(const Network& network) {
  const auto& data = network.data();
  return {.load_power = Voltages(data.loads.size()),
          .solar_power = Voltages(data.solar.size()),
          .wind_power = Voltages(data.wind.size()),
          .battery_power = Voltages(data.batteries.size()),
          .generator_power = Voltages(data.generators.size())};
}

/// An inverter that follows volt-var on the sloping part of its curve.
struct Follower {
  std::vector<Complex> LoadingConditions::*kind;
  int device = 0;
  double gain = 0;  ///< [var/p.u.]
  std::vector<InjectionPhase> phases;

  /// Change of the mean voltage over its phases [p.u.].
  double voltage_change(std::span<const Complex> v, std::span<const Complex> dv) const {
    const auto across = [](std::span<const Complex> x, const InjectionPhase& p) {
      const auto at = [&](int node) { return node == ground ? Complex{} : x[static_cast<std::size_t>(node)]; };
      return at(p.a) - at(p.b);
    };
    double sum = 0;
    for (const auto& p : phases) {
      const Complex z = across(v, p);
      sum += p.share * (std::conj(z) * across(dv, p)).real() / (std::abs(z) * p.rated_voltage);
    }
    return sum;
  }
};

double room_of(Complex power, double rating) {
  const double p = power.real() / rating;
  return std::min(reactive_capability, std::sqrt(std::max(0.0, 1 - p * p)));
}
/// Would a little more or less reactive power be done?
bool has_room(Complex power, double rating) {
  return std::abs(power.imag()) < rating * room_of(power, rating) - 1e-6 * rating;
}

std::vector<Follower> followers(const GridEnvironment& model) {
  std::vector<Follower> all;
  if (!model.options().volt_var) return all;
  const auto& data = model.network().data();
  const auto& v = model.flow().solution().bus_voltages;
  const auto& conditions = model.flow().conditions();
  const auto add = [&](std::vector<Complex> LoadingConditions::*kind, const auto& devices, std::span<const InjectionPhase> phases) {
    std::vector<Follower> of_kind(devices.size());
    std::vector<double> voltage(devices.size());
    for (const auto& p : phases) {
      const auto at = [&](int node) { return node == ground ? Complex{} : v[static_cast<std::size_t>(node)]; };
      const auto d = static_cast<std::size_t>(p.device);
      voltage[d] += p.share * std::abs(at(p.a) - at(p.b)) / p.rated_voltage;
      of_kind[d].phases.push_back(p);
    }
    for (std::size_t i = 0; i < devices.size(); ++i) {
      constexpr double h = 1e-6;
      const double slope = (volt_var(voltage[i] + h) - volt_var(voltage[i] - h)) / (2 * h);
      if (slope == 0 || !has_room((conditions.*kind)[i], devices[i].inverter_rating)) continue;
      of_kind[i].kind = kind;
      of_kind[i].device = static_cast<int>(i);
      of_kind[i].gain = slope * devices[i].inverter_rating;
      all.push_back(std::move(of_kind[i]));
    }
  };
  const auto& nodal = model.flow().model();
  add(&LoadingConditions::solar_power, data.solar, nodal.solar_phases());
  add(&LoadingConditions::wind_power, data.wind, nodal.wind_phases());
  add(&LoadingConditions::battery_power, data.batteries, nodal.battery_phases());
  return all;
}

}  // namespace

/// Change of powers with a component, as GridEnvironment deals it to the zone's devices.
LoadingConditions ConstraintLayer::direction(const GridEnvironment& model, const DayState& before, ZoneAction kind, int z,
                                             double action) const {
  const auto& data = model.network().data();
  const auto& zone = model.zones().zones[static_cast<std::size_t>(z)];
  const auto& now = model.flow().conditions();
  const auto& scenario = model.scenario();
  auto change = nothing(model.network());
  switch (kind) {
    case ZoneAction::battery: {
      double able = 0;
      std::vector<double> most;
      for (const int b : zone.batteries) {
        const auto i = static_cast<std::size_t>(b);
        most.push_back(battery_step(data.batteries[i], before.charge[i], std::copysign(1e30, action), model.timestep()).power);
        able += std::abs(most.back());
      }
      if (std::abs(action) * zone.battery_power >= able) break;
      for (std::size_t k = 0; k < most.size(); ++k)
        change.battery_power[static_cast<std::size_t>(zone.batteries[k])] = zone.battery_power * std::abs(most[k]) / able;
      break;
    }
    case ZoneAction::reactive: {
      const auto add = [&](const std::vector<int>& devices, const auto& all, const Voltages& power, Voltages& to) {
        for (const int d : devices) {
          const auto i = static_cast<std::size_t>(d);
          if (has_room(power[i], all[i].inverter_rating)) to[i] = Complex(0, reactive_capability * all[i].inverter_rating);
        }
      };
      add(zone.solar, data.solar, now.solar_power, change.solar_power);
      add(zone.wind, data.wind, now.wind_power, change.wind_power);
      add(zone.batteries, data.batteries, now.battery_power, change.battery_power);
      break;
    }
    case ZoneAction::curtailment: {
      for (const int d : zone.solar) {
        const auto i = static_cast<std::size_t>(d);
        change.solar_power[i] = -std::min(data.solar[i].capacity * scenario.solar_factor(before.step, d), data.solar[i].inverter_rating);
      }
      for (const int d : zone.wind) {
        const auto i = static_cast<std::size_t>(d);
        change.wind_power[i] = -std::min(data.wind[i].capacity * scenario.wind_factor(before.step, d), data.wind[i].inverter_rating);
      }
      break;
    }
    case ZoneAction::flexible_load:
      for (const int d : zone.loads) {
        const auto i = static_cast<std::size_t>(d);
        change.load_power[i] =
            data.loads[i].power * static_cast<double>(scenario.load_factor(before.step, d)) * model.options().flexible_share;
      }
      break;
    case ZoneAction::tap:
    case ZoneAction::capacitor:
      break;
  }
  return change;
}

ConstraintLayer::Linearised ConstraintLayer::linearise(const GridEnvironment& model, const DayState& before, const SafetyMonitor& monitor,
                                                       std::span<const float> action) {
  const auto& nodal = model.flow().model();
  const auto& network = model.network();
  const auto& v = model.flow().solution().bus_voltages;
  sensitivities_.linearise(nodal, model.flow().conditions(), v);

  // Volt-var in the loop: with q = G (V_d + V_q q) the reactive powers q follow the mean voltages V of the inverters.
  const auto follow = followers(model);
  const auto m = static_cast<Eigen::Index>(follow.size());
  std::vector<Voltages> by_follower;
  Eigen::MatrixXd loop = Eigen::MatrixXd::Identity(m, m);
  for (Eigen::Index l = 0; l < m; ++l) {
    const auto& follower = follow[static_cast<std::size_t>(l)];
    auto change = nothing(network);
    (change.*follower.kind)[static_cast<std::size_t>(follower.device)] = Complex(0, 1);
    by_follower.push_back(sensitivities_.voltages(nodal, change));
    for (Eigen::Index j = 0; j < m; ++j)
      loop(j, l) -= follow[static_cast<std::size_t>(j)].gain * follow[static_cast<std::size_t>(j)].voltage_change(v, by_follower.back());
  }
  const Eigen::PartialPivLU<Eigen::MatrixXd> closed = m > 0 ? loop.partialPivLu() : Eigen::PartialPivLU<Eigen::MatrixXd>();

  const auto measured = static_cast<Eigen::Index>(network.measured_voltages().size());
  const auto lines = static_cast<Eigen::Index>(network.data().lines.size());
  const auto transformers = static_cast<Eigen::Index>(network.data().transformers.size());
  const auto& o = monitor.options();
  const double stiffness = 1e6 * o.frequency_stiffness, half_band = (o.frequency_max - o.frequency_min) / 2;
  Linearised result;
  const Eigen::Index count = measured + lines + transformers + (stiffness > 0 ? 1 : 0);
  result.rows = Eigen::MatrixXd::Zero(count, columns_);
  result.value.resize(count);
  const int zones = model.options().zones;
  for (int k = 0; k < columns_; ++k) {
    const auto kind = kinds_[static_cast<std::size_t>(k / zones)];
    if (kind == ZoneAction::tap || kind == ZoneAction::capacitor) continue;
    const auto change = direction(model, before, kind, k % zones, action[static_cast<std::size_t>(k)]);
    auto dv = sensitivities_.voltages(nodal, change);
    if (m > 0) {
      Eigen::VectorXd open(m);
      for (Eigen::Index j = 0; j < m; ++j)
        open[j] = follow[static_cast<std::size_t>(j)].gain * follow[static_cast<std::size_t>(j)].voltage_change(v, dv);
      const Eigen::VectorXd q = closed.solve(open);
      for (Eigen::Index j = 0; j < m; ++j) {
        for (std::size_t i = 0; i < dv.size(); ++i) dv[i] += q[j] * by_follower[static_cast<std::size_t>(j)][i];
      }
    }
    Eigen::Index row = 0;
    for (const auto& measurement : network.measured_voltages())
      result.rows(row++, k) = voltage_change(measurement, v, dv) / monitor.voltage_half();
    for (int i = 0; i < lines; ++i) result.rows(row++, k) = line_loading_change(nodal, i, v, dv) / o.line_loading;
    for (int i = 0; i < transformers; ++i) result.rows(row++, k) = transformer_loading_change(nodal, i, v, dv) / o.transformer_loading;
    if (stiffness > 0) {  // losses left out
      Complex injected = 0;
      for (const auto* powers : {&change.solar_power, &change.wind_power, &change.battery_power}) {
        for (const Complex& s : *powers) injected += s;
      }
      for (const Complex& s : change.load_power) injected -= s;
      result.rows(row, k) = injected.real() / stiffness / half_band;
    }
  }
  Eigen::Index row = 0;
  for (const double voltage : model.measured_voltages())
    result.value[row++] = (voltage - monitor.voltage_middle()) / monitor.voltage_half();
  for (const double loading : model.line_loadings()) result.value[row++] = loading / o.line_loading;
  for (const double loading : model.transformer_loadings()) result.value[row++] = loading / o.transformer_loading;
  if (stiffness > 0) {
    const double f = monitor.frequency(model.flow().balance().source_power.real());
    result.value[row] = (f - (o.frequency_min + o.frequency_max) / 2) / half_band;
  }
  return result;
}

ConstraintLayer::Result ConstraintLayer::project(const GridEnvironment& model, const DayState& before, const SafetyMonitor& monitor,
                                                 double threshold, std::span<float> action) {
  Eigen::VectorXd point(columns_);
  const int zones = model.options().zones;
  for (int k = 0; k < columns_; ++k) {
    auto& a = action[static_cast<std::size_t>(k)];
    a = std::clamp(a, -1.0f, 1.0f);
    // Below zero curtailment does nothing: from there, zero is where it begins to.
    if (kinds_[static_cast<std::size_t>(k / zones)] == ZoneAction::curtailment) a = std::max(a, 0.0f);
    point[k] = a;
  }
  const auto linear = linearise(model, before, monitor, action);
  // use + rows (x - action) within +-threshold. Uses of lines and transformers are never negative.
  const Eigen::VectorXd offset = linear.value - linear.rows * point;
  const auto count = linear.rows.rows();
  const auto signed_rows = static_cast<Eigen::Index>(model.measured_voltages().size());
  std::vector<Eigen::Index> upper, lower;
  for (Eigen::Index i = 0; i < count; ++i) {
    const double reach = linear.rows.row(i).lpNorm<1>() * 2;
    if (linear.value[i] + reach > threshold) upper.push_back(i);
    if ((i < signed_rows ||
         i >= signed_rows + static_cast<Eigen::Index>(model.line_loadings().size() + model.transformer_loadings().size())) &&
        linear.value[i] - reach < -threshold)
      lower.push_back(i);
  }
  const auto limits = static_cast<Eigen::Index>(upper.size() + lower.size());
  Eigen::MatrixXd rows(limits, columns_), box(2 * columns_, columns_);
  Eigen::VectorXd bounds(limits), box_bounds(2 * columns_);
  Eigen::Index at = 0;
  for (const auto i : upper) {
    rows.row(at) = linear.rows.row(i);
    bounds[at++] = threshold - offset[i];
  }
  for (const auto i : lower) {
    rows.row(at) = -linear.rows.row(i);
    bounds[at++] = threshold + offset[i];
  }
  box << Eigen::MatrixXd::Identity(columns_, columns_), -Eigen::MatrixXd::Identity(columns_, columns_);
  box_bounds.setOnes();
  for (int k = 0; k < columns_; ++k) {
    if (kinds_[static_cast<std::size_t>(k / zones)] == ZoneAction::curtailment) box_bounds[columns_ + k] = 0;
  }
  Eigen::MatrixXd all(limits + 2 * columns_, columns_);
  Eigen::VectorXd all_bounds(limits + 2 * columns_);
  all << rows, box;
  all_bounds << bounds, box_bounds;
  Result result;
  const auto done = gridfed::project(point, all, all_bounds);
  result.feasible = done.feasible;
  result.active = done.active;
  if (!done.feasible) result.excess = project_softly(point, rows, bounds, box, box_bounds, monitor.options().violation_penalty);
  for (int k = 0; k < columns_; ++k) action[static_cast<std::size_t>(k)] = static_cast<float>(std::clamp(point[k], -1.0, 1.0));
  return result;
}

}  // namespace gridfed
