#include "grid/network.hpp"

#include "grid/network_checks.hpp"
#include "runtime/error.hpp"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <limits>
#include <map>
#include <numbers>
#include <numeric>
#include <queue>

namespace gridfed {

int Network::find_bus(std::string_view name) const {
  return bus_index_.find(name, buses_);
}

int Network::find_node(int bus, int conductor) const {
  const auto [first, count] = node_runs_[bus];
  for (int node = first; node < first + count; ++node) {
    if (nodes_[node].conductor == conductor) return node;
  }
  return -1;
}

std::string Network::node_name(int node) const {
  std::string name = buses_[nodes_[node].bus].name;
  for (char& c : name) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return fmt::format("{}.{}", name, nodes_[node].conductor);
}

namespace {

/// Off the heap for the sizes that lines have by the hundred thousand.
bool invertible(const Eigen::MatrixXcd& matrix) {
  switch (matrix.rows()) {
    case 1:
      return std::isfinite(std::abs(1.0 / matrix(0, 0)));
    case 2:
      return Eigen::Matrix2cd(matrix).inverse().allFinite();
    case 3:
      return Eigen::Matrix3cd(matrix).inverse().allFinite();
    default:
      return matrix.inverse().allFinite();
  }
}

/// A way from one bus to another.
struct Arc {
  int from, to;
  double ratio, impedance;  ///< of the voltages to over from; [p.u. on 1 VA at the from side]
  bool galvanic;            ///< a line
};

/// Arcs by the bus they leave, in the order they were found.
class Arcs {
 public:
  Arcs(std::vector<Arc> found, std::size_t buses) : arcs_(std::move(found)), first_(buses + 1) {
    std::stable_sort(arcs_.begin(), arcs_.end(), [](const Arc& a, const Arc& b) { return a.from < b.from; });
    for (const Arc& arc : arcs_) ++first_[arc.from + 1];
    std::partial_sum(first_.begin(), first_.end(), first_.begin());
  }
  std::span<const Arc> of(int bus) const { return {arcs_.data() + first_[bus], arcs_.data() + first_[bus + 1]}; }

 private:
  std::vector<Arc> arcs_;
  std::vector<int> first_;
};

}  // namespace

/// Collects every fault before giving up, then numbers buses and nodes in the order the elements name them.
class NetworkBuilder {
 public:
  explicit NetworkBuilder(NetworkData data) { network_.data_ = std::move(data); }

  Network build() {
    check_elements();
    collect_nodes();
    if (faults_.messages.empty()) number();
    if (faults_.messages.empty()) check_control_buses();
    if (faults_.messages.empty()) trace_from_source();
    if (faults_.messages.empty()) measure();
    if (!faults_.messages.empty()) {
      constexpr std::size_t shown = 20;
      std::string message = faults_.messages.front();
      for (std::size_t i = 1; i < std::min(faults_.messages.size(), shown); ++i) message += "\n" + faults_.messages[i];
      if (faults_.messages.size() > shown) message += fmt::format("\n... and {} more", faults_.messages.size() - shown);
      throw Error(message);
    }
    return std::move(network_);
  }

 private:
  NetworkData& data() { return network_.data_; }

  template <class... Args>
  void fault(const Origin& origin, fmt::format_string<Args...> format, Args&&... args) {
    faults_.add(origin, format, std::forward<Args>(args)...);
  }
  template <class Elements>
  NameIndex check_names(const char* kind, const Elements& elements) {
    return faults_.check_names(kind, elements);
  }
  void check_positive(const Origin& origin, const char* what, const std::string& name, double value) {
    faults_.check_positive(origin, what, name, value);
  }

  template <class Devices>
  NameIndex check_devices(const char* kind, const char* rated_voltage, const Devices& devices) {
    NameIndex index = check_names(kind, devices);
    for (const auto& device : devices) {
      check_positive(device.origin, rated_voltage, device.name, device.rated_voltage);
      const std::size_t needed = device.connection == Connection::delta && device.phases > 2 ? device.phases : device.phases + 1;
      if (device.terminal.nodes.size() != needed) {
        fault(device.origin, "{} '{}' has {} conductors, its connection needs {}: name the nodes as bus.1.2.3", kind, device.name,
              device.terminal.nodes.size(), needed);
      }
    }
    return index;
  }

