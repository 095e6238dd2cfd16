#pragma once

#include "powerflow/controlled_power_flow.hpp"
#include "powerflow/operating_points.hpp"

namespace gridfed {

/// A quasi-static simulation in time: steps of equal length, each a power flow at the end of its step (OpenDSS modes daily, yearly,
/// dutycycle).
struct SeriesOptions {
  ShapeKind shapes = ShapeKind::daily;
  int steps = 24;
  double step = 3600;  ///< [s]
  double start = 0;    ///< midnight of the first day is 0 [s]
  ControlMode control = ControlMode::fixed;
  double load_scale = 1;
  double tolerance = 1e-8;  ///< of the power flow
  int max_control_iterations = 100;
};

/// Throws an Error for options that make no simulation.
void validate(const SeriesOptions& options);

class TimeSeries {
 public:
  /// The solver must outlive it; it carries taps, banks and voltages from step to step.
  TimeSeries(PowerFlow& flow, const SeriesOptions& options);

  bool done() const { return step_ == options_.steps; }
  /// Solves the next step. One that does not converge is skipped: nothing acts and no battery moves in it.
  const ControlResult& advance();

  int step() const { return step_; }  ///< steps done
  double time() const;                ///< end of the last step [s]
  const PowerFlow& flow() const { return flow_; }
  const LoadingConditions& conditions() const { return conditions_; }
  /// Of each battery at the end of the last step, share of capacity.
  std::span<const double> charge() const { return points_.charge(); }
  const ControlResult& result() const { return result_; }

 private:
  PowerFlow& flow_;
  SeriesOptions options_;
  OperatingPoints points_;
  ControlledPowerFlow controlled_;
  LoadingConditions conditions_;
  ControlResult result_;
  int step_ = 0;
};

}  // namespace gridfed
