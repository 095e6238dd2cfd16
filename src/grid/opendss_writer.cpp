#include "grid/opendss_writer.hpp"

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

std::string checked(const std::string& name) {
  if (name.empty() || name.find_first_of(" \t,=.()[]{}|\"'!\n\r") != std::string::npos)
    throw Error("'{}' cannot be a name in OpenDSS (it is empty or has a separator in it): rename the element", name);
  return name;
}

std::string bus(const Terminal& terminal) {
  return terminal.nodes.empty() ? checked(terminal.bus) : fmt::format("{}.{}", checked(terminal.bus), fmt::join(terminal.nodes, "."));
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
  return fmt::format("new {}.{} phases={} bus1={} conn={} kv={}", kind, checked(d.name), d.phases, bus(d.terminal), word(d.connection),
                     d.rated_voltage / 1e3);
}

class ScriptWriter {
 public:
  ScriptWriter(const Network& network, const GridState& state, std::ostream& out) : data_(network.data()), state_(state), out_(out) {}

  void write() {
    fmt::print(out_, "clear\nset defaultbasefrequency={}\n", data_.frequency);
    sources();
    for (std::size_t i = 0; i < data_.lines.size(); ++i) line(data_.lines[i]);
    for (std::size_t i = 0; i < data_.transformers.size(); ++i) transformer(data_.transformers[i], state_.taps[i]);
    for (const auto& e : data_.loads) load(e);
    for (std::size_t i = 0; i < data_.capacitors.size(); ++i) capacitor(data_.capacitors[i], state_.capacitors[i]);
    for (const auto& e : data_.reactors) reactor(e);
    for (const auto& e : data_.regulators) regulator(e);
    converters();
    for (const auto& e : data_.generators) generator(e);
    for (std::size_t i = 0; i < data_.lines.size(); ++i) {
      if (!state_.closed[i]) fmt::print(out_, "open line.{} 1\nopen line.{} 2\n", data_.lines[i].name, data_.lines[i].name);
    }
    std::vector<double> bases;
    for (const double base : data_.voltage_bases) bases.push_back(base / 1e3);
    if (!bases.empty()) fmt::print(out_, "set voltagebases=[{}]\n", fmt::join(bases, " "));
    fmt::print(out_, "calcvoltagebases\n");
    for (const auto& l : data_.lines) {
      if (!l.is_switch) continue;
      fmt::print(out_, "edit line.{}", l.name);
      impedances(l);
    }
  }

 private:
  /// A circuit comes with a source of the name "source". Where the network has none of that name it is disabled.
  void sources() {
    const auto own = std::find_if(data_.sources.begin(), data_.sources.end(), [](const auto& s) { return s.name == "source"; });
    const std::string circuit = checked(data_.name.empty() ? "network" : data_.name);
    if (own != data_.sources.end()) {
      source(fmt::format("new circuit.{}", circuit), *own);
    } else {
      fmt::print(out_, "new circuit.{} bus1={}\ndisable vsource.source\n", circuit, bus(data_.sources.at(0).terminal));
    }
    for (const auto& s : data_.sources) {
      if (s.name != "source") source("new vsource." + checked(s.name), s);
    }
  }

  void source(const std::string& head, const SourceData& s) {
    if (s.ideal) throw Error("source '{}' is ideal, which cannot be written as OpenDSS: give it an impedance", s.name);
    fmt::print(out_, "{} phases={} bus1={} basekv={} pu={} angle={} r1={} x1={} r0={} x0={}\n", head, s.terminal.nodes.size(),
               bus(s.terminal), s.voltage_base / 1e3, s.voltage_pu, s.angle_deg, s.z1.real(), s.z1.imag(), s.z0.real(), s.z0.imag());
  }

  /// OpenDSS gives a switch its default impedance when it first solves, whatever the script said before; so impedances() follow for it.
  void line(const LineData& l) {
    if (l.ratio != 1.0)
      throw Error("line '{}' transforms or shifts voltage, which a line of OpenDSS cannot: make it a transformer", l.name);
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
    for (std::size_t w = 0; w < windings.size(); ++w)
      fmt::print(out_, " wdg={} mintap={} maxtap={} numtaps={}", w + 1, windings[w].min_tap, windings[w].max_tap, windings[w].num_taps);
    fmt::print(out_, "\n");
  }

