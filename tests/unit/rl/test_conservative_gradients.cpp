#include "examples.hpp"
#include "reference_network.hpp"

#include <gtest/gtest.h>

#include <numbers>

// Conservative Q-learning and TD3+BC against central differences of their losses, written a second time from the papers. What a loss takes
// as given (goals, sampled actions, the critics under the policy) is read from a frozen copy of the parameters.

namespace gridfed {
namespace {

struct Sampled {
  Numbers action;
  double log_density;
};

Sampled sample(const Numbers& output, const Numbers& noise) {
  Sampled sampled{Numbers(noise.size()), 0};
  for (std::size_t j = 0; j < noise.size(); ++j) {
    const double log_std = output[noise.size() + j];
    sampled.action[j] = std::tanh(output[j] + std::exp(log_std) * noise[j]);
    sampled.log_density +=
        -0.5 * noise[j] * noise[j] - log_std - 0.5 * std::log(2 * std::numbers::pi) - std::log(1 - sampled.action[j] * sampled.action[j]);
  }
  return sampled;
}

struct Conservative {
  const RlOptions& options;
  const ParameterLayout& layout;
  Numbers frozen, targets;
  const Batch& batch;
  std::vector<std::vector<Numbers>> draws;  // [state][3 K][m], K uniform and 2 K normal
  std::vector<Numbers> policy_draws;        // [state][m]
  double frozen_gap = 0;                    // what the multiplier ascends takes the gap as given
  double price = 0;                         // of the safety critic

  double multiplier(const Numbers& p) const {
    return options.lagrange_threshold >= 0 ? std::exp(network(layout.networks[4], p, {})[0]) : 1.0;
  }

  /// log sum exp over the actions of state i, minus Q at the data's.
  double gap(const Numbers& p, std::size_t i, std::size_t k) const {
    const auto n = static_cast<std::size_t>(batch.size);
    const Numbers s = row(batch.observations, i, n), a = row(batch.actions, i, n), next = row(batch.next_observations, i, n);
    const Numbers now = network(layout.networks[2], frozen, s), then = network(layout.networks[2], frozen, next);
    const std::size_t samples = draws[i].size() / 3;
    double sum = 0;
    for (std::size_t j = 0; j < 3 * samples; ++j) {
      const Sampled x = j < samples       ? Sampled{draws[i][j], static_cast<double>(a.size()) * std::log(0.5)}
                        : j < 2 * samples ? sample(now, draws[i][j])
                                          : sample(then, draws[i][j]);
      sum += std::exp(network(layout.networks[k], p, joined(s, x.action))[0] - x.log_density);
    }
    return std::log(sum) - network(layout.networks[k], p, joined(s, a))[0];
  }

  double mean_gap(const Numbers& p) const {
    double sum = 0;
    for (std::size_t i = 0; i < draws.size(); ++i) sum += 0.5 * (gap(p, i, 0) + gap(p, i, 1));
    return sum / static_cast<double>(draws.size());
  }

