#include "control/safety_shield.hpp"

#include <algorithm>
#include <cmath>

namespace gridfed {

SafetyShield::SafetyShield(Policy& policy, Policy& backup, GridEnvironment model, const SafetyOptions& options, Mode mode)
    : policy_(policy),
      backup_(backup),
      model_(std::move(model)),
      options_(options),
      mode_(mode),
      monitor_(options, model_.options()),
      layer_(model_),
      backup_action_(static_cast<std::size_t>(model_.action_size())),
      tried_(backup_action_.size()) {
  validate(options);
}

void SafetyShield::begin_episode(const GridEnvironment& environment, int day) {
  environment_ = &environment;
  day_ = day;
  handed_over_ = false;
  expected_ = environment.scenario();
  monitor_.begin_day(environment);
  policy_.begin_episode(environment, day);
  backup_.begin_episode(environment, day);
}

/// Of outages those count that have begun.
void SafetyShield::foresee() {
  const int t = before_.step, known = options_.forecast == "persistence" ? std::max(0, t - 1) : t;
  const auto& drawn = environment_->scenario();
  const auto repeat = [&](const std::vector<float>& from, std::vector<float>& to, int width) {
    const auto row = [&](int step) { return static_cast<std::ptrdiff_t>(step) * width; };
    std::copy_n(from.begin() + row(known), width, to.begin() + row(t));
  };
  repeat(drawn.load, expected_.load, drawn.loads);
  repeat(drawn.solar, expected_.solar, drawn.solar_plants);
  repeat(drawn.wind, expected_.wind, drawn.turbines);
  expected_.outages.clear();
  for (const auto& outage : drawn.outages) {
    if (outage.begin < (known + 1) * environment_->timestep()) expected_.outages.push_back(outage);
  }
}

Assessment SafetyShield::outcome(std::span<const float> action) {
  model_.resume(before_, expected_);
  const bool diverged = model_.step(action).info.diverged;
  return monitor_.assess(model_, diverged);
}

void SafetyShield::act(std::span<const float> observation, std::span<float> action) {
  before_ = environment_->state();
  if (before_.step > 0) monitor_.advance(*environment_);
  policy_.act(observation, action);
  backup_.act(observation, backup_action_);
  foresee();
  last_ = {.day = day_, .step = before_.step};
  ++counts_.steps;
  last_.invalid = !std::ranges::all_of(action, [](float a) { return std::isfinite(a); });
  counts_.invalid += last_.invalid;
  if (last_.invalid && mode_ == Mode::watch) return;
  if (!last_.invalid && permits(action)) return;
  take_over(action);
}

/// Leaves the policy's action, or the nearest within the limits, where that is foreseen to be well.
bool SafetyShield::permits(std::span<float> action) {
  last_.foreseen = outcome(action);
  if (mode_ == Mode::watch) return true;
  if (last_.foreseen.severity() <= (handed_over_ ? options_.release_threshold : options_.intervention_threshold)) {
    last_.released = handed_over_;
    counts_.releases += handed_over_;
    handed_over_ = false;
    return true;
  }
  if (handed_over_ || !options_.constraint_layer || !std::isfinite(last_.foreseen.severity())) return false;
  std::ranges::copy(action, tried_.begin());
  layer_.project(model_, before_, monitor_, options_.intervention_threshold, tried_);
  if (outcome(tried_).severity() > options_.intervention_threshold) return false;
  std::ranges::copy(tried_, action.begin());
  last_.decision = Decision::projected;
  ++counts_.projected;
  return true;
}

void SafetyShield::take_over(std::span<float> action) {
  last_.handed_over = !handed_over_;
  counts_.handovers += !handed_over_;
  handed_over_ = true;
  std::ranges::copy(backup_action_, action.begin());
  if (options_.constraint_layer) {
    const auto backup = outcome(backup_action_);
    if (backup.violated() && std::isfinite(backup.severity())) {
      std::ranges::copy(backup_action_, tried_.begin());
      layer_.project(model_, before_, monitor_, options_.intervention_threshold, tried_);
      const auto projected = outcome(tried_);
      bool better = projected.severity() < backup.severity();
      for (std::size_t i = 0; i < limit_count; ++i) better = better && projected.use[i] <= std::max(1.0, backup.use[i]);
      if (better) {
        std::ranges::copy(tried_, action.begin());
        last_.decision = Decision::projected_backup;
        ++counts_.projected_backup;
        return;
      }
    }
  }
  last_.decision = Decision::backup;
  ++counts_.backup;
}

}  // namespace gridfed
