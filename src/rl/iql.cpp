#include "rl/safety_critic.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

// Implicit Q-learning (Kostrikov, Nair, Levine, 2021, arXiv:2110.06169) on transitions (s, a, r, s', d), d = 1 at true ends:
//   u = min_k Qt_k(s, a) - V(s)                     Qt: target networks; u is also the advantage
//   L_V = |expectile - 1(u < 0)| u^2                                                              (eq. 5)
//   L_Q = sum_k (Q_k(s, a) - r - discount (1 - d) V(s'))^2                                        (eq. 6)
// and for the policy mean pi(s) = tanh(m(s)) either
//   L_pi = -min(exp(temperature u), 100) log N(a; pi(s), diag(exp(2 log_std)))                    (eq. 7)
// with a state-independent log_std clipped to [-5, 2], the Gaussian being in action space, after the tanh; or
//   L_pi = mean_j (pi_j(s) - a_j)^2 - q_weight Q_1(s, pi(s)) / scale
// in the manner of Fujimoto and Gu (2021, arXiv:2106.06860), who use the first critic too. Dividing by the spread of the advantage, not by
// |Q|, keeps the balance of the two terms when a large part of Q no action can change. The scale is the batch's standard deviation of u,
// averaged over about 100 updates, as a single batch's is noisy and starts near zero. With a safety critic Q_1 - multiplier Qc stands in
// place of Q_1, and in eq. 7 u - multiplier (Qct(s, a) - Qct(s, pi(s))) in place of u.

namespace gridfed {

namespace {

constexpr double scale_memory = 0.99;
constexpr double smallest_scale = 1e-6;
constexpr float log_std_low = -5.0F, log_std_high = 2.0F;
constexpr float largest_weight = 100.0F;

class Iql final : public Objective {
 public:
  enum : std::size_t { value, q1, q2, actor, log_std };

  Iql(const RlOptions& options, const LearnerBuffers& buffers)
      : options_(options), networks_(trained_networks(buffers)), targets_(target_networks(buffers)) {
    if (options.safety_critic) safety_.emplace(options, networks_.back(), targets_.back());
  }

  Losses differentiate(const Batch& batch, const Differentiation& how) override {
    Losses losses;
    const std::int64_t n = batch.size;
    observations_ = networks_[value].network.layers().front().inputs;
    actions_ = networks_[actor].network.layers().back().outputs;
    join(batch.observations, batch.actions, n, state_action_);
    evaluate(batch);
    differentiate_critics(batch, how.row_weight, losses);

    auto& policy = networks_[actor];
    if (safety_) {
      policy.network.forward(batch.next_observations, n, scratch_);
      policy_.resize(batch.actions.size());
      tanh_of(scratch_.output(), policy_);
      safety_->regress(batch, state_action_, policy_, how.row_weight, losses);
    }
    policy.network.forward(batch.observations, n, policy.pass);
    policy_.resize(batch.actions.size());
    tanh_of(policy.pass.output(), policy_);
    if (options_.actor_update == ActorUpdate::q_ascent) {
      ascend(batch, how, scale(how), losses);
    } else {
      weigh(batch, how, losses);
    }
    through_tanh(policy_, policy.pass.output_delta());
    policy.network.backward(policy.pass);

    const double count = std::max(1.0, static_cast<double>(n));
    for (double* mean : {&losses.value, &losses.critic, &losses.actor, &losses.q, &losses.advantage}) *mean /= count;
    return losses;
  }

  std::span<TrainedNetwork> networks() override { return networks_; }

 private:
  /// Every network but the policy at the batch, and the advantage.
  void evaluate(const Batch& batch) {
    const std::int64_t n = batch.size;
    networks_[value].network.forward(batch.next_observations, n, scratch_);
    next_value_.assign(scratch_.output().begin(), scratch_.output().end());
    networks_[value].network.forward(batch.observations, n, networks_[value].pass);
    for (const std::size_t k : {q1, q2}) networks_[k].network.forward(state_action_, n, networks_[k].pass);
    targets_[0].forward(state_action_, n, scratch_);
    target_q_.assign(scratch_.output().begin(), scratch_.output().end());
    targets_[1].forward(state_action_, n, scratch_);
    const auto v = networks_[value].pass.output();
    advantage_.resize(target_q_.size());
    for (std::size_t i = 0; i < target_q_.size(); ++i) {
      target_q_[i] = std::min(target_q_[i], scratch_.output()[i]);
      advantage_[i] = target_q_[i] - v[i];
    }
  }

  void differentiate_critics(const Batch& batch, float weight, Losses& losses) {
    const auto expectile = static_cast<float>(options_.expectile);
    goal_.resize(advantage_.size());
    temporal_difference_goal(options_, batch, next_value_, goal_);
    const auto dv = networks_[value].pass.output_delta();
    for (std::size_t i = 0; i < advantage_.size(); ++i) {
      const float u = advantage_[i];
      const float asymmetry = u < 0.0F ? 1.0F - expectile : expectile;
      dv[i] = -2.0F * weight * asymmetry * u;
      losses.value += asymmetry * u * u;
      losses.q += target_q_[i];
      losses.advantage += u;
      for (const std::size_t k : {q1, q2}) {
        const float error = networks_[k].pass.output()[i] - goal_[i];
        networks_[k].pass.output_delta()[i] = 2.0F * weight * error;
        losses.critic += error * error;
      }
    }
    for (const std::size_t k : {value, q1, q2}) networks_[k].network.backward(networks_[k].pass);
  }

