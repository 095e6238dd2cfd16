#include "powerflow/nodal_model.hpp"

#include "powerflow/admittance.hpp"
#include "runtime/error.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

namespace gridfed {

namespace {

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
std::vector<InjectionPhase> injection_phases(const Devices& devices, std::span<const std::vector<int>> nodes, double limit) {
  std::vector<InjectionPhase> phases;
  for (std::size_t d = 0; d < devices.size(); ++d) {
    const auto pairs = phase_pairs(nodes[d], devices[d].connection, devices[d].phases);
    for (const auto& [a, b] : pairs) {
      phases.push_back({a, b, static_cast<int>(d), 1.0 / static_cast<double>(pairs.size()),
                        phase_voltage(devices[d].rated_voltage, devices[d].connection, devices[d].phases), limit});
    }
  }
  return phases;
}

Complex at(std::span<const Complex> v, int node) {
  return node == ground ? Complex{} : v[node];
}

}  // namespace

LoadingConditions rated_conditions(const Network& network, double load_scale) {
  LoadingConditions conditions;
  for (const auto& load : network.data().loads) conditions.load_power.push_back(load.power * (load.fixed ? 1.0 : load_scale));
  conditions.solar_power.assign(network.data().solar.size(), 0);
  conditions.wind_power.assign(network.data().wind.size(), 0);
  conditions.battery_power.assign(network.data().batteries.size(), 0);
  for (const auto& generator : network.data().generators) conditions.generator_power.push_back(generator.power);
  return conditions;
}

Complex injection_current(const InjectionPhase& phase, Complex s, Complex v) {
  const double magnitude = std::abs(v), floor = phase.current_limit * phase.rated_voltage;
  if (magnitude > floor) return std::conj(s / v);
  return magnitude > 0 ? std::conj(s * magnitude / (v * floor)) : Complex{};
}

CurrentDerivative injection_current_derivative(const InjectionPhase& phase, Complex s, Complex v) {
  const double magnitude = std::abs(v), floor = phase.current_limit * phase.rated_voltage;
  if (magnitude == 0) return {};
  if (magnitude > floor) return {0, -std::conj(s / (v * v))};
  const Complex h = std::conj(s) / (magnitude * floor);
  return current_derivative(h, -h / magnitude, v);
}

NodalModel::NodalModel(std::shared_ptr<const Network> network) : network_(std::move(network)), state_(initial_state(*network_)) {
  collect_primitives();
  build_pattern();
  find_switched();
  assemble();
}

void NodalModel::collect_primitives() {
  const auto& data = network_->data();
  const auto joined = [](const TerminalNodes& t) {
    std::vector<int> nodes = t.from;
    nodes.insert(nodes.end(), t.to.begin(), t.to.end());
    return nodes;
  };
  for (std::size_t i = 0; i < data.lines.size(); ++i)
    lines_.push_back({joined(network_->line_nodes()[i]), line_admittance(data.lines[i]), {}});
  for (std::size_t i = 0; i < data.transformers.size(); ++i) {
    std::vector<int> nodes;
    for (const auto& winding : network_->transformer_nodes()[i]) nodes.insert(nodes.end(), winding.begin(), winding.end());
    transformers_.push_back({std::move(nodes), transformer_admittance(data.transformers[i], state_.taps[i]), {}});
  }
  for (std::size_t i = 0; i < data.capacitors.size(); ++i) {
    capacitors_.push_back({joined(network_->capacitor_nodes()[i]), capacitor_admittance(data.capacitors[i], state_.capacitors[i]), {}});
  }
  for (std::size_t i = 0; i < data.reactors.size(); ++i) {
    reactors_.push_back({joined(network_->reactor_nodes()[i]), reactor_admittance(data.reactors[i]), {}});
  }
  for (std::size_t i = 0; i < data.sources.size(); ++i) {
    sources_.push_back({network_->source_nodes()[i], source_admittance(data.sources[i]), {}});
    source_voltages_.push_back(gridfed::source_voltages(data.sources[i]));
  }
  for (std::size_t i = 0; i < data.loads.size(); ++i) {
    const auto& load = data.loads[i];
    const auto pairs = phase_pairs(network_->load_nodes()[i], load.connection, load.phases);
    const double rated = phase_voltage(load.rated_voltage, load.connection, load.phases);
    for (const auto& [a, b] : pairs) {
      const double share = 1.0 / static_cast<double>(pairs.size());
      load_phases_.push_back({.a = a,
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
  solar_ = injection_phases(data.solar, network_->solar_nodes(), current_limit_voltage);
  wind_ = injection_phases(data.wind, network_->wind_nodes(), current_limit_voltage);
  batteries_ = injection_phases(data.batteries, network_->battery_nodes(), current_limit_voltage);
  generators_ = injection_phases(data.generators, network_->generator_nodes(), machine_limit_voltage);
}

int NodalModel::slot(int row, int col) const {
  const auto begin = column_.begin() + row_start_[row], end = column_.begin() + row_start_[row + 1];
  return static_cast<int>(std::lower_bound(begin, end, col) - column_.begin());
}

void NodalModel::build_pattern() {
  const int n = network_->node_count();
  const std::array groups{&lines_, &transformers_, &capacitors_, &reactors_, &sources_};
  std::vector<std::vector<int>> neighbours(n);
  for (int i = 0; i < n; ++i) neighbours[i].push_back(i);
  for (const auto* group : groups) {
    for (const auto& p : *group) {
      for (const int a : p.nodes) {
        for (const int b : p.nodes) {
          if (a != ground && b != ground) neighbours[a].push_back(b);
        }
      }
    }
  }
  for (const auto& phase : load_phases_) {
    if (phase.a != ground && phase.b != ground) {
      neighbours[phase.a].push_back(phase.b);
      neighbours[phase.b].push_back(phase.a);
    }
  }
  row_start_.assign(1, 0);
  for (auto& row : neighbours) {
    std::sort(row.begin(), row.end());
    row.erase(std::unique(row.begin(), row.end()), row.end());
    column_.insert(column_.end(), row.begin(), row.end());
    row_start_.push_back(static_cast<int>(column_.size()));
  }
  for (auto* group : groups) {
    for (auto& p : *group) {
      for (const int a : p.nodes) {
        for (const int b : p.nodes) p.slots.push_back(a == ground || b == ground ? -1 : slot(a, b));
      }
    }
  }
  base_.resize(n);
  for (int i = 0; i < n; ++i) base_[i] = network_->buses()[network_->nodes()[i].bus].nominal_voltage;
  matrix_.resize(column_.size());
  source_currents_.resize(n);
  for (std::size_t s = 0; s < sources_.size(); ++s) {
    if (!network_->data().sources[s].ideal) continue;
    for (std::size_t p = 0; p < sources_[s].nodes.size(); ++p) {
      const int node = sources_[s].nodes[p];
      if (node != ground) fixed_nodes_.push_back({node, source_voltages_[s](static_cast<Eigen::Index>(p)) / base_[node]});
    }
  }
}

void NodalModel::find_switched() {
  const auto nodes = network_->nodes();
  for (int node = 0; node < network_->node_count(); ++node) {
    if (node == 0 || nodes[node].bus != nodes[node - 1].bus) bus_start_.push_back(node);
  }
  bus_start_.push_back(network_->node_count());
  switched_.assign(network_->node_count(), false);
  const auto mark = [&](const Primitive& p) {
    for (const int node : p.nodes) {
      if (node != ground) switched_[node] = true;
    }
  };
  for (const int t : network_->regulator_transformers()) {
    if (std::find(switched_transformers_.begin(), switched_transformers_.end(), t) == switched_transformers_.end())
      switched_transformers_.push_back(t);
  }
  for (std::size_t l = 0; l < lines_.size(); ++l) {
    if (network_->data().lines[l].is_switch) switched_lines_.push_back(static_cast<int>(l));
  }
  for (const int t : switched_transformers_) mark(transformers_[t]);
  for (const int l : switched_lines_) mark(lines_[l]);
  for (const auto& capacitor : capacitors_) mark(capacitor);
}

void NodalModel::add_scaled(const Primitive& p, std::vector<Complex>& values) const {
  const std::size_t n = p.nodes.size();
  for (std::size_t r = 0; r < n; ++r) {
    for (std::size_t c = 0; c < n; ++c) {
      const int k = p.slots[r * n + c];
      if (k >= 0) values[k] += p.y(static_cast<Eigen::Index>(r), static_cast<Eigen::Index>(c)) * (base_[p.nodes[r]] * base_[p.nodes[c]]);
    }
  }
}

void NodalModel::assemble() {
  fixed_.assign(column_.size(), Complex{});
  std::vector<bool> apart(lines_.size(), false), apart_transformer(transformers_.size(), false);
  for (const int l : switched_lines_) apart[l] = true;
  for (const int t : switched_transformers_) apart_transformer[t] = true;
  for (std::size_t i = 0; i < lines_.size(); ++i) {
    if (state_.closed[i] && !apart[i]) add_scaled(lines_[i], fixed_);
  }
  for (std::size_t i = 0; i < transformers_.size(); ++i) {
    if (!apart_transformer[i]) add_scaled(transformers_[i], fixed_);
  }
  for (const auto* group : {&reactors_, &sources_}) {
    for (const auto& primitive : *group) add_scaled(primitive, fixed_);
  }
  for (const auto& phase : load_phases_) {
    const auto scaled = [&](int a, int b) { return phase.linear * (base_[a] * base_[b]); };
    if (phase.a != ground) fixed_[slot(phase.a, phase.a)] += scaled(phase.a, phase.a);
    if (phase.b != ground) fixed_[slot(phase.b, phase.b)] += scaled(phase.b, phase.b);
    if (phase.a != ground && phase.b != ground) {
      fixed_[slot(phase.a, phase.b)] -= scaled(phase.a, phase.b);
      fixed_[slot(phase.b, phase.a)] -= scaled(phase.b, phase.a);
    }
  }
  matrix_ = fixed_;
  add_switched();
  std::fill(source_currents_.begin(), source_currents_.end(), Complex{});
  for (std::size_t s = 0; s < sources_.size(); ++s) {
    const Eigen::VectorXcd current = sources_[s].y * source_voltages_[s];
    for (std::size_t p = 0; p < sources_[s].nodes.size(); ++p) {
      const int node = sources_[s].nodes[p];
      if (node != ground) source_currents_[node] += base_[node] * current(static_cast<Eigen::Index>(p));
    }
  }
}

/// Always in the same order onto the same values: the matrix depends on the state alone, not on how it came about.
void NodalModel::add_switched() {
  for (const int l : switched_lines_) {
    if (state_.closed[l]) add_scaled(lines_[l], matrix_);
  }
  for (const int t : switched_transformers_) add_scaled(transformers_[t], matrix_);
  for (const auto& capacitor : capacitors_) add_scaled(capacitor, matrix_);
}

StateChange NodalModel::set_state(const GridState& wanted) {
  std::vector<Operation> operations;
  const auto compare = [&](Operation::Kind kind, const auto& before, const auto& after) {
    for (std::size_t element = 0; element < before.size(); ++element) {
      for (std::size_t part = 0; part < before[element].size(); ++part) {
        if (after[element][part] == before[element][part]) continue;
        operations.push_back({kind, static_cast<int>(element), static_cast<int>(part), static_cast<double>(after[element][part])});
      }
    }
  };
  compare(Operation::Kind::tap, state_.taps, wanted.taps);
  compare(Operation::Kind::capacitor_step, state_.capacitors, wanted.capacitors);
  for (std::size_t line = 0; line < lines_.size(); ++line) {
    if (wanted.closed[line] != state_.closed[line])
      operations.push_back({Operation::Kind::line, static_cast<int>(line), 0, static_cast<double>(wanted.closed[line])});
  }
  return operate(operations);
}

StateChange NodalModel::operate(std::span<const Operation> operations) {
  StateChange change;
  const auto note = [](std::vector<int>& list, int element) {
    if (std::find(list.begin(), list.end(), element) == list.end()) list.push_back(element);
  };
  for (const auto& o : operations) {
    switch (o.kind) {
      case Operation::Kind::tap:
        state_.taps[o.element][o.part] = o.value;
        note(change.transformers, o.element);
        break;
      case Operation::Kind::capacitor_step:
        state_.capacitors[o.element][o.part] = static_cast<int>(o.value);
        note(change.capacitors, o.element);
        break;
      case Operation::Kind::line:
        state_.closed[o.element] = o.value != 0;
        note(change.lines, o.element);
        break;
    }
  }
  const auto touch = [&](const Primitive& p, bool switched) {
    change.within_switched = change.within_switched && switched;
    for (const int node : p.nodes) {
      if (node != ground) change.nodes.push_back(node);
    }
  };
  const auto among = [](const std::vector<int>& list, int i) { return std::find(list.begin(), list.end(), i) != list.end(); };
  for (const int t : change.transformers) {
    transformers_[t].y = transformer_admittance(network_->data().transformers[t], state_.taps[t]);
    touch(transformers_[t], among(switched_transformers_, t));
  }
  for (const int c : change.capacitors) {
    capacitors_[c].y = capacitor_admittance(network_->data().capacitors[c], state_.capacitors[c]);
    touch(capacitors_[c], true);
  }
  for (const int l : change.lines) touch(lines_[l], among(switched_lines_, l));
  if (!change.any()) return change;
  if (change.within_switched) {
    const auto reset = [&](const Primitive& p) {
      for (const int k : p.slots) {
        if (k >= 0) matrix_[k] = fixed_[k];
      }
    };
    for (const int l : switched_lines_) reset(lines_[l]);
    for (const int t : switched_transformers_) reset(transformers_[t]);
    for (const auto& capacitor : capacitors_) reset(capacitor);
    add_switched();
  } else {
    assemble();
  }
  return change;
}

ElementPower NodalModel::currents(const LoadingConditions& conditions, std::span<const Complex> x, std::span<Complex> rhs) const {
  std::copy(source_currents_.begin(), source_currents_.end(), rhs.begin());
  ElementPower power;
  const auto voltage = [&](int node) { return node == ground ? Complex{} : x[node] * base_[node]; };
  for (const auto& phase : load_phases_) {
    const Complex dv = voltage(phase.a) - voltage(phase.b);
    const Complex current = load_current(phase, conditions.load_power[phase.load] * phase.share, dv);
    power.drawn += dv * std::conj(current);
    inject(phase.a, phase.b, phase.linear * dv - current, rhs);
  }
  const auto add = [&](const std::vector<InjectionPhase>& phases, const std::vector<Complex>& device_power) {
    for (const auto& phase : phases) {
      const Complex s = device_power[phase.device] * phase.share;
      if (s == Complex{}) continue;
      const Complex dv = voltage(phase.a) - voltage(phase.b);
      const Complex current = injection_current(phase, s, dv);
      power.injected += dv * std::conj(current);
      inject(phase.a, phase.b, current, rhs);
    }
  };
  add(solar_, conditions.solar_power);
  add(wind_, conditions.wind_power);
  add(batteries_, conditions.battery_power);
  add(generators_, conditions.generator_power);
  return power;
}

ElementPower NodalModel::residual(const LoadingConditions& conditions, std::span<const Complex> x, std::span<Complex> missing) const {
  const ElementPower power = currents(conditions, x, missing);
  for (int i = 0; i < network_->node_count(); ++i) {
    for (int k = row_start_[i]; k < row_start_[i + 1]; ++k) missing[i] -= matrix_[k] * x[column_[k]];
  }
  return power;
}

std::vector<Complex> NodalModel::per_unit(std::span<const Complex> v) const {
  std::vector<Complex> x(v.begin(), v.end());
  for (std::size_t i = 0; i < x.size(); ++i) x[i] /= base_[i];
  return x;
}

Mismatch NodalModel::mismatch(const LoadingConditions& conditions, std::span<const Complex> v) const {
  const auto x = per_unit(v);
  std::vector<Complex> missing(x.size());
  residual(conditions, x, missing);
  for (const auto& fixed : fixed_nodes_) missing[fixed.node] = 0;  // its source makes up for whatever is missing
  Mismatch largest;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double power = std::abs(missing[i] * x[i]);
    if (!(power <= largest.power)) largest = {power, static_cast<int>(i)};
  }
  return largest;
}

PowerBalance NodalModel::balance(const LoadingConditions& conditions, std::span<const Complex> v) const {
  const auto x = per_unit(v);
  std::vector<Complex> missing(v.size());
  const ElementPower power = fixed_nodes_.empty() ? currents(conditions, x, missing) : residual(conditions, x, missing);
  PowerBalance balance{.source_power = 0, .load_power = power.drawn, .losses = 0};
  for (const auto& fixed : fixed_nodes_) balance.source_power -= x[fixed.node] * std::conj(missing[fixed.node]);
  for (std::size_t s = 0; s < sources_.size(); ++s) {
    const auto count = static_cast<Eigen::Index>(sources_[s].nodes.size());
    Eigen::VectorXcd terminal(count);
    for (Eigen::Index p = 0; p < count; ++p) terminal(p) = at(v, sources_[s].nodes[p]);
    const Eigen::VectorXcd current = sources_[s].y * (source_voltages_[s] - terminal);
    balance.source_power += (terminal.array() * current.array().conjugate()).sum();
  }
  balance.losses = balance.source_power + power.injected - power.drawn;
  for (const auto* shunts : {&capacitors_, &reactors_}) {
    const auto ends = shunts == &capacitors_ ? network_->capacitor_nodes() : network_->reactor_nodes();
    for (std::size_t i = 0; i < shunts->size(); ++i) {
      if (ends[i].to.empty()) balance.losses -= flow((*shunts)[i], ends[i].from.size(), v).power;
    }
  }
  return balance;
}

void NodalModel::throw_singular(int node) const {
  throw Error(
      "the nodal admittance of network '{}' is singular at node {} (nothing ties it to ground or a source): connect it or give its "
      "transformer a ppm_antifloat above zero",
      network_->data().name, network_->node_name(node));
}

std::vector<Complex> NodalModel::currents_into(const Primitive& p, std::size_t first, std::size_t count, std::span<const Complex> v) const {
  std::vector<Complex> current(count);
  for (std::size_t r = 0; r < count; ++r) {
    for (std::size_t c = 0; c < p.nodes.size(); ++c) {
      current[r] += p.y(static_cast<Eigen::Index>(first + r), static_cast<Eigen::Index>(c)) * at(v, p.nodes[c]);
    }
  }
  return current;
}

BranchFlow NodalModel::flow(const Primitive& p, std::size_t conductors, std::span<const Complex> v) const {
  BranchFlow flow;
  const auto current = currents_into(p, 0, conductors, v);
  for (std::size_t r = 0; r < conductors; ++r) {
    flow.power += at(v, p.nodes[r]) * std::conj(current[r]);
    flow.current.push_back(std::abs(current[r]));
  }
  return flow;
}

BranchFlow NodalModel::line_flow(int line, std::span<const Complex> v) const {
  const std::size_t conductors = network_->line_nodes()[line].from.size();
  if (!state_.closed[line]) return {.power = 0, .current = std::vector<double>(conductors, 0.0)};
  return flow(lines_[line], conductors, v);
}

BranchFlow NodalModel::transformer_flow(int transformer, std::span<const Complex> v) const {
  return flow(transformers_[transformer], network_->transformer_nodes()[transformer][0].size(), v);
}

std::vector<Complex> NodalModel::winding_current(int transformer, int winding, std::span<const Complex> v) const {
  const auto& windings = network_->transformer_nodes()[transformer];
  std::size_t first = 0;
  for (int w = 0; w < winding; ++w) first += windings[w].size();
  return currents_into(transformers_[transformer], first, windings[winding].size(), v);
}

void NodalModel::loadings(std::span<const Complex> v, std::span<double> lines, std::span<double> transformers) const {
  const auto& data = network_->data();
  for (std::size_t i = 0; i < lines.size(); ++i) {
    lines[i] = 0;
    if (data.lines[i].rating <= 0 || !state_.closed[i]) continue;
    const auto& p = lines_[i];
    const std::size_t n = p.nodes.size();
    double worst = 0;
    for (std::size_t r = 0; r < n / 2; ++r) {
      Complex current;
      for (std::size_t c = 0; c < n; ++c) current += p.y(static_cast<Eigen::Index>(r), static_cast<Eigen::Index>(c)) * at(v, p.nodes[c]);
      worst = std::max(worst, std::norm(current));
    }
    lines[i] = std::sqrt(worst) / data.lines[i].rating;
  }
  for (std::size_t i = 0; i < transformers.size(); ++i) {
    const auto& transformer = data.transformers[i];
    const double rating = transformer.rating > 0 ? transformer.rating : transformer.windings[0].rated_power;
    transformers[i] = std::abs(transformer_flow(static_cast<int>(i), v).power) / rating;
  }
}

}  // namespace gridfed
