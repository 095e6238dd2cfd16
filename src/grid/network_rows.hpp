#pragma once

#include "grid/network.hpp"

#include <concepts>

/// The tables of a network: what a row of each holds, said once for writing and reading. A Row has
///   text, number, optional (NaN = none), complex (two columns), integer, flag, choice (an enum),
///   terminal (bus and conductors; bus -1 = none), bus (position of a bus), list, curve (x, y, x, y, ...), matrices, texts (one a line).
namespace gridfed::tables {

/// T, to be read or written.
template <class E, class T>
concept Of = std::same_as<std::remove_const_t<E>, T>;

/// A bus as it came out of validation, and what its data says of it.
struct BusRow {
  Bus bus;
  std::optional<double> given_voltage;
};

/// A winding and the position of its transformer.
struct WindingRow {
  int transformer = 0;
  WindingData winding;
};

void describe(auto& row, Of<BusRow> auto& b) {
  row.text("name", b.bus.name);
  row.number("nominal_voltage", "V", b.bus.nominal_voltage);
  row.bus("parent", b.bus.parent);
  row.flag("is_grounded", b.bus.grounded);
  row.optional_pair("x", "y", "", b.bus.position);
  row.optional("given_voltage", "V", b.given_voltage);
  row.optional_complex("start_voltage_real", "start_voltage_imag", "p.u.", b.bus.start_voltage);
}

void describe(auto& row, Of<Node> auto& n) {
  row.bus("bus", n.bus);
  row.integer("conductor", n.conductor);
}

/// What stands once in a file: all of the network but its elements.
void describe(auto& row, Of<NetworkData> auto& d) {
  row.text("name", d.name);
  row.number("frequency", "Hz", d.frequency);
  row.list("voltage_bases", "V", d.voltage_bases);
  row.optional_choice("simulation_shapes", d.simulation.shapes);
  row.integer("simulation_steps", d.simulation.steps);
  row.number("simulation_step", "s", d.simulation.step);
  row.number("simulation_start", "s", d.simulation.start);
  row.choice("simulation_control", d.simulation.control);
  row.texts("notes", d.notes);
}

void describe(auto& row, Of<SourceData> auto& s) {
  row.text("name", s.name);
  row.terminal("terminal", s.terminal);
  row.number("voltage_base", "V", s.voltage_base);
  row.number("voltage_pu", "p.u.", s.voltage_pu);
  row.number("angle", "deg", s.angle_deg);
  row.complex("r1", "x1", "ohm", s.z1);
  row.complex("r0", "x0", "ohm", s.z0);
  row.flag("is_ideal", s.ideal);
}

void describe(auto& row, Of<LineData> auto& l) {
  row.text("name", l.name);
  row.terminal("from", l.from);
  row.terminal("to", l.to);
  row.number("rating", "A", l.rating);
  row.number("length", "m", l.length);
  row.complex("ratio_real", "ratio_imag", "", l.ratio);
  row.flag("is_switch", l.is_switch);
  row.flag("is_closed", l.closed);
  row.matrices(l.series_impedance, l.shunt_susceptance);
}

void describe(auto& row, Of<TransformerData> auto& t) {
  row.text("name", t.name);
  row.text("bank", t.bank);
  row.integer("phases", t.phases);
  row.list("reactance", "p.u. of winding 1", t.reactance_pu);
  row.number("no_load_loss", "p.u. of winding 1", t.no_load_loss_pu);
  row.number("magnetising_current", "p.u. of winding 1", t.magnetising_current_pu);
  row.number("antifloat", "ppm", t.antifloat_ppm);
  row.flag("lag_leads", t.lag_leads);
  row.number("rating", "VA", t.rating);
}

void describe(auto& row, Of<WindingRow> auto& r) {
  auto& w = r.winding;
  row.owner("transformer", "transformers", r.transformer);
  row.terminal("terminal", w.terminal);
  row.choice("is_delta", w.connection);
  row.number("rated_voltage", "V", w.rated_voltage);
  row.number("rated_power", "VA", w.rated_power);
  row.number("resistance", "p.u.", w.resistance_pu);
  row.optional_complex("neutral_resistance", "neutral_reactance", "ohm", w.neutral_impedance);
  row.number("tap", "p.u.", w.tap);
  row.number("min_tap", "p.u.", w.min_tap);
  row.number("max_tap", "p.u.", w.max_tap);
  row.integer("taps", w.num_taps);
}

void describe(auto& row, Of<LoadShapeData> auto& s) {
  row.text("name", s.name);
  row.number("interval", "s", s.interval);
  row.list("times", "s", s.times);
  row.list("active", "", s.active);
  row.list("reactive", "", s.reactive);
  row.flag("use_actual", s.use_actual);
  row.number("active_base", "", s.active_base);
  row.number("reactive_base", "", s.reactive_base);
}

/// What loads, plants and banks have in common.
void describe_device(auto& row, auto& d) {
  row.text("name", d.name);
  row.terminal("terminal", d.terminal);
  row.integer("phases", d.phases);
  row.choice("is_delta", d.connection);
  row.number("rated_voltage", "V", d.rated_voltage);
}

void describe_shapes(auto& row, Of<ShapeNames> auto& s) {
  row.text("daily", s.daily);
  row.text("yearly", s.yearly);
  row.text("duty", s.duty);
}

void describe(auto& row, Of<LoadData> auto& l) {
  describe_device(row, l);
  row.complex("active_power", "reactive_power", "W", l.power, "var");
  row.choice("model", l.model);
  row.number("v_min", "p.u.", l.vmin_pu);
  row.number("v_max", "p.u.", l.vmax_pu);
  row.number("v_low", "p.u.", l.vlow_pu);
  row.number("exponent_p", "", l.exponent_p);
  row.number("exponent_q", "", l.exponent_q);
  row.list("zip", "", l.zip);
  describe_shapes(row, l.shapes);
  row.flag("is_fixed", l.fixed);
  row.flag("keeps_power_factor", l.keeps_power_factor);
}

void describe(auto& row, Of<CapacitorData> auto& c) {
  describe_device(row, c);
  row.optional_terminal("to", c.to);
  row.list("step_power", "var", c.step_power);
  row.list("states", "", c.states);
}

void describe(auto& row, Of<ReactorData> auto& r) {
  row.text("name", r.name);
  row.terminal("terminal", r.terminal);
  row.optional_terminal("to", r.to);
  row.integer("phases", r.phases);
  row.choice("is_delta", r.connection);
  row.complex("resistance", "reactance", "ohm", r.impedance);
}

void describe(auto& row, Of<RegulatorData> auto& r) {
  row.text("name", r.name);
  row.text("transformer", r.transformer);
  row.integer("winding", r.winding);
  row.integer("measured_winding", r.measured_winding);
  row.number("setpoint", "V", r.setpoint);
  row.number("band", "V", r.band);
  row.number("pt_ratio", "", r.pt_ratio);
  row.number("ct_rating", "A", r.ct_rating);
  row.number("r", "V", r.r);
  row.number("x", "V", r.x);
  row.number("z", "V", r.z);
  row.number("delay", "s", r.delay);
  row.number("tap_delay", "s", r.tap_delay);
  row.flag("inverse_time", r.inverse_time);
  row.integer("max_tap_change", r.max_tap_change);
  row.choice("pt_selection", r.pt_selection);
  row.integer("pt_phase", r.pt_phase);
  row.number("voltage_limit", "V", r.voltage_limit);
  row.optional_terminal("remote", r.remote);
  row.number("remote_pt_ratio", "", r.remote_pt_ratio);
  auto& reverse = r.reverse;
  row.choice("reverse_action", reverse.action);
  row.flag("reverse_to_neutral", reverse.to_neutral);
  row.number("reverse_threshold", "W", reverse.threshold);
  row.number("reverse_delay", "s", reverse.delay);
  row.number("reverse_setpoint", "V", reverse.setpoint);
  row.number("reverse_band", "V", reverse.band);
  row.number("reverse_r", "V", reverse.r);
  row.number("reverse_x", "V", reverse.x);
  row.number("reverse_z", "V", reverse.z);
}

void describe_element(auto& row, Of<ElementTerminal> auto& e) {
  row.choice("element_kind", e.kind);
  row.text("element", e.name);
  row.integer("element_terminal", e.terminal);
}

void describe(auto& row, Of<SwitchingDeviceData> auto& d) {
  row.text("name", d.name);
  row.choice("kind", d.kind);
  describe_element(row, d.element);
}

void describe(auto& row, Of<CapacitorControlData> auto& c) {
  row.text("name", c.name);
  row.text("capacitor", c.capacitor);
  describe_element(row, c.monitored);
  row.choice("kind", c.kind);
  row.number("on_setting", "", c.on_setting);
  row.number("off_setting", "", c.off_setting);
  row.number("pt_ratio", "", c.pt_ratio);
  row.number("ct_ratio", "", c.ct_ratio);
  row.choice("pt_selection", c.pt_selection);
  row.choice("ct_selection", c.ct_selection);
  row.integer("pt_phase", c.pt_phase);
  row.integer("ct_phase", c.ct_phase);
  row.flag("voltage_override", c.voltage_override);
  row.number("v_max", "V", c.v_max);
  row.number("v_min", "V", c.v_min);
  row.optional_terminal("voltage", c.voltage_bus);
  row.number("delay", "s", c.delay);
  row.number("delay_off", "s", c.delay_off);
  row.number("dead_time", "s", c.dead_time);
  row.number("min_reactive_share", "", c.min_reactive_share);
}

void describe(auto& row, Of<InverterControlData> auto& c) {
  row.text("name", c.name);
  row.texts("solar", c.solar);
  row.texts("batteries", c.batteries);
  row.curve("volt_var", "p.u.", c.volt_var);
  row.curve("volt_watt", "p.u.", c.volt_watt);
  row.choice("reactive_base", c.reactive_base);
  row.choice("active_base", c.active_base);
  row.choice("selection", c.selection);
  row.integer("phase", c.phase);
}

void describe_inverter(auto& row, Of<InverterData> auto& i) {
  row.optional("power_factor", "", i.power_factor);
  row.number("inverter_reactive_power", "var", i.reactive_power);
  row.number("max_delivered", "var", i.max_delivered);
  row.number("max_absorbed", "var", i.max_absorbed);
  row.flag("active_first", i.active_first);
  row.flag("factor_first", i.factor_first);
  row.number("cut_in", "", i.cut_in);
  row.number("cut_out", "", i.cut_out);
  row.flag("reactive_stops", i.reactive_stops);
  row.curve("inverter_efficiency", "", i.efficiency);
}

void describe(auto& row, Of<SolarPvData> auto& p) {
  describe_device(row, p);
  row.number("capacity", "W", p.capacity);
  row.number("panel_rating", "W", p.panel_rating);
  row.number("panel_power", "W", p.panel_power);
  row.number("inverter_rating", "VA", p.inverter_rating);
  describe_inverter(row, p.inverter);
  row.number("efficiency", "", p.efficiency);
  row.number("panel_area", "m2", p.panel_area);
  row.complex("active_power", "reactive_power", "W", p.power, "var");
  describe_shapes(row, p.shapes);
}

void describe(auto& row, Of<WindTurbineData> auto& w) {
  describe_device(row, w);
  row.number("capacity", "W", w.capacity);
  row.number("inverter_rating", "VA", w.inverter_rating);
  row.number("cut_in_speed", "m/s", w.cut_in_speed);
  row.number("rated_speed", "m/s", w.rated_speed);
  row.number("cut_out_speed", "m/s", w.cut_out_speed);
  row.number("wind_speed", "m/s", w.wind_speed);
  describe_shapes(row, w.shapes);
}

void describe(auto& row, Of<BatteryData> auto& b) {
  describe_device(row, b);
  row.number("capacity", "Wh", b.capacity_wh);
  row.number("power_rating", "W", b.power_rating);
  row.number("inverter_rating", "VA", b.inverter_rating);
  row.number("charge_efficiency", "", b.charge_efficiency);
  row.number("discharge_efficiency", "", b.discharge_efficiency);
  row.number("idling_loss", "", b.idling_loss);
  row.number("initial_soc", "", b.initial_soc);
  row.number("min_soc", "", b.min_soc);
  describe_inverter(row, b.inverter);
  row.choice("state", b.state);
  row.number("charge_rate", "", b.charge_rate);
  row.number("discharge_rate", "", b.discharge_rate);
  row.choice("dispatch", b.dispatch);
  row.number("charge_below", "", b.charge_below);
  row.number("discharge_above", "", b.discharge_above);
  row.number("charge_hour", "h", b.charge_hour);
  row.complex("active_power", "reactive_power", "W", b.power, "var");
  describe_shapes(row, b.shapes);
}

void describe(auto& row, Of<GeneratorData> auto& g) {
  describe_device(row, g);
  row.complex("active_power", "reactive_power", "W", g.power, "var");
  row.optional("voltage_setpoint", "p.u.", g.voltage_setpoint_pu);
  row.number("min_reactive", "var", g.min_reactive);
  row.number("max_reactive", "var", g.max_reactive);
}

/// Calls work("table", elements) for every class of element that NetworkData holds and a table knows, sources first.
void each_class(auto& data, auto&& work) {
  work("sources", data.sources);
  work("lines", data.lines);
  work("transformers", data.transformers);
  work("loads", data.loads);
  work("generators", data.generators);
  work("capacitors", data.capacitors);
  work("reactors", data.reactors);
  work("solar", data.solar);
  work("wind", data.wind);
  work("batteries", data.batteries);
  work("regulators", data.regulators);
  work("capacitor_controls", data.capacitor_controls);
  work("inverter_controls", data.inverter_controls);
  work("switching_devices", data.switching_devices);
  work("load_shapes", data.load_shapes);
}

}  // namespace gridfed::tables
