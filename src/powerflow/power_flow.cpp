#include "powerflow/power_flow.hpp"

#include "powerflow/admittance.hpp"
#include "powerflow/load_current.hpp"
#include "runtime/error.hpp"
#include "runtime/petsc_handle.hpp"

#include <petscmat.h>

#include <algorithm>
#include <boost/program_options.hpp>
#include <cmath>
#include <numbers>

namespace gridfed {

void declare(boost::program_options::options_description& deck, PowerFlowOptions& o) {
  namespace po = boost::program_options;
  deck.add_options()("powerflow.tolerance", po::value(&o.tolerance)->default_value(o.tolerance),
                     "largest estimated voltage error accepted [p.u.]")("powerflow.max_iterations",
                                                                        po::value(&o.max_iterations)->default_value(o.max_iterations),
                                                                        "iterations before a case counts as diverged")(
      "powerflow.acceleration_factor", po::value(&o.acceleration_factor)->default_value(o.acceleration_factor),
      "step length of the fixed point; 1 = plain, above 1 over-relaxes");
}

LoadingConditions rated_conditions(const Network& network, double load_scale) {
  LoadingConditions conditions;
  for (const auto& load : network.data().loads) conditions.load_power.push_back(load.power * load_scale);
  conditions.solar_power.assign(network.data().solar.size(), 0);
  conditions.wind_power.assign(network.data().wind.size(), 0);
  conditions.battery_power.assign(network.data().batteries.size(), 0);
  return conditions;
}

namespace {

/// An element's primitive admittance, its nodes, and where each entry goes in the nodal matrix.
struct Primitive {
  std::vector<int> nodes;
  Eigen::MatrixXcd y;
  std::vector<int> slots;  ///< [row * n + col], -1 where a node is ground
};

/// One phase of a PV plant, turbine or battery.
struct InjectionPhase {
  int a = 0, b = 0;
  int device = 0;
  double share = 1, rated_voltage = 0;
};

/// Each equation is multiplied by this: the factorisation does not exchange rows, and a tie to ground without resistance would otherwise
/// put rounding noise on the diagonal of its real 2 x 2 block.
constexpr Complex pivot_turn{std::numbers::sqrt2 / 2, std::numbers::sqrt2 / 2};
constexpr double zero_pivot = 1e-4;            // [VA at nominal voltage]: below a part per million of the smallest transformer
constexpr double rounding_level = 1e-8;        // [p.u.]: no tolerance above is met by stalling
constexpr double current_limit_voltage = 0.7;  // [p.u.]: below, an inverter holds its current instead of its power

std::vector<std::array<int, 2>> phase_pairs(std::span<const int> nodes, Connection connection, int phases) {
  std::vector<std::array<int, 2>> pairs;
  if (connection == Connection::wye) {
    for (int p = 0; p < phases; ++p) pairs.push_back({nodes[p], nodes.back()});
  } else {
    for (int p = 0; p < phases; ++p) pairs.push_back({nodes[p], nodes[(p + 1) % nodes.size()]});
  }
  return pairs;
}

double phase_voltage(double rated_voltage, Connection connection, int phases) {
  return connection == Connection::wye && phases > 1 ? rated_voltage / std::numbers::sqrt3 : rated_voltage;
}

template <class Devices>
std::vector<InjectionPhase> injection_phases(const Devices& devices, std::span<const std::vector<int>> nodes) {
  std::vector<InjectionPhase> phases;
  for (std::size_t d = 0; d < devices.size(); ++d) {
    const auto pairs = phase_pairs(nodes[d], devices[d].connection, devices[d].phases);
    for (const auto& [a, b] : pairs) {
      phases.push_back({a, b, static_cast<int>(d), 1.0 / static_cast<double>(pairs.size()),
                        phase_voltage(devices[d].rated_voltage, devices[d].connection, devices[d].phases)});
    }
  }
  return phases;
}

}  // namespace

struct UnbalancedPowerFlow::Workspace {
  std::shared_ptr<const Network> network;
  PowerFlowOptions options;
  GridState state;
  PowerFlowSolution solution;
  bool warm = false;

  std::vector<Primitive> lines, transformers, capacitors, reactors, sources;
  std::vector<Eigen::VectorXcd> source_voltage;
  std::vector<LoadPhase> load_phases;
  std::vector<InjectionPhase> solar, wind, batteries;

