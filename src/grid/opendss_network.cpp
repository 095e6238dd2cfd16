// From what the script says to the network it means, in SI units.
#include "grid/opendss_network.hpp"

#include "runtime/error.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace gridfed::opendss {

double metres(LengthUnit unit) {
  switch (unit) {
    case LengthUnit::mi:
      return 1609.344;
    case LengthUnit::kft:
      return 304.8;
    case LengthUnit::km:
      return 1000;
    case LengthUnit::ft:
      return 0.3048;
    case LengthUnit::in:
      return 0.0254;
    case LengthUnit::cm:
      return 0.01;
    case LengthUnit::mm:
      return 0.001;
    case LengthUnit::m:
    case LengthUnit::none:
      break;
  }
  return 1;
}

double conversion(LengthUnit from, LengthUnit to) {
  return from == LengthUnit::none || to == LengthUnit::none ? 1 : metres(from) / metres(to);
}

void fail(const Object& object, std::string_view class_name, std::string_view problem, std::string_view remedy) {
  const Origin origin = object.origin;
  throw Error("{}:{}: {}.{} {}: {}", origin.file, origin.line, class_name, object.name, problem, remedy);
}

Terminal terminal(const BusReference& reference, int phases, int conductors, const Object& object, std::string_view class_name) {
  if (reference.bus.empty()) fail(object, class_name, "has no bus", "give the bus of every terminal");
  Terminal result{reference.bus, {}};
  result.nodes.reserve(static_cast<std::size_t>(conductors));
  for (int i = 0; i < conductors; ++i) {
    const bool written = i < static_cast<int>(reference.nodes.size());
    result.nodes.push_back(written ? reference.nodes[i] : i < phases ? i + 1 : 0);
  }
  return result;
}

int conductors_of(Connection connection, int phases) {
  return phases + (connection == Connection::wye || phases < 3 ? 1 : 0);
}

Terminal power_terminal(const PowerElement& element, std::string_view class_name) {
  return terminal(element.bus, element.phases, conductors_of(element.connection, element.phases), element, class_name);
}

