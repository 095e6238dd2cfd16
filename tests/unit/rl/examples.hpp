#pragma once

#include "data/dataset.hpp"

#include <cstddef>
#include <vector>

namespace gridfed {

inline Dataset empty_dataset(std::size_t observation_size, std::size_t action_size) {
  Dataset dataset;
  dataset.observation_size = observation_size;
  dataset.action_size = action_size;
  return dataset;
}

/// Transitions without structure: every value of every array is drawn at random, a fifth of them terminal.
inline Dataset random_dataset(std::size_t observation_size, std::size_t action_size, std::size_t size, std::uint64_t seed = 1) {
  Dataset dataset = empty_dataset(observation_size, action_size);
  RandomStream stream(seed, Draw::test);
  std::vector<float> observation(observation_size), action(action_size), next(observation_size);
  for (std::size_t i = 0; i < size; ++i) {
    for (float& x : observation) x = static_cast<float>(stream.normal());
    for (float& x : next) x = static_cast<float>(stream.normal());
    for (float& x : action) x = static_cast<float>(stream.uniform(-1, 1));
    const auto reward = static_cast<float>(stream.normal());
    const bool terminal = stream.uniform() < 0.2;
    dataset.append(observation, action, reward, next, terminal, false, static_cast<float>(stream.uniform()));
  }
  return dataset;
}

}  // namespace gridfed