  double loss(const Numbers& p) const {
    const auto n = static_cast<std::size_t>(batch.size);
    const auto& net = layout.networks;
    const double temperature = std::exp(network(net[3], frozen, {})[0]);
    double critics = 0, policy = 0, temperatures = 0;
    for (std::size_t i = 0; i < n; ++i) {
      const Numbers s = row(batch.observations, i, n), a = row(batch.actions, i, n), next = row(batch.next_observations, i, n);
      Numbers mode = network(net[2], frozen, next);
      mode.resize(a.size());
      for (double& x : mode) x = std::tanh(x);
      const double next_value = std::min(network(net[0], targets, joined(next, mode))[0], network(net[1], targets, joined(next, mode))[0]);
      const double goal = batch.rewards[i] - (options.safety_critic ? 0 : options.safety_weight) * batch.costs[i] +
                          options.discount * (1.0 - batch.terminals[i]) * next_value;
      if (options.safety_critic) {
        const SafetyReference safety{.layout = layout, .options = options, .frozen = frozen, .targets = targets, .batch = batch};
        critics += safety.loss(p, i, mode);
        policy += price * safety.value(frozen, s, sample(network(net[2], p, s), policy_draws[i]).action);
      }
      for (const std::size_t k : {0U, 1U}) {
        critics += std::pow(network(net[k], p, joined(s, a))[0] - goal, 2);
        critics += multiplier(frozen) * options.conservative_weight * gap(p, i, k);
      }
      const Sampled drawn = sample(network(net[2], p, s), policy_draws[i]);
      policy += temperature * drawn.log_density -
                std::min(network(net[0], frozen, joined(s, drawn.action))[0], network(net[1], frozen, joined(s, drawn.action))[0]);
      const double density = sample(network(net[2], frozen, s), policy_draws[i]).log_density;
      temperatures -= std::exp(network(net[3], p, {})[0]) * (density - static_cast<double>(a.size()));
    }
    const double ascended = multiplier(p) * options.conservative_weight * (frozen_gap - options.lagrange_threshold);
    return (critics + policy + temperatures) / static_cast<double>(n) - ascended;
  }
};

void expect_conservative_gradient(RlOptions options) {
  constexpr int states = 60, samples = 3, actions = 2;  // more states than one chunk of fans holds
  options.algorithm = LearnerKind::cql;
  options.hidden_dims = {7, 6};
  options.safety_weight = 0.5;
  options.action_samples = samples;
  Learner learner(options, 4, actions, 11);
  const Dataset data = random_dataset(4, actions, states);
  BatchBuffer buffer;
  RandomStream stream(5, Draw::test);
  const Batch batch = data.sample(stream, states, buffer);
  LearnerState apart = learner.state();  // targets and critics differ, the learned constants are not zero
  for (float& x : apart.targets) x += 0.3F * static_cast<float>(stream.normal());
  for (float& x : std::span(apart.parameters).last(options.lagrange_threshold >= 0 ? 2 : 1)) x += 0.2F;
  apart.updates = 6;
  apart.multiplier.value = 0.7;
  learner.restore(apart);
  std::vector<std::size_t> followed{0, 1};
  if (options.safety_critic) followed.push_back(learner.layout().networks.size() - 1);

  Conservative reference{.options = options,
                         .layout = learner.layout(),
                         .frozen = {apart.parameters.begin(), apart.parameters.end()},
                         .targets = at_their_networks(learner.layout(), followed, apart),
                         .batch = batch,
                         .price = 0.7};
  RandomStream draws(11, Draw::policy_sample, 0, 7);
  reference.draws.assign(states, std::vector<Numbers>(3 * samples, Numbers(actions)));
  for (auto& fan : reference.draws) {
    for (std::size_t j = 0; j < fan.size(); ++j) {
      for (double& x : fan[j]) x = j < samples ? draws.uniform(-1, 1) : draws.normal();
    }
  }
  reference.policy_draws.assign(states, Numbers(actions));
  for (auto& noise : reference.policy_draws) {
    for (double& x : noise) x = draws.normal();
  }
  reference.frozen_gap = reference.mean_gap(reference.frozen);
  const Losses losses = learner.update(batch);
  EXPECT_NEAR(losses.conservative, reference.frozen_gap, 1e-4);
  expect_slopes(learner.gradient(), reference);
}

TEST(ConservativeGradients, AreTheSlopesOfTheLosses) {
  expect_conservative_gradient({});
}

TEST(ConservativeGradients, WithAMultiplierAreTheSlopesOfTheLosses) {
  expect_conservative_gradient({.lagrange_threshold = 0.5});
}

TEST(ConservativeGradients, WithASafetyCriticAreTheSlopesOfTheLosses) {
  expect_conservative_gradient({.safety_critic = true, .cost_discount = 0.8});
  expect_conservative_gradient({.lagrange_threshold = 0.5, .safety_critic = true, .cost_discount = 0.8});
}

TEST(ConservativeGradients, DoNotDependOnWhatIsShared) {
  expect_conservative_gradient({.shared = Sharing::all});
}

struct DelayedPolicy {
  const RlOptions& options;
  const ParameterLayout& layout;
  Numbers frozen, targets;
  const Batch& batch;
  std::vector<Numbers> noise;
  double price = 0;  // of the safety critic

