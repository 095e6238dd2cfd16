#pragma once

#include "fed/options.hpp"

#include <span>
#include <vector>

namespace gridfed {

/// Takes the mean change of the clients for a gradient of the shared model: FedAvgM (Hsu et al., 2019); FedAdam, FedYogi and FedAdagrad
/// (Reddi et al., 2021, algorithm 2).
class ServerOptimiser {
 public:
  /// For a strategy that has_server_optimiser.
  ServerOptimiser(const FederationOptions& options, std::size_t parameters);

  /// proposal holds the clients' mean model; what it leads to is written over it.
  void step(std::span<const float> parameters, std::span<float> proposal);

  /// [m] or [m | v], for checkpoints.
  const std::vector<float>& moments() const { return moments_; }
  /// Of the same length as moments().
  void restore(std::vector<float> moments) { moments_ = std::move(moments); }

 private:
  Aggregation strategy_;
  double rate_, beta1_, beta2_, adaptivity_;
  std::vector<float> moments_;
};

}  // namespace gridfed
