#pragma once

#include "runtime/random.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace gridfed {

/// A minibatch, row-major views into a BatchBuffer; row i is one transition.
struct Batch {
  std::int64_t size = 0;
  std::span<const float> observations;       ///< [size, observation_size]
  std::span<const float> actions;            ///< [size, action_size], each in [-1, 1]
  std::span<const float> rewards;            ///< [size]
  std::span<const float> next_observations;  ///< [size, observation_size]
  std::span<const float> terminals;          ///< [size], 1 where the episode truly ended (no bootstrap), 0 elsewhere
  std::span<const float> costs;              ///< [size], constraint violation, 0 where the file has none
};

/// Storage behind a Batch, reused from update to update.
struct BatchBuffer {
  std::vector<std::size_t> rows;
  std::vector<float> observations, actions, rewards, next_observations, terminals, costs;
};

/// Rows that are drawn more often than the rest: with probability `chance` a draw is one of them. Empty: all rows are drawn alike.
struct Emphasis {
  std::vector<std::size_t> rows;
  double chance = 0;
};

/// Transitions of one client in memory, the D4RL layout plus costs. Plain data: every array has size() rows.
struct Dataset {
  std::size_t observation_size = 0, action_size = 0;
  std::vector<float> observations, actions, rewards, next_observations, costs;
  std::vector<std::uint8_t> terminals, timeouts;

  std::size_t size() const { return rewards.size(); }
  /// Appends one transition. Throws Error if a size is wrong or a value is not finite.
  void append(std::span<const float> observation, std::span<const float> action, float reward, std::span<const float> next_observation,
              bool terminal, bool timeout, float cost);
  /// n transitions drawn with replacement, uniformly but for what is emphasised.
  Batch sample(RandomStream& stream, std::size_t n, BatchBuffer& buffer, const Emphasis& emphasis = {}) const;
  /// Every transition independently with probability rate (Poisson sampling, as the record-level accountant assumes); may be empty.
  Batch sample_poisson(RandomStream& stream, double rate, BatchBuffer& buffer) const;
  /// The given rows.
  Batch gather(std::span<const std::size_t> rows, BatchBuffer& buffer) const;
};

}  // namespace gridfed
