#pragma once

#include "privacy/ledger.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace gridfed {

/// Renyi divergence of one step at an order above 1, add/remove neighbours: exact at integer orders (Mironov, Talwar and Zhang, 2019,
/// eq. 4), an upper bound at fractional ones, where the series of their section 3.3 is summed in absolute value (as TensorFlow
/// Privacy does).
double renyi_divergence(double sampling_rate, double noise_multiplier, double order);

/// Renyi accountant (Mironov, 2017): divergences of steps add up; the conversion to epsilon is that of Balle et al. (2020).
class RenyiAccountant {
 public:
  struct Result {
    double epsilon;
    double order;  ///< at which epsilon is least; at either end of orders(), more orders would give a smaller epsilon
  };

  RenyiAccountant() : RenyiAccountant(default_orders()) {}
  /// Throws Error unless there are orders and all are above 1.
  explicit RenyiAccountant(std::vector<double> orders);

  /// Throws Error if an argument is out of range. A noise multiplier of 0 spends without bound.
  void add(double sampling_rate, double noise_multiplier, std::int64_t steps = 1);
  Result best(double delta) const;
  double epsilon(double delta) const { return best(delta).epsilon; }

  /// What was added, equal neighbours merged: the ledger of a checkpoint, added anew when it is read.
  std::span<const PrivacyEvent> events() const { return events_; }
  std::span<const double> orders() const { return orders_; }

  /// 1.1 to 10.9 in tenths, 11 to 63, 128, 256, 512, 1024.
  static std::vector<double> default_orders();

 private:
  std::vector<double> orders_;
  std::vector<double> divergence_;  ///< of one step of the last event, at each order
  std::vector<double> settled_;     ///< of all events but the last, at each order
  PrivacyLedger events_;
};

}  // namespace gridfed
