// Classes of switches and protective devices: in a snapshot they are the state of what they switch.
#include "grid/opendss_network.hpp"
#include "grid/opendss_properties.hpp"

#include <algorithm>

namespace gridfed::opendss {
namespace {

bool read_closed(const Value& value) {
  const std::string word = value.word();
  if (word.starts_with('o') || word.starts_with('t')) return false;  // open, trip
  if (word.starts_with('c')) return true;
  throw ScriptError{fmt::format("'{}' is neither open nor closed", value.text), "write open or closed"};
}

void set_state(SwitchControl& control, const Value& value, Script&) {
  if (control.single_phase) {
    const auto items = value.items();
    control.open_conductors.clear();
    for (std::size_t i = 0; i < items.size(); ++i)
      if (!read_closed(items[i])) control.open_conductors.push_back(static_cast<int>(i) + 1);
  } else {
    control.closes = read_closed(value);
  }
  control.state_given = true;
}

/// The state until one is given.
void set_normal(SwitchControl& control, const Value& value, Script& script) {
  if (control.state_given) return;
  set_state(control, value, script);
  control.state_given = false;
}

void set_action(SwitchControl& control, const Value& value, Script&) {
  if (value.word().empty()) return;
  const bool closes = read_closed(value);
  if (!control.state_given) control.closes = closes;
}

void set_monitored(SwitchControl& control, const Value& value, Script&) {
  control.monitored = value.word();
  if (control.switched.empty()) control.switched = control.monitored;
}

constexpr Property<SwitchControl> switch_properties[] = {
    {"SwitchedObj", set<&SwitchControl::switched>},
    {"SwitchedTerm", set_positive<&SwitchControl::terminal>},
    {"Action", set_action},
    {"Lock", set<&SwitchControl::locked>},
    {"Delay", ignore},
    {"Normal", set_normal},
    {"State", set_state},
    {"Reset", ignore},
    {"basefreq", ignore},
    {"enabled", set<&SwitchControl::enabled>},
    {"like", like<&Script::switch_controls>},
};

constexpr Property<SwitchControl> fuse_properties[] = {
    {"MonitoredObj", set_monitored},
    {"MonitoredTerm", ignore},
    {"SwitchedObj", set<&SwitchControl::switched>},
    {"SwitchedTerm", set_positive<&SwitchControl::terminal>},
    {"FuseCurve", ignore},
    {"RatedCurrent", ignore},
    {"Delay", ignore},
    {"Action", set_action},
    {"Normal", set_normal},
    {"State", set_state},
    {"basefreq", ignore},
    {"enabled", set<&SwitchControl::enabled>},
    {"like", like<&Script::fuses>},
};

constexpr Property<SwitchControl> recloser_properties[] = {
    {"MonitoredObj", set_monitored},
    {"MonitoredTerm", ignore},
    {"SwitchedObj", set<&SwitchControl::switched>},
    {"SwitchedTerm", set_positive<&SwitchControl::terminal>},
    {"NumFast", ignore},
    {"PhaseFast", ignore},
    {"PhaseDelayed", ignore},
    {"GroundFast", ignore},
    {"GroundDelayed", ignore},
    {"PhaseTrip", ignore},
    {"GroundTrip", ignore},
    {"PhaseInst", ignore},
    {"GroundInst", ignore},
    {"Reset", ignore},
    {"Shots", ignore},
    {"RecloseIntervals", ignore},
    {"Delay", ignore},
    {"Action", set_action},
    {"TDPhFast", ignore},
    {"TDGrFast", ignore},
    {"TDPhDelayed", ignore},
    {"TDGrDelayed", ignore},
    {"Normal", set_normal},
    {"State", set_state},
    {"basefreq", ignore},
    {"enabled", set<&SwitchControl::enabled>},
    {"like", like<&Script::reclosers>},
};

constexpr Property<SwitchControl> relay_properties[] = {
    {"MonitoredObj", set_monitored},
    {"MonitoredTerm", ignore},
    {"SwitchedObj", set<&SwitchControl::switched>},
    {"SwitchedTerm", set_positive<&SwitchControl::terminal>},
    {"type", ignore},
    {"Phasecurve", ignore},
    {"Groundcurve", ignore},
    {"PhaseTrip", ignore},
    {"GroundTrip", ignore},
    {"TDPhase", ignore},
    {"TDGround", ignore},
    {"PhaseInst", ignore},
    {"GroundInst", ignore},
    {"Reset", ignore},
    {"Shots", ignore},
    {"RecloseIntervals", ignore},
    {"Delay", ignore},
    {"Overvoltcurve", ignore},
    {"Undervoltcurve", ignore},
    {"kvbase", ignore},
    {"47%Pickup", ignore},
    {"46BaseAmps", ignore},
    {"46%Pickup", ignore},
    {"46isqt", ignore},
    {"Variable", ignore},
    {"overtrip", ignore},
    {"undertrip", ignore},
    {"Breakertime", ignore},
    {"action", set_action},
    {"Z1mag", ignore},
    {"Z1ang", ignore},
    {"Z0mag", ignore},
    {"Z0ang", ignore},
    {"Mphase", ignore},
    {"Mground", ignore},
    {"EventLog", ignore},
    {"DebugTrace", ignore},
    {"DistReverse", ignore},
    {"Normal", set_normal},
    {"State", set_state},
    {"DOC_TiltAngleLow", ignore},
    {"DOC_TiltAngleHigh", ignore},
    {"DOC_TripSettingLow", ignore},
    {"DOC_TripSettingHigh", ignore},
    {"DOC_TripSettingMag", ignore},
    {"DOC_DelayInner", ignore},
    {"DOC_PhaseCurveInner", ignore},
    {"DOC_PhaseTripInner", ignore},
    {"DOC_TDPhaseInner", ignore},
    {"DOC_P1Blocking", ignore},
    {"basefreq", ignore},
    {"enabled", set<&SwitchControl::enabled>},
    {"like", like<&Script::relays>},
};

Object& add_fuse(Script& script, const std::string& name, Place origin) {
  SwitchControl& fuse = script.fuses.add(name, origin);
  fuse.single_phase = true;
  return fuse;
}

constexpr char switch_name[] = "SwtControl", fuse_name[] = "Fuse", recloser_name[] = "Recloser", relay_name[] = "Relay";

void apply(const SwitchControl& control, std::string_view class_name, Script& script) {
  const auto dot = control.switched.find('.');
  if (dot == std::string::npos) fail(control, class_name, "switches no element", "name it as class.name");
  const ElementClass* type = find_class(control.switched.substr(0, dot));
  Object* object = type ? type->find(script, control.switched.substr(dot + 1)) : nullptr;
  if (!object) fail(control, class_name, fmt::format("switches '{}', which is not defined", control.switched), "define it");
  try {
    if (control.closes && (control.state_given || !control.locked)) switch_terminal(*type, *object, control.terminal, 0, *control.closes);
    for (const int conductor : control.open_conductors) switch_terminal(*type, *object, control.terminal, conductor, false);
  } catch (const ScriptError& error) {
    fail(control, class_name, error.problem, error.remedy);
  }
}

/// The device as later analyses see it, where what it switches is a line or a transformer in service.
void add_device(const SwitchControl& control, SwitchingDeviceKind kind, NetworkData& data) {
  const auto dot = control.switched.find('.');
  const std::string class_name = control.switched.substr(0, dot), name = control.switched.substr(dot + 1);
  if (!control.enabled || (class_name != "line" && class_name != "transformer")) return;
  data.switching_devices.push_back(
      {.name = control.name,
       .kind = kind,
       .element = {.kind = class_name == "line" ? ElementKind::line : ElementKind::transformer, .name = name, .terminal = control.terminal},
       .origin = control.origin});
}

}  // namespace

std::span<const ElementClass> switch_classes() {
  static constexpr ElementClass classes[] = {
      {switch_name, add<&Script::switch_controls>, find<&Script::switch_controls>, all<&Script::switch_controls>,
       edit_as<SwitchControl, switch_properties, switch_name>},
      {fuse_name, add_fuse, find<&Script::fuses>, all<&Script::fuses>, edit_as<SwitchControl, fuse_properties, fuse_name>},
      {recloser_name, add<&Script::reclosers>, find<&Script::reclosers>, all<&Script::reclosers>,
       edit_as<SwitchControl, recloser_properties, recloser_name>},
      {relay_name, add<&Script::relays>, find<&Script::relays>, all<&Script::relays>, edit_as<SwitchControl, relay_properties, relay_name>},
  };
  return classes;
}

void switch_terminal(const ElementClass& type, Object& object, int terminal, int conductor, bool close) {
  const std::string name = lower_case(type.name);
  const bool is_line = name == "line", is_transformer = name == "transformer";
  constexpr std::string_view whole[] = {"load", "generator", "capacitor", "reactor", "pvsystem", "storage", "windgen"};
  if (!is_line && !is_transformer) {
    if (std::find(std::begin(whole), std::end(whole), name) == std::end(whole))
      throw ScriptError{fmt::format("{}.{} cannot be opened", type.name, object.name),
                        "open a line or another element, or disable the object"};
    if (conductor != 0)
      throw ScriptError{fmt::format("a single conductor of {}.{} cannot be opened", type.name, object.name), "open all of them"};
    object.closed = close;
    return;
  }
  int terminals = 2, conductors = 0;
  if (is_line) {
    conductors = static_cast<const Line&>(object).phases;
  } else {
    const auto& transformer = static_cast<const Transformer&>(object);
    terminals = static_cast<int>(transformer.windings.size());
    conductors = transformer.phases + 1;
    const bool three_ends = transformer.phases == 3 && terminal >= 1 && terminal <= terminals &&
                            transformer.windings[terminal - 1].connection == Connection::delta;
    if (three_ends) conductors = 3;
  }
  if (terminal < 1 || terminal > terminals || conductor < 0 || conductor > conductors)
    throw ScriptError{fmt::format("{}.{} has no conductor {} at terminal {}", type.name, object.name, conductor, terminal),
                      "correct the number"};
  auto& open = object.open_conductors;
  std::erase_if(open, [&](const auto& at) { return at[0] == terminal && (conductor == 0 || at[1] == conductor); });
  if (!close) {
    for (int c = conductor == 0 ? 1 : conductor; c <= (conductor == 0 ? conductors : conductor); ++c) open.push_back({terminal, c});
    std::sort(open.begin(), open.end());
  }
}

void apply_switch_controls(Script& script) {
  bool protection = false;
  for (const auto& control : script.switch_controls)
    if (control.enabled) apply(control, switch_name, script);
  const auto protect = [&](auto& devices, std::string_view class_name) {
    for (const auto& device : devices) {
      if (device.enabled) apply(device, class_name, script);
      protection = true;
    }
  };
  protect(script.fuses, fuse_name);
  protect(script.reclosers, recloser_name);
  protect(script.relays, relay_name);
  if (protection) script.notes.push_back("Fuses, reclosers and relays are in the state they are given; they do not trip.");
}

void add_switching_devices(Script& script, NetworkData& data) {
  for (const auto& control : script.switch_controls) add_device(control, SwitchingDeviceKind::disconnector, data);
  for (const auto& fuse : script.fuses) add_device(fuse, SwitchingDeviceKind::fuse, data);
  for (const auto& recloser : script.reclosers) add_device(recloser, SwitchingDeviceKind::recloser, data);
  for (const auto& relay : script.relays) add_device(relay, SwitchingDeviceKind::breaker, data);
}

}  // namespace gridfed::opendss
