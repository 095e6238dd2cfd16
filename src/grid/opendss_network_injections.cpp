// From what the script says about generators, photovoltaics, storage and wind to what they inject, in SI units.
#include "grid/opendss_network.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <set>

namespace gridfed::opendss {
namespace {

using std::numbers::pi;

/// OpenDSS numbers the voltage dependence of generators in its own way. Model 7 limits its current below vminpu, which is left out.
LoadModel generator_model(int model) {
  return model == 2 ? LoadModel::constant_impedance : model == 5 ? LoadModel::constant_p_fixed_x : LoadModel::constant_power;
}

/// A generator that holds its voltage, whatever its power factor says.
GeneratorData regulating_generator(const Generator& g, double multiplier, Script& script) {
  if (!g.shapes.daily.empty() || !g.shapes.yearly.empty() || !g.shapes.duty.empty())
    script.note(fmt::format("The load shapes of Generator.{} are left out: it holds its voltage at constant power.", g.name));
  return {.name = g.name,
          .terminal = power_terminal(g, "Generator"),
          .phases = g.phases,
          .connection = g.connection,
          .rated_voltage = 1e3 * g.kv,
          .power = 1e3 * Complex(g.follows_genmult ? g.kw * multiplier : g.kw, g.kvar),
          .voltage_setpoint_pu = g.vpu,
          .min_reactive = 1e3 * g.min_kvar,
          .max_reactive = 1e3 * g.max_kvar,
          .origin = g.origin};
}

/// Any other generator is a load of negative power that no load factor touches.
LoadData generator_load(const Generator& g, double multiplier) {
  const double factor = g.follows_genmult ? multiplier : 1;
  const bool fixed_reactive = g.model == 4 || g.model == 5;  // OpenDSS scales their active power alone
  return {.name = g.name,
          .terminal = power_terminal(g, "Generator"),
          .phases = g.phases,
          .connection = g.connection,
          .power = -1e3 * Complex(g.kw * factor, g.kvar * (fixed_reactive ? 1 : factor)),
          .rated_voltage = 1e3 * g.kv,
          .model = generator_model(g.model),
          .vmin_pu = g.vmin,
          .vmax_pu = g.vmax,
          .vlow_pu = 0,  // no interpolation: below vmin a constant impedance
          .shapes = g.shapes,
          .fixed = true,
          .origin = g.origin};
}

/// Linear between the points of a curve, and on along its end segments.
double value_at(const XyCurve& curve, double x) {
  const auto count = std::min(curve.x.size(), curve.y.size());
  if (count == 0) fail(curve, "XYcurve", "has no points", "give xarray= and yarray=");
  if (count == 1) return curve.y[0];
  std::size_t next = 1;
  while (next + 1 < count && curve.x[next] < x) ++next;
  const double run = curve.x[next] - curve.x[next - 1];
  if (run == 0) return curve.y[next];
  return curve.y[next - 1] + (curve.y[next] - curve.y[next - 1]) * (x - curve.x[next - 1]) / run;
}

double efficiency(const Inverter& inverter, double kw, double kva, Script& script) {
  return inverter.efficiency_curve.empty() ? 1 : value_at(*script.curves.find(inverter.efficiency_curve), kw / kva);
}

/// What an inverter makes of active power within its rating [kW, kvar]: reactive power first, unless told to favour active power or the
/// power factor.
Complex inverter_power(const Inverter& inverter, double kw, double kva, double kvar_rating) {
  const double most = inverter.kvar_max.value_or(kvar_rating), least = -inverter.kvar_max_abs.value_or(most);
  const double wanted = inverter.by_pf ? kw * std::sqrt(1 / (inverter.pf * inverter.pf) - 1) * (inverter.pf < 0 ? -1 : 1) : inverter.kvar;
  if (kw == 0 && inverter.var_follows_inverter) return 0;
  const double kvar = std::clamp(wanted, least, std::max(least, most));
  if (std::hypot(kw, kvar) <= kva) return {kw, kvar};
  const double sign = kw < 0 ? -1 : 1;
  if (inverter.pf_priority && inverter.by_pf && inverter.pf != 1) {
    const double active = sign * kva * std::abs(inverter.pf);
    return {active, std::clamp(std::copysign(std::sqrt(kva * kva - active * active), kvar), least, std::max(least, most))};
  }
  if (inverter.watt_priority) {
    const double active = std::clamp(kw, -kva, kva);
    return {active, std::copysign(std::sqrt(kva * kva - active * active), kvar)};
  }
  const double reactive = std::clamp(kvar, -kva, kva);
  return {sign * std::sqrt(kva * kva - reactive * reactive), reactive};
}

SolarPvData solar_data(const PvSystem& p, Script& script) {
  const double factor = p.temperature_curve.empty() ? 1 : value_at(*script.curves.find(p.temperature_curve), p.temperature);
  const double dc = p.pmpp * p.percent_pmpp / 100 * p.irradiance * factor;
  const double ac = dc * efficiency(p, dc, p.kva, script);
  return {.name = p.name,
          .terminal = power_terminal(p, "PVSystem"),
          .phases = p.phases,
          .connection = p.connection,
          .rated_voltage = 1e3 * p.kv,
          .capacity = 1e3 * p.pmpp * p.percent_pmpp / 100,
          .inverter_rating = 1e3 * p.kva,
          .power = 1e3 * inverter_power(p, ac >= p.percent_cut_in / 100 * p.kva ? ac : 0, p.kva, p.kva),
          .shapes = p.shapes,
          .origin = p.origin};
}

/// Active power at the terminals [kW]: idling where the store is full or at its reserve.
double storage_kw(const Storage& s) {
  if (s.state == Storage::State::discharging && s.percent_stored > s.percent_reserve) return s.kw_rated * s.percent_discharge / 100;
  if (s.state == Storage::State::charging && s.percent_stored < 100) return -s.kw_rated * s.percent_charge / 100;
  return -s.kw_rated * s.idling / 100;
}

BatteryData battery_data(const Storage& s) {
  // Without kVA the inverter is as large as the store, but OpenDSS keeps its 25 kvar.
  const double kva = s.kva.value_or(s.kw_rated);
  return {.name = s.name,
          .terminal = power_terminal(s, "Storage"),
          .phases = s.phases,
          .connection = s.connection,
          .rated_voltage = 1e3 * s.kv,
          .capacity_wh = 1e3 * s.kwh_rated,
          .power_rating = 1e3 * s.kw_rated,
          .inverter_rating = 1e3 * kva,
          .charge_efficiency = s.eff_charge / 100,
          .discharge_efficiency = s.eff_discharge / 100,
          .idling_loss = s.idling / 100,
          .initial_soc = s.percent_stored / 100,
          .min_soc = s.percent_reserve / 100,
          .power = 1e3 * inverter_power(s, storage_kw(s), kva, s.kva.value_or(25)),
          .shapes = s.shapes,
          .origin = s.origin};
}

WindTurbineData wind_data(const WindGen& w) {
  WindTurbineData data{.name = w.name,
                       .terminal = power_terminal(w, "WindGen"),
                       .phases = w.phases,
                       .connection = w.connection,
                       .rated_voltage = 1e3 * w.kv,
                       .capacity = 1e3 * w.kw,
                       .inverter_rating = 1e3 * w.kva.value_or(1.2 * w.kw),
                       .cut_in_speed = w.cut_in,
                       .cut_out_speed = w.cut_out,
                       .shapes = w.shapes,
                       .origin = w.origin};
  // OpenDSS knows no rated speed; it is where the rotor power 0.5 rho A Cp v^3 meets the rated output.
  if (w.rotor_radius) {
    const double area = pi * *w.rotor_radius * *w.rotor_radius;
    data.rated_speed = std::cbrt(data.capacity / (0.5 * w.air_density * area * w.performance * w.turbines));
  }
  return data;
}

}  // namespace

void add_injections(Script& script, NetworkData& data) {
  const auto in_service = [](const Object& object) { return object.enabled && object.closed; };
  std::set<std::string> loads;
  for (const auto& load : data.loads) loads.insert(load.name);
  for (auto& g : script.generators) {
    if (!in_service(g)) continue;
    if (g.model == 3) {
      data.generators.push_back(regulating_generator(g, script.generation_multiplier, script));
      continue;
    }
    data.loads.push_back(generator_load(g, script.generation_multiplier));
    if (loads.contains(g.name)) data.loads.back().name = "generator." + g.name;
  }
  for (auto& p : script.pv_systems)
    if (in_service(p)) data.solar.push_back(solar_data(p, script));
  for (auto& w : script.wind_generators)
    if (in_service(w)) data.wind.push_back(wind_data(w));
  for (auto& s : script.storages)
    if (in_service(s)) data.batteries.push_back(battery_data(s));
}

}  // namespace gridfed::opendss
