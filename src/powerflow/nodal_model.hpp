#pragma once

#include "grid/network.hpp"
#include "powerflow/load_current.hpp"

#include <Eigen/Dense>

#include <memory>
#include <span>
#include <vector>

namespace gridfed {

/// What the network carries at an instant, by element position. Loads consume, the others inject [VA].
struct LoadingConditions {
  std::vector<Complex> load_power, solar_power, wind_power, battery_power, generator_power;
};

/// Every load at its rated power times load_scale, generators as scheduled, DERs idle.
LoadingConditions rated_conditions(const Network& network, double load_scale = 1.0);

/// State of the network at an instant. Nothing diverges silently: converged says so, PowerFlow::mismatch() where.
struct PowerFlowSolution {
  bool converged = false;
  int iterations = 0;
  std::vector<Complex> bus_voltages;     ///< node to ground [V], by node
  std::vector<Complex> generator_power;  ///< injected [VA], by generator; its reactive part is a result where a voltage is held
};

/// What comes and goes at a solution [VA].
struct PowerBalance {
  Complex source_power;  ///< delivered by the sources
  Complex load_power;    ///< drawn by the loads at the solved voltages
  Complex losses;        ///< in lines, transformers and series elements; shunt capacitors and reactors are not losses
};

/// Where currents least add up at a solution.
struct Mismatch {
  double power = 0;  ///< largest of a node [VA]
  int node = -1;
};

/// Flow into the first terminal of a line or transformer.
struct BranchFlow {
  Complex power;                ///< all phases [VA]
  std::vector<double> current;  ///< magnitude by conductor [A]
};

/// An element's primitive admittance, its nodes, and where each entry goes in the nodal matrix.
struct Primitive {
  std::vector<int> nodes;  ///< terminals stacked, ground = -1
  Eigen::MatrixXcd y;      ///< [S]
  std::vector<int> slots;  ///< [row * n + col], position in NodalModel's pattern; -1 where a node is ground
};

/// One phase of a PV plant, turbine, battery or generator.
struct InjectionPhase {
  int a = 0, b = 0;  ///< nodes, ground = -1
  int device = 0;
  double share = 1;          ///< of the device's power
  double rated_voltage = 0;  ///< across the phase [V]
  double current_limit = 0;  ///< voltage below which it holds its current instead of its power [p.u.]
};

/// Where an inverter meets its current limit, and where a machine leaves the range in which solutions mean anything [p.u.].
inline constexpr double current_limit_voltage = 0.7, machine_limit_voltage = 0.1;

/// Current injected at voltage v across the phase [A] for power s [VA]: constant power, but no more current than at its limit. Zero at
/// v = 0.
Complex injection_current(const InjectionPhase& phase, Complex s, Complex v);
/// Its derivative.
CurrentDerivative injection_current_derivative(const InjectionPhase& phase, Complex s, Complex v);

/// What an operator or a controller does to one element: moves a tap to a ratio, puts a capacitor's step in or out of service, or closes or
/// opens a line.
struct Operation {
  enum class Kind { tap, capacitor_step, line };
  Kind kind = Kind::tap;
  int element = 0;   ///< by position
  int part = 0;      ///< winding or step
  double value = 0;  ///< ratio [p.u.]; 1 or 0
};

/// Elements that a new state changes, by position, and the nodes whose rows of the matrix follow.
struct StateChange {
  std::vector<int> lines, transformers, capacitors;
  std::vector<int> nodes;
  bool within_switched = true;  ///< all nodes are among NodalModel::switched()
  bool any() const { return !lines.empty() || !transformers.empty() || !capacitors.empty(); }
};

/// Total powers behind a set of nodal currents [VA].
struct ElementPower {
  Complex drawn;     ///< by the loads
  Complex injected;  ///< by PV, wind, batteries and generators
};

/// A node whose voltage an ideal source holds.
struct FixedNode {
  int node = 0;
  Complex voltage;  ///< [p.u.]
};

/// The network as equations Y v = i(v) between nodes, for a GridState: what every solver shares. Rows and columns are scaled by the nodes'
/// voltage bases (line-to-neutral), so an unknown is a per-unit voltage x and a right-hand side a power [VA] at nominal voltage.
class NodalModel {
 public:
  explicit NodalModel(std::shared_ptr<const Network> network);

  const Network& network() const { return *network_; }
  const GridState& state() const { return state_; }
  /// Replaces primitive admittances and matrix values where the state differs, and says where that is.
  StateChange set_state(const GridState& state);
  StateChange operate(std::span<const Operation> operations);

