#include "powerflow/fast_decoupled.hpp"

#include "powerflow/contraction_test.hpp"
#include "powerflow/reactive_limits.hpp"
#include "runtime/error.hpp"

#include <Eigen/SparseLU>

#include <algorithm>
#include <cmath>

namespace gridfed {

namespace {

/// A branch between two nodes: its series admittance, scaled [VA], and the factor on each end's voltage that taps make.
struct SeriesBranch {
  int a, b;
  Complex y;
  double ratio_a, ratio_b;
};

std::vector<SeriesBranch> series_branches(const NodalModel& model) {
  const auto& data = model.network().data();
  const auto base = model.base();
  std::vector<SeriesBranch> branches;
  for (std::size_t i = 0; i < data.lines.size(); ++i) {
    const auto& nodes = model.lines()[i].nodes;
    if (!model.state().closed[i] || nodes[0] == ground || nodes[1] == ground) continue;
    const double from = base[nodes[0]], to = base[nodes[1]];
    branches.push_back(
        {nodes[0], nodes[1], to * to / data.lines[i].series_impedance(0, 0), from / (to * std::abs(data.lines[i].ratio)), 1});
  }
  for (std::size_t i = 0; i < data.reactors.size(); ++i) {
    const auto& nodes = model.reactors()[i].nodes;
    if (nodes.size() == 2) branches.push_back({nodes[0], nodes[1], base[nodes[0]] * base[nodes[1]] / data.reactors[i].impedance, 1, 1});
  }
  for (std::size_t i = 0; i < data.transformers.size(); ++i) {
    const auto& transformer = data.transformers[i];
    const auto& nodes = model.transformers()[i].nodes;
    if (transformer.windings.size() != 2 || nodes.size() != 4 || nodes[1] != ground || nodes[3] != ground) {
      throw Error(
          "{}:{}: transformer '{}' is more than two windings to ground, which the fast_decoupled solver cannot take: take "
          "powerflow.solver = newton_raphson",
          transformer.origin.file, transformer.origin.line, transformer.name);
    }
    if (nodes[0] == ground || nodes[2] == ground) continue;  // open
    const auto ratio = [&](int winding, int node) {
      return base[node] / (transformer.windings[winding].rated_voltage * model.state().taps[i][winding]);
    };
    const double ratio_a = ratio(0, nodes[0]), ratio_b = ratio(1, nodes[2]);
    const Complex mutual = -model.transformers()[i].y(0, 2) * base[nodes[0]] * base[nodes[2]];
    branches.push_back({nodes[0], nodes[2], mutual / (ratio_a * ratio_b), ratio_a, ratio_b});
  }
  return branches;
}

using Sparse = Eigen::SparseMatrix<double>;

}  // namespace

struct FastDecoupled::Workspace {
  std::vector<HeldVoltage> holding;
  std::vector<int> limit;                 // by held voltage, see ReactiveLimits
  std::vector<char> fixed;                // by node
  Sparse angle_matrix, magnitude_matrix;  // B' and B'', all nodes [VA]
  std::vector<int> angle_nodes, magnitude_nodes;
  Eigen::SparseLU<Sparse> angle_factor, magnitude_factor;

  /// Rows and columns of the given nodes.
  static Sparse part(const Sparse& matrix, std::span<const int> nodes) {
    std::vector<int> position(matrix.rows(), -1);
    for (std::size_t i = 0; i < nodes.size(); ++i) position[nodes[i]] = static_cast<int>(i);
    std::vector<Eigen::Triplet<double>> entries;
    for (int c = 0; c < matrix.outerSize(); ++c) {
      for (Sparse::InnerIterator entry(matrix, c); entry; ++entry) {
        const int row = position[entry.row()], column = position[entry.col()];
        if (row >= 0 && column >= 0) entries.emplace_back(row, column, entry.value());
      }
    }
    const auto n = static_cast<Eigen::Index>(nodes.size());
    Sparse part(n, n);
    part.setFromTriplets(entries.begin(), entries.end());
    return part;
  }

  void factorise(Eigen::SparseLU<Sparse>& factor, const Sparse& matrix, std::span<const int> nodes, const NodalModel& model) {
    if (nodes.empty()) return;
    factor.compute(part(matrix, nodes));
    if (factor.info() != Eigen::Success) model.throw_singular(nodes[0]);
  }

