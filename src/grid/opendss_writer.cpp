#include "grid/opendss_writer.hpp"

#include "grid/inverter.hpp"
#include "runtime/error.hpp"

#include <fmt/ostream.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <functional>
#include <numbers>

namespace gridfed {

namespace {

/// Name of an element; dots may be part of it.
std::string checked(const std::string& name) {
  if (name.empty() || name.find_first_of(" \t,=()[]{}|\"'!\n\r") != std::string::npos || name.find("//") != std::string::npos)
    throw Error("'{}' cannot be a name in OpenDSS (it is empty or has a separator in it): rename the element", name);
  return name;
}

std::string checked_bus(const std::string& name) {
  if (name.find('.') != std::string::npos)
    throw Error("'{}' cannot be the name of a bus in OpenDSS (node numbers follow a dot): rename the bus", name);
  return checked(name);
}

std::string bus(const Terminal& terminal) {
  return terminal.nodes.empty() ? checked_bus(terminal.bus)
                                : fmt::format("{}.{}", checked_bus(terminal.bus), fmt::join(terminal.nodes, "."));
}

/// What OpenDSS takes only above zero.
double positive(double value, const char* what, const char* kind, const std::string& name) {
  if (!(value > 0)) throw Error("{} of {} '{}' is {}, which OpenDSS cannot say: make it positive", what, kind, name, value);
  return value;
}

/// A number or a word that stands for the phases an instrument transformer feeds a controller from.
std::string measured(PhaseSelection selection, int phase) {
  switch (selection) {
    case PhaseSelection::average:
      return "avg";
    case PhaseSelection::maximum:
      return "max";
    case PhaseSelection::minimum:
      return "min";
    case PhaseSelection::one:
      break;
  }
  return std::to_string(phase);
}

const char* class_of(ElementKind kind) {
  switch (kind) {
    case ElementKind::source:
      return "vsource";
    case ElementKind::line:
      return "line";
    case ElementKind::transformer:
      return "transformer";
    case ElementKind::load:
      return "load";
    case ElementKind::capacitor:
      return "capacitor";
    case ElementKind::reactor:
      return "reactor";
    case ElementKind::solar:
      return "pvsystem";
    case ElementKind::wind:
      return "windgen";
    case ElementKind::battery:
      break;
  }
  return "storage";
}

std::vector<double> scaled(std::vector<double> values, double factor) {
  for (double& value : values) value *= factor;
  return values;
}

const char* word(Connection connection) {
  return connection == Connection::wye ? "wye" : "delta";
}

std::string matrix(const Eigen::MatrixXd& values, double factor) {
  std::string text = "[";
  for (Eigen::Index r = 0; r < values.rows(); ++r) {
    if (r > 0) text += " | ";
    for (Eigen::Index c = 0; c < values.cols(); ++c) text += fmt::format("{}{}", c > 0 ? " " : "", values(r, c) * factor);
  }
  return text + "]";
}

/// "[a b c]" of one value a winding.
template <class Value>
std::string each(const std::vector<WindingData>& windings, Value&& value) {
  std::string text = "[";
  for (std::size_t w = 0; w < windings.size(); ++w) text += fmt::format("{}{}", w > 0 ? " " : "", value(windings[w], w));
  return text + "]";
}

template <class Device>
std::string device(const char* kind, const Device& d) {
  std::string text = fmt::format("new {}.{} phases={} bus1={} conn={} kv={}", kind, checked(d.name), d.phases, bus(d.terminal),
                                 word(d.connection), d.rated_voltage / 1e3);
  if constexpr (requires { d.shapes; }) {
    if (!d.shapes.daily.empty()) text += " daily=" + checked(d.shapes.daily);
    if (!d.shapes.yearly.empty()) text += " yearly=" + checked(d.shapes.yearly);
    if (!d.shapes.duty.empty()) text += " duty=" + checked(d.shapes.duty);
  }
  return text;
}

/// Power that an inverter can be told to deliver: more than its rating would be cut.
template <class Device>
void check_rating(const char* kind, const Device& d) {
  constexpr double rounding = 1e-12;
  if (!(std::abs(d.power) <= d.inverter_rating * (1 + rounding)))
    throw Error("{} '{}' delivers {} VA through an inverter of {} VA, which OpenDSS would cut: raise its rating", kind, d.name,
                std::abs(d.power), d.inverter_rating);
}

class ScriptWriter {
 public:
  ScriptWriter(const Network& network, const GridState& state, std::ostream& out) : data_(network.data()), state_(state), out_(out) {}

