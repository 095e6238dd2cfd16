// Classes of controllers: of taps, of capacitor banks, of inverters.
#include "grid/opendss_properties.hpp"

#include <algorithm>

namespace gridfed::opendss {
namespace {

// ---- regulators ----

/// avg, max, min or the number of a phase.
void read_phase(const Value& value, PhaseSelection& selection, int& phase) {
  const std::string word = value.word();
  selection = word.starts_with("max")  ? PhaseSelection::maximum
              : word.starts_with("mi") ? PhaseSelection::minimum
              : word.starts_with("a")  ? PhaseSelection::average
                                       : PhaseSelection::one;
  if (selection != PhaseSelection::one) return;
  phase = value.integer();
  if (phase < 1) throw ScriptError{fmt::format("phase {}", phase), "number phases from 1"};
}

/// Moves the controlled winding at once.
void set_tap_number(RegControl& control, const Value& value, Script& script) {
  Transformer* transformer = script.transformers.find(control.transformer);
  if (!transformer || control.tap_winding > static_cast<int>(transformer->windings.size()))
    throw ScriptError{"the winding whose tap is set is not known yet", "give transformer=, winding= and tapwinding= before tapnum="};
  Winding& winding = transformer->windings[control.tap_winding - 1];
  const double step = (winding.max_tap - winding.min_tap) / winding.num_taps;
  winding.tap = std::clamp((winding.max_tap + winding.min_tap) / 2 + value.integer() * step, winding.min_tap, winding.max_tap);
}

constexpr Property<RegControl> regulator_properties[] = {
    {"transformer",
     [](RegControl& c, const Value& v, Script& script) { c.transformer = named(script.transformers, v, "Transformer").name; }},
    {"winding",
     [](RegControl& c, const Value& v, Script& script) {
       set_positive<&RegControl::winding>(c, v, script);
       c.tap_winding = c.winding;
     }},
    {"vreg", set_positive<&RegControl::vreg>},
    {"band", set_positive<&RegControl::band>},
    {"ptratio",
     [](RegControl& c, const Value& v, Script& script) {
       set_positive<&RegControl::pt_ratio>(c, v, script);
       c.remote_pt_ratio = c.pt_ratio;
     }},
    {"CTprim", set_positive<&RegControl::ct_primary>},
    {"R", set<&RegControl::r>},
    {"X", set<&RegControl::x>},
    {"bus", set<&RegControl::bus>},
    {"delay", set<&RegControl::delay>},
    {"reversible", set<&RegControl::reversible>},
    {"revvreg", set_positive<&RegControl::rev_vreg>},
    {"revband", set_positive<&RegControl::rev_band>},
    {"revR", set<&RegControl::rev_r>},
    {"revX", set<&RegControl::rev_x>},
    {"tapdelay", set<&RegControl::tap_delay>},
    {"debugtrace", ignore},
    {"maxtapchange", set<&RegControl::max_tap_change>},
    {"inversetime", set<&RegControl::inverse_time>},
    {"tapwinding", set_positive<&RegControl::tap_winding>},
    {"vlimit", set<&RegControl::vlimit>},
    {"PTphase",
     [](RegControl& c, const Value& v, Script&) {
       read_phase(v, c.pt_selection, c.pt_phase);
       if (c.pt_selection == PhaseSelection::average)
         throw ScriptError{"a regulator measures no average of the phases", "name one phase, max or min"};
     }},
    {"revThreshold", set<&RegControl::rev_threshold>},
    {"revDelay", set<&RegControl::rev_delay>},
    {"revNeutral", set<&RegControl::rev_neutral>},
    {"EventLog", ignore},
    {"RemotePTRatio", set_positive<&RegControl::remote_pt_ratio>},
    {"TapNum", set_tap_number},
    {"Reset", ignore},
    {"LDC_Z", set<&RegControl::ldc_z>},
    {"rev_Z", set<&RegControl::rev_z>},
    {"Cogen", set<&RegControl::cogen>},
    {"basefreq", ignore},
    {"enabled", set<&RegControl::enabled>},
    {"like", like<&Script::regulators>},
};

// ---- switched capacitors ----

void set_control_kind(CapControl& control, const Value& value, Script&) {
  const std::string word = value.word();
  constexpr struct {
    std::string_view name;
    CapacitorControlKind kind;
  } kinds[] = {{"current", CapacitorControlKind::current},          {"voltage", CapacitorControlKind::voltage},
               {"kvar", CapacitorControlKind::reactive_power},      {"time", CapacitorControlKind::time},
               {"powerfactor", CapacitorControlKind::power_factor}, {"pf", CapacitorControlKind::power_factor}};
  for (const auto& [name, kind] : kinds)
    if (!word.empty() && name.starts_with(word)) {
      control.kind = kind;
      return;
    }
  throw ScriptError{fmt::format("control by '{}' is not modelled", value.text), "use current, voltage, kvar, time or pf"};
}

constexpr Property<CapControl> capacitor_control_properties[] = {
    {"element", set<&CapControl::element>},
    {"terminal", set_positive<&CapControl::terminal>},
    {"capacitor", set<&CapControl::capacitor>},
    {"type", set_control_kind},
    {"PTratio", set_positive<&CapControl::pt_ratio>},
    {"CTratio", set_positive<&CapControl::ct_ratio>},
    {"ONsetting", set<&CapControl::on>},
    {"OFFsetting", set<&CapControl::off>},
    {"Delay", set<&CapControl::delay>},
    {"VoltOverride", set<&CapControl::voltage_override>},
    {"Vmax", set<&CapControl::vmax>},
    {"Vmin", set<&CapControl::vmin>},
    {"DelayOFF", set<&CapControl::delay_off>},
    {"DeadTime", set<&CapControl::dead_time>},
    {"CTPhase", [](CapControl& c, const Value& v, Script&) { read_phase(v, c.ct_selection, c.ct_phase); }},
    {"PTPhase", [](CapControl& c, const Value& v, Script&) { read_phase(v, c.pt_selection, c.pt_phase); }},
    {"VBus", set<&CapControl::voltage_bus>},
    {"EventLog", ignore},
    {"UserModel", refuse},
    {"UserData", ignore},
    {"pctMinkvar", set<&CapControl::percent_min_kvar>},
    {"Reset", ignore},
    {"ControlSignal", refuse},
    {"basefreq", ignore},
    {"enabled", set<&CapControl::enabled>},
    {"like", like<&Script::capacitor_controls>},
};

// ---- inverters ----

template <auto member>
void set_control_curve(InvControl& control, const Value& value, Script& script) {
  control.*member = named(script.curves, value, "XYcurve").name;
}

void set_inverter_mode(InvControl& control, const Value& value, Script&) {
  const std::string word = value.word();
  control.volt_var = word == "voltvar";
  control.volt_watt = word == "voltwatt";
  if (!control.volt_var && !control.volt_watt)
    throw ScriptError{fmt::format("control of mode '{}' is not modelled", value.text), "use voltvar, voltwatt or combimode=VV_VW"};
}

void set_combined_mode(InvControl& control, const Value& value, Script&) {
  if (value.word() != "vv_vw") throw ScriptError{fmt::format("the combination '{}' is not modelled", value.text), "use VV_VW"};
  control.volt_var = control.volt_watt = true;
}

/// Names of inverters, with their class in front where they lack one.
void set_inverters(InvControl& control, const Value& value, std::string_view default_class) {
  auto& elements = control.elements.emplace();
  for (const std::string& name : value.words())
    elements.push_back(name.find('.') == std::string::npos ? fmt::format("{}.{}", default_class, name) : name);
}

void set_reactive_base(InvControl& control, const Value& value, Script&) {
  control.reactive_base =
      value.word().starts_with("varm") ? InverterControlData::ReactiveBase::rating : InverterControlData::ReactiveBase::available;
}

void set_active_base(InvControl& control, const Value& value, Script&) {
  const std::string word = value.word();
  using Base = InverterControlData::ActiveBase;
  if (word.starts_with("pc"))
    throw ScriptError{fmt::format("a limit by '{}' is not modelled", word), "use PMPPPU, PAVAILABLEPU or KVARATINGPU"};
  control.active_base = word.starts_with("pa") ? Base::available : word.starts_with('k') ? Base::rating : Base::capacity;
}

/// The only setting that is modelled.
template <char... first>
void want(InvControl&, const Value& value, Script&) {
  const std::string word = value.word();
  if (word.empty() || ((word[0] != first) && ...))
    throw ScriptError{fmt::format("'{}' is not modelled", value.text), "leave it at its default"};
}

void want_none(InvControl&, const Value& value, Script&) {
  if (!value.items().empty()) throw ScriptError{"this property is not modelled", "leave it out"};
}

constexpr Property<InvControl> inverter_control_properties[] = {
    {"DERList", [](InvControl& c, const Value& v, Script&) { set_inverters(c, v, "pvsystem"); }},
    {"Mode", set_inverter_mode},
    {"CombiMode", set_combined_mode},
    {"vvc_curve1", set_control_curve<&InvControl::volt_var_curve>},
    {"hysteresis_offset", want<'0'>},
    {"voltage_curvex_ref", want<'r'>},
    {"avgwindowlen", ignore},
    {"voltwatt_curve", set_control_curve<&InvControl::volt_watt_curve>},
    {"DbVMin", ignore},
    {"DbVMax", ignore},
    {"ArGraLowV", ignore},
    {"ArGraHiV", ignore},
    {"DynReacavgwindowlen", ignore},
    {"deltaQ_Factor", ignore},
    {"VoltageChangeTolerance", ignore},
    {"VarChangeTolerance", ignore},
    {"VoltwattYAxis", set_active_base},
    {"RateofChangeMode", want<'i'>},
    {"LPFTau", ignore},
    {"RiseFallLimit", ignore},
    {"deltaP_Factor", ignore},
    {"EventLog", ignore},
    {"RefReactivePower", set_reactive_base},
    {"ActivePChangeTolerance", ignore},
    {"monVoltageCalc", [](InvControl& c, const Value& v, Script&) { read_phase(v, c.selection, c.phase); }},
    {"monBus", want_none},
    {"MonBusesVbase", want_none},
    {"voltwattCH_curve", want_none},
    {"wattpf_curve", want_none},
    {"wattvar_curve", want_none},
    {"VV_RefReactivePower", set_reactive_base},
    {"PVSystemList", [](InvControl& c, const Value& v, Script&) { set_inverters(c, v, "pvsystem"); }},
    {"Vsetpoint", ignore},
    {"ControlModel", ignore},
    {"basefreq", ignore},
    {"enabled", set<&InvControl::enabled>},
    {"like", like<&Script::inverter_controls>},
};

// ---- the classes ----

constexpr char regulator_name[] = "RegControl", capacitor_control_name[] = "CapControl", inverter_control_name[] = "InvControl";

/// A control that names no inverters takes those in service when its definition ends; if there is none yet, all of the final state
/// (found by comparison, C-API 0.14.5).
void edit_inverter_control(Script& script, Object& object, std::span<const Argument> arguments) {
  edit_as<InvControl, inverter_control_properties, inverter_control_name>(script, object, arguments);
  auto& elements = static_cast<InvControl&>(object).elements;
  if (elements) return;
  std::vector<std::string> there;
  const auto add = [&](auto& table, std::string_view class_name) {
    for (const auto& inverter : table)
      if (inverter.enabled) there.push_back(fmt::format("{}.{}", class_name, inverter.name));
  };
  add(script.pv_systems, "pvsystem");
  add(script.storages, "storage");
  if (!there.empty()) elements = std::move(there);
}

}  // namespace

std::span<const ElementClass> control_classes() {
  static constexpr ElementClass classes[] = {
      {regulator_name, add<&Script::regulators>, find<&Script::regulators>, all<&Script::regulators>,
       edit_as<RegControl, regulator_properties, regulator_name>},
      {capacitor_control_name, add<&Script::capacitor_controls>, find<&Script::capacitor_controls>, all<&Script::capacitor_controls>,
       edit_as<CapControl, capacitor_control_properties, capacitor_control_name>},
      {inverter_control_name, add<&Script::inverter_controls>, find<&Script::inverter_controls>, all<&Script::inverter_controls>,
       edit_inverter_control},
  };
  return classes;
}

}  // namespace gridfed::opendss