  void factorise_magnitudes(const NodalModel& model) {
    std::vector<char> held = fixed;
    for (std::size_t k = 0; k < holding.size(); ++k) {
      if (limit[k] == 0) held[model.network().generator_nodes()[holding[k].first()][0]] = 1;
    }
    magnitude_nodes.clear();
    for (int i = 0; i < model.network().node_count(); ++i) {
      if (!held[i]) magnitude_nodes.push_back(i);
    }
    factorise(magnitude_factor, magnitude_matrix, magnitude_nodes, model);
  }
};

FastDecoupled::FastDecoupled(std::shared_ptr<const Network> network, const PowerFlowOptions& options)
    : PowerFlow(std::move(network), options), work_(std::make_unique<Workspace>()) {
  const auto& net = this->network();
  for (int node = 1; node < net.node_count(); ++node) {
    if (net.nodes()[node].bus != net.nodes()[node - 1].bus) continue;
    throw Error(
        "bus '{}' has more than one conductor, but the fast_decoupled solver takes positive-sequence networks (one conductor a bus): take "
        "powerflow.solver = newton_raphson or unbalanced",
        net.buses()[net.nodes()[node].bus].name);
  }
  work_->fixed.assign(x_.size(), 0);
  for (const auto& f : model_.fixed_nodes()) work_->fixed[f.node] = 1;
  work_->holding = held_voltages(net);
  work_->limit.assign(work_->holding.size(), 0);
  refresh({});
}
FastDecoupled::~FastDecoupled() = default;

// B' holds series branches alone, taps at nominal; B'' also shunts and taps. XB forms B' from 1 / x and B'' from x / (r^2 + x^2); BX the
// other way round. Sources with an impedance tie their node to a fixed voltage in both.
void FastDecoupled::refresh(const StateChange&) {
  const auto n = static_cast<Eigen::Index>(x_.size());
  std::vector<Eigen::Triplet<double>> angle, magnitude;
  const auto add = [](auto& entries, const SeriesBranch& branch, double b, double ratio_a, double ratio_b) {
    entries.emplace_back(branch.a, branch.a, b * ratio_a * ratio_a);
    entries.emplace_back(branch.b, branch.b, b * ratio_b * ratio_b);
    entries.emplace_back(branch.a, branch.b, -b * ratio_a * ratio_b);
    entries.emplace_back(branch.b, branch.a, -b * ratio_a * ratio_b);
  };
  const auto reactance_alone = [](Complex y) {
    const Complex z = 1.0 / y;
    return 1 / (z.imag() != 0 ? z.imag() : std::abs(z));
  };
  const bool xb = options_.scheme == DecouplingScheme::xb;
  std::vector<Complex> shunts(x_.size());  // what the nodal matrix holds beyond series branches and nominal loads
  for (std::size_t i = 0; i < x_.size(); ++i) shunts[i] = model_.matrix()[model_.slot(static_cast<int>(i), static_cast<int>(i))];
  for (const auto& branch : series_branches(model_)) {
    const double full = -branch.y.imag(), alone = reactance_alone(branch.y);
    add(angle, branch, xb ? alone : full, 1, 1);
    add(magnitude, branch, xb ? full : alone, branch.ratio_a, branch.ratio_b);
    shunts[branch.a] -= branch.y * branch.ratio_a * branch.ratio_a;
    shunts[branch.b] -= branch.y * branch.ratio_b * branch.ratio_b;
  }
  for (const auto& phase : model_.load_phases()) {
    for (const int node : {phase.a, phase.b}) {
      if (node != ground) shunts[node] -= phase.linear * model_.base()[node] * model_.base()[node];
    }
  }
  for (std::size_t i = 0; i < x_.size(); ++i) {
    const auto at = static_cast<int>(i);
    magnitude.emplace_back(at, at, -shunts[i].imag());
  }
  for (const auto& source : model_.sources()) {
    const int node = source.nodes[0];
    if (node == ground || source.y(0, 0) == Complex{}) continue;
    angle.emplace_back(node, node, -source.y(0, 0).imag() * model_.base()[node] * model_.base()[node]);
  }
  work_->angle_matrix.resize(n, n);
  work_->angle_matrix.setFromTriplets(angle.begin(), angle.end());
  work_->magnitude_matrix.resize(n, n);
  work_->magnitude_matrix.setFromTriplets(magnitude.begin(), magnitude.end());
  work_->angle_nodes.clear();
  for (std::size_t i = 0; i < x_.size(); ++i) {
    if (!work_->fixed[i]) work_->angle_nodes.push_back(static_cast<int>(i));
  }
  work_->factorise(work_->angle_factor, work_->angle_matrix, work_->angle_nodes, model_);
  work_->factorise_magnitudes(model_);
}

void FastDecoupled::start() {
  start_positive_sequence();
  for (const auto& f : model_.fixed_nodes()) x_[f.node] = f.voltage;
  std::fill(work_->limit.begin(), work_->limit.end(), 0);
  work_->factorise_magnitudes(model_);
}

void FastDecoupled::iterate(const LoadingConditions& conditions, PowerFlowSolution& solution) {
  auto& work = *work_;
  const auto& data = network().data();
  LoadingConditions now = conditions;
  std::vector<Complex> missing(x_.size());
  const auto node_of = [&](std::size_t k) { return network().generator_nodes()[work.holding[k].first()][0]; };
  const auto setpoint = [&](std::size_t k) {
    const auto& generator = data.generators[work.holding[k].first()];
    return *generator.voltage_setpoint_pu * generator.rated_voltage / model_.base()[node_of(k)];
  };
  // One half of an iteration: change of angle [rad] or magnitude [p.u.] at the given nodes, the largest of which it returns.
  const auto half = [&](const std::vector<int>& nodes, const auto& factor, auto mismatch, auto apply) {
    if (nodes.empty()) return 0.0;
    model_.residual(now, x_, missing);
    Eigen::VectorXd rhs(static_cast<Eigen::Index>(nodes.size()));
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      const int node = nodes[i];
      rhs(static_cast<Eigen::Index>(i)) = mismatch(x_[node] * std::conj(missing[node])) / std::abs(x_[node]);
    }
    const Eigen::VectorXd change = factor.solve(rhs);
    for (std::size_t i = 0; i < nodes.size(); ++i) apply(x_[nodes[i]], change(static_cast<Eigen::Index>(i)));
    return change.size() > 0 ? change.cwiseAbs().maxCoeff() : 0.0;
  };
  const auto deliver = [&](const HeldVoltage& held, double reactive) {
    share_reactive_power(network(), held, reactive, now.generator_power);
  };
  ReactiveLimits limits(network(), work.holding, work.limit);
  // Limits are found before the last digits are asked for: each round of them would take as many iterations again.
  constexpr double near = 1e-4;  // [p.u.]
  const bool limited = options_.reactive_limits && !work.holding.empty();
  double goal = limited ? std::max(options_.tolerance, near) : options_.tolerance;
  for (bool again = true; again;) {
    for (std::size_t k = 0; k < work.holding.size(); ++k) {
      const auto& held = work.holding[k];
      if (work.limit[k] != 0) deliver(held, work.limit[k] < 0 ? held.min_reactive : held.max_reactive);
      if (work.limit[k] == 0) x_[node_of(k)] *= setpoint(k) / std::abs(x_[node_of(k)]);
    }
    solution.converged = false;
    ContractionTest test(goal);
    while (!solution.converged && solution.iterations < options_.max_iterations) {
      ++solution.iterations;
      const double turned = half(
          work.angle_nodes, work.angle_factor, [](Complex s) { return s.real(); },
          [](Complex& x, double angle) { x *= std::polar(1.0, angle); });
      const double grown = half(
          work.magnitude_nodes, work.magnitude_factor, [](Complex s) { return s.imag(); },
          [](Complex& x, double magnitude) { x *= 1 + magnitude / std::abs(x); });
      const double change = std::max(turned, grown);
      if (!std::isfinite(change) || change > 1e6) break;
      solution.converged = test.done(change);
    }
    bool changed = false;
    // What is missing at a held bus is what its generator delivers beyond now.
    model_.residual(now, x_, missing);
    for (std::size_t k = 0; k < work.holding.size(); ++k) {
      const auto& held = work.holding[k];
      const int node = node_of(k);
      double reactive = 0;
      for (const int g : held.generators) reactive += now.generator_power[g].imag();
      if (work.limit[k] == 0) {
        reactive -= (x_[node] * std::conj(missing[node])).imag();
        deliver(held, reactive);
      }
      if (solution.converged && options_.reactive_limits)
        changed |= limits.move(static_cast<int>(k), reactive, std::abs(x_[node]) / setpoint(k) - 1, goal);
    }
    if (changed) work.factorise_magnitudes(model_);
    again = solution.converged && (changed || goal > options_.tolerance);
    if (!changed) goal = options_.tolerance;
  }
  solution.generator_power = now.generator_power;
}

}  // namespace gridfed
