#include "rl/safety_critic.hpp"
#include "rl/squashed_gaussian.hpp"
#include "runtime/error.hpp"
#include "runtime/random.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

// Conservative Q-learning, the variant CQL(H) on soft actor-critic (Kumar, Zhou, Tucker, Levine, 2020, arXiv:2006.04779; SAC: Haarnoja et
// al., 2018, arXiv:1812.05905) on transitions (s, a, r, s', d), d = 1 at true ends. For each critic
//   L_Q = (Q(s, a) - r - discount (1 - d) min_k Qt_k(s', tanh mean(s')))^2                        (eq. 1; no entropy: deterministic backup)
//       + multiplier * weight * (log sum_a exp Q(s, a) - Q(s, a))                                 (eq. 4)
// The sum over actions is estimated from K actions each of the uniform distribution on [-1, 1]^m, of pi(s) and of pi(s'), each divided by
// its density (appendix F): log sum_k exp(Q(s, a_k) - log density(a_k)), log density = m log 0.5 for the uniform ones. With a threshold
// t >= 0 the multiplier exp(log_multiplier), clipped at 1e6, ascends (eq. 30)
//   multiplier * weight * (log sum exp - Q(s, a) - t), mean over both critics:
// it grows where the gap is above t. Without one it is 1. The policy and its temperature follow SAC:
//   L_pi = temperature log pi(a | s) - min_k Q_k(s, a), a = tanh(mean + std e)                    (SAC: eq. 9)
//   L_temperature = -temperature (log pi(a | s) - m), the entropy's target being -m               (SAC: eq. 18)
// With a safety critic min_k Q_k(s, a) - multiplier Qc(s, a) stands in place of min_k Q_k(s, a) in eq. 9.
// A state's sampled actions and the data's form one fan of 3 K + 1 rows, in chunks of states that stay in the cache from the first layer
// to the last gradient.

namespace gridfed {

namespace {

constexpr float largest_multiplier = 1e6F;
constexpr float log_half = -0.6931471806F;
constexpr std::int64_t chunk_rows = 512;

class Cql final : public Objective {
 public:
  enum : std::size_t { q1, q2, actor, log_temperature, log_multiplier };

  Cql(const RlOptions& options, const LearnerBuffers& buffers)
      : options_(options),
        networks_(trained_networks(buffers)),
        targets_(target_networks(buffers)),
        actions_(networks_[actor].network.layers().back().outputs / 2),
        observations_(networks_[actor].network.layers().front().inputs),
        fan_(3 * options.action_samples + 1),
        gradient_(buffers.layout.total) {
    if (options.safety_critic) safety_.emplace(options, networks_.back(), targets_.back());
  }

  Losses differentiate(const Batch& batch, const Differentiation& how) override {
    if (how.independent_rows) throw Error("cql has no private updates: use rl.algorithm = iql, td3_bc or bc with record-level privacy");
    Losses losses;
    sample(batch, how);
    evaluate_goal(batch);
    std::fill(gradient_.begin(), gradient_.end(), 0.0F);
    const bool steered = options_.lagrange_threshold >= 0;
    float multiplier = 1.0F, raw = 1.0F;
    if (steered) {
      auto& [network, pass] = networks_[log_multiplier];
      network.forward({}, batch.size, pass);
      raw = std::exp(pass.output()[0]);
      multiplier = std::min(raw, largest_multiplier);
    }
    const double gap = differentiate_critics(batch, how.row_weight, multiplier, losses);
    if (steered) {
      const double excess = options_.conservative_weight * (gap - options_.lagrange_threshold);
      const auto delta = raw == multiplier ? static_cast<float>(-how.row_weight * multiplier * excess) : 0.0F;
      std::ranges::fill(networks_[log_multiplier].pass.output_delta(), delta);
    }
    if (safety_) {
      join(batch.observations, batch.actions, batch.size, data_action_);
      safety_->regress(batch, data_action_, policy_, how.row_weight, losses);  // policy_ is the goal's here, at s'
    }
    differentiate_policy(batch, how, losses);
    for (double* mean : {&losses.critic, &losses.actor, &losses.q, &losses.temperature}) *mean /= static_cast<double>(batch.size);
    losses.conservative = gap;
    return losses;
  }

  std::span<TrainedNetwork> networks() override { return networks_; }

  void write_gradient(std::span<float> gradient) override {
    std::copy(gradient_.begin(), gradient_.end(), gradient.begin());
    for (std::size_t i = actor; i < networks_.size(); ++i) networks_[i].network.write_gradient(networks_[i].pass, gradient);
  }