  void check_elements() {
    if (data().sources.empty())
      faults_.messages.push_back(fmt::format("network '{}' has no source: add a Circuit or Vsource", data().name));
    for (const auto& bus : data().buses) {
      if (bus.nominal_voltage) check_positive({}, "nominal voltage of bus", bus.name, *bus.nominal_voltage);
      if (bus.start_voltage) check_positive({}, "starting voltage of bus", bus.name, std::abs(*bus.start_voltage));
    }
    index_.sources = check_names("source", data().sources);
    for (const auto& source : data().sources) {
      check_positive(source.origin, "voltage of source", source.name, source.voltage_base * source.voltage_pu);
      if (std::abs(source.z1) == 0) {
        fault(source.origin, "source '{}' has no impedance: give it a small one, such as X1=0.0001", source.name);
      }
    }
    index_.lines = check_names("line", data().lines);
    for (const auto& line : data().lines) {
      const auto n = static_cast<Eigen::Index>(line.from.nodes.size());
      if (line.to.nodes.size() != line.from.nodes.size() || line.series_impedance.rows() != n || line.series_impedance.cols() != n ||
          line.shunt_susceptance.rows() != n || line.shunt_susceptance.cols() != n || n == 0) {
        fault(line.origin, "line '{}' has {} conductors at '{}', {} at '{}' and an impedance of {} x {}: make them equal", line.name, n,
              line.from.bus, line.to.nodes.size(), line.to.bus, line.series_impedance.rows(), line.series_impedance.cols());
        continue;
      }
      if (line.from.bus == line.to.bus && line.from.nodes == line.to.nodes) {
        fault(line.origin, "line '{}' joins '{}' to itself: name two buses", line.name, line.from.bus);
      }
      if (!(std::abs(line.ratio) > 0 && std::isfinite(std::abs(line.ratio))))
        fault(line.origin, "line '{}' has the ratio {}: it must be finite and not zero", line.name, std::abs(line.ratio));
      if (!line.series_impedance.allFinite() || !line.shunt_susceptance.allFinite()) {
        fault(line.origin, "line '{}' has an impedance that is not finite: check its length and line code", line.name);
      } else if (line.series_impedance.diagonal().cwiseAbs().minCoeff() == 0) {
        fault(line.origin, "line '{}' has zero impedance: give it a length or make it a switch", line.name);
      } else if (!invertible(line.series_impedance)) {
        fault(line.origin, "line '{}' has an impedance matrix that cannot be inverted: check its rows", line.name);
      }
    }
    index_.transformers = check_names("transformer", data().transformers);
    for (const auto& transformer : data().transformers) {
      const std::size_t windings = transformer.windings.size();
      if (windings < 2 || transformer.reactance_pu.size() != windings * (windings - 1) / 2) {
        fault(transformer.origin, "transformer '{}' has {} windings and {} reactances: give one reactance a pair", transformer.name,
              windings, transformer.reactance_pu.size());
        continue;
      }
      for (const auto& winding : transformer.windings) {
        check_positive(transformer.origin, "rated voltage of transformer", transformer.name, winding.rated_voltage);
        check_positive(transformer.origin, "rated power of transformer", transformer.name, winding.rated_power);
        check_positive(transformer.origin, "tap of transformer", transformer.name, winding.tap);
        if (winding.num_taps < 1 || !(winding.min_tap < winding.max_tap)) {
          fault(transformer.origin, "transformer '{}' has {} taps from {} to {}: give one or more between two unequal ends",
                transformer.name, winding.num_taps, winding.min_tap, winding.max_tap);
        }
        const std::size_t needed =
            winding.connection == Connection::wye ? transformer.phases + 1 : (transformer.phases == 1 ? 2 : transformer.phases);
        if (winding.terminal.nodes.size() != needed) {
          fault(transformer.origin, "a winding of transformer '{}' has {} conductors, its connection needs {}: name the nodes as bus.1.2.3",
                transformer.name, winding.terminal.nodes.size(), needed);
        }
      }
      for (const double x : transformer.reactance_pu)
        check_positive(transformer.origin, "a leakage reactance of transformer", transformer.name, x);
    }
    index_.loads = check_devices("load", "rated voltage of load", data().loads);
    for (const auto& load : data().loads) {
      if (!std::isfinite(load.power.real()) || !std::isfinite(load.power.imag()))
        fault(load.origin, "load '{}' has a power that is not finite", load.name);
    }
    index_.solar = check_devices("PVSystem", "rated voltage of PVSystem", data().solar);
    index_.wind = check_devices("WindGen", "rated voltage of WindGen", data().wind);
    index_.batteries = check_devices("Storage", "rated voltage of Storage", data().batteries);
    for (const auto& battery : data().batteries) {
      check_positive(battery.origin, "energy capacity of Storage", battery.name, battery.capacity_wh);
      check_positive(battery.origin, "power rating of Storage", battery.name, battery.power_rating);
      if (!(battery.charge_efficiency > 0 && battery.charge_efficiency <= 1 && battery.discharge_efficiency > 0 &&
            battery.discharge_efficiency <= 1)) {
        fault(battery.origin, "efficiencies of Storage '{}' must lie in (0, 1]", battery.name);
      }
      if (!(battery.min_soc >= 0 && battery.min_soc < 1 && battery.initial_soc >= 0 && battery.initial_soc <= 1)) {
        fault(battery.origin, "charge limits of Storage '{}' must lie in [0, 1]", battery.name);
      }
    }
    for (const auto& plant : data().solar) check_positive(plant.origin, "capacity of PVSystem", plant.name, plant.capacity);
    for (const auto& plant : data().wind) check_positive(plant.origin, "capacity of WindGen", plant.name, plant.capacity);
    check_devices("generator", "rated voltage of generator", data().generators);
    for (const auto& generator : data().generators) {
      if (!std::isfinite(generator.power.real()) || !std::isfinite(generator.power.imag()))
        fault(generator.origin, "generator '{}' has a power that is not finite", generator.name);
      if (generator.voltage_setpoint_pu)
        check_positive(generator.origin, "voltage setpoint of generator", generator.name, *generator.voltage_setpoint_pu);
      if (!(generator.min_reactive <= generator.max_reactive)) {
        fault(generator.origin, "generator '{}' has reactive limits from {} to {} var: exchange them", generator.name,
              generator.min_reactive, generator.max_reactive);
      }
    }
    index_.capacitors = check_names("capacitor", data().capacitors);
    for (const auto& capacitor : data().capacitors) {
      check_positive(capacitor.origin, "rated voltage of capacitor", capacitor.name, capacitor.rated_voltage);
      if (capacitor.step_power.empty() || capacitor.states.size() != capacitor.step_power.size()) {
        fault(capacitor.origin, "capacitor '{}' has {} steps and {} states: give one state a step", capacitor.name,
              capacitor.step_power.size(), capacitor.states.size());
      }
    }
    index_.reactors = check_names("reactor", data().reactors);
    for (const auto& reactor : data().reactors) {
      if (std::abs(reactor.impedance) == 0) fault(reactor.origin, "reactor '{}' has zero impedance: give R and X or kvar", reactor.name);
    }
    check_names("regulator", data().regulators);
    for (const auto& regulator : data().regulators) {
      const int found = index_.transformers.find(regulator.transformer, data().transformers);
      if (found < 0) {
        fault(regulator.origin, "regulator '{}' controls transformer '{}', which does not exist: define it first", regulator.name,
              regulator.transformer);
        continue;
      }
      const std::size_t windings = data().transformers[found].windings.size();
      for (const int winding : {regulator.winding, regulator.measured_winding}) {
        if (winding >= 1 && winding <= static_cast<int>(windings)) continue;
        fault(regulator.origin, "regulator '{}' controls winding {} of '{}', which has {}", regulator.name, winding, regulator.transformer,
              windings);
        break;
      }
      network_.regulator_transformers_.push_back(found);
    }
    auto [capacitors, monitored] = check_capacitor_controls(data(), index_, faults_);
    network_.controlled_capacitors_ = std::move(capacitors);
    network_.monitored_elements_ = std::move(monitored);
    check_inverter_controls(data(), index_, faults_);
    check_load_shapes(data(), faults_);
    index_ = {};
  }

