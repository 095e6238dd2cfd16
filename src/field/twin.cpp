#include "field/twin.hpp"

#include "grid/inverter.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace gridfed {

namespace {

using Element = TwinPoint::Element;

Complex at(std::span<const Complex> v, int node) {
  return node == ground ? Complex(0) : v[static_cast<std::size_t>(node)];
}

}  // namespace

Twin::Twin(PowerFlow& flow, const TwinOptions& options)
    : flow_(flow),
      options_(options),
      points_(flow.network(), options.shapes, options.load_scale),
      controlled_(flow, options.control, options.tolerance),
      limits_(flow.network().data().solar.size()),
      line_loading_(flow.network().data().lines.size()),
      transformer_loading_(flow.network().data().transformers.size()),
      time_(options.start) {
  solve(0);
}

void Twin::advance() {
  // What has flowed until now moves the batteries.
  if (converged()) points_.store(conditions_, options_.step / 3600);
  time_ += options_.step;
  solve(options_.step / 3600);
}

void Twin::solve_again() {
  solve(0);
}

void Twin::solve(double hours) {
  points_.set_hour(time_ / 3600, hours);
  conditions_ = points_.conditions();
  panel_power_.assign(points_.panel_power().begin(), points_.panel_power().end());
  for (std::size_t i = 0; i < limits_.size(); ++i) {
    if (!limits_[i]) continue;
    // An inverter under control makes its power of what stands behind it, the others have theirs already.
    panel_power_[i] = std::min(panel_power_[i], *limits_[i]);
    auto& power = conditions_.solar_power[i];
    power = {std::min(power.real(), *limits_[i]), power.imag()};
  }
  controlled_.solve(conditions_, panel_power_, points_.battery_states(), time_);
  if (!converged()) return;
  balance_ = flow_.balance();
  flow_.loadings(line_loading_, transformer_loading_);
  lowest_ = std::numeric_limits<double>::infinity();
  highest_ = 0;
  for (const auto& m : flow_.network().measured_voltages()) {
    const auto& v = flow_.solution().bus_voltages;
    const double pu = std::abs(at(v, m.node) - at(v, m.reference)) / m.base;
    lowest_ = std::min(lowest_, pu);
    highest_ = std::max(highest_, pu);
  }
}

Operation Twin::tap_operation(int regulator, double number) const {
  const auto& network = flow_.network();
  const int transformer = network.regulator_transformers()[static_cast<std::size_t>(regulator)];
  const int winding = network.data().regulators[static_cast<std::size_t>(regulator)].winding - 1;
  const auto& w = network.data().transformers[static_cast<std::size_t>(transformer)].windings[static_cast<std::size_t>(winding)];
  return {Operation::Kind::tap, transformer, winding, tap_ratio(w, static_cast<int>(number))};
}

// "closed" means all steps of a bank.
double Twin::steps_of(const TwinPoint& point, double value) const {
  const auto count = flow_.network().data().capacitors[static_cast<std::size_t>(point.position)].step_power.size();
  return point.quantity == Quantity::closed ? (value != 0 ? static_cast<double>(count) : 0) : value;
}

TwinResult Twin::possible(const TwinPoint& point, double value) const {
  if (!is_commandable(point)) return TwinResult::not_supported;
  const auto& data = flow_.network().data();
  const auto position = static_cast<std::size_t>(point.position);
  const auto inside = [](bool is) { return is ? TwinResult::done : TwinResult::out_of_range; };
  constexpr double many = 1000;
  const bool whole = value == std::round(value) && std::abs(value) <= many;
  switch (point.element) {
    case Element::regulator: {
      if (!whole) return TwinResult::out_of_range;
      const auto tap = tap_operation(point.position, value);
      const auto& winding = data.transformers[static_cast<std::size_t>(tap.element)].windings[static_cast<std::size_t>(tap.part)];
      return inside(tap_number(winding, tap.value) == value);  // beyond the range a ratio is its limit's
    }
    case Element::capacitor: {
      const double steps = steps_of(point, value);
      return inside(whole && steps >= 0 && steps <= static_cast<double>(data.capacitors[position].step_power.size()));
    }
    case Element::battery:
      return inside(data.batteries[position].power_rating > 0 && std::abs(value) <= data.batteries[position].power_rating);
    case Element::solar:
      return inside(value >= 0 && value <= data.solar[position].capacity);
    default:
      return inside(std::isfinite(value));
  }
}

