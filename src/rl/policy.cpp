#include "rl/policy.hpp"

#include "rl/linear_algebra.hpp"
#include "runtime/error.hpp"

#include <algorithm>
#include <cmath>

namespace gridfed {

PolicyNetwork::PolicyNetwork(std::vector<Layer> layers) : layers_(std::move(layers)) {
  if (layers_.empty()) throw Error("a policy has no layers (its file may be cut short): train it again");
  for (std::size_t l = 0; l < layers_.size(); ++l) {
    const Layer& layer = layers_[l];
    const bool chained = l == 0 || layer.cols == layers_[l - 1].rows;
    if (!chained || layer.rows <= 0 || layer.cols <= 0 || layer.weights.size() != static_cast<std::size_t>(layer.rows * layer.cols) ||
        layer.biases.size() != static_cast<std::size_t>(layer.rows)) {
      throw Error("policy layer {} of {} x {} has {} weights and {} biases and does not fit the layer before: the policy is damaged", l,
                  layer.rows, layer.cols, layer.weights.size(), layer.biases.size());
    }
    widest_ = std::max(widest_, static_cast<std::size_t>(layer.rows));
  }
}

void PolicyNetwork::act(std::span<const float> observation, std::span<float> action) const {
  if (observation.size() != observation_size() || action.size() != action_size()) {
    throw Error("a policy of {} observations and {} actions was asked for {} and {}: use the feeder interface it was trained with",
                observation_size(), action_size(), observation.size(), action.size());
  }
  thread_local std::vector<float> scratch;
  if (scratch.size() < 2 * widest_) scratch.resize(2 * widest_);
  const float* x = observation.data();
  for (std::size_t l = 0; l < layers_.size(); ++l) {
    const Layer& layer = layers_[l];
    float* y = scratch.data() + (l % 2) * widest_;
    for (std::int64_t i = 0; i < layer.rows; ++i) {
      const float sum = dot(layer.weights.data() + i * layer.cols, x, layer.cols) + layer.biases[static_cast<std::size_t>(i)];
      y[i] = sum < 0.0F && l + 1 < layers_.size() ? 0.0F : sum;
    }
    x = y;
  }
  std::transform(x, x + action.size(), action.begin(), [](float v) { return std::tanh(v); });
}

PolicyNetwork PolicyNetwork::of_plain_observations(std::span<const float> mean, std::span<const float> deviation) const {
  if (mean.size() != observation_size() || deviation.size() != observation_size()) {
    throw Error("a policy of {} observations was given the scale of {}: use that of its own dataset", observation_size(), mean.size());
  }
  auto layers = layers_;
  Layer& first = layers.front();
  for (std::size_t i = 0; i < first.biases.size(); ++i) {
    double bias = first.biases[i];
    for (std::size_t j = 0; j < mean.size(); ++j) {
      float& weight = first.weights[i * mean.size() + j];
      bias -= static_cast<double>(weight) * mean[j] / deviation[j];
      weight /= deviation[j];
    }
    first.biases[i] = static_cast<float>(bias);
  }
  return PolicyNetwork(std::move(layers));
}

}  // namespace gridfed
