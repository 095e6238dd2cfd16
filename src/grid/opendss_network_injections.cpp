// From what the script says about generators, photovoltaics, storage and wind to what they inject, in SI units.
#include "grid/inverter.hpp"
#include "grid/opendss_network.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <numbers>

namespace gridfed::opendss {
namespace {

using std::numbers::pi;

/// OpenDSS numbers the voltage dependence of generators in its own way. Model 7 limits its current below vminpu, which is left out.
LoadModel generator_model(int model) {
  return model == 2 ? LoadModel::constant_impedance : model == 5 ? LoadModel::constant_p_fixed_x : LoadModel::constant_power;
}

/// A generator that holds its voltage, whatever its power factor says.
GeneratorData regulating_generator(const Generator& g, double multiplier, Script& script) {
  if (g.shapes.daily || g.shapes.yearly || g.shapes.duty)
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
          .shapes = g.follows_genmult ? g.shapes : Shapes{},
          .fixed = true,
          .origin = g.origin};
}

Curve points_of(const std::string& name, Script& script) {
  if (name.empty()) return {};
  const XyCurve& curve = *script.curves.find(name);
  Curve points;
  for (std::size_t i = 0; i < std::min(curve.x.size(), curve.y.size()); ++i) points.push_back({curve.x[i], curve.y[i]});
  if (points.empty()) fail(curve, "XYcurve", "has no points", "give xarray= and yarray=");
  return points;
}

InverterData inverter_data(const Inverter& i, double kvar_rating, Script& script) {
  const double delivered = i.kvar_max.value_or(kvar_rating);
  return {.power_factor = i.by_pf ? std::optional(i.pf) : std::nullopt,
          .reactive_power = 1e3 * i.kvar,
          .max_delivered = 1e3 * delivered,
          .max_absorbed = 1e3 * i.kvar_max_abs.value_or(delivered),
          .active_first = i.watt_priority,
          .factor_first = i.pf_priority,
          .cut_in = i.percent_cut_in / 100,
          .cut_out = i.percent_cut_out / 100,
          .reactive_stops = i.var_follows_inverter,
          .efficiency = points_of(i.efficiency_curve, script)};
}

SolarPvData solar_data(const PvSystem& p, Script& script) {
  const double factor = p.temperature_curve.empty() ? 1 : value_at(points_of(p.temperature_curve, script), p.temperature);
  SolarPvData data{.name = p.name,
                   .terminal = power_terminal(p, "PVSystem"),
                   .phases = p.phases,
                   .connection = p.connection,
                   .rated_voltage = 1e3 * p.kv,
                   .capacity = 1e3 * p.pmpp * p.percent_pmpp / 100,
                   .panel_rating = 1e3 * p.pmpp,
                   .panel_power = 1e3 * p.pmpp * p.irradiance * factor,
                   .inverter_rating = 1e3 * p.kva,
                   .inverter = inverter_data(p, p.kva, script),
                   .power = {},
                   .shapes = p.shapes,
                   .origin = p.origin};
  bool running = true;
  data.power = solar_power(data, data.panel_power, running);
  return data;
}

BatteryData battery_data(const Storage& s, Script& script) {
  // Without kVA the inverter is as large as the store, but OpenDSS keeps its 25 kvar.
  const double kva = s.kva.value_or(s.kw_rated);
  BatteryData data{.name = s.name,
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
                   .inverter = inverter_data(s, s.kva.value_or(25), script),
                   .state = s.state,
                   .charge_rate = s.percent_charge / 100,
                   .discharge_rate = s.percent_discharge / 100,
                   .dispatch = s.dispatch,
                   .charge_below = s.charge_trigger,
                   .discharge_above = s.discharge_trigger,
                   .charge_hour = s.charge_hour,
                   .power = {},
                   .shapes = s.shapes,
                   .origin = s.origin};
  data.power = battery_power(data, data.state, data.initial_soc);
  return data;
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
                       .wind_speed = w.wind_speed,
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
  const NameIndex loads = script.generators.size() > 0 ? index_of(data.loads) : NameIndex();
  for (auto& g : script.generators) {
    if (!in_service(g)) continue;
    if (g.model == 3) {
      data.generators.push_back(regulating_generator(g, script.generation_multiplier, script));
      continue;
    }
    data.loads.push_back(generator_load(g, script.generation_multiplier));
    if (loads.find(g.name, data.loads) >= 0) data.loads.back().name = "generator." + g.name;
  }
  for (auto& p : script.pv_systems)
    if (in_service(p)) data.solar.push_back(solar_data(p, script));
  for (auto& w : script.wind_generators)
    if (in_service(w)) data.wind.push_back(wind_data(w));
  for (auto& s : script.storages)
    if (in_service(s)) data.batteries.push_back(battery_data(s, script));
}

}  // namespace gridfed::opendss
