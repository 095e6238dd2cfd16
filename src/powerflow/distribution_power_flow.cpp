#include "powerflow/distribution_power_flow.hpp"

#include "powerflow/contraction_test.hpp"
#include "runtime/error.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>

// Formulation. The sweep of Shirmohammadi, Hong, Semlyen, Luo, "A compensation-based power flow method for weakly meshed distribution and
// transmission networks" (IEEE Trans. Power Syst. 3, 1988), in three phases (Cheng and Shirmohammadi, IEEE Trans. Power Syst. 10, 1995),
// with branches as two-ports between the conductors of two sections, in admittance form so that delta windings and floating neutrals need
// no case of their own:
//
//   [i_up  ]   [Y_uu Y_ud] [v_up  ]
//   [i_down] = [Y_du Y_dd] [v_down]
//
// All that hangs on a section c is its Norton equivalent, driving-point admittance D_c and current j_c:
//
//   D_c = Y_cc - sum over downstream d of Y_cd D_d^-1 Y_dc     once per topology and tap state
//   j_c = i_c(v) - sum over downstream d of Y_cd D_d^-1 j_d    backward, from the ends to the source
//   v_c = D_c^-1 (j_c - Y_cu v_u)                              forward, from the source to the ends
//
// where i_c(v) are the currents of sources, of injections and of loads beyond their nominal admittance, which stands in Y_cc. Past the
// first sweep the same two steps are taken for the change of v under the currents that are still missing: sections that only parts per
// million tie to ground would otherwise keep the rounding error of D_c.

namespace gridfed {

namespace {

/// Sets that grow together.
class Groups {
 public:
  explicit Groups(std::size_t count) : parent_(count) { std::iota(parent_.begin(), parent_.end(), 0); }
  int of(int member) {
    while (parent_[member] != member) member = parent_[member] = parent_[parent_[member]];
    return member;
  }
  /// False if they were together already.
  bool join(int a, int b) {
    a = of(a);
    b = of(b);
    parent_[a] = b;
    return a != b;
  }