  /// Up to the circuit and its first source.
  void head() {
    fmt::print(out_, "clear\nset defaultbasefrequency={}\n", data_.frequency);
    circuit();
  }

  void elements() {
    for (const auto& b : data_.buses) {
      if (b.nominal_voltage)
        throw Error("bus '{}' has a nominal voltage of its own, which cannot be written as OpenDSS: let it follow from the voltage bases",
                    b.name);
    }
    for (const auto& s : data_.sources) {
      if (s.name != "source") source("new vsource." + checked(s.name), s);
    }
    for (const auto& s : data_.load_shapes) load_shape(s);
    for (std::size_t i = 0; i < data_.lines.size(); ++i) line(data_.lines[i]);
    for (std::size_t i = 0; i < data_.transformers.size(); ++i) transformer(data_.transformers[i], state_.taps[i]);
    for (const auto& e : data_.loads) load(e);
    for (std::size_t i = 0; i < data_.capacitors.size(); ++i) capacitor(data_.capacitors[i], state_.capacitors[i]);
    for (const auto& e : data_.reactors) reactor(e);
    for (const auto& e : data_.solar) solar(e);
    for (const auto& e : data_.wind) wind(e);
    for (const auto& e : data_.batteries) battery(e);
    for (const auto& e : data_.generators) generator(e);
    for (const auto& e : data_.regulators) regulator(e);
    // OpenDSS looks up the bus of a voltage override at once, among the buses it has listed.
    const auto& controls = data_.capacitor_controls;
    if (std::any_of(controls.begin(), controls.end(), [](const auto& c) { return c.voltage_bus.has_value(); }))
      fmt::print(out_, "makebuslist\n");
    for (const auto& e : controls) capacitor_control(e);
    for (const auto& e : data_.inverter_controls) inverter_control(e);
    for (std::size_t i = 0; i < data_.lines.size(); ++i) {
      const auto& l = data_.lines[i];
      if (!state_.closed[i]) {
        fmt::print(out_, "open line.{} 1\nopen line.{} 2\n", l.name, l.name);
      } else {
        open_conductors("line", l.name, 1, l.from);
        open_conductors("line", l.name, 2, l.to);
      }
    }
    for (const auto& t : data_.transformers) {
      for (std::size_t w = 0; w < t.windings.size(); ++w) open_conductors("transformer", t.name, w + 1, t.windings[w].terminal);
    }
  }

  void voltage_bases() {
    std::vector<double> bases;
    for (const double base : data_.voltage_bases) bases.push_back(base / 1e3);
    if (!bases.empty()) fmt::print(out_, "set voltagebases=[{}]\n", fmt::join(bases, " "));
    fmt::print(out_, "calcvoltagebases\n");
  }

  void switches() {
    for (const auto& l : data_.lines) {
      if (!l.is_switch) continue;
      fmt::print(out_, "edit line.{}", l.name);
      impedances(l);
    }
  }

 private:
  void open_conductors(const char* kind, const std::string& name, std::size_t terminal, const Terminal& end) {
    for (const int conductor : end.open) fmt::print(out_, "open {}.{} {} {}\n", kind, name, terminal, conductor + 1);
  }

  /// A circuit comes with a source of the name "source". Where the network has none of that name it is disabled.
  void circuit() {
    const auto own = std::find_if(data_.sources.begin(), data_.sources.end(), [](const auto& s) { return s.name == "source"; });
    const std::string name = checked(data_.name.empty() ? "network" : data_.name);
    if (own != data_.sources.end()) {
      source(fmt::format("new circuit.{}", name), *own);
    } else {
      fmt::print(out_, "new circuit.{} bus1={}\ndisable vsource.source\n", name, bus(data_.sources.at(0).terminal));
    }
  }

