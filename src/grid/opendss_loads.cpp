// Sources and loads, and how the types of properties are read.
#include "grid/opendss_properties.hpp"

#include <algorithm>
#include <cmath>

namespace gridfed::opendss {

void read(const Value& value, LengthUnit& member) {
  static const std::vector<std::string_view> names = {"none", "mi", "kft", "km", "m", "ft", "in", "cm", "mm"};
  const std::string word = value.word();
  for (std::size_t i = 0; i < names.size(); ++i)
    if (word == names[i]) {
      member = static_cast<LengthUnit>(i);
      return;
    }
  if (word == "miles" || word == "mile") {
    member = LengthUnit::mi;
  } else if (word == "inch") {
    member = LengthUnit::in;
  } else if (word == "meter" || word == "meters") {
    member = LengthUnit::m;
  } else {
    throw ScriptError{fmt::format("unknown unit of length '{}'", value.text), "use none, mi, kft, km, m, ft, in, cm or mm"};
  }
}

void read(const Value& value, Connection& member) {
  const std::string word = value.word();
  if (word.starts_with('w') || word.starts_with('y') || word == "ln")
    member = Connection::wye;
  else if (word.starts_with('d') || word == "ll")
    member = Connection::delta;
  else
    throw ScriptError{fmt::format("unknown connection '{}'", value.text), "use wye or delta"};
}

void read(const Value& value, BusReference& member) {
  const std::string_view word = value.text;
  member = {};
  const auto dot = word.find('.');
  member.bus = lower_case(word.substr(0, dot));
  if (member.bus.empty()) throw ScriptError{fmt::format("'{}' names no bus", value.text), "write bus.1.2.3"};
  if (dot != std::string_view::npos) member.nodes.reserve(static_cast<std::size_t>(std::count(word.begin(), word.end(), '.')));
  for (auto begin = dot; begin != std::string_view::npos;) {
    const auto end = word.find('.', begin + 1);
    const int node = Value{word.substr(begin + 1, end == std::string_view::npos ? end : end - begin - 1), false}.integer();
    if (node < 0) throw ScriptError{fmt::format("node {} of bus '{}'", node, member.bus), "number nodes from 0 (ground) up"};
    member.nodes.push_back(node);
    begin = end;
  }
}

void read(const Value& value, EarthModel& member) {
  const std::string word = value.word();
  if (word.starts_with('c'))
    member = EarthModel::carson;
  else if (word.starts_with('f'))
    member = EarthModel::full_carson;
  else if (word.starts_with('d'))
    member = EarthModel::deri;
  else
    throw ScriptError{fmt::format("unknown earth model '{}'", value.text), "use Carson, FullCarson or Deri"};
}

double kvar_at(double kw, double pf) {
  return kw * std::sqrt(1 / (pf * pf) - 1) * (pf < 0 ? -1 : 1);
}

namespace {

// ---- sources ----

/// Brings r1, x1, r0, x0 in line with a source given by its short-circuit power or current.
///   Z1 = kV^2 / MVA3, X1 = Z1 / sqrt(1 + (R1/X1)^2);  |2 Z1 + Z0| = 3 V / Isc1 with Z0 = R0 (1 + j x0r0), solved for R0.
void finish_source(Source& source) {
  if (source.given == Source::Given::impedance) {
    if (source.phases == 1) source.r0 = source.r1, source.x0 = source.x1;
    return;
  }
  const double factor = source.phases == 1 ? 1 : std::sqrt(3.0);
  if (source.given == Source::Given::short_circuit_amperes) {
    source.mva3 = std::sqrt(3.0) * source.kv * source.isc3 / 1e3;
    source.mva1 = factor * source.kv * source.isc1 / 1e3;
  }
  source.x1 = source.kv * source.kv / source.mva3 / std::sqrt(1 + 1 / (source.x1r1 * source.x1r1));
  source.r1 = source.x1 / source.x1r1;
  const double loop = 3 * source.kv * source.kv / source.mva1;
  const double a = 1 + source.x0r0 * source.x0r0, b = 4 * (source.r1 + source.x1 * source.x0r0);
  const double c = 4 * (source.r1 * source.r1 + source.x1 * source.x1) - loop * loop;
  const double discriminant = b * b - 4 * a * c;
  if (discriminant < 0)
    throw ScriptError{
        fmt::format("no zero-sequence impedance gives {} MVA of single-phase fault power in Vsource.{}", source.mva1, source.name),
        "raise MVAsc1 or change x1r1 and x0r0"};
  source.r0 = (-b + std::sqrt(discriminant)) / (2 * a);
  source.x0 = source.r0 * source.x0r0;
}

template <auto member, Source::Given given>
void set_strength(Source& source, const Value& value, Script& script) {
  if constexpr (given == Source::Given::impedance)
    set<member>(source, value, script);
  else
    set_positive<member>(source, value, script);
  source.given = given;
}

struct Pair {
  double r, x;
};
Pair impedance_pair(const Value& value, double unit) {
  const auto parts = value.numbers();
  if (parts.size() != 2) throw ScriptError{"an impedance has two parts", "write [r, x]"};
  return {parts[0] * unit, parts[1] * unit};
}

/// Z1 sets the zero sequence as well until that is given.
template <bool per_unit>
void set_z1(Source& source, const Value& value, Script&) {
  const auto [r, x] = impedance_pair(value, per_unit ? source.kv * source.kv / source.base_mva : 1);
  source.r1 = source.r0 = r;
  source.x1 = source.x0 = x;
  source.given = Source::Given::impedance;
}

template <bool per_unit>
void set_z0(Source& source, const Value& value, Script&) {
  const auto [r, x] = impedance_pair(value, per_unit ? source.kv * source.kv / source.base_mva : 1);
  source.r0 = r;
  source.x0 = x;
  source.given = Source::Given::impedance;
}

void want_positive_sequence(Source&, const Value& value, Script&) {
  if (!value.word().starts_with('p')) throw ScriptError{"only sources of positive sequence are modelled", "write Pos"};
}

constexpr Property<Source> source_properties[] = {
    {"bus1", set<&Source::bus>},
    {"basekv", set_positive<&Source::kv>},
    {"pu", set<&Source::pu>},
    {"angle", set<&Source::angle>},
    {"frequency", ignore},
    {"phases", set_count<&Source::phases>},
    {"MVAsc3", set_strength<&Source::mva3, Source::Given::short_circuit_mva>},
    {"MVAsc1", set_strength<&Source::mva1, Source::Given::short_circuit_mva>},
    {"x1r1", set_positive<&Source::x1r1>},
    {"x0r0", set_positive<&Source::x0r0>},
    {"Isc3", set_strength<&Source::isc3, Source::Given::short_circuit_amperes>},
    {"Isc1", set_strength<&Source::isc1, Source::Given::short_circuit_amperes>},
    {"R1", set_strength<&Source::r1, Source::Given::impedance>},
    {"X1", set_strength<&Source::x1, Source::Given::impedance>},
    {"R0", set_strength<&Source::r0, Source::Given::impedance>},
    {"X0", set_strength<&Source::x0, Source::Given::impedance>},
    {"ScanType", ignore},
    {"Sequence", want_positive_sequence},
    {"bus2", refuse},
    {"Z1", set_z1<false>},
    {"Z0", set_z0<false>},
    {"Z2", refuse},
    {"puZ1", set_z1<true>},
    {"puZ0", set_z0<true>},
    {"puZ2", refuse},
    {"baseMVA", set_positive<&Source::base_mva>},
    {"Yearly", ignore},
    {"Daily", ignore},
    {"Duty", ignore},
    {"Model",
     [](Source&, const Value& v, Script&) {
       if (!v.word().starts_with('t')) throw ScriptError{"only Thevenin sources are modelled", "give a small impedance instead"};
     }},
    {"puZideal", ignore},
    {"spectrum", ignore},
    {"basefreq", ignore},
    {"enabled", set<&Source::enabled>},
    {"like", like<&Script::sources, &Source::bus>},
};

// ---- loads ----

template <auto member, Load::Given given>
void set_load_power(Load& load, const Value& value, Script&) {
  load.*member = value.number();
  load.given = given;
}

/// Peak power of a share of a transformer's rating, or of an energy over so many days; the power factor counts as it then is.
template <auto member>
void set_allocation(Load& load, const Value& value, Script& script) {
  set_positive<member>(load, value, script);
  if (load.xfkva == 0) return;
  load.kw = load.xfkva * load.allocation_factor * std::abs(load.pf);
  load.given = Load::Given::pf;
}

template <auto member>
void set_energy(Load& load, const Value& value, Script& script) {
  set_positive<member>(load, value, script);
  if (load.kwh == 0) return;
  load.kw = load.kwh / (24 * load.kwh_days) * load.c_factor;
  load.given = Load::Given::pf;
}

/// Brings kw, kvar and the power factor in line with what was given last.
void finish_load(Load& load) {
  switch (load.given) {
    case Load::Given::pf:
      load.kvar = kvar_at(load.kw, load.pf);
      break;
    case Load::Given::kvar:
      if (const double kva = std::hypot(load.kw, load.kvar); kva > 0 && load.kw != 0)
        load.pf = std::abs(load.kw) / kva * (load.kw * load.kvar < 0 ? -1 : 1);
      break;
    case Load::Given::kva:
      load.kw = load.kva * std::abs(load.pf);
      load.kvar = kvar_at(load.kw, load.pf);
      break;
  }
}

void set_zipv(Load& load, const Value& value, Script&) {
  load.zipv = value.numbers();
  if (load.zipv.size() != 7)
    throw ScriptError{fmt::format("{} coefficients", load.zipv.size()), "give seven: P z, i, p, Q z, i, p and the cut-off voltage"};
}

/// A shape of actual powers makes its largest the load's own. The daily one counts for years until that has its own.
template <auto member>
void set_load_shape(Load& load, const Value& value, Script& script) {
  set_shape<member>(load, value, script);
  const LoadShape* shape = load.shapes.*member;
  if (!shape) return;
  if (const auto actual = largest_actual(*shape)) {
    load.kw = actual->real();
    load.kvar = actual->imag();
    load.given = load.pf_given ? Load::Given::pf : Load::Given::kvar;
  }
  if (!load.shapes.yearly) load.shapes.yearly = load.shapes.daily;
}

constexpr Property<Load> load_properties[] = {
    {"phases", set_count<&Load::phases>},
    {"bus1", set<&Load::bus>},
    {"kV", set_positive<&Load::kv>},
    {"kW", set_load_power<&Load::kw, Load::Given::pf>},
    {"pf",
     [](Load& l, const Value& v, Script& script) {
       set_power_factor<&Load::pf>(l, v, script);
       l.pf_given = true;
     }},
    {"model", set_model<Load, 1, 8>},
    {"yearly", set_load_shape<&Shapes::yearly>},
    {"daily", set_load_shape<&Shapes::daily>},
    {"duty", set_load_shape<&Shapes::duty>},
    {"growth", [](Load& l, const Value&,
                  Script& script) { script.note(fmt::format("Growth curves such as that of Load.{} are left out.", l.name)); }},
    {"conn", set<&Load::connection>},
    {"kvar",
     [](Load& l, const Value& v, Script& script) {
       set_load_power<&Load::kvar, Load::Given::kvar>(l, v, script);
       l.pf_given = false;
     }},
    {"Rneut", set<&Load::rneut>},
    {"Xneut", set<&Load::xneut>},
    {"status",
     [](Load& l, const Value& v, Script&) {
       l.follows_loadmult = v.word().starts_with('v');
       l.follows_shapes = !v.word().starts_with('f');
     }},
    {"class", ignore},
    {"Vminpu", set_positive<&Load::vmin>},
    {"Vmaxpu", set_positive<&Load::vmax>},
    {"Vminnorm", ignore},
    {"Vminemerg", ignore},
    {"xfkVA", set_allocation<&Load::xfkva>},
    {"allocationfactor", set_allocation<&Load::allocation_factor>},
    {"kVA", set_load_power<&Load::kva, Load::Given::kva>},
    {"%mean", ignore},
    {"%stddev", ignore},
    {"CVRwatts", set<&Load::cvr_watts>},
    {"CVRvars", set<&Load::cvr_vars>},
    {"kwh", set_energy<&Load::kwh>},
    {"kwhdays", set_energy<&Load::kwh_days>},
    {"Cfactor", set_energy<&Load::c_factor>},
    {"CVRcurve", ignore},
    {"NumCust", ignore},
    {"ZIPV", set_zipv},
    {"%SeriesRL", ignore},
    {"RelWeight", ignore},
    {"Vlowpu", set<&Load::vlow>},
    {"puXharm", ignore},
    {"XRharm", ignore},
    {"spectrum", ignore},
    {"basefreq", ignore},
    {"enabled", set<&Load::enabled>},
    {"like", like<&Script::loads, &Load::bus>},
};

// ---- the classes ----

Object& add_source(Script& script, const std::string& name, Place origin) {
  Source& source = script.sources.add(name, origin);
  finish_source(source);
  return source;
}

constexpr char source_name[] = "Vsource", load_name[] = "Load";

}  // namespace

std::span<const ElementClass> source_and_load_classes() {
  static constexpr ElementClass classes[] = {
      {source_name, add_source, find<&Script::sources>, all<&Script::sources>,
       edit_as<Source, source_properties, source_name, finish_source>},
      {load_name, add<&Script::loads>, find<&Script::loads>, all<&Script::loads>, edit_as<Load, load_properties, load_name, finish_load>},
  };
  return classes;
}

}  // namespace gridfed::opendss
