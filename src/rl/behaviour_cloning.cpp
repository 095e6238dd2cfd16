#include "rl/objective.hpp"

#include <algorithm>

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

std::vector<NetworkShape> behaviour_cloning_networks(const RlOptions& options, std::int64_t observation_size, std::int64_t action_size) {
  return {{.inputs = observation_size, .hidden = options.hidden_dims, .outputs = action_size, .role = Role::actor}};
}

std::unique_ptr<Objective> make_behaviour_cloning(const LearnerBuffers& buffers) {
  return std::make_unique<BehaviourCloning>(buffers);
}

}  // namespace gridfed
