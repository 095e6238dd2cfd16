#pragma once

#include "privacy/ledger.hpp"

#include <cstdint>
#include <span>

namespace gridfed {

/// Accountant by privacy loss distributions: composes them by fast Fourier transforms and brackets the exact epsilon from both sides,
/// where the Renyi accountant gives an upper bound alone. Add/remove neighbours; the worse direction counts.
class PldAccountant {
 public:
  /// The exact value lies between them; errors of the transform (10^-16 of delta for every step) are added to the side of caution.
  struct Bounds {
    double lower, upper;
  };

  /// step: of the grid of losses, of which it is doubled until a composition takes at most 2^21 cells. Throws Error unless positive.
  explicit PldAccountant(double step = 1e-4);

  /// Throws Error if an argument is out of range. A noise multiplier of 0 spends without bound.
  void add(double sampling_rate, double noise_multiplier, std::int64_t steps = 1);
  /// Of the promise at this delta; upper is infinite where no epsilon up to 700 keeps it.
  Bounds epsilon(double delta) const;
  /// The upper bound alone, in half the time.
  double upper_epsilon(double delta) const;
  /// Of the promise at this epsilon.
  Bounds delta(double epsilon) const;

  /// What was added, equal neighbours merged: the ledger of a checkpoint, added anew when it is read.
  std::span<const PrivacyEvent> events() const { return events_; }

 private:
  double step_;
  PrivacyLedger events_;
};

}  // namespace gridfed