  double loss(const Numbers& p) const {
    const auto n = static_cast<std::size_t>(batch.size);
    const auto& net = layout.networks;
    double critics = 0, cloning = 0, scale = 0, ascent = 0;
    for (std::size_t i = 0; i < n; ++i) {
      const Numbers s = row(batch.observations, i, n), a = row(batch.actions, i, n), next = row(batch.next_observations, i, n);
      Numbers then = network(net[2], targets, next);
      const SafetyReference safety{.layout = layout, .options = options, .frozen = frozen, .targets = targets, .batch = batch};
      if (options.safety_critic) critics += safety.loss(p, i, tanh_of_network(net[2], targets, next));
      for (std::size_t j = 0; j < then.size(); ++j)
        then[j] = std::clamp(std::tanh(then[j]) + std::clamp(0.2 * noise[i][j], -0.5, 0.5), -1.0, 1.0);
      const double next_value = std::min(network(net[0], targets, joined(next, then))[0], network(net[1], targets, joined(next, then))[0]);
      const double goal = batch.rewards[i] + options.discount * (1.0 - batch.terminals[i]) * next_value;
      for (const std::size_t k : {0U, 1U}) critics += std::pow(network(net[k], p, joined(s, a))[0] - goal, 2);
      const auto policy = [&](const Numbers& from) {
        Numbers action = network(net[2], from, s);
        for (double& x : action) x = std::tanh(x);
        return action;
      };
      const Numbers pi = policy(p);
      for (std::size_t j = 0; j < a.size(); ++j) cloning += (pi[j] - a[j]) * (pi[j] - a[j]) / static_cast<double>(a.size());
      scale += std::abs(network(net[0], frozen, joined(s, policy(frozen)))[0]) / static_cast<double>(n);
      ascent += network(net[0], frozen, joined(s, pi))[0];
      if (options.safety_critic) ascent -= price * safety.value(frozen, s, pi);
    }
    return (critics + cloning - options.alpha / scale * ascent) / static_cast<double>(n);
  }
};

void expect_delayed_gradient(RlOptions options) {
  options.algorithm = LearnerKind::td3_bc;
  options.hidden_dims = {7, 6};
  Learner learner(options, 4, 3, 11);
  const Dataset data = random_dataset(4, 3, 9);
  BatchBuffer buffer;
  RandomStream stream(5, Draw::test);
  const Batch batch = data.sample(stream, 9, buffer);
  LearnerState apart = learner.state();
  for (float& x : apart.targets) x += 0.3F * static_cast<float>(stream.normal());
  apart.updates = 1;  // the second update steps the policy
  apart.multiplier.value = 0.7;
  learner.restore(apart);
  std::vector<std::size_t> followed{0, 1, 2};
  if (options.safety_critic) followed.push_back(3);
  DelayedPolicy reference{.options = options,
                          .layout = learner.layout(),
                          .frozen = {apart.parameters.begin(), apart.parameters.end()},
                          .targets = at_their_networks(learner.layout(), followed, apart),
                          .batch = batch,
                          .noise = {},
                          .price = 0.7};
  RandomStream draws(11, Draw::policy_sample, 0, 2);
  for (int i = 0; i < 9; ++i) reference.noise.push_back({draws.normal(), draws.normal(), draws.normal()});
  const Losses losses = learner.update(batch);
  EXPECT_NEAR(losses.critic + losses.actor + losses.cost_critic, reference.loss(reference.frozen), 1e-4);
  expect_slopes(learner.gradient(), reference);
}

TEST(DelayedPolicyGradients, AreTheSlopesOfTheLosses) {
  expect_delayed_gradient({});
}

TEST(DelayedPolicyGradients, WithASafetyCriticAreTheSlopesOfTheLosses) {
  expect_delayed_gradient({.safety_critic = true, .cost_discount = 0.8});
}

TEST(DelayedPolicyGradients, LeavePolicyAndTargetsAloneOnOddUpdates) {
  Learner learner({.algorithm = LearnerKind::td3_bc, .hidden_dims = {8}}, 4, 3, 1);
  const Dataset data = random_dataset(4, 3, 30);
  BatchBuffer buffer;
  RandomStream stream(1, Draw::test);
  const auto policy_moved = [&](const LearnerState& before) {
    const std::size_t place = learner.layout().networks[2].front().offset;
    return before.parameters[place] != learner.state().parameters[place];
  };
  for (int update = 1; update <= 4; ++update) {
    const LearnerState before = learner.state();
    learner.update(data.sample(stream, 16, buffer));
    EXPECT_EQ(policy_moved(before), update % 2 == 0);
    EXPECT_EQ(before.targets != learner.state().targets, update % 2 == 0);
    EXPECT_NE(before.parameters.front(), learner.state().parameters.front());
  }
}

}  // namespace
}  // namespace gridfed
