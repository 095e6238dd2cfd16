#pragma once

#include "data/dataset.hpp"
#include "rl/mlp.hpp"
#include "rl/options.hpp"

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace gridfed {

/// Writes the action for an observation.
using ActionOf = std::function<void(std::span<const float> observation, std::span<float> action)>;

/// Fitted Q evaluation (Le, Voloshin, Yue, 2019, arXiv:1903.08738, algorithm 3): the critic of one policy, learned from data of others.
class FittedQ {
 public:
  /// Trains for options.updates updates of options.batch_size, with its networks, discount, tau and critic learning rate. Throws Error if
  /// the data is empty or the critic leaves all bounds.
  FittedQ(const RlOptions& options, const Dataset& data, const ActionOf& policy, std::uint64_t seed);

  /// Q(s, a) of the rows [state | action].
  std::vector<double> q(std::span<const float> observations, std::span<const float> actions, std::int64_t rows) const;
  /// Q(s, pi(s)) averaged over the rows.
  double value(std::span<const float> observations, std::int64_t rows) const;

 private:
  std::size_t observation_size_, action_size_;
  ActionOf policy_;
  std::vector<float> parameters_;
  std::vector<LayerSlice> layers_;
};

}  // namespace gridfed
