#pragma once

#include "evaluation/reliability/analytic.hpp"
#include "runtime/communicator.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace gridfed {

struct MonteCarloOptions {
  double target_cv = 0.01;             ///< of the mean ENS, at which the simulation stops; 0 = no simulation
  int max_years = 200000;              ///< the simulation stops at the next round's end
  std::string repair = "exponential";  ///< exponential, lognormal or constant
  double repair_cv = 1;                ///< standard deviation over mean of a log-normal repair time
};
void validate(const MonteCarloOptions& options);

/// Index of one simulated year of the whole system.
struct SystemYear {
  double saifi = 0, saidi = 0, maifi = 0, ens = 0, cost = 0;  ///< -, h, -, kWh, $
};

struct MonteCarloResult {
  std::vector<SystemYear> years;
  std::vector<LoadPointYear> load_points;  ///< means
  double cv = 0;                           ///< of the mean ENS
  bool converged = false;
};

/// Years simulated together between two looks at the coefficient of variation.
inline constexpr int round_chunks = 64, chunk_years = 32;

/// Simulates one year: components fail at exponential times while they work; repair times are drawn, switching takes its fixed time
/// however long the repair. Interruptions of a load point that overlap are one. What begins in the year counts in it to its end.
/// Years are added to `load_points`.
SystemYear simulate_year(const ReliabilityModel& model, const Consequences& consequences, const std::vector<const CustomerDamage*>& damage,
                         bool spares, double momentary, const MonteCarloOptions& options, std::uint64_t seed, int year,
                         std::vector<LoadPointYear>& load_points);

/// Collective on comm. Simulates rounds of years until the target, the limit or `stop`, which is collective and asked after every round.
/// A year draws from its own stream and chunks of years are added in order, so the result has the same bits on any number of ranks.
MonteCarloResult simulate_years(const Communicator& comm, const ReliabilityModel& model, const Consequences& consequences,
                                const std::vector<const CustomerDamage*>& damage, bool spares, double momentary,
                                const MonteCarloOptions& options, std::uint64_t seed, const std::function<bool()>& stop = {});

}  // namespace gridfed
