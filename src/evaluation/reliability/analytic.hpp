#pragma once

#include "evaluation/economics.hpp"
#include "evaluation/reliability/consequences.hpp"
#include "evaluation/reliability/interruptions.hpp"

#include <map>
#include <string>
#include <vector>

namespace gridfed {

/// A year of one load point, expected or simulated.
struct LoadPointYear {
  double interruptions = 0;  ///< sustained
  double hours = 0;          ///< of sustained interruptions
  double momentary = 0;
  double energy = 0;  ///< not served [kWh]
  double cost = 0;    ///< of the interruptions to the customers [$]
  LoadPointYear& operator+=(const LoadPointYear& other);
};

/// Damage function of each load point; none of them without a table. Throws Error for a class the table does not have.
std::vector<const CustomerDamage*> damage_of(const ReliabilityModel& model, const std::map<std::string, CustomerDamage>& classes);

/// Repair time of a component [h], by a spare where it has one and `spares` is set.
double repair_time(const FailureData& failure, bool spares);

/// Expected year of every load point: each component fails alone, first-order cut sets (Billinton and Allan, Reliability Evaluation of
/// Power Systems, 1996, ch. 7-8). Costs are those of the mean durations.
std::vector<LoadPointYear> expected_years(const ReliabilityModel& model, const Consequences& consequences,
                                          const std::vector<const CustomerDamage*>& damage, bool spares,
                                          double momentary = momentary_limit);

/// Indices of the load points with `feeder`, of all with an empty one; CAIFI takes interruptions for a Poisson process.
struct FeederIndices : ReliabilityIndices {
  std::string feeder;
  double customers = 0, cost = 0;  ///< cost: [$/year]
  /// Interrupted energy assessment rate [$/kWh].
  double cost_of_energy() const { return ens > 0 ? cost / ens : 0; }
};
FeederIndices feeder_indices(const ReliabilityModel& model, const std::vector<LoadPointYear>& years, const std::string& feeder);
/// Feeders in the order of their first load point.
std::vector<std::string> feeders_of(const ReliabilityModel& model);

}  // namespace gridfed
