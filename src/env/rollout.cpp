#include "env/rollout.hpp"

namespace gridfed {

void rollout(GridEnvironment& environment, Policy& policy, std::uint64_t seed, int client, int day,
             const std::function<void(const Transition&)>& sink) {
  const auto first = environment.reset(seed, client, day);
  std::vector<float> observation(first.begin(), first.end());
  std::vector<float> action(environment.action_size());
  policy.begin_episode(environment, day);
  for (bool done = false; !done;) {
    policy.act(observation, action);
    const StepResult result = environment.step(action);
    sink({.observation = observation,
          .action = action,
          .next_observation = result.observation,
          .reward = result.reward,
          .cost = result.cost,
          .terminated = result.terminated,
          .truncated = result.truncated,
          .info = &result.info});
    observation.assign(result.observation.begin(), result.observation.end());
    done = result.terminated || result.truncated;
  }
}

}  // namespace gridfed
