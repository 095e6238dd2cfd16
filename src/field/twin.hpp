#pragma once

#include "powerflow/controlled_power_flow.hpp"
#include "powerflow/operating_points.hpp"

#include <optional>
#include <string_view>

namespace gridfed {

/// What of a network's element can be measured or moved.
enum class Quantity {
  voltage,         ///< of a bus's conductor, magnitude [V]
  voltage_pu,      ///< the same over nominal
  current,         ///< into terminal 1 of a line or transformer's conductor [A]
  active_power,    ///< [W]: into terminal 1, drawn by a load, delivered by all others
  reactive_power,  ///< [var]
  losses,          ///< of the feeder [W]
  loading,         ///< of a line or transformer over its rating
  tap,             ///< number from neutral, of a regulator
  steps,           ///< of a capacitor in service
  closed,          ///< 1 or 0, of a line or capacitor
  charge,          ///< share of a battery's capacity
  power_limit,     ///< of a photovoltaic plant [W]
  frequency,       ///< of the feeder [Hz]; a twin's stands at nominal
};

/// One quantity of one element of a network.
struct TwinPoint {
  enum class Element { bus, line, transformer, load, capacitor, regulator, solar, wind, battery, generator, feeder };
  Element element = Element::feeder;
  Quantity quantity = Quantity::voltage;
  int position = 0;
  int part = -1;  ///< measured voltage of a bus, conductor of a current
};

/// "bus.76.1", "line.l115", "line.l115.2", "feeder"; any case. Throws an Error for what the network or the element does not have.
TwinPoint find_point(const Network& network, std::string_view element, std::string_view quantity);
/// Value in SI over value in the unit: 1000 for kW. Throws an Error for a unit that does not fit.
double unit_factor(Quantity quantity, std::string_view unit);
/// Can the quantity be commanded?
bool is_commandable(const TwinPoint& point);

enum class TwinResult { done, out_of_range, not_supported };

struct TwinOptions {
  ShapeKind shapes = ShapeKind::daily;
  double step = 1;   ///< [s]
  double start = 0;  ///< since midnight of the first day [s]
  ControlMode control = ControlMode::off;
  double load_scale = 1, tolerance = 1e-8;
};

/// A feeder that lives on in steps, each a power flow, and takes commands between them.
class Twin {
 public:
  /// The solver must outlive it. Solves the start.
  Twin(PowerFlow& flow, const TwinOptions& options);

  /// The next step. Its load shapes repeat without end.
  void advance();
  /// Solves again what commands have changed, at the same time.
  void solve_again();
  /// Would command() do it?
  TwinResult possible(const TwinPoint& point, double value) const;
  /// Takes effect with the next solution.
  TwinResult command(const TwinPoint& point, double value);
  /// At the last solution; nothing where it did not converge. Taps, switches and charge are known always.
  std::optional<double> measure(const TwinPoint& point) const;

  double time() const { return time_; }  ///< [s]
  bool converged() const { return flow_.solution().converged; }
  double lowest_voltage() const { return lowest_; }    ///< [p.u.] of all that is measured
  double highest_voltage() const { return highest_; }  ///< [p.u.]

 private:
  void solve(double hours);
  std::optional<double> state_of(const TwinPoint& point) const;
  Complex power_of(const TwinPoint& point) const;
  Operation tap_operation(int regulator, double number) const;
  double steps_of(const TwinPoint& point, double value) const;

  PowerFlow& flow_;
  TwinOptions options_;
  OperatingPoints points_;
  ControlledPowerFlow controlled_;
  LoadingConditions conditions_;
  PowerBalance balance_;
  std::vector<std::optional<double>> limits_;  // by plant [W]
  std::vector<double> panel_power_, line_loading_, transformer_loading_;
  double time_, lowest_ = 0, highest_ = 0;
};

}  // namespace gridfed