  // Nodal matrix by node pairs; PETSc sees each complex entry as a 2 x 2 block of reals. Rows and columns are scaled by the nodes' voltage
  // bases, so an unknown is a per-unit voltage and a right-hand side a power [VA].
  std::vector<double> base;
  std::vector<int> row_start, column;
  std::vector<Complex> y;
  std::vector<PetscInt> real_row_start, real_column;
  std::vector<double> real_values;
  PetscMat matrix, factor;
  PetscVec rhs, unknown;
  std::vector<Complex> v, rhs_values, next, source_rhs;
  Complex drawn, injected;  // by loads, by DERs [VA]

  explicit Workspace(std::shared_ptr<const Network> n, const PowerFlowOptions& o) : network(std::move(n)), options(o) {
    if (!(options.tolerance > 0)) throw Error("powerflow.tolerance is {}: it must be positive", options.tolerance);
    if (options.max_iterations < 1) throw Error("powerflow.max_iterations is {}: it must be at least 1", options.max_iterations);
    if (!(options.acceleration_factor > 0 && options.acceleration_factor < 2)) {
      throw Error("powerflow.acceleration_factor is {}: it must lie in (0, 2)", options.acceleration_factor);
    }
    state = initial_state(*network);
    collect_primitives();
    build_pattern();
    refresh_values();
    create_factor();
    factorise();
  }

  void collect_primitives() {
    const auto& data = network->data();
    const auto joined = [](const TerminalNodes& t) {
      std::vector<int> nodes = t.from;
      nodes.insert(nodes.end(), t.to.begin(), t.to.end());
      return nodes;
    };
    for (std::size_t i = 0; i < data.lines.size(); ++i)
      lines.push_back({joined(network->line_nodes()[i]), line_admittance(data.lines[i]), {}});
    for (std::size_t i = 0; i < data.transformers.size(); ++i) {
      std::vector<int> nodes;
      for (const auto& winding : network->transformer_nodes()[i]) nodes.insert(nodes.end(), winding.begin(), winding.end());
      transformers.push_back({std::move(nodes), transformer_admittance(data.transformers[i], state.taps[i]), {}});
    }
    for (std::size_t i = 0; i < data.capacitors.size(); ++i) {
      capacitors.push_back({joined(network->capacitor_nodes()[i]), capacitor_admittance(data.capacitors[i], state.capacitors[i]), {}});
    }
    for (std::size_t i = 0; i < data.reactors.size(); ++i) {
      reactors.push_back({joined(network->reactor_nodes()[i]), reactor_admittance(data.reactors[i]), {}});
    }
    for (std::size_t i = 0; i < data.sources.size(); ++i) {
      sources.push_back({network->source_nodes()[i], source_admittance(data.sources[i]), {}});
      source_voltage.push_back(source_voltages(data.sources[i]));
    }
    for (std::size_t i = 0; i < data.loads.size(); ++i) {
      const auto& load = data.loads[i];
      const auto pairs = phase_pairs(network->load_nodes()[i], load.connection, load.phases);
      const double rated = phase_voltage(load.rated_voltage, load.connection, load.phases);
      for (const auto& [a, b] : pairs) {
        const double share = 1.0 / static_cast<double>(pairs.size());
        load_phases.push_back({.a = a,
                               .b = b,
                               .load = static_cast<int>(i),
                               .share = share,
                               .rated_voltage = rated,
                               .v_low = load.vlow_pu * rated,
                               .v_min = load.vmin_pu * rated,
                               .v_max = load.vmax_pu * rated,
                               .model = load.model,
                               .data = &load,
                               .linear = std::conj(load.power * share) / (rated * rated)});
      }
    }
    solar = injection_phases(data.solar, network->solar_nodes());
    wind = injection_phases(data.wind, network->wind_nodes());
    batteries = injection_phases(data.batteries, network->battery_nodes());
  }

  template <class Visit>
  void for_each_primitive(Visit visit) {
    for (auto* group : {&lines, &transformers, &capacitors, &reactors, &sources}) {
      for (auto& primitive : *group) visit(primitive);
    }
  }

