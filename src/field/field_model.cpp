#include "field/field_model.hpp"

#include "control/rules.hpp"
#include "runtime/error.hpp"

#include <algorithm>
#include <cmath>

namespace gridfed {

namespace {

using Element = TwinPoint::Element;

double share(double measured, int count) {
  return count > 0 ? measured / count : 0.0;
}

}  // namespace

FieldModel::FieldModel(GridEnvironment environment, GridEnvironment planner, const Readings& readings, const FieldModelOptions& options)
    : environment_(std::move(environment)),
      planner_(std::move(planner)),
      readings_(readings),
      options_(options),
      longest_age_(std::chrono::duration_cast<dnp3::Duration>(std::chrono::duration<double>(options.stale_after))) {
  if (!(options.stale_after > 0)) throw Error("control.stale_after is {}: it must be positive", options.stale_after);
  if (!(options.most_residual > 0)) throw Error("control.most_residual is {}: it must be positive", options.most_residual);
  const int head = readings.find(Element::feeder, 0, Quantity::active_power);
  if (head < 0) throw Error("the point map does not measure the active_power of the feeder: add it, the state hangs on it");
  needed_.push_back(static_cast<std::size_t>(head));
  bool voltage = false;
  for (std::size_t i = 0; i < readings.size(); ++i) voltage = voltage || readings.source(i).element == Element::bus;
  if (!voltage) throw Error("the point map measures no voltage of a bus: add one, the model is checked against it");
  check_commands();
  if (action_offset(environment_, ZoneAction::battery) < 0) return;
  const auto& batteries = environment_.network().data().batteries;
  for (std::size_t b = 0; b < batteries.size(); ++b) {
    for (const auto quantity : {Quantity::active_power, Quantity::charge}) {
      const int point = readings.find(Element::battery, static_cast<int>(b), quantity);
      if (point < 0)
        throw Error("the point map does not measure the {} of battery '{}': add it, or leave battery out of env.actions",
                    quantity == Quantity::charge ? "charge" : "active_power", batteries[b].name);
      needed_.push_back(static_cast<std::size_t>(point));
    }
  }
}

/// Every device that an action moves in the model must move in the field.
void FieldModel::check_commands() const {
  const auto& data = environment_.network().data();
  const auto check = [&](const char* action, const auto& devices, const char* kind, Element element, const char* words,
                         std::initializer_list<Quantity> any_of) {
    for (std::size_t i = 0; i < devices.size(); ++i) {
      const bool commanded =
          std::ranges::any_of(any_of, [&](Quantity q) { return readings_.find_command(element, static_cast<int>(i), q) >= 0; });
      if (!commanded)
        throw Error("env.actions names {}, but the point map commands no {} of {} '{}': add it, or leave {} out", action, words, kind,
                    devices[i].name, action);
    }
  };
  for (const auto kind : environment_.zone_actions()) {
    switch (kind) {
      case ZoneAction::battery:
        check("battery", data.batteries, "battery", Element::battery, "active_power", {Quantity::active_power});
        break;
      case ZoneAction::curtailment:
        check("curtailment", data.solar, "plant", Element::solar, "power_limit", {Quantity::power_limit});
        check("curtailment", data.wind, "turbine", Element::wind, "power_limit", {Quantity::power_limit});
        break;
      case ZoneAction::tap:
        check("tap", data.regulators, "regulator", Element::regulator, "tap", {Quantity::tap});
        break;
      case ZoneAction::capacitor:
        check("capacitor", data.capacitors, "bank", Element::capacitor, "steps or closed", {Quantity::steps, Quantity::closed});
        break;
      case ZoneAction::reactive:
      case ZoneAction::flexible_load:
        throw Error("env.actions names reactive or flexible_load, which no point commands: leave them out");
    }
  }
}

void FieldModel::begin_day(int day) {
  environment_.reset(options_.seed, options_.client, day);
  scenario_ = environment_.scenario();
  scenario_.outages.clear();
  state_ = environment_.state();
}

std::optional<double> FieldModel::good(Element element, int position, Quantity quantity) const {
  const int point = readings_.find(element, position, quantity);
  if (point < 0 || readings_.quality(static_cast<std::size_t>(point), now_, longest_age_) != Quality::good) return {};
  return readings_.value(static_cast<std::size_t>(point));
}

bool FieldModel::fresh(dnp3::Instant now) const {
  return std::ranges::all_of(needed_, [&](std::size_t i) { return readings_.quality(i, now, longest_age_) == Quality::good; });
}

bool FieldModel::fill(double hour, std::string& reason) {
  const auto& network = environment_.network();
  const auto& data = network.data();
  const int t = std::clamp(static_cast<int>(hour * 3600 / environment_.timestep()), 0, scenario_.steps - 1);
  state_.step = t;
  state_.grid = initial_state(network);
  for (std::size_t r = 0; r < data.regulators.size(); ++r) {
    const auto tap = good(Element::regulator, static_cast<int>(r), Quantity::tap);
    const auto transformer = static_cast<std::size_t>(network.regulator_transformers()[r]);
    const auto winding = static_cast<std::size_t>(data.regulators[r].winding - 1);
    if (tap)
      state_.grid.taps[transformer][winding] =
          tap_ratio(data.transformers[transformer].windings[winding], static_cast<int>(std::lround(*tap)));
  }
  for (std::size_t c = 0; c < data.capacitors.size(); ++c) {
    auto& steps = state_.grid.capacitors[c];
    if (const auto in = good(Element::capacitor, static_cast<int>(c), Quantity::steps))
      for (std::size_t s = 0; s < steps.size(); ++s) steps[s] = static_cast<double>(s) < *in - 0.5;
    else if (const auto closed = good(Element::capacitor, static_cast<int>(c), Quantity::closed))
      std::ranges::fill(steps, *closed != 0);
  }
  for (std::size_t l = 0; l < data.lines.size(); ++l) {
    if (const auto closed = good(Element::line, static_cast<int>(l), Quantity::closed)) state_.grid.closed[l] = *closed != 0;
  }
  double injected = 0;
  const auto plants = [&](Element element, const auto& devices, std::vector<Complex>& power, std::vector<double>& reactive,
                          std::vector<float>& rows) {
    double shares = 0;
    int measured = 0;
    std::vector<std::optional<double>> p;
    for (std::size_t i = 0; i < devices.size(); ++i) {
      p.push_back(good(element, static_cast<int>(i), Quantity::active_power));
      if (!p.back()) continue;
      shares += *p.back() / devices[i].capacity;
      ++measured;
    }
    for (std::size_t i = 0; i < devices.size(); ++i) {
      const double active = p[i] ? *p[i] : share(shares, measured) * devices[i].capacity;
      const double q = good(element, static_cast<int>(i), Quantity::reactive_power).value_or(0);
      power[i] = {active, q};
      reactive[i] = q / devices[i].inverter_rating;
      injected += active;
      // Behind a limit that binds nobody measures what there would be: as much as the others have.
      const auto limit = good(element, static_cast<int>(i), Quantity::power_limit);
      const bool bound = limit && active >= 0.98 * *limit && *limit < devices[i].capacity;
      const double available = bound ? std::max(active / devices[i].capacity, share(shares, measured)) : active / devices[i].capacity;
      rows[static_cast<std::size_t>(t) * devices.size() + i] = static_cast<float>(std::clamp(available, 0.0, 1.0));
    }
  };
  plants(Element::solar, data.solar, state_.conditions.solar_power, state_.solar_share, scenario_.solar);
  plants(Element::wind, data.wind, state_.conditions.wind_power, state_.wind_share, scenario_.wind);
  for (std::size_t b = 0; b < data.batteries.size(); ++b) {
    const double p = good(Element::battery, static_cast<int>(b), Quantity::active_power).value_or(0);
    const double q = good(Element::battery, static_cast<int>(b), Quantity::reactive_power).value_or(0);
    state_.conditions.battery_power[b] = {p, q};
    state_.battery_share[b] = q / data.batteries[b].inverter_rating;
    state_.charge[b] =
        std::clamp(good(Element::battery, static_cast<int>(b), Quantity::charge).value_or(data.batteries[b].initial_soc), 0.0, 1.0);
    injected += p;
  }
  const auto head = good(Element::feeder, 0, Quantity::active_power);
  if (!head) {
    reason = "the power of the feeder's head is not known";
    return false;
  }
  double measured = 0, rated = 0;
  std::vector<std::optional<double>> loads;
  for (std::size_t i = 0; i < data.loads.size(); ++i) {
    loads.push_back(good(Element::load, static_cast<int>(i), Quantity::active_power));
    if (loads.back())
      measured += *loads.back();
    else
      rated += data.loads[i].power.real();
  }
  const double losses = good(Element::feeder, 0, Quantity::losses).value_or(0);
  const double factor = rated > 0 ? std::max(0.0, *head + injected - losses - measured) / rated : 0;
  for (std::size_t i = 0; i < data.loads.size(); ++i) {
    const Complex nominal = data.loads[i].power;
    const double of_rated = loads[i] && nominal.real() > 0 ? *loads[i] / nominal.real() : factor;
    const auto q = good(Element::load, static_cast<int>(i), Quantity::reactive_power);
    state_.conditions.load_power[i] = {nominal.real() * of_rated, q.value_or(nominal.imag() * of_rated)};
    scenario_.load[static_cast<std::size_t>(t) * data.loads.size() + i] = static_cast<float>(of_rated);
  }
  return true;
}

double FieldModel::worst_residual(Estimate& estimate) const {
  double worst = 0;
  for (std::size_t i = 0; i < readings_.size(); ++i) {
    const auto& source = readings_.source(i);
    if (source.element != Element::bus || readings_.quality(i, now_, longest_age_) != Quality::good) continue;
    const auto part = static_cast<std::size_t>(source.part);
    const double base = source.quantity == Quantity::voltage ? environment_.network().measured_voltages()[part].base : 1.0;
    const double apart = std::abs(readings_.value(i) / base - environment_.measured_voltages()[part]);
    if (apart <= worst) continue;
    worst = apart;
    estimate.residual_point = readings_.map().points()[i].name;
  }
  return worst;
}

Estimate FieldModel::estimate(dnp3::Instant now, double hour) {
  now_ = now;
  Estimate e;
  for (std::size_t i = 0; i < readings_.size(); ++i) {
    switch (readings_.quality(i, now, longest_age_)) {
      case Quality::good:
        ++e.good;
        break;
      case Quality::missing:
        ++e.missing;
        break;
      case Quality::stale:
        ++e.stale;
        break;
      case Quality::bad:
        ++e.bad;
        break;
    }
  }
  for (const auto i : needed_) {
    if (readings_.quality(i, now, longest_age_) == Quality::good) continue;
    constexpr const char* words[] = {"good", "missing", "stale", "flagged bad"};
    e.reason =
        fmt::format("point {} is {}", readings_.map().points()[i].name, words[static_cast<int>(readings_.quality(i, now, longest_age_))]);
    return e;
  }
  if (!fill(hour, e.reason)) return e;
  environment_.resume(state_, scenario_);
  const auto seen = environment_.look();
  if (!seen) {
    e.reason = "the power flow of what is measured does not converge";
    return e;
  }
  observation_.assign(seen->begin(), seen->end());
  e.residual = worst_residual(e);
  if (e.residual > options_.most_residual) {
    e.reason = fmt::format("voltage {} is {:.3f} p.u. from the model's", e.residual_point, e.residual);
    return e;
  }
  e.usable = true;
  return e;
}

std::vector<Setpoint> FieldModel::setpoints(std::span<const float> action) {
  planner_.resume(state_, scenario_);
  std::vector<Setpoint> wanted;
  if (planner_.step(action).info.diverged) return wanted;
  const auto& network = environment_.network();
  const auto& data = network.data();
  const int curtailment = action_offset(environment_, ZoneAction::curtailment);
  const bool taps = action_offset(environment_, ZoneAction::tap) >= 0, banks = action_offset(environment_, ZoneAction::capacitor) >= 0;
  const bool batteries = action_offset(environment_, ZoneAction::battery) >= 0;
  const auto limit = [&](const auto& device, float available) {
    const int zone = environment_.zones().zone_of_bus[static_cast<std::size_t>(network.bus_of(device.terminal))];
    const double shed = std::clamp(static_cast<double>(action[static_cast<std::size_t>(curtailment + zone)]), 0.0, 1.0);
    return shed > 0 ? (1 - shed) * std::min(device.capacity * available, device.inverter_rating) : device.capacity;
  };
  for (std::size_t i = 0; i < readings_.size(); ++i) {
    const auto& point = readings_.map().points()[i];
    if (point.type != dnp3::PointType::analog_output && point.type != dnp3::PointType::binary_output) continue;
    const auto& source = readings_.source(i);
    const auto position = static_cast<std::size_t>(source.position);
    double si = 0, present = readings_.value(i);
    if (source.element == Element::battery && batteries) {
      const auto& battery = data.batteries[position];
      si = planner_.flow().conditions().battery_power[position].real();
      for (double* power : {&si, &present}) {  // what an idle one draws is not a setpoint
        if (std::abs(*power) <= battery.idling_loss * battery.power_rating * (1 + 1e-6)) *power = 0;
      }
    } else if (source.element == Element::solar && curtailment >= 0) {
      si = limit(data.solar[position], scenario_.solar[static_cast<std::size_t>(state_.step) * data.solar.size() + position]);
    } else if (source.element == Element::regulator && taps) {
      const auto transformer = static_cast<std::size_t>(network.regulator_transformers()[position]);
      const auto winding = static_cast<std::size_t>(data.regulators[position].winding - 1);
      si = tap_number(data.transformers[transformer].windings[winding], planner_.flow().state().taps[transformer][winding]);
    } else if (source.element == Element::capacitor && banks) {
      const auto& steps = planner_.flow().state().capacitors[position];
      const auto in = static_cast<double>(std::ranges::count(steps, 1));
      si = source.quantity == Quantity::closed ? in > 0 : in;
    } else {
      continue;
    }
    const double value = std::clamp(si / readings_.unit(i), point.low, point.high);
    const bool known = readings_.quality(i, now_, longest_age_) == Quality::good;
    if (known && std::abs(value - present / readings_.unit(i)) <= std::max(point.dead_band, 1e-6 * std::abs(value))) continue;
    wanted.push_back({i, value});
  }
  return wanted;
}

}  // namespace gridfed
