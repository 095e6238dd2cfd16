#pragma once

#include "dynamics/adaptive_step.hpp"

#include <boost/program_options/options_description.hpp>

#include <array>
#include <limits>

namespace gridfed {

/// A power system seen as one machine, in p.u. of its rating: inertia, load damping, a steam turbine with governor (TGOV1), and inverters
/// that respond to frequency.
struct FrequencyOptions {
  double nominal = 60;                                       ///< [Hz]
  double inertia = 3;                                        ///< H [s]
  double damping = 1;                                        ///< of the load, power per speed [p.u.]
  double droop = 0.05;                                       ///< of the governor; 0 = there is none
  double valve_time = 0.5;                                   ///< T1 [s]
  double lead_time = 3;                                      ///< T2 [s]
  double reheat_time = 10;                                   ///< T3 [s]
  double reserve = std::numeric_limits<double>::infinity();  ///< that the valve can open beyond its present stand

  double inverter_share = 0;         ///< rating of the responding inverters
  double inverter_droop = 0.05;      ///< frequency per power of their rating (IEEE 1547-2018: 0.05)
  double inverter_deadband = 0.036;  ///< [Hz]
  double inverter_response = 5;      ///< open-loop response time, to 90 % [s]
  double inverter_headroom = 1;      ///< upwards [share of their rating]
  double inverter_footroom = 1;      ///< downwards
};

void declare(boost::program_options::options_description& deck, FrequencyOptions& options);
/// Throws Error for values with which nothing can be simulated.
void validate(const FrequencyOptions& options);

/// Frequency after changes of load:
///   2H dw/dt = Pm + Pi - dPL - D w,  T1 dx/dt = r - w/R - x,  T3 dy/dt = x - y,  Pm = y + T2/T3 (x - y),
///   Ti dPi/dt = s clamp(-(w f -+ deadband) / (f k), -footroom, headroom) - Pi.
/// All are deviations from the balanced state at nominal frequency, where it starts.
class FrequencyResponse {
 public:
  explicit FrequencyResponse(const FrequencyOptions& options);

  /// What secondary control asks of the turbine beyond its balanced power [p.u.].
  void set_reference(double reference) { reference_ = reference; }
  /// Goes on for a time [s] with a load above (or below) the balanced one [p.u.].
  void advance(double load_change, double seconds);

  double frequency() const { return options_.nominal * (1 + x_[speed]); }  ///< [Hz]
  double rate_of_change() const;                                           ///< at the last load change [Hz/s]
  double turbine_power() const;                                            ///< [p.u.]
  double inverter_power() const { return x_[inverter]; }                   ///< [p.u.]
  double time() const { return time_; }                                    ///< since the beginning [s]

  struct Extreme {
    double frequency, time;  ///< [Hz], [s]
  };
  Extreme lowest() const { return lowest_; }
  Extreme highest() const { return highest_; }
  long substeps() const { return step_.substeps(); }

 private:
  enum State { speed, valve, reheat, inverter, states };
  void rate(std::span<const double> x, std::span<double> dx) const;
  void note(double begin, double length, double w0, double rate0, double w1, double rate1);

  FrequencyOptions options_;
  double load_change_ = 0, reference_ = 0, time_ = 0;
  std::array<double, states> x_{};
  Extreme lowest_, highest_;
  AdaptiveStep step_;
};

}  // namespace gridfed
