#include "evaluation/day_score.hpp"

#include <algorithm>
#include <cmath>

namespace gridfed {

DayScore score_day(GridEnvironment& environment, Policy& policy, std::uint64_t seed, int client, int day) {
  DayScore score;
  const double hours = environment.timestep() / 3600.0;
  int steps = 0;
  rollout(environment, policy, seed, client, day, [&](const Transition& t) {
    const StepInfo& info = *t.info;
    ++steps;
    score.scaled_return += info.scaled_return;
    score.cost += t.cost;
    score.voltage_violation += info.voltage_violation;
    score.thermal_violation += info.thermal_violation;
    score.steps_violated += t.cost > 0;
    score.energy_cost += info.energy_cost;
    score.loss_cost += info.loss_cost;
    score.violation_penalty += info.violation_penalty;
    score.tap_wear += info.tap_wear;
    score.battery_wear += info.battery_wear;
    score.idle_cost += info.idle_cost;
    score.stored_energy_value += info.stored_energy_value;
    score.losses_kwh += info.losses / 1000 * hours;
    score.curtailed_kwh += info.curtailed / 1000 * hours;
    score.battery_kwh += std::abs(info.battery) / 1000 * hours;
    score.tap_operations += info.tap_operations;
    score.voltage_lowest = std::min(score.voltage_lowest, info.voltage_lowest);
    score.voltage_highest = std::max(score.voltage_highest, info.voltage_highest);
    score.diverged += info.diverged;
  });
  for (double* mean : {&score.cost, &score.voltage_violation, &score.thermal_violation, &score.steps_violated}) *mean /= steps;
  return score;
}

Estimate estimate(std::span<const double> values) {
  Estimate result;
  const auto n = static_cast<double>(values.size());
  for (const double value : values) result.mean += value / n;
  for (const double value : values) result.standard_error += (value - result.mean) * (value - result.mean);
  result.standard_error = values.size() > 1 ? std::sqrt(result.standard_error / (n - 1) / n) : 0.0;
  return result;
}

}  // namespace gridfed