  void check_control_buses() {
    for (const auto& control : data().capacitor_controls) {
      if (control.voltage_bus && network_.find_bus(control.voltage_bus->bus) < 0) {
        fault(control.origin, "capacitor control '{}' measures at bus '{}', which does not exist: correct it", control.name,
              control.voltage_bus->bus);
      }
    }
    for (const auto& regulator : data().regulators) {
      if (regulator.remote && network_.find_bus(regulator.remote->bus) < 0) {
        fault(regulator.origin, "regulator '{}' controls bus '{}', which does not exist: correct it", regulator.name,
              regulator.remote->bus);
      }
    }
  }

  void add_terminal(const Terminal& terminal, const char* kind, const auto& element) {
    const Origin& origin = element.origin;
    if (terminal.bus.empty()) {
      fault(origin, "{} '{}' names no bus: give bus1=", kind, element.name);
      return;
    }
    int bus = network_.find_bus(terminal.bus);
    if (bus < 0) {
      bus = static_cast<int>(network_.buses_.size());
      network_.buses_.push_back({.name = terminal.bus, .position = {}});
      network_.bus_index_.add(bus, network_.buses_);
      conductors_.emplace_back();
    }
    std::vector<int>& known = conductors_[bus];
    for (std::size_t i = 0; i < terminal.nodes.size(); ++i) {
      const int conductor = terminal.nodes[i];
      if (conductor < 0)
        fault(origin, "{} '{}' names node {} of bus '{}': nodes are 0 (ground) or positive", kind, element.name, conductor, terminal.bus);
      if (conductor <= 0 || terminal.is_open(static_cast<int>(i))) continue;
      const auto place = std::lower_bound(known.begin(), known.end(), conductor);
      if (place == known.end() || *place != conductor) known.insert(place, conductor);
    }
    for (const int open : terminal.open) {
      if (open < 0 || open >= static_cast<int>(terminal.nodes.size()))
        fault(origin, "{} '{}' is open at conductor {} of bus '{}', of {}: correct it", kind, element.name, open + 1, terminal.bus,
              terminal.nodes.size());
    }
  }

