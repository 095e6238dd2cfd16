// From what the script says about controllers to what they do, in SI units.
#include "grid/opendss_network.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

namespace gridfed::opendss {
namespace {

RegulatorData regulator_data(const RegControl& c, const Transformer* transformer) {
  if (!transformer) fail(c, "RegControl", "controls no transformer", "give transformer=");
  const auto windings = static_cast<int>(transformer->windings.size());
  if (c.winding > windings)
    fail(c, "RegControl", fmt::format("measures winding {} of Transformer.{}, which has {}", c.winding, c.transformer, windings),
         "correct winding=");
  if (c.tap_winding > windings)
    fail(c, "RegControl", fmt::format("taps winding {} of Transformer.{}, which has {}", c.tap_winding, c.transformer, windings),
         "correct tapwinding=");
  const ReversePower action = c.cogen ? ReversePower::cogeneration : c.reversible ? ReversePower::reverses : ReversePower::disregarded;
  RegulatorData data{.name = c.name,
                     .transformer = c.transformer,
                     .winding = c.tap_winding,
                     .measured_winding = c.winding,
                     .setpoint = c.vreg,
                     .band = c.band,
                     .pt_ratio = c.pt_ratio,
                     .ct_rating = c.ct_primary,
                     .r = c.r,
                     .x = c.x,
                     .z = c.ldc_z,
                     .delay = c.delay,
                     .tap_delay = c.tap_delay,
                     .inverse_time = c.inverse_time,
                     .max_tap_change = c.max_tap_change,
                     .pt_selection = c.pt_selection,
                     .pt_phase = c.pt_phase,
                     .voltage_limit = c.vlimit,
                     .remote = {},
                     .remote_pt_ratio = c.remote_pt_ratio,
                     .reverse = {.action = action,
                                 .to_neutral = c.rev_neutral,
                                 .threshold = 1e3 * c.rev_threshold,
                                 .delay = c.rev_delay,
                                 .setpoint = c.rev_vreg,
                                 .band = c.rev_band,
                                 .r = c.rev_r,
                                 .x = c.rev_x,
                                 .z = c.rev_z},
                     .origin = c.origin};
  if (c.bus) data.remote = terminal(*c.bus, transformer->phases, transformer->phases, c, "RegControl");
  return data;
}

/// Which of the network's lists an OpenDSS class fills.
ElementKind kind_of(const std::string& class_name, const Object& object, std::string_view object_class) {
  constexpr struct {
    std::string_view name;
    ElementKind kind;
  } kinds[] = {{"line", ElementKind::line},      {"transformer", ElementKind::transformer}, {"load", ElementKind::load},
               {"generator", ElementKind::load}, {"capacitor", ElementKind::capacitor},     {"reactor", ElementKind::reactor},
               {"vsource", ElementKind::source}, {"pvsystem", ElementKind::solar},          {"windgen", ElementKind::wind},
               {"storage", ElementKind::battery}};
  for (const auto& [name, kind] : kinds)
    if (name == class_name) return kind;
  fail(object, object_class, fmt::format("monitors an element of class '{}'", class_name),
       "name a line, transformer or other element with terminals as class.name");
}

CapacitorControlData capacitor_control_data(const CapControl& c, Script& script) {
  const auto dot = c.element.find('.');
  if (c.capacitor.empty()) fail(c, "CapControl", "controls no capacitor", "give capacitor=");
  if (dot == std::string::npos) fail(c, "CapControl", "monitors no element", "give element=class.name");
  CapacitorControlData data{.name = c.name,
                            .capacitor = c.capacitor,
                            .monitored = {kind_of(c.element.substr(0, dot), c, "CapControl"), c.element.substr(dot + 1), c.terminal},
                            .kind = c.kind,
                            .on_setting = c.on,
                            .off_setting = c.off,
                            .pt_ratio = c.pt_ratio,
                            .ct_ratio = c.ct_ratio,
                            .pt_selection = c.pt_selection,
                            .ct_selection = c.ct_selection,
                            .pt_phase = c.pt_phase,
                            .ct_phase = c.ct_phase,
                            .voltage_override = c.voltage_override,
                            .v_max = c.vmax,
                            .v_min = c.vmin,
                            .voltage_bus = {},
                            .delay = c.delay,
                            .delay_off = c.delay_off,
                            .dead_time = c.dead_time,
                            .min_reactive_share = c.percent_min_kvar / 100,
                            .origin = c.origin};
  if (c.voltage_override && c.kind == CapacitorControlKind::voltage) {
    data.voltage_override = false;
    script.note("The voltage override of capacitor controls by voltage is left out, as OpenDSS passes over it.");
  }
  if (c.kind == CapacitorControlKind::reactive_power) {
    data.on_setting *= 1e3;
    data.off_setting *= 1e3;
  }
  if (c.kind == CapacitorControlKind::power_factor && (std::abs(c.on) > 1 || std::abs(c.off) > 1))
    fail(c, "CapControl", fmt::format("has power factors {} and {} as settings", c.on, c.off), "give them from -1 (leading) to 1");
  if (c.voltage_bus) data.voltage_bus = terminal(*c.voltage_bus, 3, 3, c, "CapControl");
  return data;
}

Curve points_of(const std::string& name, bool in_force, const InvControl& control, Script& script) {
  if (!in_force) return {};
  const XyCurve* curve = script.curves.find(name);
  if (!curve) fail(control, "InvControl", "lacks the curve of its mode", "give vvc_curve1= or voltwatt_curve=");
  Curve points;
  for (std::size_t i = 0; i < std::min(curve->x.size(), curve->y.size()); ++i) points.push_back({curve->x[i], curve->y[i]});
  return points;
}

InverterControlData inverter_control_data(const InvControl& c, Script& script) {
  if (!c.volt_var && !c.volt_watt) fail(c, "InvControl", "has no mode", "give mode=voltvar, mode=voltwatt or combimode=VV_VW");
  InverterControlData data{.name = c.name,
                           .solar = {},
                           .batteries = {},
                           .volt_var = points_of(c.volt_var_curve, c.volt_var, c, script),
                           .volt_watt = points_of(c.volt_watt_curve, c.volt_watt, c, script),
                           .reactive_base = c.reactive_base,
                           .active_base = c.active_base,
                           .selection = c.selection,
                           .phase = c.phase,
                           .origin = c.origin};
  const auto serves = [](const Object& object) { return object.enabled && object.closed; };
  if (!c.elements) {
    for (const auto& p : script.pv_systems)
      if (serves(p)) data.solar.push_back(p.name);
    for (const auto& s : script.storages)
      if (serves(s)) data.batteries.push_back(s.name);
    return data;
  }
  for (const std::string& element : *c.elements) {
    const auto dot = element.find('.');
    const std::string kind = element.substr(0, dot), name = element.substr(dot + 1);
    const Object* object = kind == "pvsystem"  ? static_cast<const Object*>(script.pv_systems.find(name))
                           : kind == "storage" ? static_cast<const Object*>(script.storages.find(name))
                                               : nullptr;
    if (!object) fail(c, "InvControl", fmt::format("controls '{}', which is not defined", element), "name a PVSystem or Storage");
    if (serves(*object)) (kind == "pvsystem" ? data.solar : data.batteries).push_back(name);
  }
  return data;
}

}  // namespace

void add_controls(Script& script, NetworkData& data) {
  for (auto& c : script.regulators)
    if (const auto* t = script.transformers.find(c.transformer); c.enabled && (!t || t->enabled))
      data.regulators.push_back(regulator_data(c, t));
  for (auto& c : script.capacitor_controls) {
    const Capacitor* bank = script.capacitors.find(c.capacitor);
    if (c.enabled && (!bank || bank->enabled)) data.capacitor_controls.push_back(capacitor_control_data(c, script));
  }
  for (auto& c : script.inverter_controls)
    if (c.enabled) data.inverter_controls.push_back(inverter_control_data(c, script));
}

}  // namespace gridfed::opendss
