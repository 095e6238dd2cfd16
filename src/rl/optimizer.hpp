#pragma once

#include <cstdint>
#include <span>

namespace gridfed {

/// One Adam step (Kingma and Ba, 2015, with the bias corrections of algorithm 1), and in the same sweep that of the parameters' slowly
/// following copy; the spans have one length.
struct AdamStep {
  double learning_rate = 1e-3;
  double beta1 = 0.9, beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 0.0;  ///< decoupled: parameters also shrink by learning_rate * weight_decay
  std::int64_t step = 1;      ///< number of this step, from 1
  double tau = 0.0;           ///< target += tau * (new parameters - target)

  /// An empty target is none.
  void apply(std::span<float> parameters, std::span<const float> gradient, std::span<float> first_moment, std::span<float> second_moment,
             std::span<float> target = {}) const;
};

/// 1 at the start, 0 from `length` on, half a cosine between.
double cosine_decay(std::int64_t update, std::int64_t length);

}  // namespace gridfed
