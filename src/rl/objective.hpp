#pragma once

#include "data/dataset.hpp"
#include "rl/learner.hpp"
#include "rl/mlp.hpp"

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace gridfed {

/// A network that is trained, and the pass whose deltas hold the gradient of its loss.
struct TrainedNetwork {
  Mlp network;
  MlpPass pass;
};

/// How an objective is asked to differentiate a batch.
struct Differentiation {
  float row_weight = 1.0F;            ///< factor on each example's loss
  bool independent_rows = false;      ///< an example's gradient may depend on no other example
  double* advantage_scale = nullptr;  ///< LearnerState's
  double multiplier = 0;              ///< weight of the safety critic against Q
  std::uint64_t seed = 0;             ///< the learner's; with the update it names what is drawn
  std::int64_t update = 1;            ///< number of this update, from 1
};

/// What a learning algorithm minimises; the Learner does the rest (clipping, noise, optimiser, targets, checkpoints).
class Objective {
 public:
  virtual ~Objective() = default;
  /// Leaves in every trained network's pass the deltas of row_weight times each example's loss. The batch may be empty.
  virtual Losses differentiate(const Batch& batch, const Differentiation& how) = 0;
  /// In the order of the shapes the objective was made from.
  virtual std::span<TrainedNetwork> networks() = 0;
  /// After differentiate: the gradient of the whole loss, laid out as the parameters.
  virtual void write_gradient(std::span<float> gradient);
};

/// The networks an algorithm trains; the first one with role actor and inputs is the policy, tanh of whose first outputs is the action.
std::vector<NetworkShape> iql_networks(const RlOptions& options, std::int64_t observation_size, std::int64_t action_size);
std::vector<NetworkShape> cql_networks(const RlOptions& options, std::int64_t observation_size, std::int64_t action_size);
std::vector<NetworkShape> td3_bc_networks(const RlOptions& options, std::int64_t observation_size, std::int64_t action_size);
std::vector<NetworkShape> behaviour_cloning_networks(const RlOptions& options, std::int64_t observation_size, std::int64_t action_size);

/// Views of a learner's flat buffers, which outlive the objective.
struct LearnerBuffers {
  const ParameterLayout& layout;
  std::span<const float> parameters;
  const ParameterLayout& target_layout;
  std::span<const float> targets;
};
std::unique_ptr<Objective> make_iql(const RlOptions& options, const LearnerBuffers& buffers);
std::unique_ptr<Objective> make_cql(const RlOptions& options, const LearnerBuffers& buffers);
std::unique_ptr<Objective> make_td3_bc(const RlOptions& options, const LearnerBuffers& buffers);
std::unique_ptr<Objective> make_behaviour_cloning(const LearnerBuffers& buffers);

/// The trained networks of a layout, in its order, and the target networks of its.
std::vector<TrainedNetwork> trained_networks(const LearnerBuffers& buffers);
std::vector<Mlp> target_networks(const LearnerBuffers& buffers);

/// Rows [state | action], n of them.
void join(std::span<const float> states, std::span<const float> actions, std::int64_t n, std::vector<float>& joined);
/// What is learned from, by row: reward - safety_weight * cost + discount * (1 - terminal) * next_value; with a safety critic the cost is
/// its business.
void temporal_difference_goal(const RlOptions& options, const Batch& batch, std::span<const float> next_value, std::span<float> goal);

/// Mean over the components of (tanh(mean) - action)^2, summed over the rows: the loss of cloning. `policy` holds tanh of the network's
/// output, `gradient` receives the loss's with respect to `policy`, times weight.
double cloning_error(std::span<const float> policy, std::span<const float> actions, std::int64_t action_size, float weight,
                     std::span<float> gradient);
void tanh_of(std::span<const float> x, std::span<float> y);
/// gradient with respect to tanh(x) -> with respect to x
void through_tanh(std::span<const float> y, std::span<float> gradient);

}  // namespace gridfed
