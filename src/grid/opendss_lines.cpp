// Classes of lines: wires, cross-sections, line codes, lines.
#include "grid/opendss_properties.hpp"

#include <algorithm>
#include <array>
#include <numbers>

namespace gridfed::opendss {

void LineImpedance::expand_sequences() {
  if (phases == 1) r0 = r1, x0 = x1, c0 = c1;
  const auto expand = [this](double positive, double zero) {
    Eigen::MatrixXd matrix = Eigen::MatrixXd::Constant(phases, phases, (zero - positive) / 3);
    matrix.diagonal().setConstant((2 * positive + zero) / 3);
    return matrix;
  };
  r = expand(r1, r0);
  x = expand(x1, x0);
  c = expand(c1, c0);
}

namespace {

// ---- wires and cross-sections ----

template <auto member>
void set_wire_resistance(Wire& wire, const Value& value, Script&) {
  wire.*member = value.number();
  if (wire.rac < 0) wire.rac = 1.02 * wire.rdc;
  if (wire.rdc < 0) wire.rdc = wire.rac / 1.02;
}

void set_wire_gmr(Wire& wire, const Value& value, Script&) {
  wire.gmr = value.number();
  if (wire.radius < 0) wire.radius = wire.gmr / 0.7788;
}

void set_wire_radius(Wire& wire, double radius) {
  wire.radius = radius;
  if (wire.gmr < 0) wire.gmr = 0.7788 * radius;
  if (wire.capacitance_radius < 0) wire.capacitance_radius = radius;
}

void set_gmr_unit(Wire& wire, const Value& value, Script&) {
  read(value, wire.gmr_unit);
  if (wire.radius_unit == LengthUnit::none) wire.radius_unit = wire.gmr_unit;
}

void set_radius_unit(Wire& wire, const Value& value, Script&) {
  read(value, wire.radius_unit);
  if (wire.gmr_unit == LengthUnit::none) wire.gmr_unit = wire.radius_unit;
}

/// Every class of conductor ends with the properties of a bare wire.
template <auto table, std::size_t count>
constexpr std::array<Property<Wire>, count + 14> conductor_properties(const std::array<Property<Wire>, count>& own) {
  std::array<Property<Wire>, count + 14> all{};
  std::copy(own.begin(), own.end(), all.begin());
  constexpr Property<Wire> bare[] = {
      {"Rdc", set_wire_resistance<&Wire::rdc>},
      {"Rac", set_wire_resistance<&Wire::rac>},
      {"Runits", set<&Wire::resistance_unit>},
      {"GMRac", set_wire_gmr},
      {"GMRunits", set_gmr_unit},
      {"radius", [](Wire& w, const Value& v, Script&) { set_wire_radius(w, v.number()); }},
      {"radunits", set_radius_unit},
      {"normamps", set<&Wire::normamps>},
      {"emergamps", ignore},
      {"diam", [](Wire& w, const Value& v, Script&) { set_wire_radius(w, v.number() / 2); }},
      {"Seasons", ignore},
      {"Ratings", ignore},
      {"Capradius", set<&Wire::capacitance_radius>},
      {"like", like<table>},
  };
  std::copy_n(bare, 14, all.begin() + count);
  return all;
}

constexpr std::array<Property<Wire>, 8> concentric_properties = {{
    {"k", set_positive<&Wire::strands>},
    {"DiaStrand",
     [](Wire& w, const Value& v, Script& script) {
       set_positive<&Wire::strand_diameter>(w, v, script);
       if (w.strand_gmr <= 0) w.strand_gmr = 0.7788 * w.strand_diameter / 2;
     }},
    {"GmrStrand", set_positive<&Wire::strand_gmr>},
    {"Rstrand", set_positive<&Wire::strand_resistance>},
    {"EpsR", set_positive<&Wire::permittivity>},
    {"InsLayer", set_positive<&Wire::insulation>},
    {"DiaIns", set_positive<&Wire::insulation_diameter>},
    {"DiaCable", set_positive<&Wire::cable_diameter>},
}};

constexpr std::array<Property<Wire>, 7> tape_properties = {{
    {"DiaShield", set_positive<&Wire::shield_diameter>},
    {"TapeLayer", set_positive<&Wire::tape_thickness>},
    {"TapeLap",
     [](Wire& w, const Value& v, Script&) {
       w.tape_lap = v.number();
       if (!(w.tape_lap >= 0 && w.tape_lap < 100))
         throw ScriptError{fmt::format("a lap of {} %", w.tape_lap), "give one from 0 to below 100"};
     }},
    {"EpsR", set_positive<&Wire::permittivity>},
    {"InsLayer", set_positive<&Wire::insulation>},
    {"DiaIns", set_positive<&Wire::insulation_diameter>},
    {"DiaCable", set_positive<&Wire::cable_diameter>},
}};

constexpr auto wire_properties = conductor_properties<&Script::wires>(std::array<Property<Wire>, 0>{});
constexpr auto cn_properties = conductor_properties<&Script::concentric_cables>(concentric_properties);
constexpr auto ts_properties = conductor_properties<&Script::tape_cables>(tape_properties);

Geometry::Position& active_conductor(Geometry& geometry) {
  return geometry.conductors.at(geometry.active - 1);
}

Table<Wire>& conductors_of(ConductorKind kind, Script& script) {
  return kind == ConductorKind::bare                 ? script.wires
         : kind == ConductorKind::concentric_neutral ? script.concentric_cables
                                                     : script.tape_cables;
}

template <ConductorKind kind>
void set_conductor(Geometry& geometry, const Value& value, Script& script) {
  constexpr std::string_view names[] = {"WireData", "CNData", "TSData"};
  const Wire& wire = named(conductors_of(kind, script), value, names[static_cast<int>(kind)]);
  active_conductor(geometry).wire = wire.name;
  active_conductor(geometry).kind = kind;
  if (geometry.normamps == 0 && wire.normamps > 0) geometry.normamps = wire.normamps;
}

/// Cables fill the phases, bare wires all positions or, beside cables, those of the neutrals.
template <ConductorKind kind>
void set_conductors(Geometry& geometry, const Value& value, Script& script) {
  const auto items = value.items();
  const auto count = static_cast<int>(geometry.conductors.size());
  const bool beside_cables = kind == ConductorKind::bare && geometry.conductors[0].kind != ConductorKind::bare;
  const int first = beside_cables ? geometry.phases : 0;
  const auto given = static_cast<int>(items.size());
  if (given != count - first && !(kind != ConductorKind::bare && given == geometry.phases))
    throw ScriptError{fmt::format("{} conductors for {} positions", given, count - first), "name one for each"};
  const int active = geometry.active;
  for (int i = 0; i < given; ++i) {
    geometry.active = first + i + 1;
    set_conductor<kind>(geometry, items[i], script);
  }
  geometry.active = active;
}

/// Positions of a spacing; its conductors are named afterwards.
void set_spacing(Geometry& geometry, const Value& value, Script& script) {
  const Spacing& spacing = named(script.spacings, value, "LineSpacing");
  if (static_cast<int>(spacing.x.size()) != spacing.conductors || static_cast<int>(spacing.h.size()) != spacing.conductors)
    throw ScriptError{fmt::format("LineSpacing.{} has {} x and {} h for {} conductors", spacing.name, spacing.x.size(), spacing.h.size(),
                                  spacing.conductors),
                      "give one of each for every conductor"};
  geometry.phases = spacing.phases;
  geometry.conductors.assign(spacing.conductors, {});
  geometry.active = 1;
  for (int i = 0; i < spacing.conductors; ++i) {
    geometry.conductors[i].x = spacing.x[i];
    geometry.conductors[i].h = spacing.h[i];
    geometry.conductors[i].unit = spacing.unit;
  }
}

constexpr Property<Spacing> spacing_properties[] = {
    {"nconds",
     [](Spacing& s, const Value& v, Script& script) {
       set_count<&Spacing::conductors>(s, v, script);
       s.x.assign(s.conductors, 0);
       s.h.assign(s.conductors, 0);
     }},
    {"nphases", set_count<&Spacing::phases>},
    {"x", set<&Spacing::x>},
    {"h", set<&Spacing::h>},
    {"units", set<&Spacing::unit>},
    {"like", like<&Script::spacings>},
};

constexpr Property<Geometry> geometry_properties[] = {
    {"nconds",
     [](Geometry& g, const Value& v, Script&) {
       g.conductors.assign(count(v), {});
       g.active = 1;
     }},
    {"nphases", set_count<&Geometry::phases>},
    {"cond",
     [](Geometry& g, const Value& v, Script&) {
       const int conductor = v.integer();
       if (conductor < 1 || conductor > static_cast<int>(g.conductors.size()))
         throw ScriptError{fmt::format("conductor {} is not among the {} of nconds", conductor, g.conductors.size()), "raise nconds first"};
       const LengthUnit last = active_conductor(g).unit;
       g.active = conductor;
       if (active_conductor(g).unit == LengthUnit::none) active_conductor(g).unit = last;
     }},
    {"wire", set_conductor<ConductorKind::bare>},
    {"x", [](Geometry& g, const Value& v, Script&) { active_conductor(g).x = v.number(); }},
    {"h", [](Geometry& g, const Value& v, Script&) { active_conductor(g).h = v.number(); }},
    {"units", [](Geometry& g, const Value& v, Script&) { read(v, active_conductor(g).unit); }},
    {"normamps", set<&Geometry::normamps>},
    {"emergamps", ignore},
    {"reduce", set<&Geometry::reduce>},
    {"spacing", set_spacing},
    {"wires", set_conductors<ConductorKind::bare>},
    {"cncable", set_conductor<ConductorKind::concentric_neutral>},
    {"tscable", set_conductor<ConductorKind::tape_shield>},
    {"cncables", set_conductors<ConductorKind::concentric_neutral>},
    {"tscables", set_conductors<ConductorKind::tape_shield>},
    {"Seasons", ignore},
    {"Ratings", ignore},
    {"LineType", ignore},
    {"like", like<&Script::geometries>},
};

// ---- lines ----

Eigen::MatrixXd square_matrix(const Value& value, int order) {
  const auto rows = value.rows();
  if (static_cast<int>(rows.size()) != order)
    throw ScriptError{fmt::format("the matrix has {} rows for {} phases", rows.size(), order),
                      "give nphases before the matrix, rows separated by |"};
  Eigen::MatrixXd matrix = Eigen::MatrixXd::Zero(order, order);
  for (int i = 0; i < order; ++i) {
    if (static_cast<int>(rows[i].size()) > order || static_cast<int>(rows[i].size()) < i + 1)
      throw ScriptError{fmt::format("row {} of the matrix has {} numbers", i + 1, rows[i].size()),
                        "write the whole matrix or its lower triangle"};
    for (int j = 0; j < static_cast<int>(rows[i].size()); ++j) matrix(i, j) = matrix(j, i) = rows[i][j];
  }
  return matrix;
}

void forget_source_of_impedance(LineCode&) {}
void forget_source_of_impedance(Line& line) {
  line.code_unit.reset();
  line.geometry.clear();
  line.unit = LengthUnit::none;
  line.lengths_per_impedance_unit = 1;
}
void note_sequences(LineCode&) {}
void note_sequences(Line& line) {
  line.sequences_edited = true;
}

template <auto member, class T>
void set_sequence(T& line, const Value& value, Script&) {
  line.*member = value.number();
  line.symmetrical = true;
  forget_source_of_impedance(line);
  note_sequences(line);
  line.expand_sequences();
}

template <auto member, class T>
void set_sequence_capacitance(T& line, const Value& value, Script& script) {
  set_sequence<member>(line, value, script);
  line.capacitance_given = true;
}

/// b1 and b0 [uS] into c1 and c0 [nF].
template <auto member, class T>
void set_sequence_susceptance(T& line, const Value& value, Script& script) {
  set_sequence<member>(line, value, script);
  line.*member *= 1e3 / (2 * std::numbers::pi * line.base_frequency);
  line.capacitance_given = true;
  line.expand_sequences();
}

template <auto member, class T>
void set_matrix(T& line, const Value& value, Script&) {
  Eigen::MatrixXd matrix = square_matrix(value, line.phases);
  forget_source_of_impedance(line);
  line.symmetrical = false;
  line.*member = std::move(matrix);
}

template <class T>
void set_capacitance_matrix(T& line, const Value& value, Script& script) {
  set_matrix<&LineImpedance::c>(line, value, script);
  line.capacitance_given = true;
}

template <class T>
void set_line_phases(T& line, const Value& value, Script&) {
  const int phases = count(value);
  if (phases == line.phases) return;
  if constexpr (std::is_same_v<T, Line>) {
    if (!line.geometry.empty() || !line.symmetrical)
      throw ScriptError{fmt::format("{} phases contradict the {} of its impedances", phases, line.phases),
                        "make the number of phases agree with the line code, geometry or matrix"};
  }
  line.phases = phases;
  line.symmetrical = true;
  line.expand_sequences();
}

constexpr Property<LineCode> line_code_properties[] = {
    {"nphases", set_line_phases},
    {"r1", set_sequence<&LineImpedance::r1>},
    {"x1", set_sequence<&LineImpedance::x1>},
    {"r0", set_sequence<&LineImpedance::r0>},
    {"x0", set_sequence<&LineImpedance::x0>},
    {"C1", set_sequence_capacitance<&LineImpedance::c1>},
    {"C0", set_sequence_capacitance<&LineImpedance::c0>},
    {"units", set<&LineCode::unit>},
    {"rmatrix", set_matrix<&LineImpedance::r>},
    {"xmatrix", set_matrix<&LineImpedance::x>},
    {"cmatrix", set_capacitance_matrix},
    {"baseFreq", set_positive<&LineImpedance::base_frequency>},
    {"normamps", set<&LineCode::normamps>},
    {"emergamps", ignore},
    {"faultrate", ignore},
    {"pctperm", ignore},
    {"repair", ignore},
    {"Kron",
     [](LineCode&, const Value& v, Script&) {
       if (v.truth()) throw ScriptError{"Kron reduction of a line code is not done here", "write the reduced matrices"};
     }},
    {"Rg", set<&LineImpedance::rg>},
    {"Xg", set<&LineImpedance::xg>},
    {"rho", set_positive<&LineImpedance::rho>},
    {"neutral", ignore},
    {"B1", set_sequence_susceptance<&LineImpedance::c1>},
    {"B0", set_sequence_susceptance<&LineImpedance::c0>},
    {"Seasons", ignore},
    {"Ratings", ignore},
    {"LineType", ignore},
    {"like", like<&Script::line_codes>},
};

void set_line_code(Line& line, const Value& value, Script& script) {
  const LineCode& code = named(script.line_codes, value, "LineCode");
  static_cast<LineImpedance&>(line) = code;
  line.capacitance_given = true;  // whatever the code holds is meant
  line.sequences_edited = false;
  line.geometry.clear();
  line.code_unit = code.unit;
  line.lengths_per_impedance_unit = conversion(code.unit, line.unit);
  line.normamps = code.normamps;
}

void set_line_geometry(Line& line, const Value& value, Script& script) {
  const Geometry& geometry = named(script.geometries, value, "LineGeometry");
  const int conductors = static_cast<int>(geometry.conductors.size());
  line.code_unit.reset();
  line.geometry = geometry.name;
  line.phases = geometry.reduce ? geometry.phases : conductors;
  line.normamps = geometry.normamps;
  if (line.phases > conductors)
    throw ScriptError{fmt::format("LineGeometry.{} has more phases than conductors", geometry.name), "raise its nconds"};
}

/// The cross-section that a line with a spacing has for itself: a geometry that no script can name.
std::string own_geometry(const Line& line) {
  return "of line." + line.name;
}

void set_line_spacing(Line& line, const Value& value, Script& script) {
  Geometry* geometry = script.geometries.find(own_geometry(line));
  if (!geometry) geometry = &script.geometries.add(own_geometry(line), line.origin);
  geometry->reduce = true;
  geometry->normamps = 0;
  set_spacing(*geometry, value, script);
  set_line_geometry(line, {geometry->name, false}, script);
}

template <ConductorKind kind>
void set_line_conductors(Line& line, const Value& value, Script& script) {
  Geometry* geometry = script.geometries.find(own_geometry(line));
  if (!geometry || line.geometry != geometry->name)
    throw ScriptError{"the conductors of a line without spacing", "give spacing= before them, or a geometry"};
  set_conductors<kind>(*geometry, value, script);
  line.normamps = geometry->normamps;
}

void set_line_unit(Line& line, const Value& value, Script&) {
  const LengthUnit before = line.unit;
  read(value, line.unit);
  line.lengths_per_impedance_unit =
      line.code_unit ? conversion(*line.code_unit, line.unit) : line.lengths_per_impedance_unit * conversion(before, line.unit);
}

void set_switch(Line& line, const Value& value, Script&) {
  line.is_switch = value.truth();
  if (!line.is_switch) return;
  forget_source_of_impedance(line);
  line.r1 = line.x1 = line.r0 = line.x0 = 1;
  line.c1 = 1.1;
  line.c0 = 1;
  line.length = 0.001;
  line.symmetrical = true;
  line.sequences_edited = true;
  line.expand_sequences();
}

constexpr Property<Line> line_properties[] = {
    {"bus1", set<&Line::bus1>},
    {"bus2", set<&Line::bus2>},
    {"linecode", set_line_code},
    {"length", set_positive<&Line::length>},
    {"phases", set_line_phases},
    {"r1", set_sequence<&LineImpedance::r1>},
    {"x1", set_sequence<&LineImpedance::x1>},
    {"r0", set_sequence<&LineImpedance::r0>},
    {"x0", set_sequence<&LineImpedance::x0>},
    {"C1", set_sequence_capacitance<&LineImpedance::c1>},
    {"C0", set_sequence_capacitance<&LineImpedance::c0>},
    {"rmatrix", set_matrix<&LineImpedance::r>},
    {"xmatrix", set_matrix<&LineImpedance::x>},
    {"cmatrix", set_capacitance_matrix},
    {"Switch", set_switch},
    {"Rg", set<&LineImpedance::rg>},
    {"Xg", set<&LineImpedance::xg>},
    {"rho", set_positive<&LineImpedance::rho>},
    {"geometry", set_line_geometry},
    {"units", set_line_unit},
    {"spacing", set_line_spacing},
    {"wires", set_line_conductors<ConductorKind::bare>},
    {"EarthModel", set<&Line::earth_model>},
    {"cncables", set_line_conductors<ConductorKind::concentric_neutral>},
    {"tscables", set_line_conductors<ConductorKind::tape_shield>},
    {"B1", set_sequence_susceptance<&LineImpedance::c1>},
    {"B0", set_sequence_susceptance<&LineImpedance::c0>},
    {"Seasons", ignore},
    {"Ratings", ignore},
    {"LineType", ignore},
    {"normamps", set<&Line::normamps>},
    {"emergamps", ignore},
    {"faultrate", ignore},
    {"pctperm", ignore},
    {"repair", ignore},
    {"basefreq", set_positive<&LineImpedance::base_frequency>},
    {"enabled", set<&Line::enabled>},
    {"like", like<&Script::lines, &Line::bus1, &Line::bus2>},
};

// ---- the classes ----

Object& add_line_code(Script& script, const std::string& name, Place origin) {
  LineCode& code = script.line_codes.add(name, origin);
  code.base_frequency = script.frequency;
  return code;
}

Object& add_line(Script& script, const std::string& name, Place origin) {
  Line& line = script.lines.add(name, origin);
  line.base_frequency = script.frequency;
  line.earth_model = script.earth_model;
  return line;
}

constexpr char wire_name[] = "WireData", concentric_name[] = "CNData", tape_name[] = "TSData", spacing_name[] = "LineSpacing",
               geometry_name[] = "LineGeometry", line_code_name[] = "LineCode", line_name[] = "Line";

}  // namespace

std::span<const ElementClass> line_classes() {
  static constexpr ElementClass classes[] = {
      {wire_name, add<&Script::wires>, find<&Script::wires>, all<&Script::wires>, edit_as<Wire, wire_properties, wire_name>},
      {concentric_name, add<&Script::concentric_cables>, find<&Script::concentric_cables>, all<&Script::concentric_cables>,
       edit_as<Wire, cn_properties, concentric_name>},
      {tape_name, add<&Script::tape_cables>, find<&Script::tape_cables>, all<&Script::tape_cables>,
       edit_as<Wire, ts_properties, tape_name>},
      {spacing_name, add<&Script::spacings>, find<&Script::spacings>, all<&Script::spacings>,
       edit_as<Spacing, spacing_properties, spacing_name>},
      {geometry_name, add<&Script::geometries>, find<&Script::geometries>, all<&Script::geometries>,
       edit_as<Geometry, geometry_properties, geometry_name>},
      {line_code_name, add_line_code, find<&Script::line_codes>, all<&Script::line_codes>,
       edit_as<LineCode, line_code_properties, line_code_name>},
      {line_name, add_line, find<&Script::lines>, all<&Script::lines>, edit_as<Line, line_properties, line_name>},
  };
  return classes;
}

}  // namespace gridfed::opendss
