#pragma once

#include "control/constraint_layer.hpp"
#include "env/rollout.hpp"

#include <functional>

namespace gridfed {

/// Who decided a step.
enum class Decision : std::uint8_t { policy, projected, backup, projected_backup };

/// What a shield made of one step.
struct ShieldStep {
  int day = 0, step = 0;
  Decision decision = Decision::policy;
  bool handed_over = false, released = false;  ///< control changed hands at this step
  bool invalid = false;                        ///< the policy's action was not finite
  Assessment foreseen;                         ///< of what the policy wanted
};

struct ShieldCounts {
  long steps = 0, projected = 0, backup = 0, projected_backup = 0, handovers = 0, releases = 0, invalid = 0;
};

/// Lets a policy act as long as a power flow foresees that what it wants uses less than intervention_threshold of every limit; else takes
/// the nearest action that does (ConstraintLayer), and where there is none hands over to the backup until the policy's wish uses less than
/// release_threshold again. Where the backup is foreseen to violate a limit, too, its action is projected, if that violates none more.
/// The power flow takes loads, sun and wind for those measured when the shield acts, which hold for the step; or, with
/// safety.forecast = persistence, for those of the step before.
class SafetyShield final : public Policy {
 public:
  enum class Mode {
    guard,
    watch,  ///< lets everything pass, and foresees all the same
  };
  /// `model` is an environment of the same network and options as the one that is played; the policies must outlive the shield.
  SafetyShield(Policy& policy, Policy& backup, GridEnvironment model, const SafetyOptions& options, Mode mode = Mode::guard);

  void begin_episode(const GridEnvironment& environment, int day) override;
  void act(std::span<const float> observation, std::span<float> action) override;

  const ShieldStep& last() const { return last_; }
  const ShieldCounts& counts() const { return counts_; }
  /// What the backup would have done in the last step.
  std::span<const float> backup_action() const { return backup_action_; }
  SafetyMonitor& monitor() { return monitor_; }
  const SafetyMonitor& monitor() const { return monitor_; }  ///< stands before the step that was last decided
  /// Where the last decision was made from, and the model as the last action that was tried left it.
  const DayState& before() const { return before_; }
  const GridEnvironment& model() const { return model_; }

 private:
  void foresee();
  Assessment outcome(std::span<const float> action);
  bool permits(std::span<float> action);
  void take_over(std::span<float> action);

  Policy &policy_, &backup_;
  GridEnvironment model_;
  SafetyOptions options_;
  Mode mode_;
  SafetyMonitor monitor_;
  ConstraintLayer layer_;
  const GridEnvironment* environment_ = nullptr;
  Scenario expected_;
  DayState before_;
  std::vector<float> backup_action_, tried_;
  bool handed_over_ = false;
  int day_ = 0;
  ShieldStep last_;
  ShieldCounts counts_;
};

}  // namespace gridfed
