#pragma once

#include <algorithm>

namespace gridfed {

/// Judges the steps of an iteration that contracts linearly.
class ContractionTest {
 public:
  explicit ContractionTest(double tolerance) : tolerance_(tolerance) {}

  /// Takes note of a step that cannot be the last.
  void note(double change) { previous_ = best_ = change; }
  /// Whether the iteration is done after a step of this size [p.u.].
  bool done(double change) { return done(change, previous_ > 0 ? change / previous_ : 0.5); }
  /// The same where the ratio of contraction is known otherwise than from the last two steps.
  bool done(double change, double ratio) {
    // A contraction with ratio r leaves r / (1 - r) of the last step still to go (Banach's bound).
    ratio = std::min(ratio, 0.95);
    if (change * ratio / (1 - ratio) < tolerance_ && (change < tolerance_ || previous_ > 0)) return true;
    // A section that only line capacitance or parts per million tie to ground moves by the rounding error of the substitution, which may
    // lie above the tightest tolerances: twenty steps at that level of which none is half the best before are convergence.
    if (previous_ > 0 && change > 0.5 * best_) {
      ++stalled_;
    } else {
      best_ = change;
      stalled_ = 0;
    }
    previous_ = change;
    return stalled_ >= 20 && change < rounding_level;
  }

 private:
  static constexpr double rounding_level = 1e-8;  // [p.u.]: no tolerance above is met by stalling
  double tolerance_, previous_ = 0, best_ = 0;
  int stalled_ = 0;
};

}  // namespace gridfed
