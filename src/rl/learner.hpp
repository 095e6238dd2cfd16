#pragma once

#include "data/dataset.hpp"
#include "rl/layout.hpp"
#include "rl/options.hpp"
#include "rl/policy.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <utility>
#include <vector>

namespace gridfed {

class Objective;
struct StepRun;

/// Means over a batch. They are computed from the raw examples even in private updates: keep them on the machine that owns the data.
struct Losses {
  double value = 0;             ///< expectile loss of V
  double critic = 0;            ///< squared temporal-difference error, summed over both Q
  double actor = 0;             ///< 0 on updates that leave the policy alone (td3_bc)
  double q = 0;                 ///< at the data's actions: min of the target Q for iql, mean of both critics for cql and td3_bc
  double advantage = 0;         ///< that minus V
  double conservative = 0;      ///< cql: log sum exp Q - Q(data), mean over both critics
  double temperature = 0;       ///< cql: weight of the policy's entropy
  double cost_critic = 0;       ///< squared temporal-difference error of the safety critic
  double cost = 0;              ///< what it sees to come after a transition that ends nothing, mean
  double multiplier = 0;        ///< its weight against Q in this update
  double clipped_fraction = 0;  ///< examples whose gradient was clipped; private updates only
};

/// A record-level private update (Abadi et al., 2016): each example's gradient, over all networks together, is clipped to clip_norm,
/// the clipped gradients are summed, noise is added, and the sum is divided by expected_batch_size, which is public.
struct PrivateUpdate {
  double clip_norm = 1.0;
  double noise_multiplier = 1.0;
  double expected_batch_size = 256;
  /// Adds independent N(0, standard_deviation^2) to every value, from a cryptographic generator.
  std::function<void(std::span<float> values, double standard_deviation)> add_gaussian;
};

/// Everything that decides how training goes on: saving and restoring it continues bit for bit.
struct LearnerState {
  std::vector<float> parameters;  ///< [shared run | local run], see ParameterLayout
  std::vector<float> targets;     ///< target networks in the same order, [shared run | local run]
  std::vector<float> moments;     ///< Adam's, [m shared | v shared | m local | v local]
  std::int64_t updates = 0;
  double advantage_scale = 0;  ///< running standard deviation of the advantage, 0 before the first update
  CostMultiplier multiplier;   ///< weight of the safety critic
};

/// Trains networks from batches. All parameters lie in one buffer; hidden layers first, so that what a federation shares is one run.
class Learner {
 public:
  Learner(const RlOptions& options, std::size_t observation_size, std::size_t action_size, std::uint64_t seed);
  Learner(Learner&&) noexcept;
  Learner& operator=(Learner&&) noexcept;
  ~Learner();

  /// One gradient step on all networks, every gradient taken at the same point. The batch must not be empty.
  Losses update(const Batch& batch) { return update(batch, nullptr); }
  /// A private step; the batch may be empty, as Poisson sampling leaves some.
  Losses update(const Batch& batch, const PrivateUpdate& privacy) { return update(batch, &privacy); }

  /// What the batch would lose, without a step; draws as the next update would.
  Losses losses(const Batch& batch);

  /// The spans below stay valid as long as the learner lives; writing to them is how a federation sets what was averaged.
  std::span<float> parameters() { return state_.parameters; }
  std::span<float> shared_parameters() { return std::span(state_.parameters).first(layout_.shared); }
  std::span<float> moments() { return state_.moments; }
  std::span<float> shared_moments() { return std::span(state_.moments).first(2 * layout_.shared); }  ///< [m | v] of the shared run
  std::span<float> targets() { return state_.targets; }
  std::span<float> shared_targets() { return std::span(state_.targets).first(target_layout_.shared); }

  /// Called in every update with the shared parameters and their gradient, which it may change before the step; private updates have added
  /// their noise by then. Empty: the gradient is left as it is.
  using GradientGuide = std::function<void(std::span<const float> shared_parameters, std::span<float> shared_gradient)>;
  void guide_shared_gradient(GradientGuide guide) { guide_ = std::move(guide); }

  /// The gradient the last update stepped along, laid out as parameters(): a mean over the batch, or the clipped and noised one.
  std::span<const float> gradient() const { return gradient_; }
  std::int64_t updates() const { return state_.updates; }
  const ParameterLayout& layout() const { return layout_; }

  PolicyNetwork policy() const;
  const LearnerState& state() const { return state_; }
  /// Throws Error if the state is of a learner with other networks.
  void restore(const LearnerState& state);

 private:
  Losses update(const Batch& batch, const PrivateUpdate* privacy);
  void check(const Batch& batch) const;
  std::size_t policy_network() const;
  double clip(std::int64_t rows, double clip_norm);
  std::vector<StepRun> step_runs() const;
  void step();

  RlOptions options_;
  std::size_t observation_size_, action_size_;
  std::uint64_t seed_;
  std::vector<NetworkShape> shapes_;
  ParameterLayout layout_, target_layout_;
  std::vector<StepRun> runs_;
  LearnerState state_;
  std::vector<float> gradient_, row_weights_;
  std::unique_ptr<Objective> objective_;
  GradientGuide guide_;
};

}  // namespace gridfed
