#include "powerflow/power_flow.hpp"

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
      "xb or bx: which matrix of fast_decoupled leaves out resistance, that of angles or that of magnitudes")(
      "powerflow.reactive_limits", po::value(&o.reactive_limits)->default_value(o.reactive_limits),
      "whether a generator that would need more reactive power than it has lets go of its voltage");
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

void PowerFlow::start_positive_sequence() {
  const Complex source = model_.source_voltages()[0](0);
  const auto nodes = network().nodes();
  for (std::size_t i = 0; i < x_.size(); ++i) x_[i] = network().buses()[nodes[i].bus].start_voltage.value_or(source / std::abs(source));
}

void PowerFlow::take_voltages(std::span<Complex> v, Voltages) {
  for (std::size_t i = 0; i < v.size(); ++i) v[i] = x_[i] * model_.base()[i];
}

void PowerFlow::set_state(const GridState& state) {
  const StateChange change = model_.set_state(state);
  if (change.any()) refresh(change);
}

void PowerFlow::operate(std::span<const Operation> operations) {
  const StateChange change = model_.operate(operations);
  if (change.any()) refresh(change);
}

void PowerFlow::check(const LoadingConditions& conditions) const {
  const auto& data = network().data();
  if (conditions.load_power.size() != data.loads.size() || conditions.solar_power.size() != data.solar.size() ||
      conditions.wind_power.size() != data.wind.size() || conditions.battery_power.size() != data.batteries.size() ||
      conditions.generator_power.size() != data.generators.size()) {
    throw Error("loading conditions do not match network '{}': give one power for each of its {} loads, {} DERs and {} generators",
                data.name, data.loads.size(), data.solar.size() + data.wind.size() + data.batteries.size(), data.generators.size());
  }
}

const PowerFlowSolution& PowerFlow::solve(const LoadingConditions& conditions, Voltages voltages) {
  check(conditions);
  solution_.converged = false;
  solution_.iterations = 0;
  if (!warm_) start();
  warm_ = false;
  solution_.generator_power = conditions.generator_power;
  iterate(conditions, solution_);
  conditions_ = conditions;
  conditions_.generator_power = solution_.generator_power;
  take_voltages(solution_.bus_voltages, voltages);
  complete_ = voltages == Voltages::all;
  warm_ = solution_.converged;
  return solution_;
}

const PowerFlowSolution& PowerFlow::complete() {
  if (!complete_) take_voltages(solution_.bus_voltages, Voltages::all);
  complete_ = true;
  return solution_;
}

}  // namespace gridfed
