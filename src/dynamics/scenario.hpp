#pragma once

#include "dynamics/history.hpp"
#include "dynamics/outages.hpp"
#include "grid/network.hpp"

#include <boost/program_options/options_description.hpp>

#include <cstdint>
#include <vector>

namespace gridfed {

/// Days are numbered; what is learned from, chosen on and judged on never overlap.
inline constexpr int first_training_day = 0, first_validation_day = 100000, first_test_day = 200000;

/// What a day may bring. Standard deviations are shares of the load; correlations are between neighbouring steps of 15 minutes and are
/// raised to the step's length.
struct ScenarioOptions {
  double timestep = 900;          ///< [s]
  double episode_length = 86400;  ///< [s]
  bool stochastic_loads = true;
  std::string renewable_sources = "solar,wind";
  double load_noise_common = 0.04, load_noise_local = 0.10, load_correlation = 0.95;
  std::string load_profile = "system";  ///< system: RTS-79 for all; classes: times the profile of each load's class
  double load_neighbours = 0;           ///< correlation of local noise over one line; 0 = none between loads
  double latitude = 37.0;               ///< [deg]
  std::string sky = "regimes";          ///< regimes: clear, broken or overcast days; tag: published laws about mean_clearness
  double mean_clearness = 0.55;         ///< of tag
  double clearness_correlation = 0.96;
  double wind_shape = 2.0, wind_scale = 7.5, wind_correlation = 0.98;  ///< Weibull marginal [-, m/s]
  double energy_price = 0.15;                                          ///< mean day-ahead price [$/kWh]
  double price_spread = 1.0;                                           ///< scales the daily swing of the price; 0 = flat
  bool outages = false;                                                ///< whether lines fail and are repaired
  OutageOptions outage;
  int steps() const { return static_cast<int>(episode_length / timestep + 0.5); }
  bool has(const char* source) const { return renewable_sources.find(source) != std::string::npos; }
};

void declare(boost::program_options::options_description& deck, ScenarioOptions& options);

/// Throws Error for values that make no day.
void validate(const ScenarioOptions& options);

/// One day drawn for one feeder: everything outside the control of an operator. Steps are rows.
struct Scenario {
  int steps = 0, loads = 0, solar_plants = 0, turbines = 0;
  int day_of_year = 1;
  std::vector<float> load;    ///< [steps, loads] factor on rated power
  std::vector<float> solar;   ///< [steps, solar plants] available share of capacity
  std::vector<float> wind;    ///< [steps, turbines] available share of capacity
  std::vector<double> price;  ///< [steps] day-ahead [$/kWh], known at midnight
  std::vector<Outage> outages;
  double load_factor(int step, int position) const { return load[static_cast<std::size_t>(step) * loads + position]; }
  double solar_factor(int step, int position) const { return solar[static_cast<std::size_t>(step) * solar_plants + position]; }
  double wind_factor(int step, int position) const { return wind[static_cast<std::size_t>(step) * turbines + position]; }
};

/// Draws day number `day` of `client`; the same arguments give the same day whatever else was drawn.
/// Loads: RTS-79 profile of a random week and weekday times (1 + common + local AR(1) noise). Sun: Haurwitz times a clearness index whose
/// daily regime is clear, broken or overcast, or the TAG model (clearness.hpp). Wind: Gaussian AR(1) with a Weibull marginal. Price: a
/// day-ahead curve with morning and evening peaks, a midday trough that deepens with the sun, a random level and hourly noise. Where there
/// is a history, its columns replace what would be drawn. Of its days, counted from 0, those with day mod 5 = 3 are for validation days,
/// those with day mod 5 = 4 for test days, the others for training days, in their order. Throws Error where it has too few.
Scenario draw_scenario(const Network& network, const ScenarioOptions& options, std::uint64_t seed, int client, int day,
                       const History* history = nullptr);

/// Day of a history that stands for day number `day`. Throws Error where the history has too few.
int history_day(const History& history, int day);

}  // namespace gridfed
