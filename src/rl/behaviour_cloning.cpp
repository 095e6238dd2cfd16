#include "rl/objective.hpp"

#include <algorithm>
#include <cmath>

namespace gridfed {

namespace {

/// Imitates the data's actions: L = mean_j (tanh(m_j(s)) - a_j)^2.
class BehaviourCloning final : public Objective {
 public:
  explicit BehaviourCloning(const LearnerBuffers& buffers) : networks_(trained_networks(buffers)) {}

  Losses differentiate(const Batch& batch, const Differentiation& how) override {
    auto& [network, pass] = networks_.front();
    network.forward(batch.observations, batch.size, pass);
    policy_.resize(batch.actions.size());
    tanh_of(pass.output(), policy_);
    Losses losses;
    losses.actor = cloning_error(policy_, batch.actions, network.layers().back().outputs, how.row_weight, pass.output_delta()) /
                   std::max(1.0, static_cast<double>(batch.size));
    through_tanh(policy_, pass.output_delta());
    network.backward(pass);
    return losses;
  }

  std::span<TrainedNetwork> networks() override { return networks_; }

 private:
  std::vector<TrainedNetwork> networks_;
  std::vector<float> policy_;
};

}  // namespace

std::vector<TrainedNetwork> trained_networks(const LearnerBuffers& buffers) {
  std::vector<TrainedNetwork> networks;
  for (const auto& layers : buffers.layout.networks) networks.push_back({.network = Mlp(layers, buffers.parameters), .pass = {}});
  return networks;
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

std::vector<NetworkShape> behaviour_cloning_networks(const RlOptions& options, std::int64_t observation_size, std::int64_t action_size) {
  return {{.inputs = observation_size, .hidden = options.hidden_dims, .outputs = action_size, .role = Role::actor}};
}

std::unique_ptr<Objective> make_behaviour_cloning(const LearnerBuffers& buffers) {
  return std::make_unique<BehaviourCloning>(buffers);
}

}  // namespace gridfed
