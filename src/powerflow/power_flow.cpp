#include "powerflow/power_flow.hpp"

#include "powerflow/nodal_factor.hpp"
#include "runtime/error.hpp"

#include <algorithm>
#include <boost/program_options.hpp>
#include <cmath>
#include <initializer_list>
#include <string>
#include <utility>

namespace gridfed {

namespace {

template <class Choice>
Choice chosen(const char* key, const std::string& name, std::initializer_list<std::pair<const char*, Choice>> choices) {
  std::string names;
  for (const auto& [known, choice] : choices) {
    if (name == known) return choice;
    names += names.empty() ? known : fmt::format(", {}", known);
  }
  throw Error("{} is '{}': it must be one of {}", key, name, names);
}

}  // namespace

void declare(boost::program_options::options_description& deck, PowerFlowOptions& o) {
  namespace po = boost::program_options;
  deck.add_options()("powerflow.tolerance", po::value(&o.tolerance)->default_value(o.tolerance),
                     "largest estimated voltage error accepted [p.u.]")("powerflow.max_iterations",
                                                                        po::value(&o.max_iterations)->default_value(o.max_iterations),
                                                                        "iterations before a case counts as diverged")(
      "powerflow.acceleration_factor", po::value(&o.acceleration_factor)->default_value(o.acceleration_factor),
      "step length of the fixed point; 1 = plain, above 1 over-relaxes")(
      "powerflow.solver", po::value<std::string>()->default_value("auto")->notifier([&o](const std::string& name) {
        o.solver = chosen<Solver>("powerflow.solver", name,
                                  {{"auto", Solver::automatic},
                                   {"newton_raphson", Solver::newton_raphson},
                                   {"fast_decoupled", Solver::fast_decoupled},
                                   {"distribution", Solver::distribution},
                                   {"unbalanced", Solver::unbalanced}});
      }),
      "auto, newton_raphson, fast_decoupled, distribution or unbalanced; auto = newton_raphson where a bus holds its voltage or every bus "
      "has one conductor, else unbalanced")(
      "powerflow.scheme", po::value<std::string>()->default_value("xb")->notifier([&o](const std::string& name) {
        o.scheme = chosen<DecouplingScheme>("powerflow.scheme", name, {{"xb", DecouplingScheme::xb}, {"bx", DecouplingScheme::bx}});
      }),
      "xb or bx: which matrix of fast_decoupled leaves out resistance, that of angles or that of magnitudes");
}

bool is_positive_sequence(const Network& network) {
  return network.buses().size() == static_cast<std::size_t>(network.node_count());
}

void PowerFlow::refuse_held_voltages(const char* solver, IdealSources ideal) const {
  for (const auto& generator : network().data().generators) {
    if (!generator.voltage_setpoint_pu) continue;
    throw Error("{}:{}: generator '{}' holds its voltage, which the {} solver cannot do: take powerflow.solver = newton_raphson",
                generator.origin.file, generator.origin.line, generator.name, solver);
  }
  for (const auto& source : network().data().sources) {
    if (!source.ideal || ideal == IdealSources::allowed) continue;
    throw Error(
        "{}:{}: source '{}' is ideal, which the {} solver cannot do: take powerflow.solver = newton_raphson or give the source an "
        "impedance",
        source.origin.file, source.origin.line, source.name, solver);
  }
}

PowerFlow::PowerFlow(std::shared_ptr<const Network> network, const PowerFlowOptions& options)
    : model_(std::move(network)), options_(options) {
  if (!(options.tolerance > 0)) throw Error("powerflow.tolerance is {}: it must be positive", options.tolerance);
  if (options.max_iterations < 1) throw Error("powerflow.max_iterations is {}: it must be at least 1", options.max_iterations);
  if (!(options.acceleration_factor > 0 && options.acceleration_factor < 2)) {
    throw Error("powerflow.acceleration_factor is {}: it must lie in (0, 2)", options.acceleration_factor);
  }
  x_.assign(model_.network().node_count(), 0);
  solution_.bus_voltages.assign(model_.network().node_count(), 0);
}

void PowerFlow::set_state(const GridState& state) {
  const StateChange change = model_.set_state(state);
  if (change.any()) refresh(change);
}

const PowerFlowSolution& PowerFlow::solve(const LoadingConditions& conditions) {
  const auto& data = network().data();
  if (conditions.load_power.size() != data.loads.size() || conditions.solar_power.size() != data.solar.size() ||
      conditions.wind_power.size() != data.wind.size() || conditions.battery_power.size() != data.batteries.size() ||
      conditions.generator_power.size() != data.generators.size()) {
    throw Error("loading conditions do not match network '{}': give one power for each of its {} loads, {} DERs and {} generators",
                data.name, data.loads.size(), data.solar.size() + data.wind.size() + data.batteries.size(), data.generators.size());
  }
  solution_.converged = false;
  solution_.iterations = 0;
  if (!warm_) start();
  warm_ = false;
  solution_.generator_power = conditions.generator_power;
  iterate(conditions, solution_);
  LoadingConditions found = conditions;
  found.generator_power = solution_.generator_power;
  model_.summarise(found, x_, solution_);
  warm_ = solution_.converged;
  return solution_;
}

namespace {

constexpr double rounding_level = 1e-8;  // [p.u.]: no tolerance above is met by stalling

}  // namespace

UnbalancedPowerFlow::UnbalancedPowerFlow(std::shared_ptr<const Network> network, const PowerFlowOptions& options)
    : PowerFlow(std::move(network), options),
      factor_(std::make_unique<NodalFactor>(model_.row_start(), model_.column())),
      rhs_(model_.network().node_count()) {
  refuse_held_voltages("unbalanced", IdealSources::refused);
  refresh({});
}
UnbalancedPowerFlow::UnbalancedPowerFlow(UnbalancedPowerFlow&&) noexcept = default;
UnbalancedPowerFlow::~UnbalancedPowerFlow() = default;

void UnbalancedPowerFlow::refresh(const StateChange&) {
  if (const auto singular = factor_->factorise(model_.matrix())) model_.throw_singular(*singular);
}

void UnbalancedPowerFlow::start() {
  const auto no_load = factor_->solve(model_.source_currents());
  std::copy(no_load.begin(), no_load.end(), x_.begin());
}

void UnbalancedPowerFlow::iterate(const LoadingConditions& conditions, PowerFlowSolution& solution) {
  double previous = 0, best = 0;
  int stalled = 0;
  while (solution.iterations < options_.max_iterations) {
    ++solution.iterations;
    model_.currents(conditions, x_, rhs_);
    const auto next = factor_->solve(rhs_);
    double change = 0;
    for (std::size_t i = 0; i < x_.size(); ++i) {
      const Complex step = next[i] - x_[i];
      change = std::max(change, std::norm(step));
      x_[i] += options_.acceleration_factor * step;
    }
    change = std::sqrt(change);
    if (!std::isfinite(change) || change > 1e6) break;
    // A contraction with ratio r leaves r / (1 - r) of the last step still to go (Banach's bound).
    const double ratio = previous > 0 ? std::min(change / previous, 0.95) : 0.5;
    if (change * ratio / (1 - ratio) < options_.tolerance && (change < options_.tolerance || previous > 0)) {
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
}

}  // namespace gridfed
