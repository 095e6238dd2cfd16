#include "fed/server_optimiser.hpp"

#include <cmath>

namespace gridfed {

ServerOptimiser::ServerOptimiser(const FederationOptions& options, std::size_t parameters)
    : strategy_(options.aggregation),
      rate_(options.server_learning_rate),
      beta1_(options.server_momentum),
      beta2_(options.server_second_momentum),
      adaptivity_(options.server_adaptivity),
      moments_(parameters, 0.0f) {
  if (rate_ == 0) rate_ = strategy_ == Aggregation::fedavgm ? 1.0 : 0.01;
  // The least that the paper allows for the first v.
  if (strategy_ != Aggregation::fedavgm) moments_.resize(2 * parameters, static_cast<float>(adaptivity_ * adaptivity_));
}

void ServerOptimiser::step(std::span<const float> parameters, std::span<float> proposal) {
  const std::size_t n = parameters.size();
  for (std::size_t i = 0; i < n; ++i) {
    const double change = static_cast<double>(proposal[i]) - parameters[i];
    float& m = moments_[i];
    if (strategy_ == Aggregation::fedavgm) {
      m = static_cast<float>(beta1_ * m + change);
      proposal[i] = static_cast<float>(parameters[i] + rate_ * m);
      continue;
    }
    m = static_cast<float>(beta1_ * m + (1 - beta1_) * change);
    float& v = moments_[n + i];
    const double square = change * change;
    if (strategy_ == Aggregation::fedadam) v = static_cast<float>(beta2_ * v + (1 - beta2_) * square);
    if (strategy_ == Aggregation::fedadagrad) v = static_cast<float>(v + square);
    if (strategy_ == Aggregation::fedyogi) {
      const double sign = v > square ? 1 : v < square ? -1 : 0;
      v = static_cast<float>(v - (1 - beta2_) * square * sign);
    }
    proposal[i] = static_cast<float>(parameters[i] + rate_ * m / (std::sqrt(static_cast<double>(v)) + adaptivity_));
  }
}

}  // namespace gridfed
