// Classes of transformers, capacitor banks and reactors.
#include "grid/opendss_properties.hpp"

#include <algorithm>
#include <numbers>

namespace gridfed::opendss {
namespace {

// ---- transformers ----

Winding& active_winding(Transformer& transformer) {
  return transformer.windings.at(transformer.active - 1);
}

template <auto member, class T>
void set_winding(T& transformer, const Value& value, Script&) {
  read(value, active_winding(transformer).*member);
}

template <auto member, class T>
void set_each_winding(T& transformer, const Value& value, Script&) {
  const auto items = value.items();
  if (items.size() > transformer.windings.size())
    throw ScriptError{fmt::format("{} values for {} windings", items.size(), transformer.windings.size()), "set windings= before the list"};
  for (std::size_t i = 0; i < items.size(); ++i) read(items[i], transformer.windings[i].*member);
}

/// Winding 1 sets the rating of all; the two windings of a transformer always share theirs.
template <class T>
void set_winding_rating(T& transformer, const Value& value, Script&) {
  const double kva = value.number();
  if (kva <= 0) throw ScriptError{"a rating of zero", "give the kVA of the winding"};
  active_winding(transformer).kva = kva;
  if (transformer.active == 1 || transformer.windings.size() == 2)
    for (Winding& winding : transformer.windings) winding.kva = kva;
}

template <class T>
void set_windings(T& transformer, const Value& value, Script&) {
  const int windings = count(value);
  if (windings < 2) throw ScriptError{"one winding", "give two or more"};
  transformer.windings.resize(windings);
  transformer.active = std::min(transformer.active, windings);
}

template <class T>
void set_active_winding(T& transformer, const Value& value, Script&) {
  const int winding = value.integer();
  if (winding < 1 || winding > static_cast<int>(transformer.windings.size()))
    throw ScriptError{fmt::format("winding {} of {}", winding, transformer.windings.size()), "raise windings= first"};
  transformer.active = winding;
}

/// Load losses of the first two windings, half in each.
template <class T>
void set_load_loss(T& transformer, const Value& value, Script&) {
  const double percent = value.number();
  for (int i = 0; i < 2; ++i) transformer.windings[i].percent_r = percent / 2;
}

template <class T>
void set_lead_lag(T& transformer, const Value& value, Script&) {
  const std::string word = value.word();
  transformer.lead = word.starts_with("le") || word.starts_with("eu");
  if (!transformer.lead && !word.starts_with("la") && !word.starts_with("an"))
    throw ScriptError{fmt::format("'{}' is neither lead nor lag", word), "write Lag (ANSI) or Lead (Euro)"};
}

void set_transformer_code(Transformer& transformer, const Value& value, Script& script) {
  Transformer copy = named(script.transformer_codes, value, "XfmrCode");
  copy.name = transformer.name;
  copy.origin = transformer.origin;
  copy.open_conductors = transformer.open_conductors;
  copy.enabled = transformer.enabled;
  copy.bank = transformer.bank;
  for (std::size_t i = 0; i < std::min(copy.windings.size(), transformer.windings.size()); ++i)
    copy.windings[i].bus = transformer.windings[i].bus;
  transformer = std::move(copy);
}

void set_transformer_like(Transformer& transformer, const Value& value, Script& script) {
  Transformer copy = named(script.transformers, value, "Transformer");
  copy.name = transformer.name;
  copy.origin = transformer.origin;
  copy.open_conductors = transformer.open_conductors;
  for (std::size_t i = 0; i < copy.windings.size(); ++i)
    copy.windings[i].bus = i < transformer.windings.size() ? transformer.windings[i].bus : BusReference{};
  transformer = std::move(copy);
}

constexpr Property<Transformer> transformer_properties[] = {
    {"phases", set_count<&Transformer::phases>},
    {"windings", set_windings},
    {"wdg", set_active_winding},
    {"bus", set_winding<&Winding::bus>},
    {"conn", set_winding<&Winding::connection>},
    {"kV", set_winding<&Winding::kv>},
    {"kVA", set_winding_rating},
    {"tap", set_winding<&Winding::tap>},
    {"%R", set_winding<&Winding::percent_r>},
    {"Rneut", set_winding<&Winding::rneut>},
    {"Xneut", set_winding<&Winding::xneut>},
    {"buses", set_each_winding<&Winding::bus>},
    {"conns", set_each_winding<&Winding::connection>},
    {"kVs", set_each_winding<&Winding::kv>},
    {"kVAs", set_each_winding<&Winding::kva>},
    {"taps", set_each_winding<&Winding::tap>},
    {"XHL", set<&Transformer::xhl>},
    {"XHT", set<&Transformer::xht>},
    {"XLT", set<&Transformer::xlt>},
    {"Xscarray", set<&Transformer::xscarray>},
    {"thermal", ignore},
    {"n", ignore},
    {"m", ignore},
    {"flrise", ignore},
    {"hsrise", ignore},
    {"%loadloss", set_load_loss},
    {"%noloadloss", set<&Transformer::percent_no_load_loss>},
    {"normhkVA", set<&Transformer::normhkva>},
    {"emerghkVA", ignore},
    {"sub", ignore},
    {"MaxTap", set_winding<&Winding::max_tap>},
    {"MinTap", set_winding<&Winding::min_tap>},
    {"NumTaps", set_winding<&Winding::num_taps>},
    {"subname", ignore},
    {"%imag", set<&Transformer::percent_imag>},
    {"ppm_antifloat", set<&Transformer::ppm_antifloat>},
    {"%Rs", set_each_winding<&Winding::percent_r>},
    {"bank", set<&Transformer::bank>},
    {"XfmrCode", set_transformer_code},
    {"XRConst", ignore},
    {"X12", set<&Transformer::xhl>},
    {"X13", set<&Transformer::xht>},
    {"X23", set<&Transformer::xlt>},
    {"LeadLag", set_lead_lag},
    {"WdgCurrents", ignore},
    {"Core", ignore},
    {"RdcOhms", ignore},
    {"Seasons", ignore},
    {"Ratings", ignore},
    {"normamps", ignore},
    {"emergamps", ignore},
    {"faultrate", ignore},
    {"pctperm", ignore},
    {"repair", ignore},
    {"basefreq", ignore},
    {"enabled", set<&Transformer::enabled>},
    {"like", set_transformer_like},
};

constexpr Property<TransformerCode> transformer_code_properties[] = {
    {"phases", set_count<&Transformer::phases>},
    {"windings", set_windings},
    {"wdg", set_active_winding},
    {"conn", set_winding<&Winding::connection>},
    {"kV", set_winding<&Winding::kv>},
    {"kVA", set_winding_rating},
    {"tap", set_winding<&Winding::tap>},
    {"%R", set_winding<&Winding::percent_r>},
    {"Rneut", set_winding<&Winding::rneut>},
    {"Xneut", set_winding<&Winding::xneut>},
    {"conns", set_each_winding<&Winding::connection>},
    {"kVs", set_each_winding<&Winding::kv>},
    {"kVAs", set_each_winding<&Winding::kva>},
    {"taps", set_each_winding<&Winding::tap>},
    {"Xhl", set<&Transformer::xhl>},
    {"Xht", set<&Transformer::xht>},
    {"Xlt", set<&Transformer::xlt>},
    {"Xscarray", set<&Transformer::xscarray>},
    {"thermal", ignore},
    {"n", ignore},
    {"m", ignore},
    {"flrise", ignore},
    {"hsrise", ignore},
    {"%loadloss", set_load_loss},
    {"%noloadloss", set<&Transformer::percent_no_load_loss>},
    {"normhkVA", set<&Transformer::normhkva>},
    {"emerghkVA", ignore},
    {"MaxTap", set_winding<&Winding::max_tap>},
    {"MinTap", set_winding<&Winding::min_tap>},
    {"NumTaps", set_winding<&Winding::num_taps>},
    {"%imag", set<&Transformer::percent_imag>},
    {"ppm_antifloat", set<&Transformer::ppm_antifloat>},
    {"%Rs", set_each_winding<&Winding::percent_r>},
    {"X12", set<&Transformer::xhl>},
    {"X13", set<&Transformer::xht>},
    {"X23", set<&Transformer::xlt>},
    {"RdcOhms", ignore},
    {"Seasons", ignore},
    {"Ratings", ignore},
    {"like", like<&Script::transformer_codes>},
};

// ---- capacitors and reactors ----

void set_capacitor_power(Capacitor& capacitor, const Value& value, Script&) {
  const std::size_t steps = capacitor.kvar.size();
  capacitor.kvar = value.numbers();
  if (capacitor.kvar.empty()) throw ScriptError{"no number", "give the kvar of every step"};
  if (steps > 1) capacitor.kvar.resize(steps);
}

/// More steps share the power of the first one equally.
void set_capacitor_steps(Capacitor& capacitor, const Value& value, Script&) {
  const int steps = count(value);
  if (steps == static_cast<int>(capacitor.kvar.size())) return;
  capacitor.kvar.assign(steps, capacitor.kvar[0] / steps);
  capacitor.states.resize(steps, 1);
}

void set_capacitor_states(Capacitor& capacitor, const Value& value, Script&) {
  const auto items = value.items();
  if (items.size() > capacitor.kvar.size()) throw ScriptError{"more states than steps", "set numsteps= before the states"};
  capacitor.states.resize(capacitor.kvar.size(), 1);
  for (std::size_t i = 0; i < items.size(); ++i) capacitor.states[i] = items[i].integer();
}

void refuse_nonzero(Capacitor&, const Value& value, Script&) {
  for (const double number : value.numbers())
    if (number != 0) throw ScriptError{"losses and tuning reactors of a capacitor are not modelled", "put a Reactor in series instead"};
}

constexpr Property<Capacitor> capacitor_properties[] = {
    {"bus1", set<&Capacitor::bus>},
    {"bus2", set<&Capacitor::bus2>},
    {"phases", set_count<&Capacitor::phases>},
    {"kvar", set_capacitor_power},
    {"kv", set_positive<&Capacitor::kv>},
    {"conn", set<&Capacitor::connection>},
    {"cmatrix", refuse},
    {"cuf", refuse},
    {"R", refuse_nonzero},
    {"XL", refuse_nonzero},
    {"Harm", ignore},
    {"Numsteps", set_capacitor_steps},
    {"states", set_capacitor_states},
    {"normamps", ignore},
    {"emergamps", ignore},
    {"faultrate", ignore},
    {"pctperm", ignore},
    {"repair", ignore},
    {"basefreq", ignore},
    {"enabled", set<&Capacitor::enabled>},
    {"like", like<&Script::capacitors, &Capacitor::bus, &Capacitor::bus2>},
};

void set_reactance(Reactor& reactor, double ohm) {
  reactor.x = ohm;
  reactor.kvar_given = false;
}

constexpr Property<Reactor> reactor_properties[] = {
    {"bus1", set<&Reactor::bus>},
    {"bus2", set<&Reactor::bus2>},
    {"phases", set_count<&Reactor::phases>},
    {"kvar",
     [](Reactor& r, const Value& v, Script& script) {
       set_positive<&Reactor::kvar>(r, v, script);
       r.kvar_given = true;
     }},
    {"kv", set_positive<&Reactor::kv>},
    {"conn", set<&Reactor::connection>},
    {"Rmatrix", refuse},
    {"Xmatrix", refuse},
    {"Parallel", set<&Reactor::parallel>},
    {"R", set<&Reactor::r>},
    {"X", [](Reactor& r, const Value& v, Script&) { set_reactance(r, v.number()); }},
    {"Rp", set<&Reactor::rp>},
    {"Z1", refuse},
    {"Z2", refuse},
    {"Z0", refuse},
    {"Z",
     [](Reactor& r, const Value& v, Script&) {
       const auto parts = v.numbers();
       if (parts.size() != 2) throw ScriptError{"an impedance has two parts", "write [r, x]"};
       r.r = parts[0];
       set_reactance(r, parts[1]);
     }},
    {"RCurve", ignore},
    {"LCurve", ignore},
    {"LmH",
     [](Reactor& r, const Value& v, Script& script) { set_reactance(r, 2 * std::numbers::pi * script.frequency * v.number() * 1e-3); }},
    {"normamps", ignore},
    {"emergamps", ignore},
    {"faultrate", ignore},
    {"pctperm", ignore},
    {"repair", ignore},
    {"basefreq", ignore},
    {"enabled", set<&Reactor::enabled>},
    {"like", like<&Script::reactors, &Reactor::bus, &Reactor::bus2>},
};

// ---- the classes ----

constexpr char transformer_name[] = "Transformer", transformer_code_name[] = "XfmrCode", capacitor_name[] = "Capacitor",
               reactor_name[] = "Reactor";

}  // namespace

std::span<const ElementClass> transformer_classes() {
  static constexpr ElementClass classes[] = {
      {transformer_name, add<&Script::transformers>, find<&Script::transformers>, all<&Script::transformers>,
       edit_as<Transformer, transformer_properties, transformer_name>},
      {transformer_code_name, add<&Script::transformer_codes>, find<&Script::transformer_codes>, all<&Script::transformer_codes>,
       edit_as<TransformerCode, transformer_code_properties, transformer_code_name>},
      {capacitor_name, add<&Script::capacitors>, find<&Script::capacitors>, all<&Script::capacitors>,
       edit_as<Capacitor, capacitor_properties, capacitor_name>},
      {reactor_name, add<&Script::reactors>, find<&Script::reactors>, all<&Script::reactors>,
       edit_as<Reactor, reactor_properties, reactor_name>},
  };
  return classes;
}

}  // namespace gridfed::opendss