  void source(const std::string& head, const SourceData& s) {
    if (s.ideal) throw Error("source '{}' is ideal, which cannot be written as OpenDSS: give it an impedance", s.name);
    if (s.terminal.nodes.size() == 1 && s.z0 != s.z1)
      throw Error("source '{}' has one phase but two impedances, which cannot be written as OpenDSS: make z0 equal to z1", s.name);
    fmt::print(out_, "{} phases={} bus1={} basekv={} pu={} angle={} r1={} x1={} r0={} x0={}\n", head, s.terminal.nodes.size(),
               bus(s.terminal), s.voltage_base / 1e3, s.voltage_pu, s.angle_deg, s.z1.real(), s.z1.imag(), s.z0.real(), s.z0.imag());
  }

  void load_shape(const LoadShapeData& s) {
    const double unit = s.use_actual ? 1e-3 : 1;
    fmt::print(out_, "new loadshape.{} npts={}", checked(s.name), s.active.size());
    if (s.interval > 0) {
      fmt::print(out_, " interval={}", s.interval / 3600);
    } else {
      fmt::print(out_, " interval=0 hour=[{}]", fmt::join(scaled(s.times, 1.0 / 3600), " "));
    }
    fmt::print(out_, " mult=[{}]", fmt::join(scaled(s.active, unit), " "));
    if (!s.reactive.empty()) fmt::print(out_, " qmult=[{}]", fmt::join(scaled(s.reactive, unit), " "));
    if (s.use_actual) fmt::print(out_, " useactual=yes");
    if (s.active_base != 0) fmt::print(out_, " pbase={}", s.active_base * unit);
    if (s.reactive_base != 0) fmt::print(out_, " qbase={}", s.reactive_base * unit);
    fmt::print(out_, "\n");
  }

  /// OpenDSS gives a switch its default impedance when it first solves, whatever the script said before; so impedances() follow for it.
  void line(const LineData& l) {
    if (l.ratio != 1.0)
      throw Error("line '{}' transforms or shifts voltage, which a line of OpenDSS cannot: make it a transformer", l.name);
    constexpr double rounding = 1e-12;
    if (!l.series_impedance.isApprox(l.series_impedance.transpose(), rounding) ||
        !l.shunt_susceptance.isApprox(l.shunt_susceptance.transpose(), rounding))
      throw Error("line '{}' has a matrix that is not symmetric, which OpenDSS cannot say: average it with its transpose", l.name);
    fmt::print(out_, "new line.{} phases={} bus1={} bus2={}", checked(l.name), l.from.nodes.size(), bus(l.from), bus(l.to));
    if (l.rating > 0) fmt::print(out_, " normamps={}", l.rating);
    if (l.is_switch) {
      fmt::print(out_, " switch=yes\n");
    } else {
      impedances(l);
    }
  }

  // Matrices make the reader forget units, so length and units follow them.
  void impedances(const LineData& l) {
    const double per_length = l.length > 0 ? 1 / l.length : 1;
    const double nanofarad = 1e9 / (2 * std::numbers::pi * data_.frequency);
    fmt::print(out_, " rmatrix={} xmatrix={} cmatrix={} length={}{}\n", matrix(l.series_impedance.real(), per_length),
               matrix(l.series_impedance.imag(), per_length), matrix(l.shunt_susceptance, per_length * nanofarad),
               l.length > 0 ? l.length : 1.0, l.length > 0 ? " units=m" : "");
  }

