#pragma once

#include "dynamics/adaptive_step.hpp"

#include <complex>
#include <span>
#include <vector>

namespace gridfed {

/// A grid-following inverter, in p.u. of its rating: it injects what it is asked for, corrected by droops, behind first-order lags.
struct GridFollowingOptions {
  double lag = 0.01;              ///< of active and of reactive power [s]
  double frequency_droop = 0.01;  ///< frequency per active power
  double voltage_droop = 0.05;    ///< voltage per reactive power
  double current_limit = 2;
  double nominal = 60;  ///< [Hz]
};

class GridFollowingInverter {
 public:
  explicit GridFollowingInverter(const GridFollowingOptions& options = {}) : options_(options) {}

  /// Goes on for a time [s] with these setpoints at a constant terminal voltage [p.u.] and frequency [Hz].
  void advance(std::complex<double> setpoint, double voltage, double frequency, double seconds);
  /// Injected at the last voltage, with no more current than the limit.
  std::complex<double> power() const { return power_; }

 private:
  GridFollowingOptions options_;
  std::complex<double> lagged_, power_;
};

/// A grid-forming inverter: a voltage behind R + jX whose frequency and magnitude fall with what it delivers. In p.u. of its rating.
struct GridFormingOptions {
  double rating = 1;  ///< [VA]
  double active_setpoint = 0, reactive_setpoint = 0;
  double voltage = 1;
  double frequency_droop = 0.01, voltage_droop = 0.05;
  double lag = 0.01;  ///< of measured power [s]
  double resistance = 0.01, reactance = 0.15;
  double current_limit = 2;
};

/// Grid-forming inverters that hold an island together at one busbar:
///   d(angle)/dt = -2 pi f0 mp (p - p*),  E = V* - mq (q - q*),  lag dp/dt = P - p,  lag dq/dt = Q - q,
/// where P + jQ is what each delivers to the busbar. One at its current limit is a current source there.
class GridFormingIsland {
 public:
  explicit GridFormingIsland(std::vector<GridFormingOptions> inverters, double nominal = 60);

  /// Goes on for a time [s] with a load of constant impedance: what it draws at 1 p.u. [VA].
  void advance(std::complex<double> load, double seconds);

  double frequency() const;                             ///< mean by rating [Hz]
  double frequency(int inverter) const;                 ///< [Hz]
  double angle_deg() const;                             ///< of the busbar, in a frame that turns with nominal frequency
  double voltage() const { return std::abs(busbar_); }  ///< of the busbar [p.u.]
  std::complex<double> power(int inverter) const;       ///< delivered to the busbar [VA]
  double current(int inverter) const;                   ///< [p.u. of its rating]
  double lowest_frequency() const { return lowest_; }   ///< mean by rating, at the ends of substeps [Hz]
  long substeps() const { return step_.substeps(); }

 private:
  void solve(std::span<const double> x) const;
  void rate(std::span<const double> x, std::span<double> dx) const;
  double frequency_of(std::span<const double> x) const;

  std::vector<GridFormingOptions> inverters_;
  double nominal_, base_ = 0, lowest_;
  std::complex<double> load_;  // admittance [p.u. of base_]
  std::vector<double> x_;      // angle, p, q by inverter
  mutable std::complex<double> busbar_ = 1;
  mutable std::vector<std::complex<double>> currents_;  // [p.u. of base_]
  mutable std::vector<char> limited_;
  AdaptiveStep step_;
};

}  // namespace gridfed
