#include "rl/fitted_q.hpp"

#include "rl/objective.hpp"
#include "rl/optimizer.hpp"
#include "runtime/error.hpp"

#include <algorithm>
#include <cmath>

namespace gridfed {

namespace {

std::vector<float> actions_of(const ActionOf& policy, std::span<const float> observations, std::size_t observation_size,
                              std::size_t action_size) {
  const std::size_t rows = observations.size() / observation_size;
  std::vector<float> actions(rows * action_size);
  for (std::size_t i = 0; i < rows; ++i) {
    policy(observations.subspan(i * observation_size, observation_size), std::span(actions).subspan(i * action_size, action_size));
  }
  return actions;
}

}  // namespace

FittedQ::FittedQ(const RlOptions& options, const Dataset& data, const ActionOf& policy, std::uint64_t seed)
    : observation_size_(data.observation_size), action_size_(data.action_size), policy_(policy) {
  if (data.size() == 0) throw Error("fitted Q evaluation was given no transition: give it data");
  const auto inputs = static_cast<std::int64_t>(observation_size_ + action_size_);
  const ParameterLayout layout =
      make_layout(std::vector<NetworkShape>{{.inputs = inputs, .hidden = options.hidden_dims, .outputs = 1}}, Sharing::all);
  layers_ = layout.networks.front();
  parameters_.resize(layout.total);
  initialise(layout, seed, parameters_);
  std::vector<float> targets = parameters_, gradient(layout.total), first(layout.total), second(layout.total);
  const Mlp network(layers_, parameters_), target(layers_, targets);

  // The policy acts once for every row.
  const auto next_actions = actions_of(policy, data.next_observations, observation_size_, action_size_);
  std::vector<float> joined;
  join(data.next_observations, next_actions, static_cast<std::int64_t>(data.size()), joined);

  const double rate = options.critic_learning_rate > 0 ? options.critic_learning_rate : options.learning_rate;
  const auto n = options.batch_size;
  BatchBuffer buffer;
  MlpPass pass, next_pass;
  std::vector<float> state_action, next, goal(static_cast<std::size_t>(n));
  RandomStream stream(seed, Draw::minibatch);
  for (std::int64_t update = 1; update <= options.updates; ++update) {
    const Batch batch = data.sample(stream, static_cast<std::size_t>(n), buffer);
    next.resize(static_cast<std::size_t>(n * inputs));
    for (std::size_t i = 0; i < buffer.rows.size(); ++i) {
      std::copy_n(joined.begin() + static_cast<std::ptrdiff_t>(buffer.rows[i]) * inputs, inputs,
                  next.begin() + static_cast<std::ptrdiff_t>(i) * inputs);
    }
    target.forward(next, n, next_pass);
    temporal_difference_goal(options, batch, next_pass.output(), goal);
    join(batch.observations, batch.actions, n, state_action);
    network.forward(state_action, n, pass);
    for (std::size_t i = 0; i < goal.size(); ++i) pass.output_delta()[i] = 2.0F * (pass.output()[i] - goal[i]) / static_cast<float>(n);
    network.backward(pass);
    network.write_gradient(pass, gradient);
    AdamStep{.learning_rate = rate * cosine_decay(update - 1, options.updates), .step = update, .tau = options.tau}.apply(
        parameters_, gradient, first, second, targets);
  }
  for (const float x : parameters_) {
    if (!std::isfinite(x)) throw Error("fitted Q evaluation diverged (a weight is not finite): lower rl.learning_rate");
  }
}

std::vector<double> FittedQ::q(std::span<const float> observations, std::span<const float> actions, std::int64_t rows) const {
  std::vector<float> joined;
  join(observations, actions, rows, joined);
  MlpPass pass;
  Mlp(layers_, parameters_).forward(joined, rows, pass);
  return {pass.output().begin(), pass.output().end()};
}

double FittedQ::value(std::span<const float> observations, std::int64_t rows) const {
  double sum = 0;
  for (const double value : q(observations, actions_of(policy_, observations, observation_size_, action_size_), rows)) sum += value;
  return sum / static_cast<double>(rows);
}

}  // namespace gridfed