  void transformer(const TransformerData& t, const std::vector<double>& taps) {
    const auto& windings = t.windings;
    fmt::print(out_, "new transformer.{} phases={} windings={}", checked(t.name), t.phases, windings.size());
    if (!t.bank.empty()) fmt::print(out_, " bank={}", checked(t.bank));
    fmt::print(out_, " buses={}", each(windings, [](const auto& w, auto) { return bus(w.terminal); }));
    fmt::print(out_, " conns={}", each(windings, [](const auto& w, auto) { return word(w.connection); }));
    fmt::print(out_, " kvs={}", each(windings, [](const auto& w, auto) { return w.rated_voltage / 1e3; }));
    fmt::print(out_, " kvas={}", each(windings, [](const auto& w, auto) { return w.rated_power / 1e3; }));
    // OpenDSS means percent of the first winding's base.
    fmt::print(out_, " %rs={}",
               each(windings, [&](const auto& w, auto) { return 100 * w.resistance_pu * (windings[0].rated_power / w.rated_power); }));
    fmt::print(out_, " taps={}", each(windings, [&](const auto&, std::size_t i) { return taps[i]; }));
    std::vector<double> percent;
    for (const double x : t.reactance_pu) percent.push_back(100 * x);
    if (windings.size() == 2) {
      fmt::print(out_, " xhl={}", percent[0]);
    } else if (windings.size() == 3) {
      fmt::print(out_, " xhl={} xht={} xlt={}", percent[0], percent[1], percent[2]);
    } else {
      fmt::print(out_, " xscarray=[{}]", fmt::join(percent, " "));
    }
    fmt::print(out_, " %noloadloss={} %imag={} ppm_antifloat={} leadlag={}", 100 * t.no_load_loss_pu, 100 * t.magnetising_current_pu,
               t.antifloat_ppm, t.lag_leads ? "lead" : "lag");
    if (t.rating > 0) fmt::print(out_, " normhkva={}", t.rating / 1e3);
    for (std::size_t w = 0; w < windings.size(); ++w) {
      fmt::print(out_, " wdg={} mintap={} maxtap={} numtaps={}", w + 1, windings[w].min_tap, windings[w].max_tap, windings[w].num_taps);
      const auto& z = windings[w].neutral_impedance;
      if (!z) continue;
      if (z->real() < 0 || *z == 0.0)
        throw Error("the neutral impedance of transformer '{}' is {} + j{} ohm, which OpenDSS cannot say: make its resistance positive",
                    t.name, z->real(), z->imag());
      fmt::print(out_, " rneut={} xneut={}", z->real(), z->imag());
    }
    fmt::print(out_, "\n");
  }

  void load(const LoadData& l) {
    fmt::print(out_, "{} kw={}", device("load", l), l.power.real() / 1e3);
    // A shape of active powers scales reactive power where that was given by its factor.
    if (l.keeps_power_factor && !(l.shapes.daily + l.shapes.yearly + l.shapes.duty).empty()) {
      const double factor = std::abs(l.power.real()) / std::abs(l.power);
      fmt::print(out_, " pf={}", l.power.real() * l.power.imag() < 0 ? -factor : factor);
    } else {
      fmt::print(out_, " kvar={}", l.power.imag() / 1e3);
    }
    fmt::print(out_, " model={} vminpu={} vmaxpu={} vlowpu={} cvrwatts={} cvrvars={}", static_cast<int>(l.model),
               positive(l.vmin_pu, "the lower voltage limit", "load", l.name),
               positive(l.vmax_pu, "the upper voltage limit", "load", l.name), l.vlow_pu, l.exponent_p, l.exponent_q);
    if (l.model == LoadModel::zip) fmt::print(out_, " zipv=[{}]", fmt::join(l.zip, " "));
    if (l.fixed) fmt::print(out_, " status=exempt");
    fmt::print(out_, "\n");
  }

  template <class Bank>
  std::string bank(const char* kind, const Bank& b) {
    std::string text = fmt::format("new {}.{} phases={} bus1={}", kind, checked(b.name), b.phases, bus(b.terminal));
    if (b.to) text += " bus2=" + bus(*b.to);
    return text + fmt::format(" conn={}", word(b.connection));
  }

  void capacitor(const CapacitorData& c, const std::vector<int>& states) {
    std::vector<double> kvar;
    for (const double power : c.step_power) kvar.push_back(power / 1e3);
    fmt::print(out_, "{} kv={} numsteps={} kvar=[{}] states=[{}]\n", bank("capacitor", c), c.rated_voltage / 1e3, kvar.size(),
               fmt::join(kvar, " "), fmt::join(states, " "));
  }

  void reactor(const ReactorData& r) { fmt::print(out_, "{} r={} x={}\n", bank("reactor", r), r.impedance.real(), r.impedance.imag()); }