  double scale(const Differentiation& how) const {
    if (how.independent_rows) return options_.advantage_scale;
    double sum = 0, squares = 0;
    for (const float u : advantage_) sum += u;
    const double mean = sum / static_cast<double>(advantage_.size());
    for (const float u : advantage_) squares += (u - mean) * (u - mean);
    const double deviation = std::sqrt(squares / static_cast<double>(advantage_.size()));
    double& running = *how.advantage_scale;
    running = running > 0 ? scale_memory * running + (1.0 - scale_memory) * deviation : deviation;
    return std::max(running, smallest_scale);
  }

  void ascend(const Batch& batch, const Differentiation& how, double scale, Losses& losses) {
    const auto delta = networks_[actor].pass.output_delta();
    losses.actor = cloning_error(policy_, batch.actions, actions_, how.row_weight, delta);
    join(batch.observations, policy_, batch.size, state_policy_);
    const Mlp& q = networks_[q1].network;
    q.forward(state_policy_, batch.size, scratch_);
    const auto factor = static_cast<float>(-options_.q_weight / scale);
    value_of_policy_.assign(scratch_.output().begin(), scratch_.output().end());
    std::fill(scratch_.output_delta().begin(), scratch_.output_delta().end(), how.row_weight * factor);
    q.backward(scratch_);
    ascent_.resize(delta.size());
    q.input_gradient(scratch_, observations_, actions_, ascent_);
    if (safety_) safety_->penalise(state_policy_, how.multiplier, how.row_weight * factor, value_of_policy_, ascent_);
    for (const float q_of_policy : value_of_policy_) losses.actor += factor * q_of_policy;
    for (std::size_t i = 0; i < delta.size(); ++i) delta[i] += ascent_[i];
  }

  void weigh(const Batch& batch, const Differentiation& how, Losses& losses) {
    preference_ = advantage_;
    if (safety_) {
      join(batch.observations, policy_, batch.size, state_policy_);
      safety_->penalise_advantage(state_action_, state_policy_, how.multiplier, preference_);
    }
    const float weight = how.row_weight;
    auto& spread = networks_[log_std];
    spread.network.forward({}, batch.size, spread.pass);
    const auto temperature = static_cast<float>(options_.temperature);
    const auto a = static_cast<std::size_t>(actions_);
    for (std::size_t i = 0; i < preference_.size(); ++i) {
      const float importance = std::min(std::exp(temperature * preference_[i]), largest_weight);
      for (std::size_t j = i * a; j < (i + 1) * a; ++j) {
        const float raw = spread.pass.output()[j];
        const float log_sigma = std::clamp(raw, log_std_low, log_std_high);
        const float inverse = std::exp(-log_sigma);
        const float z = (batch.actions[j] - policy_[j]) * inverse;
        losses.actor += importance * (0.5F * z * z + log_sigma + 0.9189385332F);  // 0.5 log(2 pi)
        networks_[actor].pass.output_delta()[j] = -weight * importance * z * inverse;
        spread.pass.output_delta()[j] = raw == log_sigma ? weight * importance * (1.0F - z * z) : 0.0F;
      }
    }
  }

  RlOptions options_;
  std::vector<TrainedNetwork> networks_;
  std::vector<Mlp> targets_;
  MlpPass scratch_;  // of networks whose gradients are not needed
  std::int64_t observations_ = 0, actions_ = 0;
  std::vector<float> state_action_, state_policy_, policy_, next_value_, goal_, target_q_, advantage_, preference_, value_of_policy_,
      ascent_;
  std::optional<SafetyCritic> safety_;
};

}  // namespace

std::vector<NetworkShape> iql_networks(const RlOptions& options, std::int64_t observation_size, std::int64_t action_size) {
  const NetworkShape q{.inputs = observation_size + action_size, .hidden = options.hidden_dims, .outputs = 1, .has_target = true};
  std::vector<NetworkShape> networks{
      {.inputs = observation_size, .hidden = options.hidden_dims, .outputs = 1},
      q,
      q,
      {.inputs = observation_size, .hidden = options.hidden_dims, .outputs = action_size, .role = Role::actor},
  };
  if (options.actor_update == ActorUpdate::advantage_weighted) {
    networks.push_back({.inputs = 0, .hidden = {}, .outputs = action_size, .role = Role::actor});  // log_std
  }
  return networks;
}

std::unique_ptr<Objective> make_iql(const RlOptions& options, const LearnerBuffers& buffers) {
  return std::make_unique<Iql>(options, buffers);
}

}  // namespace gridfed
