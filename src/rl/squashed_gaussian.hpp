#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace gridfed {

/// A policy a = tanh(u), u ~ N(mean, diag(exp(2 log_std))), whose mean and log_std are the two halves of a network's output
/// (Haarnoja et al., 2018, arXiv:1812.05905, appendix C); log_std is clipped to [-20, 2].
struct SquashedGaussian {
  std::span<const float> output;  ///< [rows, 2 * action_size]: mean, then log_std
  std::int64_t action_size = 0;

  /// The action of `row` for standard normal numbers `noise`, and its log density (eq. 26 there).
  float sample(std::int64_t row, std::span<const float> noise, std::span<float> action) const;
  /// tanh of the mean.
  void mode(std::int64_t row, std::span<float> action) const;
  /// For a loss L = weight * log density + f(action) and the sampled action held by its noise: dL/d output of the row, from df/d action.
  void gradient(std::int64_t row, std::span<const float> noise, std::span<const float> action, float weight,
                std::span<const float> action_gradient, std::span<float> output_gradient) const;
};

}  // namespace gridfed
