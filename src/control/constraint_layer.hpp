#pragma once

#include "control/safety_monitor.hpp"
#include "powerflow/sensitivities.hpp"

#include <Eigen/Dense>

namespace gridfed {

/// Moves an action to the nearest one that keeps the limits, linearised about what the action leads to: sensitivities of the power flow
/// with volt-var acting, taps and capacitors standing still. Components of `tap` and `capacitor` stay as they are.
class ConstraintLayer {
 public:
  explicit ConstraintLayer(const GridEnvironment& model)
      : sensitivities_(model.flow().model()), columns_(model.action_size()), kinds_(model.zone_actions()) {}

  struct Linearised {
    Eigen::MatrixXd rows;   ///< [limit, action]: change of a limit's use with the action
    Eigen::VectorXd value;  ///< use at the action, signed: of voltages and frequency upwards
  };
  /// `model` has stepped from `before` with the action. Rows: use of the voltage limits by measurement (signed: 1 is the upper limit, -1
  /// the lower), of lines, of transformers, of frequency (signed) where the feeder moves it.
  Linearised linearise(const GridEnvironment& model, const DayState& before, const SafetyMonitor& monitor, std::span<const float> action);

  struct Result {
    bool feasible = false;  ///< the linearised limits hold
    int active = 0;         ///< limits and bounds of the action that hold it
    double excess = 0;      ///< share of a limit by which the linearised limits are exceeded where no action meets them
  };
  /// Projects onto the linearised limits times `threshold`. Action components are clipped to [-1, 1].
  Result project(const GridEnvironment& model, const DayState& before, const SafetyMonitor& monitor, double threshold,
                 std::span<float> action);

 private:
  LoadingConditions direction(const GridEnvironment& model, const DayState& before, ZoneAction kind, int zone, double action) const;

  Sensitivities sensitivities_;
  int columns_;
  std::vector<ZoneAction> kinds_;
};

}  // namespace gridfed
