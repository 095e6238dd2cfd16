#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace gridfed {

/// A client's turn in a round. It trains parameters and moments in place, calls guide with every gradient, and says what it expects.
struct LocalRound {
  int client = 0;
  std::span<float> parameters, moments;
  double value = 0;  ///< the client's own estimate of what its policy returns; FEDORA weighs by it

  /// Adds to the gradient at some parameters what the strategy asks for: FedProx the pull towards the shared model, SCAFFOLD the
  /// difference of the control variates.
  void guide(std::span<const float> at, std::span<float> gradient);

  // Set by the federation; empty or zero where the strategy needs none.
  double proximal = 0;
  std::span<const float> anchor;  ///< shared model at the start of the round
  std::span<const float> control, shared_control;
  std::vector<double> gradient_sum;  ///< of the gradients before anything was added
  std::int64_t steps = 0;            ///< gradients seen
};

}  // namespace gridfed
