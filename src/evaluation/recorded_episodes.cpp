#include "evaluation/recorded_episodes.hpp"

#include "data/episodes.hpp"
#include "runtime/error.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace gridfed {

namespace {

constexpr int actions_a_state = 8;  // that a state's value is the mean over

}  // namespace

double GaussianPolicy::log_density(std::span<const float> observation, std::span<const float> action) const {
  std::vector<float> centre(action.size());
  mean(observation, centre);
  double density = 0;
  for (std::size_t j = 0; j < action.size(); ++j) {
    const double z = (action[j] - centre[j]) / deviation;
    density -= 0.5 * z * z + std::log(deviation) + 0.5 * std::log(2 * std::numbers::pi);
  }
  return density;
}

ActionOf GaussianPolicy::sampled(RandomStream& stream) const {
  return [mean = mean, deviation = deviation, &stream](std::span<const float> observation, std::span<float> action) {
    mean(observation, action);
    for (float& a : action) a = std::clamp(static_cast<float>(a + deviation * stream.normal()), -1.0F, 1.0F);
  };
}

std::vector<RecordedEpisode> recorded_episodes(const Dataset& data, std::span<const float> log_densities, const GaussianPolicy& policy,
                                               const FittedQ& critic, std::uint64_t seed) {
  if (log_densities.size() != data.size()) {
    throw Error("{} log densities came with {} transitions: give one for each recorded action", log_densities.size(), data.size());
  }
  if (!(policy.deviation > 0)) throw Error("a policy without deviation has no density: judge it by fitted Q evaluation");
  const auto rows = static_cast<std::int64_t>(data.size());
  const auto q = critic.q(data.observations, data.actions, rows);
  RandomStream stream(seed, Draw::policy_sample);
  const ActionOf draw = policy.sampled(stream);
  std::vector<float> actions(data.actions.size());
  std::vector<double> value(data.size(), 0.0);
  const auto observation = [&](std::size_t i) {
    return std::span(data.observations).subspan(i * data.observation_size, data.observation_size);
  };
  for (int k = 0; k < actions_a_state; ++k) {
    for (std::size_t i = 0; i < data.size(); ++i) draw(observation(i), std::span(actions).subspan(i * data.action_size, data.action_size));
    const auto sampled = critic.q(data.observations, actions, rows);
    for (std::size_t i = 0; i < value.size(); ++i) value[i] += sampled[i] / actions_a_state;
  }
  std::vector<RecordedEpisode> recorded;
  for (const Episode& episode : episodes(data)) {
    RecordedEpisode& r = recorded.emplace_back();
    for (std::size_t i = episode.first; i < episode.last; ++i) {
      const double density = policy.log_density(observation(i), std::span(data.actions).subspan(i * data.action_size, data.action_size));
      if (!std::isfinite(log_densities[i])) throw Error("the log density of row {} is not finite: remove the row", i);
      r.ratio.push_back(std::exp(density - log_densities[i]));
      r.reward.push_back(data.rewards[i]);
      r.q.push_back(q[i]);
      r.value.push_back(value[i]);
    }
  }
  return recorded;
}

}  // namespace gridfed