 private:
  std::vector<int> parent_;
};

/// An element between buses.
struct Link {
  std::vector<int> buses;  ///< different ones
  const char* kind;
  std::string name;
  Origin origin;
};

std::vector<Link> closed_links(const NodalModel& model) {
  const auto& network = model.network();
  const auto& data = network.data();
  std::vector<Link> links;
  const auto add = [&](std::span<const Primitive> primitives, const char* kind, const auto& elements) {
    for (std::size_t i = 0; i < primitives.size(); ++i) {
      std::vector<int> buses;
      for (const int node : primitives[i].nodes) {
        if (node != ground) buses.push_back(network.nodes()[node].bus);
      }
      std::sort(buses.begin(), buses.end());
      buses.erase(std::unique(buses.begin(), buses.end()), buses.end());
      if (buses.size() > 1) links.push_back({std::move(buses), kind, elements[i].name, elements[i].origin});
    }
  };
  add(model.transformers(), "transformer", data.transformers);
  add(model.reactors(), "reactor", data.reactors);
  add(model.capacitors(), "capacitor", data.capacitors);
  for (std::size_t i = 0; i < data.lines.size(); ++i) {
    if (model.state().closed[i]) add(model.lines().subspan(i, 1), "line", std::span(data.lines).subspan(i, 1));
  }
  return links;
}

}  // namespace

/// A bus, or the secondary buses of a transformer with several.
struct DistributionPowerFlow::Section {
  std::vector<int> nodes;
  int upstream = -1;
  Eigen::MatrixXcd inverse, forward, backward;  // D^-1, D^-1 Y_cu, Y_uc D^-1
  Eigen::VectorXcd current;                     // j
};

DistributionPowerFlow::DistributionPowerFlow(std::shared_ptr<const Network> network, const PowerFlowOptions& options)
    : PowerFlow(std::move(network), options), home_(x_.size()), place_(x_.size()) {
  refuse_held_voltages("distribution", IdealSources::allowed);
  build_tree();
  reduce_admittances();
}
DistributionPowerFlow::~DistributionPowerFlow() = default;

void DistributionPowerFlow::refresh(const StateChange& change) {
  if (!change.lines.empty()) build_tree();
  reduce_admittances();
}

void DistributionPowerFlow::build_tree() {
  const auto& net = network();
  const auto links = closed_links(model_);
  Groups sections(net.buses().size());
  for (const auto& link : links) {
    if (link.buses.size() < 3) continue;
    const auto first = std::min_element(link.buses.begin(), link.buses.end(),
                                        [&](int a, int b) { return net.buses()[a].distance < net.buses()[b].distance; });
    std::optional<int> other;
    for (const int bus : link.buses) {
      if (bus == *first) continue;
      if (other) sections.join(*other, bus);
      other = bus;
    }
  }
  // Links between the same two sections, such as three single-phase regulators, are one branch.
  std::vector<std::vector<int>> neighbours(net.buses().size());
  Groups trees(net.buses().size());
  for (const auto& link : links) {
    const int a = sections.of(link.buses.front());
    int b = a;
    for (const int bus : link.buses) {
      if (sections.of(bus) != a) b = sections.of(bus);
    }
    if (a == b || std::find(neighbours[a].begin(), neighbours[a].end(), b) != neighbours[a].end()) continue;
    if (!trees.join(a, b)) {
      throw Error(
          "{}:{}: {} '{}' closes a loop, which the distribution solver cannot sweep: open it or another element of the loop, or take "
          "powerflow.solver = unbalanced",
          link.origin.file, link.origin.line, link.kind, link.name);
    }
    neighbours[a].push_back(b);
    neighbours[b].push_back(a);
  }
  sections_.clear();
  std::vector<int> position(net.buses().size(), -1);
  for (const auto& source : net.data().sources) {
    const int root = sections.of(net.bus_of(source.terminal));
    if (position[root] >= 0) continue;
    std::vector<int> queue{root};
    position[root] = static_cast<int>(sections_.size());
    sections_.emplace_back();
    for (std::size_t next = 0; next < queue.size(); ++next) {
      for (const int neighbour : neighbours[queue[next]]) {
        if (position[neighbour] >= 0) continue;
        position[neighbour] = static_cast<int>(sections_.size());
        sections_.emplace_back().upstream = position[queue[next]];
        queue.push_back(neighbour);
      }
    }
  }
  for (int node = 0; node < net.node_count(); ++node) {
    const int section = position[sections.of(net.nodes()[node].bus)];
    if (section < 0) model_.throw_singular(node);
    home_[node] = section;
    place_[node] = static_cast<int>(sections_[section].nodes.size());
    sections_[section].nodes.push_back(node);
  }
}

void DistributionPowerFlow::reduce_admittances() {
  const auto row_start = model_.row_start(), column = model_.column();
  std::vector<char> fixed(x_.size(), 0);
  for (const auto& f : model_.fixed_nodes()) fixed[f.node] = 1;
  const auto block = [&](const Section& rows, const Section& columns) {
    Eigen::MatrixXcd y =
        Eigen::MatrixXcd::Zero(static_cast<Eigen::Index>(rows.nodes.size()), static_cast<Eigen::Index>(columns.nodes.size()));
    for (std::size_t r = 0; r < rows.nodes.size(); ++r) {
      const int node = rows.nodes[r];
      if (fixed[node]) {  // v = voltage of its source
        if (&rows == &columns) y(static_cast<Eigen::Index>(r), static_cast<Eigen::Index>(r)) = 1;
        continue;
      }
      for (int k = row_start[node]; k < row_start[node + 1]; ++k) {
        if (&sections_[home_[column[k]]] == &columns) y(static_cast<Eigen::Index>(r), place_[column[k]]) = model_.matrix()[k];
      }
    }
    return y;
  };
  for (auto& section : sections_) section.inverse = block(section, section);
  for (auto section = sections_.rbegin(); section != sections_.rend(); ++section) {
    const Eigen::PartialPivLU<Eigen::MatrixXcd> lu(section->inverse);
    const auto pivots = lu.matrixLU().diagonal().cwiseAbs();
    Eigen::Index weakest = 0;
    constexpr double zero_pivot = 1e-4;  // [VA at nominal voltage], as in the nodal factorisation
    if (!(pivots.minCoeff(&weakest) > zero_pivot)) model_.throw_singular(section->nodes[weakest]);
    section->inverse = lu.inverse();
    section->current.resize(static_cast<Eigen::Index>(section->nodes.size()));
    if (section->upstream < 0) continue;
    auto& upstream = sections_[section->upstream];
    const Eigen::MatrixXcd to_upstream = block(*section, upstream), from_upstream = block(upstream, *section);
    section->forward = section->inverse * to_upstream;
    section->backward = from_upstream * section->inverse;
    upstream.inverse -= section->backward * to_upstream;
  }
}

void DistributionPowerFlow::sweep(std::span<const Complex> rhs, std::span<Complex> voltage) {
  for (auto& section : sections_) {
    for (std::size_t i = 0; i < section.nodes.size(); ++i) section.current(static_cast<Eigen::Index>(i)) = rhs[section.nodes[i]];
  }
  for (auto section = sections_.rbegin(); section != sections_.rend(); ++section) {
    if (section->upstream >= 0) sections_[section->upstream].current -= section->backward * section->current;
  }
  for (auto& section : sections_) {  // a section's current becomes its voltage
    section.current = (section.inverse * section.current).eval();
    if (section.upstream >= 0) section.current -= section.forward * sections_[section.upstream].current;
    for (std::size_t i = 0; i < section.nodes.size(); ++i) voltage[section.nodes[i]] = section.current(static_cast<Eigen::Index>(i));
  }
}

void DistributionPowerFlow::start() {
  std::vector<Complex> rhs(model_.source_currents().begin(), model_.source_currents().end());
  for (const auto& fixed : model_.fixed_nodes()) rhs[fixed.node] = fixed.voltage;
  sweep(rhs, x_);
}

void DistributionPowerFlow::iterate(const LoadingConditions& conditions, PowerFlowSolution& solution) {
  std::vector<Complex> missing(x_.size()), step(x_.size());
  ContractionTest test(options_.tolerance);
  while (!solution.converged && solution.iterations < options_.max_iterations) {
    ++solution.iterations;
    model_.residual(conditions, x_, missing);
    for (const auto& fixed : model_.fixed_nodes()) missing[fixed.node] = fixed.voltage - x_[fixed.node];
    sweep(missing, step);
    double change = 0;
    for (std::size_t i = 0; i < x_.size(); ++i) {
      change = std::max(change, std::abs(step[i]));
      x_[i] += options_.acceleration_factor * step[i];
    }
    if (!std::isfinite(change) || change > 1e6) break;
    solution.converged = test.done(change);
  }
}

}  // namespace gridfed
