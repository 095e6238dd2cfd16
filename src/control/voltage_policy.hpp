#pragma once

#include "env/rollout.hpp"

#include <vector>

namespace gridfed {

/// What the controller of voltages goes by [p.u.].
struct VoltagePolicyOptions {
  double low = 0.965, high = 1.035;        ///< beyond, it acts
  double bank_off = 1.045, bank_on = 1.0;  ///< a zone's capacitors, by its highest voltage
  double step = 0.25;                      ///< by which an action moves in a control step
};

/// Voltage control zone by zone, on top of what regulators (with their own line-drop compensation) and volt-var do by themselves: reactive
/// power moves against the voltage that is furthest outside the band, regulators' setpoints follow the worst voltage of the feeder, so that
/// the far end is compensated for, and capacitors switch with hysteresis. Inside the band all goes back to zero.
class VoltagePolicy final : public Policy {
 public:
  explicit VoltagePolicy(const VoltagePolicyOptions& options = {}) : options_(options) {}
  void begin_episode(const GridEnvironment& environment, int day) override;
  void act(std::span<const float> observation, std::span<float> action) override;

 private:
  double moved(double action, double lowest, double highest) const;

  VoltagePolicyOptions options_;
  int zones_ = 0, reactive_offset_ = -1, tap_offset_ = -1, capacitor_offset_ = -1;
  std::vector<double> reactive_;  // by zone
  std::vector<char> bank_off_;
  double tap_ = 0;
};

}  // namespace gridfed
