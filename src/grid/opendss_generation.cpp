// What injects power: generators, photovoltaics, storage, wind.
#include "grid/opendss_properties.hpp"

#include <cmath>

namespace gridfed::opendss {
namespace {

// ---- generators ----

template <class T>
void refuse_dispatch(T&, const Value& value, Script&) {
  if (!value.word().starts_with("def")) throw ScriptError{"dispatch by load level or price is not modelled", "write Default"};
}

void set_generator_model(Generator& generator, const Value& value, Script& script) {
  const int model = value.integer();
  if (model == 6)
    throw ScriptError{"generators of a user's model are not modelled",
                      "use model 1 (constant P, Q), 2 (constant Z), 3 (constant P, |V|), 4 (constant P, fixed Q), 5 (constant P, fixed X) "
                      "or 7 (inverter)"};
  set_model<Generator, 1, 7>(generator, value, script);
}

/// Reactive power moves its limits to twice its own, as OpenDSS does; so limits count if they are given after it.
void set_generator_kvar(Generator& generator, double kvar) {
  generator.kvar = kvar;
  generator.max_kvar = 2 * kvar;
  generator.min_kvar = -generator.max_kvar;
}

/// Active power or its factor moves reactive power, unless there was none to take a factor from. The limits take no sign from it.
void follow_power_factor(Generator& generator) {
  if (generator.pf == 0) return;
  set_generator_kvar(generator, kvar_at(generator.kw, std::abs(generator.pf)));
  if (generator.pf < 0) generator.kvar = -generator.kvar;
}

/// A shape of actual powers makes its largest the generator's own.
template <auto member>
void set_generator_shape(Generator& generator, const Value& value, Script& script) {
  set_shape<member>(generator, value, script);
  const LoadShape* shape = generator.shapes.*member;
  if (!shape) return;
  if (const auto actual = largest_actual(*shape)) {
    generator.kw = actual->real();
    set_generator_kvar(generator, actual->imag());
  }
}

constexpr Property<Generator> generator_properties[] = {
    {"phases", set_count<&Generator::phases>},
    {"bus1", set<&Generator::bus>},
    {"kv", set_positive<&Generator::kv>},
    {"kW",
     [](Generator& g, const Value& v, Script&) {
       g.kw = v.number();
       follow_power_factor(g);
     }},
    {"pf",
     [](Generator& g, const Value& v, Script& script) {
       set_power_factor<&Generator::pf>(g, v, script);
       follow_power_factor(g);
     }},
    {"kvar",
     [](Generator& g, const Value& v, Script&) {
       set_generator_kvar(g, v.number());
       const double kva = std::hypot(g.kw, g.kvar);
       g.pf = kva == 0 ? 1 : std::abs(g.kw) / kva * (g.kw * g.kvar < 0 ? -1 : 1);
     }},
    {"model", set_generator_model},
    {"Vminpu", set_positive<&Generator::vmin>},
    {"Vmaxpu", set_positive<&Generator::vmax>},
    {"yearly", set_generator_shape<&Shapes::yearly>},
    {"daily", set_generator_shape<&Shapes::daily>},
    {"duty", set_generator_shape<&Shapes::duty>},
    {"dispmode", refuse_dispatch<Generator>},
    {"dispvalue", ignore},
    {"conn", set<&Generator::connection>},
    {"status", [](Generator& g, const Value& v, Script&) { g.follows_genmult = v.word().starts_with('v'); }},
    {"class", ignore},
    {"Vpu", set_positive<&Generator::vpu>},
    {"maxkvar", set<&Generator::max_kvar>},
    {"minkvar", set<&Generator::min_kvar>},
    {"pvfactor", ignore},
    {"forceon", ignore},
    {"kVA", ignore},
    {"MVA", ignore},
    {"Xd", ignore},
    {"Xdp", ignore},
    {"Xdpp", ignore},
    {"H", ignore},
    {"D", ignore},
    {"UserModel", refuse},
    {"UserData", ignore},
    {"ShaftModel", ignore},
    {"ShaftData", ignore},
    {"DutyStart", ignore},
    {"debugtrace", ignore},
    {"Balanced", ignore},
    {"XRdp", ignore},
    {"UseFuel", ignore},
    {"FuelkWh", ignore},
    {"%Fuel", ignore},
    {"%Reserve", ignore},
    {"Refuel", ignore},
    {"DynamicEq", ignore},
    {"DynOut", ignore},
    {"spectrum", ignore},
    {"basefreq", ignore},
    {"enabled", set<&Generator::enabled>},
    {"like", like<&Script::generators, &Generator::bus>},
};

// ---- photovoltaics ----

/// OpenDSS makes an inverter outside these voltages a constant impedance.
template <class T>
void note_voltage_range(T&, const Value&, Script& script) {
  script.note("Vminpu and Vmaxpu of inverters are left out: their power is constant down to the current limit.");
}

/// The curve other than none.
template <auto member, class T>
void set_curve(T& element, const Value& value, Script& script) {
  element.*member = named(script.curves, value, "XYcurve").name;
}

/// Whichever of the two is given last decides the reactive power.
template <class T>
void set_inverter_pf(T& element, const Value& value, Script& script) {
  set_power_factor<&Inverter::pf>(element, value, script);
  element.by_pf = true;
}

template <class T>
void set_inverter_kvar(T& element, const Value& value, Script&) {
  element.kvar = value.number();
  element.by_pf = false;
}

/// Injects its power whatever the voltage; constant impedance is not modelled.
template <class T>
void want_constant_power(T&, const Value& value, Script&) {
  if (value.integer() != 1) throw ScriptError{fmt::format("model {} of an inverter is not modelled", value.integer()), "use model 1"};
}

template <class T>
void refuse_nonzero_share(T&, const Value& value, Script&) {
  if (value.number() != 0) throw ScriptError{"a limit of reactive power by active power is not modelled", "leave it at 0"};
}

constexpr Property<PvSystem> pv_properties[] = {
    {"phases", set_count<&PvSystem::phases>},
    {"bus1", set<&PvSystem::bus>},
    {"kv", set_positive<&PvSystem::kv>},
    {"irradiance", set<&PvSystem::irradiance>},
    {"Pmpp", set_positive<&PvSystem::pmpp>},
    {"%Pmpp", set<&PvSystem::percent_pmpp>},
    {"Temperature", set<&PvSystem::temperature>},
    {"pf", set_inverter_pf<PvSystem>},
    {"conn", set<&PvSystem::connection>},
    {"kvar", set_inverter_kvar<PvSystem>},
    {"kVA", set_positive<&PvSystem::kva>},
    {"%Cutin", set<&Inverter::percent_cut_in>},
    {"%Cutout", set<&Inverter::percent_cut_out>},
    {"EffCurve", set_curve<&Inverter::efficiency_curve, PvSystem>},
    {"P-TCurve", set_curve<&PvSystem::temperature_curve, PvSystem>},
    {"%R", ignore},
    {"%X", ignore},
    {"model", want_constant_power<PvSystem>},
    {"Vminpu", note_voltage_range},
    {"Vmaxpu", note_voltage_range},
    {"Balanced", ignore},
    {"LimitCurrent", ignore},
    {"yearly", set_shape<&Shapes::yearly>},
    {"daily", set_shape<&Shapes::daily>},
    {"duty", set_shape<&Shapes::duty>},
    {"Tyearly", ignore},
    {"Tdaily", ignore},
    {"Tduty", ignore},
    {"class", ignore},
    {"UserModel", refuse},
    {"UserData", ignore},
    {"debugtrace", ignore},
    {"VarFollowInverter", set<&Inverter::var_follows_inverter>},
    {"DutyStart", ignore},
    {"WattPriority", set<&Inverter::watt_priority>},
    {"PFPriority", set<&Inverter::pf_priority>},
    {"%PminNoVars", refuse_nonzero_share<PvSystem>},
    {"%PminkvarMax", refuse_nonzero_share<PvSystem>},
    {"kvarMax", set<&Inverter::kvar_max>},
    {"kvarMaxAbs", set<&Inverter::kvar_max_abs>},
    {"kVDC", ignore},
    {"Kp", ignore},
    {"PITol", ignore},
    {"SafeVoltage", ignore},
    {"SafeMode", ignore},
    {"DynamicEq", ignore},
    {"DynOut", ignore},
    {"ControlMode", ignore},
    {"AmpLimit", ignore},
    {"AmpLimitGain", ignore},
    {"spectrum", ignore},
    {"basefreq", ignore},
    {"enabled", set<&PvSystem::enabled>},
    {"like", like<&Script::pv_systems, &PvSystem::bus>},
};

// ---- storage ----

void set_dispatch(Storage& storage, const Value& value, Script&) {
  const std::string word = value.word();
  using Dispatch = BatteryData::Dispatch;
  if (word.starts_with('l') || word.starts_with('p'))
    throw ScriptError{"dispatch by load level or price is not modelled", "write Default, Follow or External"};
  storage.dispatch = word.starts_with('f') ? Dispatch::follow : word.starts_with('e') ? Dispatch::none : Dispatch::thresholds;
}

constexpr Property<Storage> storage_properties[] = {
    {"phases", set_count<&Storage::phases>},
    {"bus1", set<&Storage::bus>},
    {"kv", set_positive<&Storage::kv>},
    {"conn", set<&Storage::connection>},
    {"kW",
     [](Storage& s, const Value& v, Script&) {
       const double kw = v.number();
       s.state = kw > 0 ? BatteryState::discharging : kw < 0 ? BatteryState::charging : BatteryState::idling;
       (kw > 0 ? s.percent_discharge : s.percent_charge) = 100 * std::abs(kw) / s.kw_rated;
     }},
    {"kvar", set_inverter_kvar<Storage>},
    {"pf", set_inverter_pf<Storage>},
    {"kVA", set<&Storage::kva>},
    {"%Cutin", set<&Inverter::percent_cut_in>},
    {"%Cutout", set<&Inverter::percent_cut_out>},
    {"EffCurve", set_curve<&Inverter::efficiency_curve, Storage>},
    {"VarFollowInverter", set<&Inverter::var_follows_inverter>},
    {"kvarMax", set<&Inverter::kvar_max>},
    {"kvarMaxAbs", set<&Inverter::kvar_max_abs>},
    {"WattPriority", set<&Inverter::watt_priority>},
    {"PFPriority", set<&Inverter::pf_priority>},
    {"%PminNoVars", refuse_nonzero_share<Storage>},
    {"%PminkvarMax", refuse_nonzero_share<Storage>},
    {"kWrated", set_positive<&Storage::kw_rated>},
    {"%kWrated", ignore},
    {"kWhrated",
     [](Storage& s, const Value& v, Script& script) {
       set_positive<&Storage::kwh_rated>(s, v, script);
       s.percent_stored = 100;
     }},
    {"kWhstored", [](Storage& s, const Value& v, Script&) { s.percent_stored = 100 * v.number() / s.kwh_rated; }},
    {"%stored", set<&Storage::percent_stored>},
    {"%reserve", set<&Storage::percent_reserve>},
    {"State",
     [](Storage& s, const Value& v, Script&) {
       const std::string word = v.word();
       s.state = word.starts_with('d') ? BatteryState::discharging : word.starts_with('c') ? BatteryState::charging : BatteryState::idling;
     }},
    {"%Discharge", set<&Storage::percent_discharge>},
    {"%Charge", set<&Storage::percent_charge>},
    {"%EffCharge", set_positive<&Storage::eff_charge>},
    {"%EffDischarge", set_positive<&Storage::eff_discharge>},
    {"%IdlingkW", set<&Storage::idling>},
    {"%Idlingkvar", ignore},
    {"%R", ignore},
    {"%X", ignore},
    {"model", want_constant_power<Storage>},
    {"Vminpu", note_voltage_range},
    {"Vmaxpu", note_voltage_range},
    {"Balanced", ignore},
    {"LimitCurrent", ignore},
    {"yearly", set_shape<&Shapes::yearly>},
    {"daily", set_shape<&Shapes::daily>},
    {"duty", set_shape<&Shapes::duty>},
    {"DispMode", set_dispatch},
    {"DischargeTrigger", set<&Storage::discharge_trigger>},
    {"ChargeTrigger", set<&Storage::charge_trigger>},
    {"TimeChargeTrig", set<&Storage::charge_hour>},
    {"class", ignore},
    {"DynaDLL", ignore},
    {"DynaData", ignore},
    {"UserModel", refuse},
    {"UserData", ignore},
    {"debugtrace", ignore},
    {"kVDC", ignore},
    {"Kp", ignore},
    {"PITol", ignore},
    {"SafeVoltage", ignore},
    {"SafeMode", ignore},
    {"DynamicEq", ignore},
    {"DynOut", ignore},
    {"ControlMode", ignore},
    {"AmpLimit", ignore},
    {"AmpLimitGain", ignore},
    {"spectrum", ignore},
    {"basefreq", ignore},
    {"enabled", set<&Storage::enabled>},
    {"like", like<&Script::storages, &Storage::bus>},
};

// ---- wind ----

constexpr Property<WindGen> wind_properties[] = {
    {"phases", set_count<&WindGen::phases>},
    {"bus1", set<&WindGen::bus>},
    {"kv", set_positive<&WindGen::kv>},
    {"kW", set_positive<&WindGen::kw>},
    {"pf", ignore},
    {"model", ignore},
    {"yearly", set_shape<&Shapes::yearly>},
    {"daily", set_shape<&Shapes::daily>},
    {"duty", set_shape<&Shapes::duty>},
    {"conn", set<&WindGen::connection>},
    {"kvar", ignore},
    {"class", ignore},
    {"debugtrace", ignore},
    {"Vminpu", note_voltage_range},
    {"Vmaxpu", note_voltage_range},
    {"kVA", set<&WindGen::kva>},
    {"MVA", [](WindGen& w, const Value& v, Script&) { w.kva = 1e3 * v.number(); }},
    {"UserModel", refuse},
    {"UserData", ignore},
    {"DutyStart", ignore},
    {"DynamicEq", ignore},
    {"DynOut", ignore},
    {"Rthev", ignore},
    {"Xthev", ignore},
    {"Vss", ignore},
    {"Pss", ignore},
    {"Qss", ignore},
    {"vwind", set<&WindGen::wind_speed>},
    {"QMode", ignore},
    {"SimMechFlg", ignore},
    {"APCFlg", ignore},
    {"QFlg", ignore},
    {"delt0", ignore},
    {"N_WTG", set_positive<&WindGen::turbines>},
    {"VV_Curve", ignore},
    {"Ag", ignore},
    {"Cp", set_positive<&WindGen::performance>},
    {"Lamda", ignore},
    {"P", ignore},
    {"pd", set_positive<&WindGen::air_density>},
    {"PLoss", ignore},
    {"Rad", set<&WindGen::rotor_radius>},
    {"VCutIn", set_positive<&WindGen::cut_in>},
    {"VCutOut", set_positive<&WindGen::cut_out>},
    {"spectrum", ignore},
    {"basefreq", ignore},
    {"enabled", set<&WindGen::enabled>},
    {"like", like<&Script::wind_generators, &WindGen::bus>},
};

// ---- the classes ----

constexpr char generator_name[] = "Generator", pv_name[] = "PVSystem", storage_name[] = "Storage", wind_name[] = "WindGen";

}  // namespace

std::span<const ElementClass> injection_classes() {
  static constexpr ElementClass classes[] = {
      {generator_name, add<&Script::generators>, find<&Script::generators>, all<&Script::generators>,
       edit_as<Generator, generator_properties, generator_name>},
      {pv_name, add<&Script::pv_systems>, find<&Script::pv_systems>, all<&Script::pv_systems>, edit_as<PvSystem, pv_properties, pv_name>},
      {storage_name, add<&Script::storages>, find<&Script::storages>, all<&Script::storages>,
       edit_as<Storage, storage_properties, storage_name>},
      {wind_name, add<&Script::wind_generators>, find<&Script::wind_generators>, all<&Script::wind_generators>,
       edit_as<WindGen, wind_properties, wind_name>},
  };
  return classes;
}

}  // namespace gridfed::opendss
