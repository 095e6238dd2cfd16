#include "control/safety_judge.hpp"

namespace gridfed {

Assessment SafetyJudge::judge(const GridEnvironment& after, bool diverged, const SafetyShield& shield) {
  const auto actual = shield.monitor().assess(after, diverged);
  ++score_.steps;
  if (actual.violated()) {
    Assessment other = actual;
    if (shield.last().decision != Decision::backup) {
      twin_.resume(shield.before(), after.scenario());
      other = shield.monitor().assess(twin_, twin_.step(shield.backup_action()).info.diverged);
    }
    bool avoidable = false;
    for (std::size_t i = 0; i < limit_count; ++i) {
      const auto limit = static_cast<Limit>(i);
      if (!actual.violated(limit)) continue;
      ++score_.violated[i];
      if (other.violated(limit)) continue;
      ++score_.avoidable_by_limit[i];
      avoidable = true;
    }
    ++(avoidable ? score_.avoidable : score_.unavoidable);
  }
  return actual;
}

}  // namespace gridfed