namespace {

using std::numbers::pi;

/// Impedance that earths a neutral; a negative resistance means that there is none. A solid connection is a micro-ohm, as in OpenDSS.
std::optional<Complex> neutral_impedance(double r, double x) {
  if (r < 0) return std::nullopt;
  return r == 0 && x == 0 ? Complex(1e-6) : Complex(r, x);
}

/// Opens what the object has open at this terminal, 1-based. A conductor it no longer has counts for nothing.
void open_conductors(const Object& object, int number, Terminal& terminal) {
  for (const auto& [at, conductor] : object.open_conductors)
    if (at == number && conductor <= static_cast<int>(terminal.nodes.size())) terminal.open.push_back(conductor - 1);
}

SourceData source_data(const Source& s) {
  return {.name = s.name,
          .terminal = terminal(s.bus, s.phases, s.phases, s, "Vsource"),
          .voltage_base = 1e3 * s.kv,
          .voltage_pu = s.pu,
          .angle_deg = s.angle,
          .z1 = {s.r1, s.x1},
          .z0 = {s.r0, s.x0},
          .origin = s.origin};
}

Conductor conductor_of(const Wire& wire, const Geometry::Position& position) {
  const double radius_unit = metres(wire.radius_unit);
  Conductor conductor{.ac_resistance = wire.rac / metres(wire.resistance_unit),
                      .dc_resistance = wire.rdc / metres(wire.resistance_unit),
                      .geometric_mean_radius = wire.gmr * metres(wire.gmr_unit),
                      .radius = wire.radius * radius_unit,
                      .capacitance_radius = wire.capacitance_radius * radius_unit,
                      .x = position.x * metres(position.unit),
                      .height = position.h * metres(position.unit),
                      .shield = {}};
  if (position.kind == ConductorKind::bare) return conductor;
  conductor.shield =
      position.kind == ConductorKind::concentric_neutral
          ? concentric_neutral(wire.strands, wire.strand_resistance / metres(wire.resistance_unit), wire.strand_gmr * metres(wire.gmr_unit),
                               (wire.cable_diameter - wire.strand_diameter) / 2 * radius_unit)
          : tape_shield(wire.shield_diameter * radius_unit, wire.tape_thickness * radius_unit, wire.tape_lap);
  conductor.shield->insulation_outer = wire.insulation_diameter / 2 * radius_unit;
  conductor.shield->insulation_inner = (wire.insulation_diameter / 2 - wire.insulation) * radius_unit;
  conductor.shield->permittivity = wire.permittivity;
  return conductor;
}

/// Constants per metre of a line of given cross-section.
LineConstants geometry_constants(const Line& line, Script& script) {
  const Geometry& geometry = *script.geometries.find(line.geometry);
  std::vector<Conductor> conductors;
  for (const auto& position : geometry.conductors) {
    Table<Wire>& table = position.kind == ConductorKind::bare                 ? script.wires
                         : position.kind == ConductorKind::concentric_neutral ? script.concentric_cables
                                                                              : script.tape_cables;
    const Wire* wire = table.find(position.wire);
    if (!wire)
      fail(line, "Line", fmt::format("uses LineGeometry.{}, whose conductor {} has no wire", geometry.name, conductors.size() + 1),
           "name its wire");
    conductors.push_back(conductor_of(*wire, position));
  }
  const bool cables = std::any_of(conductors.begin(), conductors.end(), [](const Conductor& c) { return c.shield.has_value(); });
  for (int i = 0; cables && i < geometry.phases; ++i)
    if (!conductors[i].shield)
      fail(line, "Line", fmt::format("uses LineGeometry.{}, whose phase {} is bare beside cables", geometry.name, i + 1),
           "make all phases cables or none");
  try {
    return line_constants(conductors, line.phases, script.frequency, line.rho, line.earth_model);
  } catch (const Error& error) {
    const Origin origin = geometry.origin;
    throw Error("{}:{}: {}", origin.file, origin.line, error.what());
  }
}

LineData line_data(const Line& line, Script& script) {
  LineData data{.name = line.name,
                .from = terminal(line.bus1, line.phases, line.phases, line, "Line"),
                .to = terminal(line.bus2, line.phases, line.phases, line, "Line"),
                .series_impedance = {},
                .shunt_susceptance = {},
                .rating = std::max(0.0, line.normamps),
                .length = 0,
                .is_switch = line.is_switch,
                .closed = true,
                .origin = line.origin};
  open_conductors(line, 1, data.from);
  open_conductors(line, 2, data.to);
  // Open at both ends, or a switch, whose charging is nothing: it may be closed again.
  if ((data.from.all_open() && data.to.all_open()) || (line.is_switch && (data.from.all_open() || data.to.all_open()))) {
    data.closed = false;
    data.from.open.clear();
    data.to.open.clear();
  }
  if (!line.geometry.empty()) {
    data.length = line.length * metres(line.unit);
    const LineConstants constants = geometry_constants(line, script);
    data.series_impedance = constants.series_impedance * data.length;
    data.shunt_susceptance = constants.shunt_susceptance * data.length;
    return data;
  }
  const LengthUnit unit = line.unit != LengthUnit::none ? line.unit : line.code_unit.value_or(LengthUnit::none);
  if (unit != LengthUnit::none) data.length = line.length * metres(unit);

  // Impedances per unit length at their base frequency; through the earth R grows with it and X falls behind it.
  const double length = line.length / line.lengths_per_impedance_unit;
  const double ratio = script.frequency / line.base_frequency;
  const double earth_x = line.xg == 0 ? 0 : 0.5 * line.xg / std::log(658.5 * std::sqrt(line.rho / line.base_frequency)) * std::log(ratio);
  data.series_impedance = Eigen::MatrixXcd(line.phases, line.phases);
  data.series_impedance.real() = ((line.r.array() + line.rg * (ratio - 1)) * length).matrix();
  data.series_impedance.imag() = ((line.x.array() - earth_x) * (length * ratio)).matrix();
  // Default capacitances are per 1000 ft; they follow the unit only where other symmetrical components were given with it.
  const double default_scale =
      line.sequences_edited && line.symmetrical && !line.capacitance_given ? 1 / conversion(LengthUnit::kft, line.unit) : 1;
  data.shunt_susceptance = line.c * (2 * pi * script.frequency * 1e-9 * length * default_scale);
  return data;
}

LoadShapeData load_shape_data(const LoadShape& s) {
  const auto scaled = [](std::vector<double> values, double factor) {
    for (double& value : values) value *= factor;
    return values;
  };
  const double unit = s.use_actual ? 1e3 : 1;
  return {.name = s.name,
          .interval = 3600 * s.interval,
          .times = s.interval > 0 ? std::vector<double>{} : scaled(s.hours, 3600),
          .active = scaled(s.active, unit),
          .reactive = scaled(s.reactive, unit),
          .use_actual = s.use_actual,
          .active_base = s.active_base * unit,
          .reactive_base = s.reactive_base * unit,
          .origin = s.origin};
}

TransformerData transformer_data(const Transformer& t) {
  TransformerData data{.name = t.name,
                       .bank = t.bank,
                       .phases = t.phases,
                       .windings = {},
                       .reactance_pu = {},
                       .no_load_loss_pu = t.percent_no_load_loss / 100,
                       .magnetising_current_pu = t.percent_imag / 100,
                       .antifloat_ppm = t.ppm_antifloat,
                       .lag_leads = t.lead,
                       .rating = 1e3 * t.normhkva,
                       .origin = t.origin};
  data.windings.reserve(t.windings.size());
  for (const Winding& w : t.windings) {
    const int conductors = w.connection == Connection::delta && t.phases == 3 ? 3 : t.phases + 1;
    data.windings.push_back({.terminal = terminal(w.bus, t.phases, conductors, t, "Transformer"),
                             .connection = w.connection,
                             .rated_voltage = 1e3 * w.kv,
                             .rated_power = 1e3 * w.kva,
                             // OpenDSS means percent of the first winding's base.
                             .resistance_pu = w.percent_r / 100 * w.kva / t.windings[0].kva,
                             .neutral_impedance = neutral_impedance(w.rneut, w.xneut),
                             .tap = w.tap,
                             .min_tap = w.min_tap,
                             .max_tap = w.max_tap,
                             .num_taps = w.num_taps});
    open_conductors(t, static_cast<int>(data.windings.size()), data.windings.back().terminal);
  }
  std::vector<double> percent = t.xscarray;
  const std::size_t count = t.windings.size();
  if (percent.empty()) percent = count == 2 ? std::vector{t.xhl} : std::vector{t.xhl, t.xht, t.xlt};
  if (percent.size() != count * (count - 1) / 2)
    fail(t, "Transformer", fmt::format("has {} windings but {} leakage reactances", count, percent.size()),
         "give xscarray= one for each pair");
  data.reactance_pu.reserve(percent.size());
  for (const double x : percent) data.reactance_pu.push_back(x / 100);
  return data;
}

LoadData load_data(const Load& load, Script& script) {
  const double growth = script.year > 0 ? std::pow(1 + script.growth_percent / 100, script.year - 1) : 1;
  const double multiplier = growth * (load.follows_loadmult ? script.load_multiplier : 1);
  LoadData data{.name = load.name,
                .terminal = power_terminal(load, "Load"),
                .phases = load.phases,
                .connection = load.connection,
                .power = Complex(load.kw, load.kvar) * 1e3,
                .rated_voltage = 1e3 * load.kv,
                .model = static_cast<LoadModel>(load.model),
                .vmin_pu = load.vmin,
                .vmax_pu = load.vmax,
                .vlow_pu = load.vlow,
                .exponent_p = load.cvr_watts,
                .exponent_q = load.cvr_vars,
                .zip = {},
                .shapes = load.follows_shapes ? load.shapes : Shapes{},
                .fixed = !load.follows_loadmult,
                .keeps_power_factor = load.pf_given && load.given != Load::Given::kvar,
                .origin = load.origin};
  const bool fixed_reactive = data.model == LoadModel::constant_p_fixed_q || data.model == LoadModel::constant_p_fixed_x;
  data.power = {data.power.real() * multiplier, data.power.imag() * (fixed_reactive ? 1 : multiplier)};
  if (data.model == LoadModel::zip) {
    if (load.zipv.size() != 7) fail(load, "Load", "is of model 8 without coefficients", "give zipv=");
    std::copy(load.zipv.begin(), load.zipv.end(), data.zip.begin());
  }
  // OpenDSS puts the impedance into the nodal matrix and takes it out again with the current that corrects the load, so that a solution is
  // the same without it (found by comparison, C-API 0.14.5).
  if (load.rneut >= 0 && load.connection == Connection::wye && data.terminal.nodes.back() != 0) {
    script.note("Rneut and Xneut of loads are left out, as they move no solution of OpenDSS: put a Reactor at the neutral's node instead.");
  }
  return data;
}

/// Banks and reactors have no neutral conductor: their other end is ground unless bus2 is given.
Terminal bank_terminal(const PowerElement& element, std::string_view class_name) {
  const int conductors = element.connection == Connection::wye ? element.phases : conductors_of(Connection::delta, element.phases);
  return terminal(element.bus, element.phases, conductors, element, class_name);
}

std::optional<Terminal> other_end(const PowerElement& element, const std::optional<BusReference>& bus2, std::string_view class_name) {
  if (!bus2) return std::nullopt;
  Terminal end = terminal(*bus2, element.phases, element.phases, element, class_name);
  const bool grounded = std::all_of(end.nodes.begin(), end.nodes.end(), [](int node) { return node == 0; });
  return grounded ? std::nullopt : std::optional(end);
}

CapacitorData capacitor_data(const Capacitor& c) {
  CapacitorData data{.name = c.name,
                     .terminal = bank_terminal(c, "Capacitor"),
                     .to = other_end(c, c.bus2, "Capacitor"),
                     .phases = c.phases,
                     .connection = c.connection,
                     .step_power = {},
                     .states = c.states,
                     .rated_voltage = 1e3 * c.kv,
                     .origin = c.origin};
  for (const double kvar : c.kvar) data.step_power.push_back(1e3 * kvar);
  data.states.resize(data.step_power.size(), 1);
  if (!c.closed) std::fill(data.states.begin(), data.states.end(), 0);  // a controller may close it
  return data;
}

ReactorData reactor_data(const Reactor& r) {
  Complex impedance(r.r, r.x);
  if (r.kvar_given) {
    const double volts = 1e3 * r.kv / (r.connection == Connection::wye && (r.phases == 2 || r.phases == 3) ? std::sqrt(3.0) : 1);
    impedance.imag(volts * volts / (1e3 * r.kvar / r.phases));
  }
  if (r.parallel && r.r != 0) impedance = 1.0 / (1.0 / r.r + 1.0 / Complex(0, impedance.imag()));
  if (r.rp != 0) impedance = 1.0 / (1.0 / impedance + 1.0 / r.rp);
  return {.name = r.name,
          .terminal = bank_terminal(r, "Reactor"),
          .to = other_end(r, r.bus2, "Reactor"),
          .phases = r.phases,
          .connection = r.connection,
          .impedance = impedance,
          .origin = r.origin};
}

/// Every bus an element names, in order of appearance, with its coordinates where there are any.
std::vector<BusData> named_buses(const NetworkData& data, Script& script) {
  std::vector<BusData> buses;
  NameIndex seen;
  const auto add = [&](const Terminal& terminal) {
    if (seen.find(terminal.bus, buses) >= 0) return;
    BusData& bus = buses.emplace_back(BusData{.name = terminal.bus, .position = {}});
    seen.add(static_cast<int>(buses.size()) - 1, buses);
    if (const Coordinates* drawn = script.coordinates.find(terminal.bus)) bus.position = drawn->position;
  };
  const auto add_each = [&](const auto& elements) {
    for (const auto& element : elements) {
      add(element.terminal);
      if constexpr (requires { element.to; })
        if (element.to) add(*element.to);
    }
  };
  add_each(data.sources);
  for (const auto& line : data.lines) add(line.from), add(line.to);
  for (const auto& transformer : data.transformers)
    for (const auto& winding : transformer.windings) add(winding.terminal);
  add_each(data.loads);
  add_each(data.capacitors);
  add_each(data.reactors);
  add_each(data.solar);
  add_each(data.wind);
  add_each(data.batteries);
  add_each(data.generators);
  return buses;
}

}  // namespace

