#pragma once

#include "data/dataset.hpp"
#include "rl/objective.hpp"

#include <span>
#include <vector>

namespace gridfed {

/// Value of the costs to come under the policy in training, Qc(s, a), learned beside an algorithm's own critics with a target network and a
/// discount of its own. The policy then follows Q - multiplier Qc in place of Q.
class SafetyCritic {
 public:
  SafetyCritic(const RlOptions& options, TrainedNetwork& critic, const Mlp& target)
      : discount_(static_cast<float>(options.cost_discount)), critic_(critic), target_(target) {}

  /// L_C = (Qc(s, a) - c - cost_discount (1 - d) Qct(s', pi(s')))^2, its deltas left in the critic's pass. `state_action` holds the batch's
  /// rows [s | a], which must outlive write_gradient, `next_policy` pi(s').
  void regress(const Batch& batch, std::span<const float> state_action, std::span<const float> next_policy, float row_weight,
               Losses& losses);

  /// value -= multiplier Qc on the rows [s | pi(s)], and action_gradient, slope times value's with respect to pi(s), accordingly.
  void penalise(std::span<const float> state_policy, double multiplier, float slope, std::span<float> value,
                std::span<float> action_gradient);

  /// advantage -= multiplier (Qct(s, a) - Qct(s, pi(s))): what an action costs beyond the policy's.
  void penalise_advantage(std::span<const float> state_action, std::span<const float> state_policy, double multiplier,
                          std::span<float> advantage);

 private:
  float discount_;
  TrainedNetwork& critic_;
  const Mlp& target_;
  MlpPass scratch_;
  std::vector<float> next_state_policy_, ascent_;
};

NetworkShape safety_critic_network(const RlOptions& options, std::int64_t observation_size, std::int64_t action_size);

}  // namespace gridfed