  void regulator(const RegulatorData& r) {
    if (r.pt_selection == PhaseSelection::average)
      throw Error("regulator '{}' measures the average of its phases, which cannot be written as OpenDSS: choose one, max or min", r.name);
    const auto above_zero = [&](double value, const char* what) { return positive(value, what, "regulator", r.name); };
    fmt::print(out_, "new regcontrol.{} transformer={} winding={} vreg={} band={} ptratio={} ctprim={} r={} x={} delay={} tapdelay={}",
               checked(r.name), checked(r.transformer), r.measured_winding, above_zero(r.setpoint, "the setpoint"),
               above_zero(r.band, "the band"), above_zero(r.pt_ratio, "the voltage ratio"), above_zero(r.ct_rating, "the current rating"),
               r.r, r.x, r.delay, r.tap_delay);
    fmt::print(out_, " maxtapchange={} inversetime={} vlimit={} ptphase={}", r.max_tap_change, r.inverse_time, r.voltage_limit,
               measured(r.pt_selection, r.pt_phase));
    if (r.remote) fmt::print(out_, " bus={}", bus(*r.remote));
    fmt::print(out_, " remoteptratio={} tapwinding={} ldc_z={}", above_zero(r.remote_pt_ratio, "the remote voltage ratio"), r.winding, r.z);
    if (const auto& back = r.reverse; back.action != ReversePower::disregarded) {
      fmt::print(out_, " reversible={} cogen={} revneutral={} revthreshold={} revdelay={} revvreg={} revband={} revr={} revx={} rev_z={}",
                 back.action == ReversePower::reverses, back.action == ReversePower::cogeneration, back.to_neutral, back.threshold / 1e3,
                 back.delay, above_zero(back.setpoint, "the reverse setpoint"), above_zero(back.band, "the reverse band"), back.r, back.x,
                 back.z);
    }
    fmt::print(out_, "\n");
  }

  void capacitor_control(const CapacitorControlData& c) {
    static constexpr const char* kinds[] = {"current", "voltage", "kvar", "time", "pf"};
    const double unit = c.kind == CapacitorControlKind::reactive_power ? 1e-3 : 1;
    fmt::print(out_, "new capcontrol.{} capacitor={} element={}.{} terminal={} type={} ptratio={} ctratio={} onsetting={} offsetting={}",
               checked(c.name), checked(c.capacitor), class_of(c.monitored.kind), checked(c.monitored.name), c.monitored.terminal,
               kinds[static_cast<int>(c.kind)], c.pt_ratio, c.ct_ratio, c.on_setting * unit, c.off_setting * unit);
    fmt::print(out_, " ptphase={} ctphase={} voltoverride={} vmax={} vmin={}", measured(c.pt_selection, c.pt_phase),
               measured(c.ct_selection, c.ct_phase), c.voltage_override, c.v_max, c.v_min);
    if (c.voltage_bus) {
      if (c.voltage_bus->nodes != std::vector{1, 2, 3})
        throw Error("capacitor control '{}' overrides by the voltage at '{}', but OpenDSS measures nodes 1.2.3 there: name those", c.name,
                    bus(*c.voltage_bus));
      fmt::print(out_, " vbus={}", checked_bus(c.voltage_bus->bus));
    }
    fmt::print(out_, " delay={} delayoff={} deadtime={} pctminkvar={}\n", c.delay, c.delay_off, c.dead_time, 100 * c.min_reactive_share);
  }

  void curve(const std::string& name, const Curve& points) {
    std::vector<double> x, y;
    for (const auto& point : points) x.push_back(point[0]), y.push_back(point[1]);
    fmt::print(out_, "new xycurve.{} npts={} xarray=[{}] yarray=[{}]\n", checked(name), points.size(), fmt::join(x, " "),
               fmt::join(y, " "));
  }