NetworkData network_data_of(Script& script) {
  NetworkData data;
  data.name = script.circuit;
  data.frequency = script.frequency;
  for (const double kv : script.voltage_bases) data.voltage_bases.push_back(1e3 * kv);
  apply_switch_controls(script);
  const auto in_service = [](const Object& object) { return object.enabled && object.closed; };
  for (auto& s : script.sources)
    if (in_service(s)) data.sources.push_back(source_data(s));
  // Lines and loads are what large scripts hold, and no later step asks for them by name.
  data.lines.reserve(script.lines.size());
  script.lines.drain([&](const Line& l) {
    if (l.enabled) data.lines.push_back(line_data(l, script));
  });
  data.loads.reserve(script.loads.size() + script.generators.size());
  script.loads.drain([&](const Load& l) {
    if (in_service(l)) data.loads.push_back(load_data(l, script));
  });
  data.transformers.reserve(script.transformers.size());
  for (auto& t : script.transformers) {
    if (!t.enabled) continue;
    TransformerData transformer = transformer_data(t);
    const auto& windings = transformer.windings;
    if (std::all_of(windings.begin(), windings.end(), [](const auto& w) { return w.terminal.all_open(); })) {
      t.enabled = false;  // nor does a regulator act on it
    } else {
      data.transformers.push_back(std::move(transformer));
    }
  }
  for (auto& c : script.capacitors)
    if (c.enabled) data.capacitors.push_back(capacitor_data(c));
  for (auto& r : script.reactors)
    if (in_service(r)) data.reactors.push_back(reactor_data(r));
  add_switching_devices(script, data);
  add_controls(script, data);
  add_injections(script, data);
  script.transformers.drain([](const Transformer&) {});
  for (auto& shape : script.load_shapes) data.load_shapes.push_back(load_shape_data(shape));
  data.buses = named_buses(data, script);
  script.coordinates.drain([](const Coordinates&) {});
  data.simulation = script.simulation;
  data.notes = std::move(script.notes);
  return data;
}

}  // namespace gridfed::opendss
