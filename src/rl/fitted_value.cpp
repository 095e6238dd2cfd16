#include "rl/fitted_value.hpp"

#include "data/episodes.hpp"

#include <cmath>

namespace gridfed {

FittedValue fitted_value(const RlOptions& options, const Dataset& data, const ActionOf& policy, int fits, std::uint64_t seed) {
  RlOptions plain = options;
  plain.safety_weight = 0;  // returns are of the reward alone
  const auto all = episodes(data);
  const auto value_of = [&](const Dataset& part, std::uint64_t fit) {
    const FittedQ critic(plain, part, policy, seed + fit);
    std::vector<float> starts;
    const auto parts = episodes(part);
    for (const Episode& episode : parts) {
      const auto first = part.observations.begin() + static_cast<std::ptrdiff_t>(episode.first * part.observation_size);
      starts.insert(starts.end(), first, first + static_cast<std::ptrdiff_t>(part.observation_size));
    }
    return critic.value(starts, static_cast<std::int64_t>(parts.size()));
  };
  FittedValue result;
  for (const Episode& episode : all) {
    double factor = 1;
    for (std::size_t i = episode.first; i < episode.last; ++i, factor *= options.discount) {
      result.recorded += factor * data.rewards[i] / static_cast<double>(all.size());
    }
  }
  result.estimate = value_of(data, 0);
  double sum = 0, squares = 0;
  for (int fit = 1; fit <= fits; ++fit) {
    RandomStream stream(seed, Draw::evaluation, 0, static_cast<std::uint64_t>(fit));
    Dataset sample{.observation_size = data.observation_size, .action_size = data.action_size};
    for (std::size_t i = 0; i < all.size(); ++i) append_rows(sample, data, all[stream.below(all.size())]);
    const double value = value_of(sample, static_cast<std::uint64_t>(fit));
    sum += value;
    squares += value * value;
  }
  if (fits > 1) result.deviation = std::sqrt(std::max(0.0, (squares - sum * sum / fits) / (fits - 1)));
  result.lower = result.estimate - 1.645 * result.deviation;
  return result;
}

}  // namespace gridfed
