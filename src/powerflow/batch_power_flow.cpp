#include "powerflow/batch_power_flow.hpp"

#include "powerflow/scenario_lanes.hpp"
#include "runtime/error.hpp"

#include <algorithm>
#include <optional>
#include <vector>

namespace gridfed {

bool BatchSolution::converged(int scenario) const {
  return lanes_.outcome(scenario).converged;
}
int BatchSolution::iterations(int scenario) const {
  return lanes_.outcome(scenario).iterations;
}
Complex BatchSolution::voltage(int node, int scenario) const {
  return lanes_.voltage(node, scenario);
}

struct BatchPowerFlow::Workspace {
  std::shared_ptr<const Network> network;
  PowerFlowOptions options;
  NodalModel model;
  UnbalancedPowerFlow alone;  // for the start, and for scenarios that plain iterations do not settle
  std::optional<ClusterFactor> factor;
  std::unique_ptr<ScenarioLanes> lanes;
  bool single_precision = false;

  Workspace(std::shared_ptr<const Network> given, const PowerFlowOptions& wanted)
      : network(std::move(given)), options(wanted), model(network), alone(network, wanted) {}

  /// From the model's present state on.
  void prepare(bool anew) {
    if (anew) {
      const auto ports = ports_of(model);
      factor.emplace(matrix_of(model), ports, model.switched(), model.network().nodes()[model.sources().front().nodes.front()].bus,
                     ClusterFactor::Use::blocks);
    }
    if (const int node = factor->factorise(matrix_of(model)); node >= 0) model.throw_singular(node);
    std::vector<Complex> unloaded, rated;
    alone.flat_start();
    if (!alone.solve(rated_conditions(*network, 0.0)).converged)
      throw Error("network '{}' does not converge without load, so no batch can begin: see gridfed_powerflow --diagnose",
                  network->data().name);
    unloaded = rated = alone.solution().bus_voltages;
    if (alone.solve(rated_conditions(*network)).converged) rated = alone.solution().bus_voltages;
    if (anew) choose_precision(unloaded, rated);
    lanes->prepare(*factor);
    lanes->set_start(unloaded, rated);
  }

  /// Single precision where it finds the same voltages within a third of the tolerance.
  void choose_precision(std::span<const Complex> unloaded, std::span<const Complex> rated) {
    single_precision = false;
    if (options.tolerance > 1e-6) {
      lanes = make_single_lanes(model, *factor);
      lanes->prepare(*factor);
      lanes->set_start(unloaded, rated);
      const LoadingConditions trial = rated_conditions(*network, 0.7);
      UnbalancedPowerFlow exact(network, {.tolerance = 1e-9, .max_iterations = options.max_iterations});
      exact.set_state(model.state());
      lanes->solve({&trial, 1}, options.tolerance / 100, options.max_iterations);
      single_precision = exact.solve(trial).converged;
      for (std::size_t node = 0; node < rated.size() && single_precision; ++node) {
        const double error = std::abs(lanes->voltage(static_cast<int>(node), 0) - exact.solution().bus_voltages[node]) / model.base()[node];
        single_precision = error < options.tolerance / 3;
      }
    }
    if (!single_precision) lanes = make_double_lanes(model, *factor);
  }
};

BatchPowerFlow::BatchPowerFlow(std::shared_ptr<const Network> network, const PowerFlowOptions& options)
    : work_(std::make_unique<Workspace>(std::move(network), options)) {
  if (options.acceleration_factor != 1)
    throw Error("powerflow.acceleration_factor is {}, but a batch takes whole steps: leave it at 1", options.acceleration_factor);
  work_->prepare(true);
}
BatchPowerFlow::BatchPowerFlow(BatchPowerFlow&&) noexcept = default;
BatchPowerFlow::~BatchPowerFlow() = default;

const NodalModel& BatchPowerFlow::model() const {
  return work_->model;
}
bool BatchPowerFlow::single_precision() const {
  return work_->single_precision;
}

void BatchPowerFlow::set_state(const GridState& state) {
  const StateChange change = work_->model.set_state(state);
  if (!change.any()) return;
  work_->alone.set_state(state);
  work_->prepare(!change.within_switched);
}

void BatchPowerFlow::solve(std::span<const LoadingConditions> scenarios, const std::function<void(const BatchSolution&)>& show) {
  auto& w = *work_;
  for (const auto& conditions : scenarios) w.alone.check(conditions);
  const std::size_t together = static_cast<std::size_t>(w.lanes->lanes());
  for (std::size_t first = 0; first < scenarios.size(); first += together) {
    const auto group = scenarios.subspan(first, std::min(together, scenarios.size() - first));
    w.lanes->solve(group, w.options.tolerance, w.options.max_iterations);
    for (std::size_t k = 0; k < group.size(); ++k) {
      const int lane = static_cast<int>(k);
      if (w.lanes->outcome(lane).converged) continue;
      w.alone.flat_start();
      const auto& solution = w.alone.solve(group[k]);
      w.lanes->replace(lane, solution.bus_voltages, {solution.converged, solution.iterations});
    }
    show(BatchSolution(*w.lanes, static_cast<int>(first), static_cast<int>(group.size())));
  }
}

}  // namespace gridfed