 private:
  /// The fan of every state [batch, fan, m]: K uniform actions, K of pi(s), K of pi(s'), the data's; and the log density of all but the
  /// last.
  void sample(const Batch& batch, const Differentiation& how) {
    const auto m = static_cast<std::size_t>(actions_), k = static_cast<std::size_t>(options_.action_samples);
    const auto n = static_cast<std::size_t>(batch.size), fan = static_cast<std::size_t>(fan_);
    networks_[actor].network.forward(batch.observations, batch.size, networks_[actor].pass);
    networks_[actor].network.forward(batch.next_observations, batch.size, next_policy_);
    const SquashedGaussian now{networks_[actor].pass.output(), actions_}, next{next_policy_.output(), actions_};
    fan_actions_.resize(n * fan * m);
    log_density_.resize(n * fan);
    noise_.resize(m);
    RandomStream stream(how.seed, Draw::policy_sample, 0, static_cast<std::uint64_t>(how.update));
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t j = 0; j < 3 * k; ++j) {
        const auto action = std::span(fan_actions_).subspan((i * fan + j) * m, m);
        float& density = log_density_[i * fan + j];
        if (j < k) {
          for (float& a : action) a = static_cast<float>(stream.uniform(-1, 1));
          density = static_cast<float>(actions_) * log_half;
        } else {
          for (float& e : noise_) e = static_cast<float>(stream.normal());
          density = (j < 2 * k ? now : next).sample(static_cast<std::int64_t>(i), noise_, action);
        }
      }
      std::copy_n(batch.actions.data() + i * m, m, fan_actions_.data() + (i * fan + fan - 1) * m);
    }
    policy_noise_.resize(n * m);
    for (float& e : policy_noise_) e = static_cast<float>(stream.normal());
  }

  void evaluate_goal(const Batch& batch) {
    const auto m = static_cast<std::size_t>(actions_);
    const SquashedGaussian next{next_policy_.output(), actions_};
    policy_.resize(batch.actions.size());
    for (std::int64_t i = 0; i < batch.size; ++i) next.mode(i, std::span(policy_).subspan(static_cast<std::size_t>(i) * m, m));
    join(batch.next_observations, policy_, batch.size, state_action_);
    targets_[q1].forward(state_action_, batch.size, scratch_);
    next_value_.assign(scratch_.output().begin(), scratch_.output().end());
    targets_[q2].forward(state_action_, batch.size, scratch_);
    for (std::size_t i = 0; i < next_value_.size(); ++i) next_value_[i] = std::min(next_value_[i], scratch_.output()[i]);
    goal_.resize(next_value_.size());
    temporal_difference_goal(options_, batch, next_value_, goal_);
  }

  /// Returns the mean gap log sum exp - Q(s, a) over batch and critics.
  double differentiate_critics(const Batch& batch, float weight, float multiplier, Losses& losses) {
    const auto fan = static_cast<std::size_t>(fan_), m = static_cast<std::size_t>(actions_), o = static_cast<std::size_t>(observations_);
    const float conservative = weight * multiplier * static_cast<float>(options_.conservative_weight);
    const std::int64_t chunk = std::max<std::int64_t>(1, chunk_rows / fan_);
    double gap = 0;
    for (const std::size_t k : {q1, q2}) {
      const Mlp& network = networks_[k].network;
      const auto width = static_cast<std::size_t>(network.layers().front().outputs);
      projected_.resize(static_cast<std::size_t>(batch.size) * width);
      network.project_states(batch.observations, batch.size, projected_);
      for (std::int64_t start = 0; start < batch.size; start += chunk) {
        const auto first = static_cast<std::size_t>(start), count = static_cast<std::size_t>(std::min(chunk, batch.size - start));
        network.forward_fan(std::span<const float>(projected_).subspan(first * width, count * width),
                            std::span<const float>(fan_actions_).subspan(first * fan * m, count * fan * m), fan_, fan_pass_);
        for (std::size_t i = 0; i < count; ++i) {
          const auto q = fan_pass_.output().subspan(i * fan, fan);
          const auto delta = fan_pass_.output_delta().subspan(i * fan, fan);
          const float error = q.back() - goal_[first + i];
          gap += spread(q, std::span<const float>(log_density_).subspan((first + i) * fan, fan), conservative, delta) - q.back();
          delta.back() = 2.0F * weight * error - conservative;
          losses.critic += error * error;
          losses.q += 0.5 * q.back();
        }
        network.backward(fan_pass_);
        network.add_fan_gradient(fan_pass_, batch.observations.subspan(first * o, count * o), fan_, gradient_);
      }
    }
    return gap / (2.0 * static_cast<double>(batch.size));
  }

