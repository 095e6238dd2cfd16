#pragma once

#include <functional>
#include <span>
#include <vector>

namespace gridfed {

/// Integrates dx/dt = f(x) in steps that follow its motion: Bogacki and Shampine (1989), third order with an error estimate of the second.
/// Milliseconds where something moves, up to the whole interval where nothing does.
class AdaptiveStep {
 public:
  /// Fills rate with dx/dt.
  using Rate = std::function<void(std::span<const double> x, std::span<double> rate)>;
  /// Told after each substep: its begin [s after the call], its length and the states and rates at both ends.
  using Watch = std::function<void(double begin, double length, std::span<const double> x0, std::span<const double> rate0,
                                   std::span<const double> x1, std::span<const double> rate1)>;

  /// `tolerance` of each state in a substep.
  explicit AdaptiveStep(std::size_t states, double tolerance = 1e-8);

  /// Advances x by a time [s] during which f is smooth; call again from where it jumps. Throws Error where substeps fall below 1 ns.
  void advance(std::span<double> x, double seconds, const Rate& rate, const Watch& watch = {});
  /// Substeps taken since the beginning.
  long substeps() const { return substeps_; }

 private:
  double tolerance_, length_ = 1e-3;
  long substeps_ = 0;
  std::vector<double> k1_, k2_, k3_, k4_, trial_;
};

}  // namespace gridfed