  int slot(int row, int col) const {
    const auto begin = column.begin() + row_start[row], end = column.begin() + row_start[row + 1];
    return static_cast<int>(std::lower_bound(begin, end, col) - column.begin());
  }

  void build_pattern() {
    const int n = network->node_count();
    std::vector<std::vector<int>> neighbours(n);
    for (int i = 0; i < n; ++i) neighbours[i].push_back(i);
    for_each_primitive([&](Primitive& p) {
      for (const int a : p.nodes) {
        for (const int b : p.nodes) {
          if (a != ground && b != ground) neighbours[a].push_back(b);
        }
      }
    });
    for (const auto& phase : load_phases) {
      if (phase.a != ground && phase.b != ground) {
        neighbours[phase.a].push_back(phase.b);
        neighbours[phase.b].push_back(phase.a);
      }
    }
    row_start.assign(1, 0);
    for (auto& row : neighbours) {
      std::sort(row.begin(), row.end());
      row.erase(std::unique(row.begin(), row.end()), row.end());
      column.insert(column.end(), row.begin(), row.end());
      row_start.push_back(static_cast<int>(column.size()));
    }
    for_each_primitive([&](Primitive& p) {
      for (const int a : p.nodes) {
        for (const int b : p.nodes) p.slots.push_back(a == ground || b == ground ? -1 : slot(a, b));
      }
    });
    base.resize(n);
    for (int i = 0; i < n; ++i) base[i] = network->buses()[network->nodes()[i].bus].nominal_voltage;
    y.resize(column.size());
    real_row_start.assign(1, 0);
    for (int i = 0; i < n; ++i) {
      for (int half = 0; half < 2; ++half) {
        for (int k = row_start[i]; k < row_start[i + 1]; ++k) {
          real_column.push_back(2 * column[k]);
          real_column.push_back(2 * column[k] + 1);
        }
        real_row_start.push_back(static_cast<PetscInt>(real_column.size()));
      }
    }
    real_values.resize(real_column.size());
    for (auto* values : {&v, &rhs_values, &next, &source_rhs}) values->assign(n, 0);
    solution.bus_voltages.assign(n, 0);
  }

  void refresh_values() {
    std::fill(y.begin(), y.end(), Complex{});
    const auto add = [&](const Primitive& p) {
      const std::size_t n = p.nodes.size();
      for (std::size_t r = 0; r < n; ++r) {
        for (std::size_t c = 0; c < n; ++c) {
          const int k = p.slots[r * n + c];
          if (k >= 0) y[k] += p.y(static_cast<Eigen::Index>(r), static_cast<Eigen::Index>(c));
        }
      }
    };
    for (std::size_t i = 0; i < lines.size(); ++i) {
      if (state.closed[i]) add(lines[i]);
    }
    for (const auto* group : {&transformers, &capacitors, &reactors, &sources}) {
      for (const auto& primitive : *group) add(primitive);
    }
    for (const auto& phase : load_phases) {
      if (phase.a != ground) y[slot(phase.a, phase.a)] += phase.linear;
      if (phase.b != ground) y[slot(phase.b, phase.b)] += phase.linear;
      if (phase.a != ground && phase.b != ground) {
        y[slot(phase.a, phase.b)] -= phase.linear;
        y[slot(phase.b, phase.a)] -= phase.linear;
      }
    }
    const int n = network->node_count();
    for (int i = 0; i < n; ++i) {
      const int width = row_start[i + 1] - row_start[i];
      double* upper = real_values.data() + 4 * row_start[i];
      double* lower = upper + 2 * width;
      for (int k = 0; k < width; ++k) {
        Complex& entry = y[row_start[i] + k];
        entry *= base[i] * base[column[row_start[i] + k]];
        const Complex turned = entry * pivot_turn;
        upper[2 * k] = lower[2 * k + 1] = turned.real();
        lower[2 * k] = turned.imag();
        upper[2 * k + 1] = -turned.imag();
      }
    }
    std::fill(source_rhs.begin(), source_rhs.end(), Complex{});
    for (std::size_t s = 0; s < sources.size(); ++s) {
      const Eigen::VectorXcd current = sources[s].y * source_voltage[s];
      for (std::size_t p = 0; p < sources[s].nodes.size(); ++p) {
        const int node = sources[s].nodes[p];
        if (node != ground) source_rhs[node] += base[node] * current(static_cast<Eigen::Index>(p));
      }
    }
  }

