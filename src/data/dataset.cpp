#include "data/dataset.hpp"

#include "runtime/error.hpp"

#include <algorithm>
#include <cmath>

namespace gridfed {

void Dataset::append(std::span<const float> observation, std::span<const float> action, float reward,
                     std::span<const float> next_observation, bool terminal, bool timeout, float cost) {
  if (observation.size() != observation_size || next_observation.size() != observation_size || action.size() != action_size) {
    throw Error(
        "transition {} has {} observations and {} actions (the dataset holds {} and {}): record one feeder and interface per dataset",
        size(), observation.size(), action.size(), observation_size, action_size);
  }
  const auto finite = [](std::span<const float> values) {
    return std::all_of(values.begin(), values.end(), [](float v) { return std::isfinite(v); });
  };
  if (!finite(observation) || !finite(action) || !finite(next_observation) || !std::isfinite(reward) || !std::isfinite(cost)) {
    throw Error("transition {} is not finite: check the profiles and the power flow that produced it", size());
  }
  observations.insert(observations.end(), observation.begin(), observation.end());
  actions.insert(actions.end(), action.begin(), action.end());
  next_observations.insert(next_observations.end(), next_observation.begin(), next_observation.end());
  rewards.push_back(reward);
  costs.push_back(cost);
  terminals.push_back(terminal);
  timeouts.push_back(timeout);
}

Batch Dataset::gather(std::span<const std::size_t> rows, BatchBuffer& buffer) const {
  const std::size_t n = rows.size();
  buffer.observations.resize(n * observation_size);
  buffer.next_observations.resize(n * observation_size);
  buffer.actions.resize(n * action_size);
  buffer.rewards.resize(n);
  buffer.terminals.resize(n);
  buffer.costs.resize(n);
  for (std::size_t i = 0; i < n; ++i) {
    const std::size_t row = rows[i];
    std::copy_n(observations.data() + row * observation_size, observation_size, buffer.observations.data() + i * observation_size);
    std::copy_n(next_observations.data() + row * observation_size, observation_size,
                buffer.next_observations.data() + i * observation_size);
    std::copy_n(actions.data() + row * action_size, action_size, buffer.actions.data() + i * action_size);
    buffer.rewards[i] = rewards[row];
    buffer.terminals[i] = terminals[row] ? 1.0f : 0.0f;
    buffer.costs[i] = costs[row];
  }
  return {.size = static_cast<std::int64_t>(n),
          .observations = buffer.observations,
          .actions = buffer.actions,
          .rewards = buffer.rewards,
          .next_observations = buffer.next_observations,
          .terminals = buffer.terminals,
          .costs = buffer.costs};
}

Batch Dataset::sample(RandomStream& stream, std::size_t n, BatchBuffer& buffer, const Emphasis& emphasis) const {
  if (size() == 0) throw Error("the dataset is empty: generate it with gridfed_dataset first");
  buffer.rows.resize(n);
  for (auto& row : buffer.rows) {
    const bool emphasised = !emphasis.rows.empty() && stream.uniform() < emphasis.chance;
    row = emphasised ? emphasis.rows[stream.below(emphasis.rows.size())] : stream.below(size());
  }
  return gather(buffer.rows, buffer);
}

Batch Dataset::sample_poisson(RandomStream& stream, double rate, BatchBuffer& buffer) const {
  buffer.rows.clear();
  for (std::size_t row = 0; row < size(); ++row) {
    if (stream.uniform() < rate) buffer.rows.push_back(row);
  }
  return gather(buffer.rows, buffer);
}

}  // namespace gridfed
