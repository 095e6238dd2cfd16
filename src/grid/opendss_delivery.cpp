// Classes that carry power: wires, line codes, lines, transformers, their regulators, capacitors and reactors.
#include "grid/opendss_properties.hpp"

#include <cmath>

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
    {"GMRunits", [](Wire& w, const Value& v, Script&) {
       read(v, w.gmr_unit);
       if (w.radius_unit == LengthUnit::none) w.radius_unit = w.gmr_unit;
     }},
    {"radius", [](Wire& w, const Value& v, Script&) { set_wire_radius(w, v.number()); }},
    {"radunits", [](Wire& w, const Value& v, Script&) {
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

Geometry::Position& active_conductor(Geometry& geometry) { return geometry.conductors.at(geometry.active - 1); }

void set_conductor_wire(Geometry& geometry, const Value& value, Script& script) {
  const Wire& wire = named(script.wires, value, "WireData");
  active_conductor(geometry).wire = wire.name;
  if (geometry.normamps == 0 && wire.normamps > 0) geometry.normamps = wire.normamps;
}

constexpr Property<Geometry> geometry_properties[] = {
    {"nconds", [](Geometry& g, const Value& v, Script&) {
       const int count = v.integer();
       if (count < 1) throw ScriptError{"a line needs a conductor", "give one or more"};
       g.conductors.assign(count, {});
       g.active = 1;
     }},
    {"nphases", set_positive<&Geometry::phases>},
    {"cond", [](Geometry& g, const Value& v, Script&) {
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
    {"wires", [](Geometry& g, const Value& v, Script& script) {
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
    throw ScriptError{fmt::format("the matrix has {} rows for {} phases", rows.size(), order), "give nphases before the matrix, rows separated by |"};
  Eigen::MatrixXd matrix = Eigen::MatrixXd::Zero(order, order);
  for (int i = 0; i < order; ++i) {
    if (static_cast<int>(rows[i].size()) > order || static_cast<int>(rows[i].size()) < i + 1)
      throw ScriptError{fmt::format("row {} of the matrix has {} numbers", i + 1, rows[i].size()), "write the whole matrix or its lower triangle"};
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
void note_sequences(Line& line) { line.sequences_edited = true; }

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
  line.*member *= 1e3 / (2 * M_PI * line.base_frequency);
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
    {"Kron", [](LineCode&, const Value& v, Script&) {
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
  if (line.phases > conductors) throw ScriptError{fmt::format("LineGeometry.{} has more phases than conductors", geometry.name), "raise its nconds"};
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

// ---- transformers ----

Winding& active_winding(Transformer& transformer) { return transformer.windings.at(transformer.active - 1); }

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
  const int count = value.integer();
  if (count < 2) throw ScriptError{fmt::format("{} windings", count), "give two or more"};
  transformer.windings.resize(count);
  transformer.active = std::min(transformer.active, count);
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
  copy.enabled = transformer.enabled;
  copy.bank = transformer.bank;
  for (std::size_t i = 0; i < std::min(copy.windings.size(), transformer.windings.size()); ++i) copy.windings[i].bus = transformer.windings[i].bus;
  transformer = std::move(copy);
}

void set_transformer_like(Transformer& transformer, const Value& value, Script& script) {
  Transformer copy = named(script.transformers, value, "Transformer");
  copy.name = transformer.name;
  copy.origin = transformer.origin;
  for (std::size_t i = 0; i < copy.windings.size(); ++i)
    copy.windings[i].bus = i < transformer.windings.size() ? transformer.windings[i].bus : BusReference{};
  transformer = std::move(copy);
}

constexpr Property<Transformer> transformer_properties[] = {
    {"phases", set_positive<&Transformer::phases>},
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
    {"phases", set_positive<&Transformer::phases>},
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

// ---- regulators ----

/// A mode of the controller beyond the forward, line-drop-compensated one.
void note_controller(RegControl& control, const Value& value, Script& script) {
  const std::string word = value.word();
  if (word.empty() || word[0] == 'n' || word[0] == 'f' || word == "0") return;
  script.notes.push_back(fmt::format("RegControl.{} asks for reverse, inverse-time or voltage-limit operation, which is not modelled.", control.name));
}

constexpr Property<RegControl> regulator_properties[] = {
    {"transformer", [](RegControl& c, const Value& v, Script& script) { c.transformer = named(script.transformers, v, "Transformer").name; }},
    {"winding", set_positive<&RegControl::winding>},
    {"vreg", set_positive<&RegControl::vreg>},
    {"band", set_positive<&RegControl::band>},
    {"ptratio", set_positive<&RegControl::pt_ratio>},
    {"CTprim", set_positive<&RegControl::ct_primary>},
    {"R", set<&RegControl::r>},
    {"X", set<&RegControl::x>},
    {"bus", set<&RegControl::bus>},
    {"delay", set<&RegControl::delay>},
    {"reversible", note_controller},
    {"revvreg", ignore},
    {"revband", ignore},
    {"revR", ignore},
    {"revX", ignore},
    {"tapdelay", set<&RegControl::tap_delay>},
    {"debugtrace", ignore},
    {"maxtapchange", set<&RegControl::max_tap_change>},
    {"inversetime", note_controller},
    {"tapwinding", [](RegControl& c, const Value& v, Script&) {
       if (v.integer() != c.winding) throw ScriptError{"taps on another winding than the measured one are not modelled", "set winding= to it"};
     }},
    {"vlimit", note_controller},
    {"PTphase", [](RegControl& c, const Value& v, Script&) {
       const std::string word = v.word();
       if (word == "max" || word == "min")
         throw ScriptError{fmt::format("control by the {}imum of the phases is not modelled", word), "name one phase"};
       c.pt_phase = v.integer();
     }},
    {"revThreshold", ignore},
    {"revDelay", ignore},
    {"revNeutral", ignore},
    {"EventLog", ignore},
    {"RemotePTRatio", set_positive<&RegControl::pt_ratio>},
    {"TapNum", refuse},
    {"Reset", ignore},
    {"LDC_Z", note_controller},
    {"rev_Z", note_controller},
    {"Cogen", note_controller},
    {"basefreq", ignore},
    {"enabled", set<&RegControl::enabled>},
    {"like", like<&Script::regulators>},
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
  const int steps = value.integer();
  if (steps < 1) throw ScriptError{"a bank without a step", "give one or more"};
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
    {"phases", set_positive<&Capacitor::phases>},
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
    {"phases", set_positive<&Reactor::phases>},
    {"kvar", [](Reactor& r, const Value& v, Script& script) {
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
    {"Z", [](Reactor& r, const Value& v, Script&) {
       const auto parts = v.numbers();
       if (parts.size() != 2) throw ScriptError{"an impedance has two parts", "write [r, x]"};
       r.r = parts[0];
       set_reactance(r, parts[1]);
     }},
    {"RCurve", ignore},
    {"LCurve", ignore},
    {"LmH", [](Reactor& r, const Value& v, Script& script) { set_reactance(r, 2 * M_PI * script.frequency * v.number() * 1e-3); }},
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

template <auto table>
Object* find(Script& script, const std::string& name) {
  return (script.*table).find(name);
}

template <auto table>
Object& add(Script& script, const std::string& name, Origin origin) {
  return (script.*table).add(name, std::move(origin));
}

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

template <class T, const auto& properties, const auto& class_name>
void edit_as(Script& script, Object& object, std::span<const Argument> arguments) {
  edit<T>(class_name, properties, static_cast<T&>(object), arguments, script);
}

constexpr char wire_name[] = "WireData", geometry_name[] = "LineGeometry", line_code_name[] = "LineCode", line_name[] = "Line",
               transformer_name[] = "Transformer", transformer_code_name[] = "XfmrCode", regulator_name[] = "RegControl",
               capacitor_name[] = "Capacitor", reactor_name[] = "Reactor";

}  // namespace

std::span<const ElementClass> delivery_classes() {
  static constexpr ElementClass classes[] = {
      {wire_name, add<&Script::wires>, find<&Script::wires>, edit_as<Wire, wire_properties, wire_name>},
      {geometry_name, add<&Script::geometries>, find<&Script::geometries>, edit_as<Geometry, geometry_properties, geometry_name>},
      {line_code_name, add_line_code, find<&Script::line_codes>, edit_as<LineCode, line_code_properties, line_code_name>},
      {line_name, add_line, find<&Script::lines>, edit_as<Line, line_properties, line_name>},
      {transformer_name, add<&Script::transformers>, find<&Script::transformers>,
       edit_as<Transformer, transformer_properties, transformer_name>},
      {transformer_code_name, add<&Script::transformer_codes>, find<&Script::transformer_codes>,
       edit_as<TransformerCode, transformer_code_properties, transformer_code_name>},
      {regulator_name, add<&Script::regulators>, find<&Script::regulators>, edit_as<RegControl, regulator_properties, regulator_name>},
      {capacitor_name, add<&Script::capacitors>, find<&Script::capacitors>, edit_as<Capacitor, capacitor_properties, capacitor_name>},
      {reactor_name, add<&Script::reactors>, find<&Script::reactors>, edit_as<Reactor, reactor_properties, reactor_name>},
  };
  return classes;
}

}  // namespace gridfed::opendss