  void create_factor() {
    const auto size = static_cast<PetscInt>(2 * network->node_count());
    check_petsc(MatCreateSeqAIJWithArrays(PETSC_COMM_SELF, size, size, real_row_start.data(), real_column.data(), real_values.data(),
                                          matrix.out()));
    check_petsc(VecCreateSeqWithArray(PETSC_COMM_SELF, 1, size, reinterpret_cast<double*>(rhs_values.data()), rhs.out()));
    check_petsc(VecCreateSeqWithArray(PETSC_COMM_SELF, 1, size, reinterpret_cast<double*>(next.data()), unknown.out()));
    check_petsc(MatGetFactor(matrix.get(), MATSOLVERPETSC, MAT_FACTOR_LU, factor.out()));
    IS rows = nullptr, columns = nullptr;
    check_petsc(MatGetOrdering(matrix.get(), MATORDERINGQMD, &rows, &columns));
    MatFactorInfo info;
    check_petsc(MatFactorInfoInitialize(&info));
    info.fill = 2.0;
    info.zeropivot = zero_pivot;
    check_petsc(MatLUFactorSymbolic(factor.get(), matrix.get(), rows, columns, &info));
    check_petsc(ISDestroy(&rows));
    check_petsc(ISDestroy(&columns));
  }

  void factorise() {
    MatFactorInfo info;
    check_petsc(MatFactorInfoInitialize(&info));
    info.zeropivot = zero_pivot;
    check_petsc(MatLUFactorNumeric(factor.get(), matrix.get(), &info));
    MatFactorError error = MAT_FACTOR_NOERROR;
    check_petsc(MatFactorGetError(factor.get(), &error));
    if (error != MAT_FACTOR_NOERROR) {
      PetscReal pivot = 0;
      PetscInt row = 0;
      check_petsc(MatFactorGetErrorZeroPivot(factor.get(), &pivot, &row));
      throw Error(
          "the nodal admittance of network '{}' is singular at node {} (nothing ties it to ground or a source): connect it or give its "
          "transformer "
          "a ppm_antifloat above zero",
          network->data().name, network->node_name(static_cast<int>(row / 2)));
    }
  }

  void set_state(const GridState& wanted) {
    bool changed = false;
    for (std::size_t t = 0; t < transformers.size(); ++t) {
      if (wanted.taps[t] != state.taps[t]) {
        transformers[t].y = transformer_admittance(network->data().transformers[t], wanted.taps[t]);
        changed = true;
      }
    }
    for (std::size_t c = 0; c < capacitors.size(); ++c) {
      if (wanted.capacitors[c] != state.capacitors[c]) {
        capacitors[c].y = capacitor_admittance(network->data().capacitors[c], wanted.capacitors[c]);
        changed = true;
      }
    }
    changed = changed || wanted.closed != state.closed;
    if (!changed) return;
    state = wanted;
    refresh_values();
    factorise();
  }

  /// Right-hand side at voltages x [p.u.]: sources, minus what loads draw beyond their linear part, plus injections. Notes the load power.
  void evaluate(const LoadingConditions& conditions, const std::vector<Complex>& x) {
    rhs_values = source_rhs;
    drawn = injected = 0;
    const auto voltage = [&](int node) { return node == ground ? Complex{} : x[node] * base[node]; };
    const auto inject = [&](int a, int b, Complex current) {
      if (a != ground) rhs_values[a] += base[a] * current;
      if (b != ground) rhs_values[b] -= base[b] * current;
    };
    for (const auto& phase : load_phases) {
      const Complex dv = voltage(phase.a) - voltage(phase.b);
      const Complex current = load_current(phase, conditions.load_power[phase.load] * phase.share, dv);
      drawn += dv * std::conj(current);
      inject(phase.a, phase.b, phase.linear * dv - current);
    }
    const auto add = [&](const std::vector<InjectionPhase>& phases, const std::vector<Complex>& power) {
      for (const auto& phase : phases) {
        const Complex s = power[phase.device] * phase.share;
        if (s == Complex{}) continue;
        const Complex dv = voltage(phase.a) - voltage(phase.b);
        const double magnitude = std::abs(dv), floor = current_limit_voltage * phase.rated_voltage;
        const Complex current =
            magnitude > floor ? std::conj(s / dv) : (magnitude > 0 ? std::conj(s * magnitude / (dv * floor)) : Complex{});
        injected += dv * std::conj(current);
        inject(phase.a, phase.b, current);
      }
    };
    add(solar, conditions.solar_power);
    add(wind, conditions.wind_power);
    add(batteries, conditions.battery_power);
  }