  /// OpenDSS lets a control without a list, or with an empty one, act on every inverter.
  void inverter_control(const InverterControlData& c) {
    if (c.solar.empty() && c.batteries.empty())
      throw Error("inverter control '{}' controls nothing, which OpenDSS takes for everything: remove it", c.name);
    if (c.volt_var.empty() && c.volt_watt.empty())
      throw Error("inverter control '{}' has no curve, which cannot be written as OpenDSS: remove it", c.name);
    const std::string volt_var = c.name + "_volt_var", volt_watt = c.name + "_volt_watt";
    if (!c.volt_var.empty()) curve(volt_var, c.volt_var);
    if (!c.volt_watt.empty()) curve(volt_watt, c.volt_watt);
    std::vector<std::string> inverters;
    for (const auto& name : c.solar) inverters.push_back("pvsystem." + checked(name));
    for (const auto& name : c.batteries) inverters.push_back("storage." + checked(name));
    fmt::print(out_, "new invcontrol.{} derlist=[{}]", checked(c.name), fmt::join(inverters, " "));
    fmt::print(out_, "{}", c.volt_watt.empty() ? " mode=voltvar" : c.volt_var.empty() ? " mode=voltwatt" : " combimode=vv_vw");
    if (!c.volt_var.empty()) fmt::print(out_, " vvc_curve1={}", volt_var);
    if (!c.volt_watt.empty()) fmt::print(out_, " voltwatt_curve={}", volt_watt);
    static constexpr const char* active_bases[] = {"pmpppu", "pavailablepu", "kvaratingpu"};
    fmt::print(out_, " voltwattyaxis={} refreactivepower={} monvoltagecalc={}\n", active_bases[static_cast<int>(c.active_base)],
               c.reactive_base == InverterControlData::ReactiveBase::rating ? "varmax" : "varaval", measured(c.selection, c.phase));
  }

  template <class Device>
  void inverter(const Device& d) {
    const InverterData& i = d.inverter;
    if (i.power_factor) {
      fmt::print(out_, " pf={}", *i.power_factor);
    } else {
      fmt::print(out_, " kvar={}", i.reactive_power / 1e3);
    }
    if (std::isfinite(i.max_delivered)) fmt::print(out_, " kvarmax={}", i.max_delivered / 1e3);
    if (std::isfinite(i.max_absorbed)) fmt::print(out_, " kvarmaxabs={}", i.max_absorbed / 1e3);
    fmt::print(out_, " %cutin={} %cutout={} wattpriority={} pfpriority={} varfollowinverter={}", 100 * i.cut_in, 100 * i.cut_out,
               i.active_first, i.factor_first, i.reactive_stops);
    if (!i.efficiency.empty()) fmt::print(out_, " effcurve={}_efficiency", d.name);
    fmt::print(out_, "\n");
  }

  /// The irradiance stands for temperature, too.
  void solar(const SolarPvData& p) {
    if (p.efficiency != 0 || p.panel_area != 0)
      throw Error("PVSystem '{}' has a panel area or an efficiency, which OpenDSS cannot say: give its capacity alone", p.name);
    if (p.power.real() < 0) throw Error("PVSystem '{}' consumes power, which OpenDSS cannot say: make it a load", p.name);
    check_rating("PVSystem", p);
    if (!p.inverter.efficiency.empty()) curve(p.name + "_efficiency", p.inverter.efficiency);
    const double panels = positive(p.panel_rating, "the panel rating", "PVSystem", p.name);
    fmt::print(out_, "{} pmpp={} %pmpp={} kva={} irradiance={}", device("pvsystem", p), panels / 1e3, 100 * p.capacity / panels,
               positive(p.inverter_rating, "the inverter rating", "PVSystem", p.name) / 1e3, p.panel_power / panels);
    inverter(p);
  }

  void wind(const WindTurbineData& w) {
    // OpenDSS knows no rated speed; it is where the rotor power 0.5 rho A Cp v^3 meets the rated output.
    constexpr double density = 1.225, performance = 0.41;
    const auto above_zero = [&](double value, const char* what) { return positive(value, what, "WindGen", w.name); };
    const double area = w.capacity / (0.5 * density * performance * std::pow(above_zero(w.rated_speed, "the rated speed"), 3));
    fmt::print(out_, "{} kw={} kva={} cp={} pd={} rad={} vcutin={} vcutout={} vwind={}\n", device("windgen", w), w.capacity / 1e3,
               w.inverter_rating / 1e3, performance, density, std::sqrt(area / std::numbers::pi),
               above_zero(w.cut_in_speed, "the cut-in speed"), above_zero(w.cut_out_speed, "the cut-out speed"), w.wind_speed);
  }

