// Classes of lines: wires, cross-sections, line codes, lines.
#include "grid/opendss_properties.hpp"

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

constexpr Property<Wire> wire_properties[] = {
    {"Rdc", set_wire_resistance<&Wire::rdc>},
    {"Rac", set_wire_resistance<&Wire::rac>},
    {"Runits", set<&Wire::resistance_unit>},
    {"GMRac", set_wire_gmr},
    {"GMRunits",
     [](Wire& w, const Value& v, Script&) {
       read(v, w.gmr_unit);
       if (w.radius_unit == LengthUnit::none) w.radius_unit = w.gmr_unit;
     }},
    {"radius", [](Wire& w, const Value& v, Script&) { set_wire_radius(w, v.number()); }},
    {"radunits",
     [](Wire& w, const Value& v, Script&) {
       read(v, w.radius_unit);
       if (w.gmr_unit == LengthUnit::none) w.gmr_unit = w.radius_unit;
     }},
    {"normamps", set<&Wire::normamps>},
    {"emergamps", ignore},
    {"diam", [](Wire& w, const Value& v, Script&) { set_wire_radius(w, v.number() / 2); }},
    {"Seasons", ignore},
    {"Ratings", ignore},
    {"Capradius", set<&Wire::capacitance_radius>},
    {"like", like<&Script::wires>},
};

Geometry::Position& active_conductor(Geometry& geometry) {
  return geometry.conductors.at(geometry.active - 1);
}

void set_conductor_wire(Geometry& geometry, const Value& value, Script& script) {
  const Wire& wire = named(script.wires, value, "WireData");
  active_conductor(geometry).wire = wire.name;
  if (geometry.normamps == 0 && wire.normamps > 0) geometry.normamps = wire.normamps;
}

constexpr Property<Geometry> geometry_properties[] = {
    {"nconds",
     [](Geometry& g, const Value& v, Script&) {
       const int count = v.integer();
       if (count < 1) throw ScriptError{"a line needs a conductor", "give one or more"};
       g.conductors.assign(count, {});
       g.active = 1;
     }},
    {"nphases", set_positive<&Geometry::phases>},
    {"cond",
     [](Geometry& g, const Value& v, Script&) {
       const int conductor = v.integer();
       if (conductor < 1 || conductor > static_cast<int>(g.conductors.size()))
         throw ScriptError{fmt::format("conductor {} is not among the {} of nconds", conductor, g.conductors.size()), "raise nconds first"};
       const LengthUnit last = active_conductor(g).unit;
       g.active = conductor;
       if (active_conductor(g).unit == LengthUnit::none) active_conductor(g).unit = last;
     }},
    {"wire", set_conductor_wire},
    {"x", [](Geometry& g, const Value& v, Script&) { active_conductor(g).x = v.number(); }},
    {"h", [](Geometry& g, const Value& v, Script&) { active_conductor(g).h = v.number(); }},
    {"units", [](Geometry& g, const Value& v, Script&) { read(v, active_conductor(g).unit); }},
    {"normamps", set<&Geometry::normamps>},
    {"emergamps", ignore},
    {"reduce", set<&Geometry::reduce>},
    {"spacing", refuse},
    {"wires",
     [](Geometry& g, const Value& v, Script& script) {
       const auto items = v.items();
       if (items.size() != g.conductors.size()) throw ScriptError{"the number of wires differs from nconds", "name one for each conductor"};
       for (g.active = 1; g.active <= static_cast<int>(items.size()); ++g.active) set_conductor_wire(g, items[g.active - 1], script);
       g.active = 1;
     }},
    {"cncable", refuse},
    {"tscable", refuse},
    {"cncables", refuse},
    {"tscables", refuse},
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
  const int phases = value.integer();
  if (phases < 1) throw ScriptError{"a line needs a phase", "give one or more"};
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
    {"spacing", refuse},
    {"wires", refuse},
    {"EarthModel", set<&Line::earth_model>},
    {"cncables", refuse},
    {"tscables", refuse},
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

Object& add_line_code(Script& script, const std::string& name, Origin origin) {
  LineCode& code = script.line_codes.add(name, std::move(origin));
  code.base_frequency = script.frequency;
  return code;
}

Object& add_line(Script& script, const std::string& name, Origin origin) {
  Line& line = script.lines.add(name, std::move(origin));
  line.base_frequency = script.frequency;
  line.earth_model = script.earth_model;
  return line;
}

constexpr char wire_name[] = "WireData", geometry_name[] = "LineGeometry", line_code_name[] = "LineCode", line_name[] = "Line";

}  // namespace

std::span<const ElementClass> line_classes() {
  static constexpr ElementClass classes[] = {
      {wire_name, add<&Script::wires>, find<&Script::wires>, edit_as<Wire, wire_properties, wire_name>},
      {geometry_name, add<&Script::geometries>, find<&Script::geometries>, edit_as<Geometry, geometry_properties, geometry_name>},
      {line_code_name, add_line_code, find<&Script::line_codes>, edit_as<LineCode, line_code_properties, line_code_name>},
      {line_name, add_line, find<&Script::lines>, edit_as<Line, line_properties, line_name>},
  };
  return classes;
}

}  // namespace gridfed::opendss