  void load(const LoadData& l) {
    fmt::print(out_, "{} kw={} kvar={} model={} vminpu={} vmaxpu={} vlowpu={} cvrwatts={} cvrvars={}", device("load", l),
               l.power.real() / 1e3, l.power.imag() / 1e3, static_cast<int>(l.model), l.vmin_pu, l.vmax_pu, l.vlow_pu, l.exponent_p,
               l.exponent_q);
    if (l.model == LoadModel::zip) fmt::print(out_, " zipv=[{}]", fmt::join(l.zip, " "));
    if (!l.shapes.daily.empty()) fmt::print(out_, " daily={}", checked(l.shapes.daily));
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
    fmt::print(out_, "new regcontrol.{} transformer={} winding={} vreg={} band={} ptratio={} ctprim={} r={} x={} delay={} tapdelay={}",
               checked(r.name), checked(r.transformer), r.winding, r.setpoint, r.band, r.pt_ratio, r.ct_rating, r.r, r.x, r.delay,
               r.tap_delay);
    fmt::print(out_, " maxtapchange={} ptphase={}", r.max_tap_change, r.pt_phase);
    if (r.remote) fmt::print(out_, " bus={}", bus(*r.remote));
    fmt::print(out_, "\n");
  }

  void converters() {
    for (const auto& p : data_.solar)
      fmt::print(out_, "{} pmpp={} kva={}\n", device("pvsystem", p), p.capacity / 1e3, p.inverter_rating / 1e3);
    for (const auto& w : data_.wind) {
      // OpenDSS knows no rated speed; it is where the rotor power 0.5 rho A Cp v^3 meets the rated output.
      constexpr double density = 1.225, performance = 0.41;
      const double area = w.capacity / (0.5 * density * performance * std::pow(w.rated_speed, 3));
      fmt::print(out_, "{} kw={} kva={} cp={} pd={} rad={} vcutin={} vcutout={}\n", device("windgen", w), w.capacity / 1e3,
                 w.inverter_rating / 1e3, performance, density, std::sqrt(area / std::numbers::pi), w.cut_in_speed, w.cut_out_speed);
    }
    for (const auto& b : data_.batteries) {
      fmt::print(out_, "{} kwrated={} kwhrated={} %stored={} %reserve={} kva={} %effcharge={} %effdischarge={} %idlingkw={}\n",
                 device("storage", b), b.power_rating / 1e3, b.capacity_wh / 1e3, 100 * b.initial_soc, 100 * b.min_soc,
                 b.inverter_rating / 1e3, 100 * b.charge_efficiency, 100 * b.discharge_efficiency, 100 * b.idling_loss);
    }
  }

  void generator(const GeneratorData& g) {
    fmt::print(out_, "{} kw={} kvar={}", device("generator", g), g.power.real() / 1e3, g.power.imag() / 1e3);
    if (g.voltage_setpoint_pu) fmt::print(out_, " model=3 vpu={}", *g.voltage_setpoint_pu);
    if (std::isfinite(g.min_reactive)) fmt::print(out_, " minkvar={}", g.min_reactive / 1e3);
    if (std::isfinite(g.max_reactive)) fmt::print(out_, " maxkvar={}", g.max_reactive / 1e3);
    fmt::print(out_, "\n");
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

void write_opendss(const Network& network, const GridState& state, const std::filesystem::path& path) {
  const auto& buses = network.data().buses;
  const bool drawn = std::any_of(buses.begin(), buses.end(), [](const auto& b) { return b.position.has_value(); });
  const std::filesystem::path coordinates = path.stem().string() + "_buscoords.csv";
  if (drawn) {
    write_file(path.parent_path() / coordinates, [&](std::ostream& out) {
      for (const auto& b : buses) {
        if (b.position) fmt::print(out, "{},{},{}\n", checked(b.name), (*b.position)[0], (*b.position)[1]);
      }
    });
  }
  write_file(path, [&](std::ostream& out) {
    ScriptWriter(network, state, out).write();
    if (drawn) fmt::print(out, "buscoords {}\n", coordinates.string());
  });
}

}  // namespace gridfed
