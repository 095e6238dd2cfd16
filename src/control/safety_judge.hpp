#pragma once

#include "control/safety_shield.hpp"

namespace gridfed {

/// What became of the limits over the steps of some days. A step violates a limit that it uses beyond 1 under what really came. That is
/// avoidable where the backup, from the same state and in the same step, does not violate that limit; where the backup acted it is not.
struct SafetyScore {
  long steps = 0, avoidable = 0, unavoidable = 0;      ///< steps
  std::array<long, limit_count> violated{};            ///< steps by limit
  std::array<long, limit_count> avoidable_by_limit{};  ///< steps by limit
};

/// Compares every step that violates a limit with what the backup would have made of it.
class SafetyJudge {
 public:
  /// `twin` is an environment of the same network and options as the one that is played.
  explicit SafetyJudge(GridEnvironment twin) : twin_(std::move(twin)) {}

  /// `after` has made the step that the shield last decided.
  Assessment judge(const GridEnvironment& after, bool diverged, const SafetyShield& shield);
  const SafetyScore& score() const { return score_; }

 private:
  GridEnvironment twin_;
  SafetyScore score_;
};

}  // namespace gridfed
