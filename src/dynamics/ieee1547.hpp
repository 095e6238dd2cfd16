#pragma once

#include <array>
#include <limits>
#include <vector>

/// What IEEE Std 1547-2018 asks of distributed resources, with its default settings.
namespace gridfed {

/// Volt-var: no reactive power between dead_low and dead_high, and beyond linear in the voltage to `capability` after `slope` p.u. more.
struct VoltVarCurve {
  double dead_low, dead_high, slope;  ///< [p.u.]
  double capability;                  ///< [share of rating]
};
inline constexpr VoltVarCurve volt_var_a{1.0, 1.0, 0.10, 0.25};    ///< (0.90, +0.25) (1.00, 0) (1.10, -0.25); responds in 10 s
inline constexpr VoltVarCurve volt_var_b{0.98, 1.02, 0.06, 0.44};  ///< (0.92, +0.44) (0.98, 0) (1.02, 0) (1.08, -0.44); in 5 s
inline constexpr double volt_var_response_a = 10, volt_var_response_b = 5, volt_watt_response = 10, droop_response = 5;  ///< [s]

/// Reactive power at a voltage [p.u.]: share of the inverter's rating, positive = injected.
double volt_var(double voltage_pu, const VoltVarCurve& curve = volt_var_b);

/// Largest |reactive share| category B asks of an inverter.
inline constexpr double reactive_capability = volt_var_b.capability;

/// Volt-watt: largest active power as a share of the rating, 1 up to 1.06 p.u. and `lowest` from 1.10 p.u. on. By default `lowest` is the
/// lesser of 0.2 and the least power the resource can run at.
double volt_watt(double voltage_pu, double lowest = 0.2);

/// Frequency-droop settings.
struct FrequencyDroop {
  double deadband = 0.036;  ///< [Hz] either side
  double droop = 0.05;      ///< change of frequency by change of power, both p.u.
  double nominal = 60;      ///< [Hz]
};
/// Change of active power that droop asks for at a deviation from nominal frequency [Hz]: share of the rating, before what the resource
/// has limits it.
double frequency_droop(double deviation, const FrequencyDroop& settings = {});

/// Time constant of the first-order lag that reaches 90 % of a step in the open-loop response time.
double lag_of_response_time(double response_time);
/// A lagged value after a time [s] with a constant target.
double lagged(double value, double target, double seconds, double response_time);

/// Abnormal operating performance: the least, that of the bulk system, and that of high penetration.
enum class PerformanceCategory { one, two, three };

/// A threshold beyond which a resource must have tripped after a time.
struct TripThreshold {
  enum class Quantity { voltage, frequency } quantity;
  bool above;            ///< over, or under
  double threshold;      ///< [p.u.] or [Hz]
  double clearing_time;  ///< [s]
};

/// Default trip settings of a category, and where it must cease to deliver without tripping (momentary cessation) [p.u.].
struct RideThroughSettings {
  std::vector<TripThreshold> trips;
  double ceases_below, ceases_above;
};
RideThroughSettings ride_through_settings(PerformanceCategory category);

/// How long a resource of a category must at least stay at a constant abnormal voltage [p.u.] before it may trip [s] (tables 14 to 16); 0 =
/// not at all, infinity = always. Tests hold the trip settings against it.
double required_ride_through(PerformanceCategory category, double voltage_pu);

/// When a resource may start to deliver.
struct EnterServiceSettings {
  double voltage_low = 0.917, voltage_high = 1.05;     ///< [p.u.]
  double frequency_low = 59.5, frequency_high = 60.1;  ///< [Hz]
  double delay = 300, ramp = 300;                      ///< [s]
};

/// One resource through a disturbance: it runs, ceases to deliver while the voltage is very low (or high), trips, and enters service again.
class RideThrough {
 public:
  enum class Status { running, ceased, tripped };

  explicit RideThrough(PerformanceCategory category, const EnterServiceSettings& enter = {});

  /// Goes on for a time [s] at constant voltage [p.u.] and frequency [Hz]. A threshold that is left starts again from zero.
  Status advance(double voltage, double frequency, double seconds);
  Status status() const { return status_; }
  /// Largest active power [share of rating]: 0 unless it runs; rises over the ramp after it entered service.
  double power_limit() const;
  /// Time until status or limit begin to change if voltage and frequency stay as they are [s].
  double time_to_change(double voltage, double frequency) const;
  int trips() const { return trips_; }

 private:
  bool may_enter(double voltage, double frequency) const;

  RideThroughSettings settings_;
  EnterServiceSettings enter_;
  std::vector<double> beyond_;  // time beyond each threshold [s]
  Status status_ = Status::running;
  double waited_ = 0, since_start_ = std::numeric_limits<double>::infinity();
  int trips_ = 0;
};

/// Largest differences at which a resource of a rating [VA] may be paralleled (clause 4.10.4).
struct SynchronisingLimits {
  double frequency;  ///< [Hz]
  double voltage;    ///< [p.u.]
  double angle_deg;
};
SynchronisingLimits synchronising_limits(double rating);

}  // namespace gridfed
