#include "rl/objective.hpp"

#include <algorithm>
#include <cmath>

namespace gridfed {

void Objective::write_gradient(std::span<float> gradient) {
  for (const TrainedNetwork& trained : networks()) trained.network.write_gradient(trained.pass, gradient);
}

std::vector<TrainedNetwork> trained_networks(const LearnerBuffers& buffers) {
  std::vector<TrainedNetwork> networks;
  for (const auto& layers : buffers.layout.networks) networks.push_back({.network = Mlp(layers, buffers.parameters), .pass = {}});
  return networks;
}

std::vector<Mlp> target_networks(const LearnerBuffers& buffers) {
  std::vector<Mlp> networks;
  for (const auto& layers : buffers.target_layout.networks) networks.emplace_back(layers, buffers.targets);
  return networks;
}

void join(std::span<const float> states, std::span<const float> actions, std::int64_t n, std::vector<float>& joined) {
  joined.resize(states.size() + actions.size());
  const std::size_t rows = static_cast<std::size_t>(n), o = n > 0 ? states.size() / rows : 0, a = n > 0 ? actions.size() / rows : 0;
  for (std::size_t i = 0; i < rows; ++i) {
    std::copy_n(states.data() + i * o, o, joined.data() + i * (o + a));
    std::copy_n(actions.data() + i * a, a, joined.data() + i * (o + a) + o);
  }
}

void temporal_difference_goal(const RlOptions& options, const Batch& batch, std::span<const float> next_value, std::span<float> goal) {
  const auto discount = static_cast<float>(options.discount);
  const auto safety = static_cast<float>(options.safety_critic ? 0.0 : options.safety_weight);
  for (std::size_t i = 0; i < goal.size(); ++i) {
    goal[i] = batch.rewards[i] - safety * batch.costs[i] + discount * (1.0F - batch.terminals[i]) * next_value[i];
  }
}

double cloning_error(std::span<const float> policy, std::span<const float> actions, std::int64_t action_size, float weight,
                     std::span<float> gradient) {
  const float share = 1.0F / static_cast<float>(action_size);
  double sum = 0;
  for (std::size_t i = 0; i < policy.size(); ++i) {
    const float error = policy[i] - actions[i];
    sum += share * error * error;
    gradient[i] = 2.0F * weight * share * error;
  }
  return sum;
}

void tanh_of(std::span<const float> x, std::span<float> y) {
  std::transform(x.begin(), x.end(), y.begin(), [](float v) { return std::tanh(v); });
}

void through_tanh(std::span<const float> y, std::span<float> gradient) {
  for (std::size_t i = 0; i < y.size(); ++i) gradient[i] *= 1.0F - y[i] * y[i];
}

}  // namespace gridfed
