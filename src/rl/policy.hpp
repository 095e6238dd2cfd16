#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace gridfed {

/// A learned policy on its own: plain numbers, no library behind it, safe to copy and to use from several threads.
/// action = tanh(W_n relu(... relu(W_1 observation + b_1) ...) + b_n), each component in [-1, 1].
class PolicyNetwork {
 public:
  struct Layer {
    std::int64_t rows = 0, cols = 0;  ///< outputs, inputs
    std::vector<float> weights;       ///< [rows, cols] row-major
    std::vector<float> biases;        ///< [rows]
  };

  /// Throws Error if the layers do not fit together.
  explicit PolicyNetwork(std::vector<Layer> layers);

  std::size_t observation_size() const { return static_cast<std::size_t>(layers_.front().cols); }
  std::size_t action_size() const { return static_cast<std::size_t>(layers_.back().rows); }
  std::span<const Layer> layers() const { return layers_; }

  /// Throws Error if a size is wrong. Allocates only on a thread's first call.
  void act(std::span<const float> observation, std::span<float> action) const;

  /// For a policy that learned from (observation - mean) / deviation: the same one of plain observations, its first layer changed.
  PolicyNetwork of_plain_observations(std::span<const float> mean, std::span<const float> deviation) const;

 private:
  std::vector<Layer> layers_;
  std::size_t widest_ = 0;
};

}  // namespace gridfed