  std::span<const Primitive> lines() const { return lines_; }  ///< open ones included: see state().closed
  std::span<const Primitive> transformers() const { return transformers_; }
  std::span<const Primitive> capacitors() const { return capacitors_; }
  std::span<const Primitive> reactors() const { return reactors_; }
  std::span<const Primitive> sources() const { return sources_; }
  std::span<const Eigen::VectorXcd> source_voltages() const { return source_voltages_; }  ///< behind the source impedances [V]
  std::span<const FixedNode> fixed_nodes() const { return fixed_nodes_; }
  std::span<const LoadPhase> load_phases() const { return load_phases_; }
  std::span<const InjectionPhase> solar_phases() const { return solar_; }
  std::span<const InjectionPhase> wind_phases() const { return wind_; }
  std::span<const InjectionPhase> battery_phases() const { return batteries_; }
  std::span<const InjectionPhase> generator_phases() const { return generators_; }

  /// Line-to-neutral voltage base of each node [V].
  std::span<const double> base() const { return base_; }
  /// Node pairs with an entry, compressed by row, columns ascending; switches of any state have theirs.
  std::span<const int> row_start() const { return row_start_; }
  std::span<const int> column() const { return column_; }
  /// Position of (row, col) in column(); the pair must be in the pattern.
  int slot(int row, int col) const;
  /// Scaled nodal matrix of the present state with the nominal admittance of every load in it [VA], by position in column().
  std::span<const Complex> matrix() const { return matrix_; }
  /// Nodes of what operation changes: regulated transformers, capacitors, switches.
  const std::vector<bool>& switched() const { return switched_; }
  /// First node of each bus, then the number of nodes.
  std::span<const int> bus_start() const { return bus_start_; }
  /// Currents of the sources, scaled [VA], by node.
  std::span<const Complex> source_currents() const { return source_currents_; }

  /// Right-hand side that belongs to matrix() at voltages x [p.u.]: sources, minus what loads draw beyond their nominal admittance, plus
  /// injections, scaled [VA].
  ElementPower currents(const LoadingConditions& conditions, std::span<const Complex> x, std::span<Complex> rhs) const;
  /// Adds the scaled current that the phase between nodes a and b injects [A] to a right-hand side.
  void inject(int a, int b, Complex current, std::span<Complex> rhs) const {
    if (a != ground) rhs[a] += base_[a] * current;
    if (b != ground) rhs[b] -= base_[b] * current;
  }
  /// currents() - matrix() x: scaled current that is missing at each node [VA].
  ElementPower residual(const LoadingConditions& conditions, std::span<const Complex> x, std::span<Complex> missing) const;

  /// The error to throw where a factorisation meets a zero pivot in the equation of this node.
  [[noreturn]] void throw_singular(int node) const;

  // Everything below at node voltages v [V].

  PowerBalance balance(const LoadingConditions& conditions, std::span<const Complex> v) const;
  Mismatch mismatch(const LoadingConditions& conditions, std::span<const Complex> v) const;
  /// Currents into rows [first, first + count) of an element [A].
  std::vector<Complex> currents_into(const Primitive& primitive, std::size_t first, std::size_t count, std::span<const Complex> v) const;
  /// Flow into terminal 1.
  BranchFlow line_flow(int line, std::span<const Complex> v) const;
  BranchFlow transformer_flow(int transformer, std::span<const Complex> v) const;
  /// Currents into all conductors of a winding [A].
  std::vector<Complex> winding_current(int transformer, int winding, std::span<const Complex> v) const;
  /// Current over rating of each line and |S| over rating of each transformer; 0 where no rating is given.
  void loadings(std::span<const Complex> v, std::span<double> lines, std::span<double> transformers) const;

 private:
  void collect_primitives();
  void build_pattern();
  void find_switched();
  void assemble();
  void add_switched();
  void add_scaled(const Primitive& primitive, std::vector<Complex>& values) const;
  std::vector<Complex> per_unit(std::span<const Complex> v) const;
  BranchFlow flow(const Primitive& primitive, std::size_t conductors, std::span<const Complex> v) const;

  std::shared_ptr<const Network> network_;
  GridState state_;
  std::vector<Primitive> lines_, transformers_, capacitors_, reactors_, sources_;
  std::vector<Eigen::VectorXcd> source_voltages_;
  std::vector<FixedNode> fixed_nodes_;
  std::vector<LoadPhase> load_phases_;
  std::vector<InjectionPhase> solar_, wind_, batteries_, generators_;
  std::vector<double> base_;
  std::vector<int> row_start_, column_;
  std::vector<Complex> matrix_, source_currents_;
  std::vector<Complex> fixed_;  // matrix_ without the switched elements
  std::vector<int> bus_start_;
  std::vector<bool> switched_;
  std::vector<int> switched_lines_, switched_transformers_;  // and all capacitors
};

}  // namespace gridfed