  /// log sum exp of q - log density over all actions but the last, whose slopes, times weight, go to delta.
  static double spread(std::span<const float> q, std::span<const float> log_density, float weight, std::span<float> delta) {
    const std::size_t n = q.size() - 1;
    float largest = q[0] - log_density[0], sum = 0;
    for (std::size_t j = 0; j < n; ++j) largest = std::max(largest, q[j] - log_density[j]);
    for (std::size_t j = 0; j < n; ++j) sum += delta[j] = std::exp(q[j] - log_density[j] - largest);
    for (std::size_t j = 0; j < n; ++j) delta[j] *= weight / sum;
    return largest + std::log(sum);
  }

  void differentiate_policy(const Batch& batch, const Differentiation& how, Losses& losses) {
    const float weight = how.row_weight;
    const auto m = static_cast<std::size_t>(actions_), n = static_cast<std::size_t>(batch.size);
    auto& [network, pass] = networks_[actor];
    auto& temperature_pass = networks_[log_temperature].pass;
    networks_[log_temperature].network.forward({}, batch.size, temperature_pass);
    const float temperature = std::exp(temperature_pass.output()[0]);
    const SquashedGaussian now{pass.output(), actions_};
    density_.resize(n);
    value_.resize(n);
    for (std::size_t i = 0; i < n; ++i) {
      const auto action = std::span(policy_).subspan(i * m, m);
      density_[i] = now.sample(static_cast<std::int64_t>(i), std::span<const float>(policy_noise_).subspan(i * m, m), action);
      temperature_pass.output_delta()[i] = -weight * temperature * (density_[i] - static_cast<float>(actions_));
      losses.temperature += temperature;
    }
    join(batch.observations, policy_, batch.size, state_action_);
    for (const std::size_t k : {q1, q2}) networks_[k].network.forward(state_action_, batch.size, networks_[k].pass);
    const auto value1 = networks_[q1].pass.output(), value2 = networks_[q2].pass.output();
    for (std::size_t i = 0; i < n; ++i) {
      const bool first = value1[i] <= value2[i];
      networks_[q1].pass.output_delta()[i] = first ? -weight : 0.0F;
      networks_[q2].pass.output_delta()[i] = first ? 0.0F : -weight;
      value_[i] = std::min(value1[i], value2[i]);
    }
    ascent_.assign(batch.actions.size(), 0.0F);
    descent_.resize(ascent_.size());
    for (const std::size_t k : {q1, q2}) {
      networks_[k].network.backward(networks_[k].pass);
      networks_[k].network.input_gradient(networks_[k].pass, observations_, actions_, descent_);
      for (std::size_t i = 0; i < ascent_.size(); ++i) ascent_[i] += descent_[i];
    }
    if (safety_) safety_->penalise(state_action_, how.multiplier, -weight, value_, ascent_);
    for (std::size_t i = 0; i < n; ++i) {
      losses.actor += temperature * density_[i] - value_[i];
      now.gradient(static_cast<std::int64_t>(i), std::span<const float>(policy_noise_).subspan(i * m, m),
                   std::span<const float>(policy_).subspan(i * m, m), weight * temperature,
                   std::span<const float>(ascent_).subspan(i * m, m), pass.output_delta().subspan(i * 2 * m, 2 * m));
    }
    network.backward(pass);
  }

  RlOptions options_;
  std::vector<TrainedNetwork> networks_;
  std::vector<Mlp> targets_;
  std::int64_t actions_, observations_, fan_;
  std::vector<float> gradient_;  // of the critics, at the layers' places
  MlpPass next_policy_, fan_pass_, scratch_;
  std::vector<float> fan_actions_, log_density_, noise_, policy_noise_, policy_, density_, value_, state_action_, data_action_, next_value_,
      goal_, projected_, ascent_, descent_;
  std::optional<SafetyCritic> safety_;
};

}  // namespace

std::vector<NetworkShape> cql_networks(const RlOptions& options, std::int64_t observation_size, std::int64_t action_size) {
  const NetworkShape q{.inputs = observation_size + action_size, .hidden = options.hidden_dims, .outputs = 1, .has_target = true};
  const NetworkShape policy{.inputs = observation_size, .hidden = options.hidden_dims, .outputs = 2 * action_size, .role = Role::actor};
  std::vector<NetworkShape> networks{q, q, policy, {.inputs = 0, .hidden = {}, .outputs = 1, .role = Role::actor}};  // log_temperature
  if (options.lagrange_threshold >= 0) networks.push_back({.inputs = 0, .hidden = {}, .outputs = 1});                // log_multiplier
  return networks;
}

std::unique_ptr<Objective> make_cql(const RlOptions& options, const LearnerBuffers& buffers) {
  return std::make_unique<Cql>(options, buffers);
}

}  // namespace gridfed
