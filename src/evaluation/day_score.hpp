#pragma once

#include "env/rollout.hpp"

#include <cstdint>
#include <vector>

namespace gridfed {

/// What a policy made of one day.
struct DayScore {
  double scaled_return = 0;                             ///< [peak load x energy price x hour], not clipped
  double cost = 0;                                      ///< constraint violation, mean over the steps
  double voltage_violation = 0, thermal_violation = 0;  ///< of these constraints, means over the steps
  double steps_violated = 0;                            ///< share of steps with any violation
  double energy_cost = 0, loss_cost = 0, violation_penalty = 0, tap_wear = 0, battery_wear = 0, idle_cost = 0,
         stored_energy_value = 0;                             ///< [$]
  double losses_kwh = 0, curtailed_kwh = 0, battery_kwh = 0;  ///< battery: discharged and charged
  double tap_operations = 0;
  double voltage_lowest = 2, voltage_highest = 0;  ///< [p.u.]
  double diverged = 0;
};

/// Plays one day and adds it up.
DayScore score_day(GridEnvironment& environment, Policy& policy, std::uint64_t seed, int client, int day);

/// A mean with its standard error over independent days.
struct Estimate {
  double mean = 0, standard_error = 0;
};
Estimate estimate(std::span<const double> values);

}  // namespace gridfed
