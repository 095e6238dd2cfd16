#include "rl/safety_critic.hpp"

namespace gridfed {

void SafetyCritic::regress(const Batch& batch, std::span<const float> state_action, std::span<const float> next_policy, float row_weight,
                           Losses& losses) {
  auto& [network, pass] = critic_;
  join(batch.next_observations, next_policy, batch.size, next_state_policy_);
  target_.forward(next_state_policy_, batch.size, scratch_);
  network.forward(state_action, batch.size, pass);
  double going_on = 0, to_come = 0;
  for (std::size_t i = 0; i < static_cast<std::size_t>(batch.size); ++i) {
    const float next = (1.0F - batch.terminals[i]) * scratch_.output()[i];
    const float error = pass.output()[i] - batch.costs[i] - discount_ * next;
    pass.output_delta()[i] = 2.0F * row_weight * error;
    losses.cost_critic += error * error;
    going_on += 1.0 - batch.terminals[i];
    to_come += next;
  }
  network.backward(pass);
  if (batch.size > 0) losses.cost_critic /= static_cast<double>(batch.size);
  losses.cost = going_on > 0 ? to_come / going_on : 0;
}

void SafetyCritic::penalise(std::span<const float> state_policy, double multiplier, float slope, std::span<float> value,
                            std::span<float> action_gradient) {
  const auto& network = critic_.network;
  const auto rows = static_cast<std::int64_t>(value.size());
  if (rows == 0) return;
  const auto actions = static_cast<std::int64_t>(action_gradient.size()) / rows;
  network.forward(state_policy, rows, scratch_);
  const auto weight = static_cast<float>(multiplier);
  for (std::size_t i = 0; i < value.size(); ++i) {
    value[i] -= weight * scratch_.output()[i];
    scratch_.output_delta()[i] = -slope * weight;
  }
  network.backward(scratch_);
  ascent_.resize(action_gradient.size());
  network.input_gradient(scratch_, network.layers().front().inputs - actions, actions, ascent_);
  for (std::size_t i = 0; i < ascent_.size(); ++i) action_gradient[i] += ascent_[i];
}

void SafetyCritic::penalise_advantage(std::span<const float> state_action, std::span<const float> state_policy, double multiplier,
                                      std::span<float> advantage) {
  const auto weight = static_cast<float>(multiplier);
  const auto rows = static_cast<std::int64_t>(advantage.size());
  target_.forward(state_action, rows, scratch_);
  for (std::size_t i = 0; i < advantage.size(); ++i) advantage[i] -= weight * scratch_.output()[i];
  target_.forward(state_policy, rows, scratch_);
  for (std::size_t i = 0; i < advantage.size(); ++i) advantage[i] += weight * scratch_.output()[i];
}

NetworkShape safety_critic_network(const RlOptions& options, std::int64_t observation_size, std::int64_t action_size) {
  return {.inputs = observation_size + action_size, .hidden = options.hidden_dims, .outputs = 1, .has_target = true};
}

}  // namespace gridfed