  void add_each(const char* kind, const auto& elements) {
    for (const auto& e : elements) {
      add_terminal(e.terminal, kind, e);
      if constexpr (requires { e.to; })
        if (e.to) add_terminal(*e.to, kind, e);
    }
  }

  void collect_nodes() {
    network_.buses_.reserve(data().buses.size());
    conductors_.reserve(data().buses.size());
    add_each("source", data().sources);
    for (const auto& e : data().transformers) {
      for (const auto& winding : e.windings) add_terminal(winding.terminal, "transformer", e);
    }
    for (const auto& e : data().lines) {
      add_terminal(e.from, "line", e);
      add_terminal(e.to, "line", e);
    }
    add_each("reactor", data().reactors);
    add_each("capacitor", data().capacitors);
    add_each("load", data().loads);
    add_each("PVSystem", data().solar);
    add_each("WindGen", data().wind);
    add_each("Storage", data().batteries);
    add_each("generator", data().generators);
  }

  std::vector<int> nodes_of(const Terminal& terminal) const {
    std::vector<int> nodes;
    nodes.reserve(terminal.nodes.size());
    const int bus = network_.find_bus(terminal.bus);
    for (std::size_t i = 0; i < terminal.nodes.size(); ++i) {
      const bool nothing = terminal.nodes[i] == 0 || terminal.is_open(static_cast<int>(i));
      nodes.push_back(nothing ? ground : network_.find_node(bus, terminal.nodes[i]));
    }
    return nodes;
  }

