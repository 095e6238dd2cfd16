#pragma once

#include "env/grid_environment.hpp"

#include <array>
#include <string>

namespace gridfed {

/// What must not happen, and when a shield steps in. The limits of voltage are env.voltage_min and env.voltage_max.
struct SafetyOptions {
  double line_loading = 1, transformer_loading = 1;   ///< [rating]
  double frequency_min = 59.5, frequency_max = 60.5;  ///< [Hz]
  double frequency_stiffness = 0;                     ///< of the system the feeder hangs on [MW/Hz]; 0 = no feeder moves it
  int tap_changes = 30;                               ///< of each regulator a day; 0 = no limit
  std::string forecast = "measured";                  ///< what the shield knows of loads, sun and wind, see SafetyShield
  std::string backup = "rules";                       ///< controller that takes over: a name of make_policy()
  double intervention_threshold = 0.95;               ///< share of a limit beyond which it takes over
  double release_threshold = 0.90;                    ///< share of all limits below which it hands back
  bool constraint_layer = true;                       ///< is the nearest action within the limits tried first?
  double violation_penalty = 1000;                    ///< price of a squared share of a limit where no action meets all
};

void declare(boost::program_options::options_description& deck, SafetyOptions& options);
/// Throws Error naming the key.
void validate(const SafetyOptions& options);

enum class Limit { voltage, line, transformer, frequency, taps };
inline constexpr int limit_count = 5;
const char* word(Limit limit);

/// How much of each limit a step uses: 0 at nominal, 1 at the limit, above 1 violated.
struct Assessment {
  std::array<double, limit_count> use{};
  std::array<int, limit_count> place{};  ///< measurement, line, transformer, none, regulator
  Limit worst() const;
  double severity() const { return use[static_cast<std::size_t>(worst())]; }
  bool violated(Limit limit) const { return use[static_cast<std::size_t>(limit)] > 1 + 1e-9; }
  bool violated() const { return severity() > 1 + 1e-9; }
};

/// Judges steps of an environment by the limits, and counts what is limited by the day.
class SafetyMonitor {
 public:
  SafetyMonitor(const SafetyOptions& options, const EnvironmentOptions& environment)
      : options_(options), environment_(environment), frequency_((options.frequency_min + options.frequency_max) / 2) {}

  void begin_day(const GridEnvironment& environment);
  /// What was measured last [Hz]; nominal where nobody measures.
  void set_frequency(double frequency) { frequency_ = frequency; }
  /// Of a step that led from where the monitor stands to this environment.
  Assessment assess(const GridEnvironment& after, bool diverged) const;
  /// That step has happened.
  void advance(const GridEnvironment& after);

  const SafetyOptions& options() const { return options_; }
  double voltage_middle() const { return (environment_.voltage_min + environment_.voltage_max) / 2; }
  double voltage_half() const { return (environment_.voltage_max - environment_.voltage_min) / 2; }
  /// Of a step that takes so much from the head [W].
  double frequency(double head_power) const;
  std::string place_name(const Network& network, Limit limit, int place) const;

 private:
  std::vector<int> taps(const GridEnvironment& environment) const;

  SafetyOptions options_;
  EnvironmentOptions environment_;
  std::vector<int> last_taps_, changes_;  // by regulator
  double last_head_ = 0, frequency_;
};

}  // namespace gridfed
