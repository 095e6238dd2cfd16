#include "rl/safety_critic.hpp"
#include "runtime/random.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

// TD3+BC (Fujimoto and Gu, 2021, arXiv:2106.06860) on transitions (s, a, r, s', d), d = 1 at true ends. With target networks Qt and pit,
//   a' = clip(pit(s') + clip(0.2 e, -0.5, 0.5), -1, 1), e ~ N(0, 1)                       (TD3: Fujimoto et al., 2018, eq. 14-15)
//   L_Q = sum_k (Q_k(s, a) - r - discount (1 - d) min_k Qt_k(s', a'))^2                   (TD3: eq. 10, algorithm 1)
//   L_pi = -lambda Q_1(s, pi(s)) + mean_j (pi_j(s) - a_j)^2,  lambda = alpha / mean |Q_1(s, pi(s))|        (eq. 5 and 6)
// lambda taken as given. With a safety critic Q_1 - multiplier Qc stands in place of Q_1 in eq. 5, and pit(s') acts in Qc's own goal. The
// policy steps, and all targets follow, on every second update.

namespace gridfed {

namespace {

constexpr float noise_deviation = 0.2F, noise_limit = 0.5F;
constexpr std::int64_t policy_period = 2;
constexpr double smallest_scale = 1e-6;

class Td3Bc final : public Objective {
 public:
  enum : std::size_t { q1, q2, actor };

  Td3Bc(const RlOptions& options, const LearnerBuffers& buffers)
      : options_(options),
        networks_(trained_networks(buffers)),
        targets_(target_networks(buffers)),
        observations_(networks_[actor].network.layers().front().inputs),
        actions_(networks_[actor].network.layers().back().outputs) {
    if (options.safety_critic) safety_.emplace(options, networks_.back(), targets_.back());
  }

  Losses differentiate(const Batch& batch, const Differentiation& how) override {
    Losses losses;
    differentiate_critics(batch, how, losses);
    differentiate_policy(batch, how, losses);
    const double count = std::max(1.0, static_cast<double>(batch.size));
    for (double* mean : {&losses.critic, &losses.actor, &losses.q}) *mean /= count;
    return losses;
  }

  std::span<TrainedNetwork> networks() override { return networks_; }

 private:
  void differentiate_critics(const Batch& batch, const Differentiation& how, Losses& losses) {
    const std::int64_t n = batch.size;
    targets_[actor].forward(batch.next_observations, n, scratch_);
    action_.resize(batch.actions.size());
    tanh_of(scratch_.output(), action_);
    join(batch.observations, batch.actions, n, state_action_);
    if (safety_) safety_->regress(batch, state_action_, action_, how.row_weight, losses);
    RandomStream stream(how.seed, Draw::policy_sample, 0, static_cast<std::uint64_t>(how.update));
    for (float& a : action_) {
      const float noise = std::clamp(noise_deviation * static_cast<float>(stream.normal()), -noise_limit, noise_limit);
      a = std::clamp(a + noise, -1.0F, 1.0F);
    }
    join(batch.next_observations, action_, n, state_policy_);
    targets_[q1].forward(state_policy_, n, scratch_);
    next_value_.assign(scratch_.output().begin(), scratch_.output().end());
    targets_[q2].forward(state_policy_, n, scratch_);
    for (std::size_t i = 0; i < next_value_.size(); ++i) next_value_[i] = std::min(next_value_[i], scratch_.output()[i]);
    goal_.resize(next_value_.size());
    temporal_difference_goal(options_, batch, next_value_, goal_);

    for (const std::size_t k : {q1, q2}) {
      auto& [network, pass] = networks_[k];
      network.forward(state_action_, n, pass);
      for (std::size_t i = 0; i < goal_.size(); ++i) {
        const float error = pass.output()[i] - goal_[i];
        pass.output_delta()[i] = 2.0F * how.row_weight * error;
        losses.critic += error * error;
        losses.q += 0.5 * pass.output()[i];
      }
      network.backward(pass);
    }
  }

  void differentiate_policy(const Batch& batch, const Differentiation& how, Losses& losses) {
    const std::int64_t n = batch.size;
    auto& [network, pass] = networks_[actor];
    if (how.update % policy_period != 0) return network.forward({}, 0, pass);  // no rows, no gradient
    network.forward(batch.observations, n, pass);
    tanh_of(pass.output(), action_);
    const auto delta = pass.output_delta();
    losses.actor = cloning_error(action_, batch.actions, actions_, how.row_weight, delta);

    join(batch.observations, action_, n, state_policy_);
    networks_[q1].network.forward(state_policy_, n, scratch_);
    double scale = options_.advantage_scale;  // a measured one would tie examples together
    if (!how.independent_rows) {
      scale = 0;
      for (const float q : scratch_.output()) scale += std::abs(q) / static_cast<double>(n);
      scale = std::max(scale, smallest_scale);
    }
    const auto factor = static_cast<float>(-options_.alpha / scale);
    value_.assign(scratch_.output().begin(), scratch_.output().end());
    std::fill(scratch_.output_delta().begin(), scratch_.output_delta().end(), how.row_weight * factor);
    networks_[q1].network.backward(scratch_);
    ascent_.resize(delta.size());
    networks_[q1].network.input_gradient(scratch_, observations_, actions_, ascent_);
    if (safety_) safety_->penalise(state_policy_, how.multiplier, how.row_weight * factor, value_, ascent_);
    for (const float q : value_) losses.actor += factor * q;
    for (std::size_t i = 0; i < delta.size(); ++i) delta[i] += ascent_[i];
    through_tanh(action_, delta);
    network.backward(pass);
  }

  RlOptions options_;
  std::vector<TrainedNetwork> networks_;
  std::vector<Mlp> targets_;
  MlpPass scratch_;  // of networks whose gradients are not needed
  std::int64_t observations_, actions_;
  std::vector<float> state_action_, state_policy_, action_, next_value_, goal_, value_, ascent_;
  std::optional<SafetyCritic> safety_;
};

}  // namespace

std::vector<NetworkShape> td3_bc_networks(const RlOptions& options, std::int64_t observation_size, std::int64_t action_size) {
  const NetworkShape q{.inputs = observation_size + action_size,
                       .hidden = options.hidden_dims,
                       .outputs = 1,
                       .has_target = true,
                       .target_period = policy_period};
  return {q,
          q,
          {.inputs = observation_size,
           .hidden = options.hidden_dims,
           .outputs = action_size,
           .role = Role::actor,
           .has_target = true,
           .period = policy_period,
           .target_period = policy_period}};
}

std::unique_ptr<Objective> make_td3_bc(const RlOptions& options, const LearnerBuffers& buffers) {
  return std::make_unique<Td3Bc>(options, buffers);
}

}  // namespace gridfed