  void number() {
    std::size_t nodes = 0;
    for (const auto& conductors : conductors_) nodes += conductors.size();
    network_.nodes_.reserve(nodes);
    network_.node_runs_.reserve(conductors_.size());
    for (std::size_t bus = 0; bus < conductors_.size(); ++bus) {
      network_.node_runs_.push_back({static_cast<int>(network_.nodes_.size()), static_cast<int>(conductors_[bus].size())});
      for (const int conductor : conductors_[bus]) network_.nodes_.push_back({static_cast<int>(bus), conductor});
    }
    conductors_ = {};
    for (const auto& bus : data().buses) {
      const int position = network_.find_bus(bus.name);
      if (position < 0) continue;
      network_.buses_[position].position = bus.position;
      network_.buses_[position].start_voltage = bus.start_voltage;
      if (bus.nominal_voltage) network_.buses_[position].nominal_voltage = *bus.nominal_voltage;
    }
    const auto two_ended = [&](const Terminal& from, const std::optional<Terminal>& to) {
      return TerminalNodes{nodes_of(from), to ? nodes_of(*to) : std::vector<int>{}};
    };
    network_.lines_.reserve(data().lines.size());
    network_.transformers_.reserve(data().transformers.size());
    network_.loads_.reserve(data().loads.size());
    for (const auto& e : data().sources) network_.sources_.push_back(nodes_of(e.terminal));
    for (const auto& e : data().lines) network_.lines_.push_back(two_ended(e.from, e.to));
    for (const auto& e : data().capacitors) network_.capacitors_.push_back(two_ended(e.terminal, e.to));
    for (const auto& e : data().reactors) network_.reactors_.push_back(two_ended(e.terminal, e.to));
    for (const auto& e : data().transformers) {
      auto& windings = network_.transformers_.emplace_back();
      windings.reserve(e.windings.size());
      for (const auto& winding : e.windings) windings.push_back(nodes_of(winding.terminal));
    }
    for (const auto& e : data().loads) network_.loads_.push_back(nodes_of(e.terminal));
    for (const auto& e : data().solar) network_.solar_.push_back(nodes_of(e.terminal));
    for (const auto& e : data().wind) network_.wind_.push_back(nodes_of(e.terminal));
    for (const auto& e : data().batteries) network_.batteries_.push_back(nodes_of(e.terminal));
    for (const auto& e : data().generators) network_.generators_.push_back(nodes_of(e.terminal));
  }

  /// Nothing but open ends stand at the bus.
  bool has_no_node(int bus) const { return network_.node_runs_[bus][1] == 0; }

  /// Rated line-to-neutral voltage of a winding.
  static double winding_voltage(const TransformerData& transformer, const WindingData& winding) {
    const bool across_phases = transformer.phases > 1 || winding.connection == Connection::delta;
    return across_phases ? winding.rated_voltage / std::numbers::sqrt3 : winding.rated_voltage;
  }

  double snapped(double voltage) const {
    double best = voltage, distance = std::numeric_limits<double>::max();
    for (const double base : network_.data_.voltage_bases) {
      const double candidate = base / std::numbers::sqrt3;
      if (std::abs(candidate - voltage) < distance) {
        distance = std::abs(candidate - voltage);
        best = candidate;
      }
    }
    return best;
  }