TwinResult Twin::command(const TwinPoint& point, double value) {
  const auto result = possible(point, value);
  if (result != TwinResult::done) return result;
  const auto position = static_cast<std::size_t>(point.position);
  std::vector<Operation> operations;
  switch (point.element) {
    case Element::regulator:
      operations.push_back(tap_operation(point.position, value));
      break;
    case Element::capacitor: {
      const auto count = static_cast<int>(flow_.state().capacitors[position].size());
      for (int s = 0; s < count; ++s)
        operations.push_back({Operation::Kind::capacitor_step, point.position, s, s < steps_of(point, value) ? 1.0 : 0.0});
      break;
    }
    case Element::line:
      operations.push_back({Operation::Kind::line, point.position, 0, value != 0 ? 1.0 : 0.0});
      break;
    case Element::battery:
      points_.command_battery(point.position, value);
      break;
    default:
      limits_[position] = value;
  }
  if (!operations.empty()) flow_.operate(operations);
  return TwinResult::done;
}

std::optional<double> Twin::state_of(const TwinPoint& point) const {
  const auto& network = flow_.network();
  const auto position = static_cast<std::size_t>(point.position);
  switch (point.quantity) {
    case Quantity::tap: {
      const auto transformer = static_cast<std::size_t>(network.regulator_transformers()[position]);
      const auto winding = static_cast<std::size_t>(network.data().regulators[position].winding - 1);
      return tap_number(network.data().transformers[transformer].windings[winding], flow_.state().taps[transformer][winding]);
    }
    case Quantity::steps:
    case Quantity::closed: {
      if (point.element == Element::line) return flow_.state().closed[position];
      const auto& steps = flow_.state().capacitors[position];
      const auto in_service = static_cast<double>(std::ranges::count(steps, 1));
      return point.quantity == Quantity::steps ? in_service : in_service > 0;
    }
    case Quantity::charge:
      return points_.charge()[position];
    case Quantity::power_limit:
      return limits_[position].value_or(network.data().solar[position].capacity);
    default:
      return {};
  }
}

Complex Twin::power_of(const TwinPoint& point) const {
  const auto position = static_cast<std::size_t>(point.position);
  switch (point.element) {
    case Element::line:
      return flow_.line_flow(point.position).power;
    case Element::transformer:
      return flow_.transformer_flow(point.position).power;
    case Element::load: {
      Complex drawn = 0;
      const auto& v = flow_.solution().bus_voltages;
      for (const auto& phase : flow_.model().load_phases()) {
        if (phase.load != point.position) continue;
        const Complex across = at(v, phase.a) - at(v, phase.b);
        drawn += across * std::conj(load_current(phase, conditions_.load_power[position] * phase.share, across));
      }
      return drawn;
    }
    case Element::solar:
      return conditions_.solar_power[position];
    case Element::wind:
      return conditions_.wind_power[position];
    case Element::battery:
      return conditions_.battery_power[position];
    case Element::generator:
      return flow_.solution().generator_power[position];
    default:
      return balance_.source_power;
  }
}

std::optional<double> Twin::measure(const TwinPoint& point) const {
  if (const auto state = state_of(point)) return state;
  if (!converged()) return {};
  switch (point.quantity) {
    case Quantity::voltage:
    case Quantity::voltage_pu: {
      const auto& m = flow_.network().measured_voltages()[static_cast<std::size_t>(point.part)];
      const auto& v = flow_.solution().bus_voltages;
      const double magnitude = std::abs(at(v, m.node) - at(v, m.reference));
      return point.quantity == Quantity::voltage ? magnitude : magnitude / m.base;
    }
    case Quantity::current: {
      const auto flow = point.element == Element::line ? flow_.line_flow(point.position) : flow_.transformer_flow(point.position);
      return flow.current[static_cast<std::size_t>(point.part)];
    }
    case Quantity::active_power:
      return power_of(point).real();
    case Quantity::reactive_power:
      return power_of(point).imag();
    case Quantity::losses:
      return balance_.losses.real();
    case Quantity::frequency:
      return flow_.network().data().frequency;
    case Quantity::loading:
      return point.element == Element::line ? line_loading_[static_cast<std::size_t>(point.position)]
                                            : transformer_loading_[static_cast<std::size_t>(point.position)];
    default:
      return {};
  }
}

}  // namespace gridfed