  void substitute() {
    for (auto& value : rhs_values) value *= pivot_turn;
    check_petsc(MatSolve(factor.get(), rhs.get(), unknown.get()));
  }

  void solve(const LoadingConditions& conditions) {
    const int n = network->node_count();
    solution.converged = false;
    solution.iterations = 0;
    if (!warm) {
      rhs_values = source_rhs;
      substitute();
      v = next;
    }
    double previous = 0, best = 0;
    int stalled = 0;
    while (solution.iterations < options.max_iterations) {
      ++solution.iterations;
      evaluate(conditions, v);
      substitute();
      double change = 0;
      for (int i = 0; i < n; ++i) {
        const Complex step = next[i] - v[i];
        change = std::max(change, std::norm(step));
        v[i] += options.acceleration_factor * step;
      }
      change = std::sqrt(change);
      if (!std::isfinite(change) || change > 1e6) break;
      // A contraction with ratio r leaves r / (1 - r) of the last step still to go (Banach's bound).
      const double ratio = previous > 0 ? std::min(change / previous, 0.95) : 0.5;
      if (change * ratio / (1 - ratio) < options.tolerance && (change < options.tolerance || previous > 0)) {
        solution.converged = true;
        break;
      }
      // A section that only line capacitance or parts per million tie to ground moves by the rounding error of the substitution, which may
      // lie above the tightest tolerances: twenty steps at that level of which none is half the best before are convergence.
      if (previous > 0 && change > 0.5 * best) {
        ++stalled;
      } else {
        best = change;
        stalled = 0;
      }
      if (stalled >= 20 && change < rounding_level) {
        solution.converged = true;
        break;
      }
      previous = change;
    }
    finish(conditions);
  }

  void finish(const LoadingConditions& conditions) {
    const int n = network->node_count();
    evaluate(conditions, v);
    solution.mismatch = 0;
    solution.mismatch_node = -1;
    for (int i = 0; i < n; ++i) {
      Complex residual = rhs_values[i];
      for (int k = row_start[i]; k < row_start[i + 1]; ++k) residual -= y[k] * v[column[k]];
      const double mismatch = std::abs(residual * v[i]);
      if (!(mismatch <= solution.mismatch)) {
        solution.mismatch = mismatch;
        solution.mismatch_node = i;
      }
      solution.bus_voltages[i] = v[i] * base[i];
    }
    solution.source_power = 0;
    for (std::size_t s = 0; s < sources.size(); ++s) {
      const auto count = static_cast<Eigen::Index>(sources[s].nodes.size());
      Eigen::VectorXcd at(count);
      for (Eigen::Index p = 0; p < count; ++p)
        at(p) = sources[s].nodes[p] == ground ? Complex{} : solution.bus_voltages[sources[s].nodes[p]];
      const Eigen::VectorXcd current = sources[s].y * (source_voltage[s] - at);
      solution.source_power += (at.array() * current.array().conjugate()).sum();
    }
    solution.load_power = drawn;
    solution.losses = solution.source_power + injected - drawn;
    for (const auto* shunts : {&capacitors, &reactors}) {
      const auto ends = shunts == &capacitors ? network->capacitor_nodes() : network->reactor_nodes();
      for (std::size_t i = 0; i < shunts->size(); ++i) {
        if (ends[i].to.empty()) solution.losses -= flow((*shunts)[i], ends[i].from.size()).power;
      }
    }
    warm = solution.converged;
  }

  Complex node_voltage(int node) const { return node == ground ? Complex{} : solution.bus_voltages[node]; }

