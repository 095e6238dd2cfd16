#pragma once

#include "grid/name_index.hpp"
#include "grid/network_data.hpp"

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

namespace gridfed {

/// Node number of ground in terminal lists: it has no equation.
inline constexpr int ground = -1;

struct Bus {
  std::string name;
  double nominal_voltage = 0;  ///< line-to-neutral [V]
  bool grounded = true;        ///< its galvanic section has a neutral reference; else only line-to-line voltages mean anything
  int parent = -1;             ///< next bus towards the source along the shortest path, -1 at the source
  double distance = 0;         ///< impedance of that path, referred to this bus's voltage base [p.u. on 1 VA]
  std::optional<Complex> start_voltage = {};  ///< see BusData
  std::optional<std::array<double, 2>> position;
};

/// A (bus, conductor) pair: one complex voltage.
struct Node {
  int bus = 0;
  int conductor = 0;  ///< 1, 2, 3 phases, 4 and up neutrals
};

/// Nodes of an element, terminal after terminal.
struct TerminalNodes {
  std::vector<int> from, to;
};

/// A voltage an operator judges: node to ground where the section is grounded, else between two phases.
struct VoltageMeasurement {
  int node = 0, reference = ground;
  int bus = 0;
  double base = 0;  ///< nominal magnitude [V]
};

/// What a network is: validated, immutable, elements by position. What changes in time lives in GridState.
class Network {
 public:
  const NetworkData& data() const { return data_; }
  std::span<const Bus> buses() const { return buses_; }
  std::span<const Node> nodes() const { return nodes_; }
  int node_count() const { return static_cast<int>(nodes_.size()); }

  /// Position of a bus by name (lower case), -1 if there is none.
  int find_bus(std::string_view name) const;
  /// Position of a (bus, conductor) pair, -1 if there is none.
  int find_node(int bus, int conductor) const;
  /// "bus.conductor", upper case as the field prints it.
  std::string node_name(int node) const;

  /// Nodes by element position; ground and open conductors are -1. A missing far end is an empty `to`.
  std::span<const TerminalNodes> line_nodes() const { return lines_; }
  std::span<const std::vector<std::vector<int>>> transformer_nodes() const { return transformers_; }  ///< [transformer][winding][conductor]
  std::span<const TerminalNodes> capacitor_nodes() const { return capacitors_; }
  std::span<const TerminalNodes> reactor_nodes() const { return reactors_; }
  std::span<const std::vector<int>> source_nodes() const { return sources_; }
  std::span<const std::vector<int>> load_nodes() const { return loads_; }
  std::span<const std::vector<int>> solar_nodes() const { return solar_; }
  std::span<const std::vector<int>> wind_nodes() const { return wind_; }
  std::span<const std::vector<int>> battery_nodes() const { return batteries_; }
  std::span<const std::vector<int>> generator_nodes() const { return generators_; }

  /// Bus positions by element position.
  int bus_of(const Terminal& terminal) const { return find_bus(terminal.bus); }
  /// Transformer position of each regulator.
  std::span<const int> regulator_transformers() const { return regulator_transformers_; }
  /// Capacitor position of each capacitor control.
  std::span<const int> controlled_capacitors() const { return controlled_capacitors_; }
  /// Position of what each capacitor control monitors, among the elements of that kind.
  std::span<const int> monitored_elements() const { return monitored_elements_; }
  std::span<const VoltageMeasurement> measured_voltages() const { return measurements_; }

 private:
  friend std::shared_ptr<const Network> make_network(NetworkData data);
  friend class NetworkBuilder;
  NetworkData data_;
  std::vector<Bus> buses_;
  std::vector<Node> nodes_;
  NameIndex bus_index_;
  std::vector<std::array<int, 2>> node_runs_;  // per bus: first node, count
  std::vector<TerminalNodes> lines_, capacitors_, reactors_;
  std::vector<std::vector<std::vector<int>>> transformers_;
  std::vector<std::vector<int>> sources_, loads_, solar_, wind_, batteries_, generators_;
  std::vector<int> regulator_transformers_, controlled_capacitors_, monitored_elements_;
  std::vector<VoltageMeasurement> measurements_;
};

/// Validates and numbers a network. Throws one Error that lists everything wrong with it, each with file and line.
std::shared_ptr<const Network> make_network(NetworkData data);

/// What changes in time without changing what the network is.
struct GridState {
  std::vector<std::vector<double>> taps;     ///< [transformer][winding], per unit
  std::vector<std::vector<int>> capacitors;  ///< [capacitor][step], 1 = in service
  std::vector<std::uint8_t> closed;          ///< [line]
};

/// Taps, capacitor steps and switches as the data has them.
GridState initial_state(const Network& network);

/// Number of taps a winding stands from neutral, and back.
int tap_number(const WindingData& winding, double tap);
double tap_ratio(const WindingData& winding, int number);

}  // namespace gridfed
