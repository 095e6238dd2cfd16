// Classes of controllers: voltage regulators and switched capacitor banks.
#include "grid/opendss_properties.hpp"

#include <algorithm>

namespace gridfed::opendss {
namespace {

// ---- regulators ----

/// A mode of the controller that is not modelled, unless it is switched off.
template <class T>
void refuse_if_asked(T&, const Value& value, Script&) {
  const std::string word = value.word();
  if (word.empty() || word[0] == 'n' || word[0] == 'f' || word == "0") return;
  throw ScriptError{"this mode of the controller is not modelled", "switch it off"};
}

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
  if (!transformer || control.winding > static_cast<int>(transformer->windings.size()))
    throw ScriptError{"the winding whose tap is set is not known yet", "give transformer= and winding= before tapnum="};
  Winding& winding = transformer->windings[control.winding - 1];
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
    {"reversible", refuse_if_asked},
    {"revvreg", ignore},
    {"revband", ignore},
    {"revR", ignore},
    {"revX", ignore},
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
    {"revThreshold", ignore},
    {"revDelay", ignore},
    {"revNeutral", ignore},
    {"EventLog", ignore},
    {"RemotePTRatio", set_positive<&RegControl::remote_pt_ratio>},
    {"TapNum", set_tap_number},
    {"Reset", ignore},
    {"LDC_Z", refuse_if_asked},
    {"rev_Z", ignore},
    {"Cogen", refuse_if_asked},
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

// ---- the classes ----

constexpr char regulator_name[] = "RegControl", capacitor_control_name[] = "CapControl";

}  // namespace

std::span<const ElementClass> control_classes() {
  static constexpr ElementClass classes[] = {
      {regulator_name, add<&Script::regulators>, find<&Script::regulators>, all<&Script::regulators>,
       edit_as<RegControl, regulator_properties, regulator_name>},
      {capacitor_control_name, add<&Script::capacitor_controls>, find<&Script::capacitor_controls>, all<&Script::capacitor_controls>,
       edit_as<CapControl, capacitor_control_properties, capacitor_control_name>},
  };
  return classes;
}

}  // namespace gridfed::opendss
