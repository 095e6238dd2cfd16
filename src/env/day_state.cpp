#include "env/grid_environment.hpp"
#include "runtime/error.hpp"

namespace gridfed {

DayState GridEnvironment::state() const {
  return {.step = step_,
          .conditions = conditions_,
          .grid = flow_.state(),
          .charge = soc_,
          .flexible = flexible_,
          .solar_share = solar_share_,
          .wind_share = wind_share_,
          .battery_share = battery_share_};
}

void GridEnvironment::resume(const DayState& state, const Scenario& scenario) {
  flow_.check(state.conditions);
  if (state.charge.size() != soc_.size() || state.flexible.size() != flexible_.size() || state.solar_share.size() != solar_share_.size() ||
      state.wind_share.size() != wind_share_.size() || state.battery_share.size() != battery_share_.size()) {
    throw Error("a state of another network than '{}' is resumed: build both environments from one feeder", network_->data().name);
  }
  if (state.step < 0 || state.step >= scenario.steps) throw Error("step {} is resumed of a day of {} steps", state.step, scenario.steps);
  scenario_ = scenario;
  step_ = state.step;
  conditions_ = state.conditions;
  soc_ = state.charge;
  flexible_ = state.flexible;
  solar_share_ = state.solar_share;
  wind_share_ = state.wind_share;
  battery_share_ = state.battery_share;
  flow_.set_state(state.grid);
  if (step_ == 0) flow_.flat_start();  // a day's results do not depend on the one before
  auto& unknown = idle_costs_[{0, -1, 0}];
  unknown.assign(static_cast<std::size_t>(scenario.steps), 0.0);
  idle_ = &unknown;
}

std::optional<std::span<const float>> GridEnvironment::look() {
  if (!flow_.solve(conditions_).converged) return {};
  measure();
  observe();
  return observation_;
}

}  // namespace gridfed