  /// Currents into rows [first, first + count) of an element.
  std::vector<Complex> currents(const Primitive& p, std::size_t first, std::size_t count) const {
    std::vector<Complex> current(count);
    for (std::size_t r = 0; r < count; ++r) {
      for (std::size_t c = 0; c < p.nodes.size(); ++c) {
        current[r] += p.y(static_cast<Eigen::Index>(first + r), static_cast<Eigen::Index>(c)) * node_voltage(p.nodes[c]);
      }
    }
    return current;
  }

  BranchFlow flow(const Primitive& p, std::size_t conductors) const {
    BranchFlow flow;
    const auto current = currents(p, 0, conductors);
    for (std::size_t r = 0; r < conductors; ++r) {
      flow.power += node_voltage(p.nodes[r]) * std::conj(current[r]);
      flow.current.push_back(std::abs(current[r]));
    }
    return flow;
  }
};

UnbalancedPowerFlow::UnbalancedPowerFlow(std::shared_ptr<const Network> network, const PowerFlowOptions& options)
    : work_(std::make_unique<Workspace>(std::move(network), options)) {}
UnbalancedPowerFlow::UnbalancedPowerFlow(UnbalancedPowerFlow&&) noexcept = default;
UnbalancedPowerFlow::~UnbalancedPowerFlow() = default;

const Network& UnbalancedPowerFlow::network() const {
  return *work_->network;
}
const GridState& UnbalancedPowerFlow::state() const {
  return work_->state;
}
void UnbalancedPowerFlow::set_state(const GridState& state) {
  work_->set_state(state);
}
const PowerFlowSolution& UnbalancedPowerFlow::solution() const {
  return work_->solution;
}
void UnbalancedPowerFlow::flat_start() {
  work_->warm = false;
}

const PowerFlowSolution& UnbalancedPowerFlow::solve(const LoadingConditions& conditions) {
  const auto& data = work_->network->data();
  if (conditions.load_power.size() != data.loads.size() || conditions.solar_power.size() != data.solar.size() ||
      conditions.wind_power.size() != data.wind.size() || conditions.battery_power.size() != data.batteries.size()) {
    throw Error("loading conditions do not match network '{}': give one power for each of its {} loads and {} DERs", data.name,
                data.loads.size(), data.solar.size() + data.wind.size() + data.batteries.size());
  }
  work_->solve(conditions);
  return work_->solution;
}

BranchFlow UnbalancedPowerFlow::line_flow(int line) const {
  if (!work_->state.closed[line]) return {.power = 0, .current = std::vector<double>(work_->network->line_nodes()[line].from.size(), 0.0)};
  return work_->flow(work_->lines[line], work_->network->line_nodes()[line].from.size());
}

BranchFlow UnbalancedPowerFlow::transformer_flow(int transformer) const {
  return work_->flow(work_->transformers[transformer], work_->network->transformer_nodes()[transformer][0].size());
}

std::vector<Complex> UnbalancedPowerFlow::winding_current(int transformer, int winding) const {
  const auto& windings = work_->network->transformer_nodes()[transformer];
  std::size_t first = 0;
  for (int w = 0; w < winding; ++w) first += windings[w].size();
  return work_->currents(work_->transformers[transformer], first, windings[winding].size());
}

void UnbalancedPowerFlow::loadings(std::span<double> lines, std::span<double> transformers) const {
  const auto& data = work_->network->data();
  for (std::size_t i = 0; i < lines.size(); ++i) {
    lines[i] = 0;
    if (data.lines[i].rating <= 0 || !work_->state.closed[i]) continue;
    const auto& p = work_->lines[i];
    const std::size_t n = p.nodes.size();
    double worst = 0;
    for (std::size_t r = 0; r < n / 2; ++r) {
      Complex current;
      for (std::size_t c = 0; c < n; ++c)
        current += p.y(static_cast<Eigen::Index>(r), static_cast<Eigen::Index>(c)) * work_->node_voltage(p.nodes[c]);
      worst = std::max(worst, std::norm(current));
    }
    lines[i] = std::sqrt(worst) / data.lines[i].rating;
  }
  for (std::size_t i = 0; i < transformers.size(); ++i) {
    const auto& transformer = data.transformers[i];
    const double rating = transformer.rating > 0 ? transformer.rating : transformer.windings[0].rated_power;
    transformers[i] = std::abs(transformer_flow(static_cast<int>(i)).power) / rating;
  }
}

}  // namespace gridfed