  /// Shortest electrical paths from the sources (Dijkstra over impedance) give voltage bases, parents and what is islanded.
  void trace_from_source() {
    std::vector<Arc> found;
    found.reserve(2 * (data().lines.size() + data().transformers.size()));
    std::vector<int> open_lines(network_.buses_.size(), -1);
    for (std::size_t i = 0; i < data().lines.size(); ++i) {
      const auto& line = data().lines[i];
      const int from = network_.find_bus(line.from.bus), to = network_.find_bus(line.to.bus);
      // A bus where nothing but open ends stand still has a place in the tree.
      const bool leads = has_no_node(from) || has_no_node(to) || !(line.from.all_open() || line.to.all_open());
      if (!line.closed || !leads) {
        open_lines[from] = open_lines[to] = static_cast<int>(i);
        continue;
      }
      const double z = line.series_impedance.diagonal().cwiseAbs().mean(), ratio = std::abs(line.ratio);
      found.push_back({from, to, 1.0 / ratio, z * ratio * ratio, true});
      found.push_back({to, from, ratio, z, true});
    }
    for (const auto& reactor : data().reactors) {
      if (!reactor.to) continue;
      const int from = network_.find_bus(reactor.terminal.bus), to = network_.find_bus(reactor.to->bus);
      found.push_back({from, to, 1.0, std::abs(reactor.impedance), false});
      found.push_back({to, from, 1.0, std::abs(reactor.impedance), false});
    }
    std::vector<bool> reference(network_.buses_.size(), false);
    for (const auto& transformer : data().transformers) {
      for (std::size_t a = 0; a < transformer.windings.size(); ++a) {
        const auto& one = transformer.windings[a];
        const int from = network_.find_bus(one.terminal.bus);
        const int neutral = static_cast<int>(one.terminal.nodes.size()) - 1;
        if (one.connection == Connection::wye && one.terminal.nodes.back() == 0 && !one.terminal.is_open(neutral)) reference[from] = true;
        for (std::size_t b = 0; b < transformer.windings.size(); ++b) {
          if (a == b) continue;
          const auto& other = transformer.windings[b];
          const int to = network_.find_bus(other.terminal.bus);
          const bool dead_end = has_no_node(from) || has_no_node(to);
          if (!dead_end && (one.terminal.all_open() || other.terminal.all_open())) continue;
          const double v = winding_voltage(transformer, one);
          const double base = 3 * v * v / (one.rated_power * 3 / transformer.phases);
          found.push_back({from, to, winding_voltage(transformer, other) / v, transformer.reactance_pu[0] * base, false});
        }
      }
    }
    const Arcs arcs(std::move(found), network_.buses_.size());
    std::vector<bool> given;
    for (const auto& bus : network_.buses_) given.push_back(bus.nominal_voltage > 0);
    using Entry = std::pair<double, int>;
    std::priority_queue<Entry, std::vector<Entry>, std::greater<>> queue;
    std::vector<double> best(network_.buses_.size(), std::numeric_limits<double>::infinity());
    for (const auto& source : data().sources) {
      const int bus = network_.find_bus(source.terminal.bus);
      if (!given[bus]) {
        network_.buses_[bus].nominal_voltage =
            snapped(source.terminal.nodes.size() > 1 ? source.voltage_base / std::numbers::sqrt3 : source.voltage_base);
      }
      best[bus] = 0;
      reference[bus] = true;
      queue.push({0, bus});
    }
    while (!queue.empty()) {
      const auto [distance, bus] = queue.top();
      queue.pop();
      if (distance > best[bus]) continue;
      const double v = network_.buses_[bus].nominal_voltage;
      for (const auto& arc : arcs.of(bus)) {
        const double next = distance + arc.impedance / (3 * v * v);
        if (next < best[arc.to]) {
          best[arc.to] = next;
          auto& reached = network_.buses_[arc.to];
          reached.parent = bus;
          reached.distance = next;
          if (!given[arc.to]) reached.nominal_voltage = arc.ratio == 1.0 ? v : snapped(v * arc.ratio);
          queue.push({next, arc.to});
        }
      }
    }
    // One sentence an island, however many buses it has.
    std::map<std::string_view, Origin> origins;
    for (std::size_t bus = 0; bus < best.size(); ++bus) {
      if (!std::isinf(best[bus])) continue;
      std::vector<int> island{static_cast<int>(bus)};
      best[bus] = 0;
      int open_line = -1;
      for (std::size_t i = 0; i < island.size(); ++i) {
        if (open_line < 0) open_line = open_lines[island[i]];
        for (const auto& arc : arcs.of(island[i])) {
          if (!std::isinf(best[arc.to])) continue;
          best[arc.to] = 0;
          island.push_back(arc.to);
        }
      }
      const std::string& name = network_.buses_[bus].name;
      const std::string why =
          open_line < 0 ? "no closed line or transformer leads there" : fmt::format("line '{}' is open", data().lines[open_line].name);
      const std::string others = island.size() == 1 ? "" : fmt::format(" nor have {} more beside it", island.size() - 1);
      if (origins.empty()) origins = origins_by_bus();
      const auto found = origins.find(name);
      fault(found == origins.end() ? Origin{} : found->second,
            "bus '{}' has no path to a source{} ({}): close it or disable the elements there", name, others, why);
    }
    std::vector<int> stack;
    for (std::size_t bus = 0; bus < reference.size(); ++bus) {
      if (reference[bus]) stack.push_back(static_cast<int>(bus));
    }
    while (!stack.empty()) {
      const int bus = stack.back();
      stack.pop_back();
      for (const auto& arc : arcs.of(bus)) {
        if (!arc.galvanic || reference[arc.to]) continue;
        reference[arc.to] = true;
        stack.push_back(arc.to);
      }
    }
    for (std::size_t bus = 0; bus < reference.size(); ++bus) network_.buses_[bus].grounded = reference[bus];
  }