  void battery(const BatteryData& b) {
    check_rating("Storage", b);
    const BatteryState possible = possible_state(b, b.power.real() > 0 ? BatteryState::discharging : BatteryState::charging, b.initial_soc);
    const bool idles = b.power.real() == battery_active_power(b, BatteryState::idling);
    if (b.power.real() != 0 && !idles && possible == BatteryState::idling)
      throw Error("Storage '{}' delivers {} W at a charge of {}, where OpenDSS lets it idle: change its charge or its power", b.name,
                  b.power.real(), b.initial_soc);
    static constexpr const char* states[] = {"charging", "idling", "discharging"};
    static constexpr const char* dispatch[] = {"default", "follow", "external"};
    if (!b.inverter.efficiency.empty()) curve(b.name + "_efficiency", b.inverter.efficiency);
    fmt::print(out_, "{} kwrated={} kwhrated={} %stored={} %reserve={} kva={} %effcharge={} %effdischarge={} %idlingkw={} state={}",
               device("storage", b), b.power_rating / 1e3, b.capacity_wh / 1e3, 100 * b.initial_soc, 100 * b.min_soc,
               b.inverter_rating / 1e3, 100 * b.charge_efficiency, 100 * b.discharge_efficiency, 100 * b.idling_loss,
               states[static_cast<int>(b.state)]);
    fmt::print(out_, " %charge={} %discharge={} dispmode={} chargetrigger={} dischargetrigger={} timechargetrig={}", 100 * b.charge_rate,
               100 * b.discharge_rate, dispatch[static_cast<int>(b.dispatch)], b.charge_below, b.discharge_above, b.charge_hour);
    inverter(b);
  }

  /// One that holds no voltage delivers its power at any, hence the wide range of voltages.
  void generator(const GeneratorData& g) {
    fmt::print(out_, "{} kw={} kvar={}", device("generator", g), g.power.real() / 1e3, g.power.imag() / 1e3);
    if (!g.voltage_setpoint_pu) {
      fmt::print(out_, " model=1 vminpu=0.001 vmaxpu=1000 status=fixed\n");
      return;
    }
    if (!std::isfinite(g.min_reactive) || !std::isfinite(g.max_reactive))
      throw Error("generator '{}' holds its voltage with unlimited reactive power, which OpenDSS cannot say: give it limits", g.name);
    fmt::print(out_, " model=3 vpu={} minkvar={} maxkvar={} status=fixed\n", *g.voltage_setpoint_pu, g.min_reactive / 1e3,
               g.max_reactive / 1e3);
  }

  const NetworkData& data_;
  const GridState& state_;
  std::ostream& out_;
};

/// A file appears under its name only when it is complete.
void write_file(const std::filesystem::path& path, const std::function<void(std::ostream&)>& body) {
  const std::filesystem::path part = path.string() + ".part";
  {
    std::ofstream out(part);
    try {
      body(out);
    } catch (...) {
      out.close();
      std::filesystem::remove(part);
      throw;
    }
    out.flush();
    if (!out) throw Error("cannot write '{}' (disk full or folder missing): give another path", path.string());
  }
  std::filesystem::rename(part, path);
}

}  // namespace

void write_opendss_coordinates(const NetworkData& data, std::ostream& out) {
  for (const auto& b : data.buses) {
    if (b.position) fmt::print(out, "{},{},{}\n", checked_bus(b.name), (*b.position)[0], (*b.position)[1]);
  }
}

void write_opendss_part(const Network& network, const GridState& state, OpenDssPart part, std::ostream& out) {
  ScriptWriter writer(network, state, out);
  switch (part) {
    case OpenDssPart::head:
      return writer.head();
    case OpenDssPart::elements:
      return writer.elements();
    case OpenDssPart::voltage_bases:
      return writer.voltage_bases();
    case OpenDssPart::switches:
      return writer.switches();
  }
}

void write_opendss(const Network& network, const GridState& state, const std::filesystem::path& path) {
  const auto& buses = network.data().buses;
  const bool drawn = std::any_of(buses.begin(), buses.end(), [](const auto& b) { return b.position.has_value(); });
  const std::filesystem::path coordinates = path.stem().string() + "_buscoords.csv";
  if (drawn) write_file(path.parent_path() / coordinates, [&](std::ostream& out) { write_opendss_coordinates(network.data(), out); });
  write_file(path, [&](std::ostream& out) {
    for (const auto part : {OpenDssPart::head, OpenDssPart::elements, OpenDssPart::voltage_bases, OpenDssPart::switches})
      write_opendss_part(network, state, part, out);
    if (drawn) fmt::print(out, "buscoords {}\n", coordinates.string());
  });
}

}  // namespace gridfed