  /// Where a bus is named: by its first line, or else its first load.
  std::map<std::string_view, Origin> origins_by_bus() const {
    std::map<std::string_view, Origin> origins;
    for (const auto& line : network_.data_.lines) {
      origins.try_emplace(line.from.bus, line.origin);
      origins.try_emplace(line.to.bus, line.origin);
    }
    for (const auto& load : network_.data_.loads) origins.try_emplace(load.terminal.bus, load.origin);
    return origins;
  }

  void measure() {
    network_.measurements_.reserve(network_.nodes_.size());
    for (int bus = 0; bus < static_cast<int>(network_.buses_.size()); ++bus) {
      const double base = network_.buses_[bus].nominal_voltage;
      std::vector<int> phases;
      for (const int conductor : {1, 2, 3}) {
        const int node = network_.find_node(bus, conductor);
        if (node >= 0) phases.push_back(node);
      }
      if (network_.buses_[bus].grounded) {
        for (const int node : phases) network_.measurements_.push_back({node, ground, bus, base});
      } else if (phases.size() >= 2) {
        for (std::size_t i = 0; i < (phases.size() == 2 ? 1 : phases.size()); ++i) {
          network_.measurements_.push_back({phases[i], phases[(i + 1) % phases.size()], bus, base * std::numbers::sqrt3});
        }
      }
    }
  }

  Network network_;
  Faults faults_;
  ElementIndex index_;
  std::vector<std::vector<int>> conductors_;  // by bus, ascending
};

std::shared_ptr<const Network> make_network(NetworkData data) {
  return std::make_shared<const Network>(NetworkBuilder(std::move(data)).build());
}

GridState initial_state(const Network& network) {
  GridState state;
  for (const auto& transformer : network.data().transformers) {
    auto& taps = state.taps.emplace_back();
    for (const auto& winding : transformer.windings) taps.push_back(winding.tap);
  }
  for (const auto& capacitor : network.data().capacitors) state.capacitors.push_back(capacitor.states);
  for (const auto& line : network.data().lines) state.closed.push_back(line.closed);
  return state;
}

int tap_number(const WindingData& winding, double tap) {
  const double step = (winding.max_tap - winding.min_tap) / winding.num_taps;
  return static_cast<int>(std::lround((tap - (winding.max_tap + winding.min_tap) / 2) / step));
}

double tap_ratio(const WindingData& winding, int number) {
  const double step = (winding.max_tap - winding.min_tap) / winding.num_taps;
  return std::clamp((winding.max_tap + winding.min_tap) / 2 + number * step, winding.min_tap, winding.max_tap);
}

}  // namespace gridfed
