#include "env/multi_agent_environment.hpp"

#include "env/zonal_observation.hpp"
#include "runtime/error.hpp"

#include <algorithm>
#include <cmath>

namespace gridfed {

namespace {

/// Is there anything in the zone that would obey such an action?
bool obeyed(const Zones::Zone& zone, ZoneAction action) {
  switch (action) {
    case ZoneAction::battery:
      return !zone.batteries.empty();
    case ZoneAction::reactive:
      return !(zone.solar.empty() && zone.wind.empty() && zone.batteries.empty());
    case ZoneAction::curtailment:
      return !(zone.solar.empty() && zone.wind.empty());
    case ZoneAction::flexible_load:
      return !zone.loads.empty();
    case ZoneAction::tap:
      return !zone.regulators.empty();
    case ZoneAction::capacitor:
      return !zone.capacitors.empty();
  }
  return false;
}

}  // namespace

MultiAgentEnvironment::MultiAgentEnvironment(GridEnvironment environment, AgentScope scope) : environment_(std::move(environment)) {
  const int zones = environment_.options().zones;
  const auto& kinds = environment_.zone_actions();
  const auto names = environment_.action_names();
  for (int z = 0; z < zones; ++z) {
    Agent whole{.name = fmt::format("zone{}", z + 1), .zone = z, .components = {}, .mask = {}};
    for (std::size_t kind = 0; kind < kinds.size(); ++kind) {
      const int component = static_cast<int>(kind) * zones + z;
      const char does = obeyed(environment_.zones().zones[z], kinds[kind]);
      if (scope == AgentScope::zone) {
        whole.components.push_back(component);
        whole.mask.push_back(does);
      } else if (does) {
        agents_.push_back({names[component].substr(0, names[component].find(' ')), z, {component}, {does}});
      }
    }
    if (std::count(whole.mask.begin(), whole.mask.end(), 1) > 0) agents_.push_back(std::move(whole));
  }
  if (agents_.empty())
    throw Error("no zone of network '{}' has a device for env.actions: name other actions", environment_.network().data().name);
  for (const auto& agent : agents_) components_ += static_cast<int>(agent.components.size());
  state_.resize(environment_.observation_size());
  joint_.resize(environment_.action_size());
  local_.resize(observation_size());
}

int MultiAgentEnvironment::observation_size() const {
  return ZonalObservation::size(1);
}

void MultiAgentEnvironment::reset(std::uint64_t seed, int client, int day) {
  const auto first = environment_.reset(seed, client, day);
  std::copy(first.begin(), first.end(), state_.begin());
}

const StepResult& MultiAgentEnvironment::step(std::span<const float> actions) {
  if (static_cast<int>(actions.size()) != components_)
    throw Error("the agents' actions have {} components, not {}: give those of every agent in order", actions.size(), components_);
  std::fill(joint_.begin(), joint_.end(), 0.0f);
  std::size_t at = 0;
  for (const auto& agent : agents_) {
    for (std::size_t i = 0; i < agent.components.size(); ++i, ++at) {
      if (!std::isfinite(actions[at])) throw Error("an action of agent '{}' is not finite: the policy that sent it is broken", agent.name);
      if (agent.mask[i]) joint_[agent.components[i]] = actions[at];
    }
  }
  result_ = environment_.step(joint_);
  std::copy(result_.observation.begin(), result_.observation.end(), state_.begin());
  result_.observation = state_;
  return result_;
}

std::span<const float> MultiAgentEnvironment::observation(int agent) {
  constexpr int own = ZonalObservation::zone_features;
  const auto zone = state_.begin() + agents_[agent].zone * own;
  const auto rest = std::copy(zone, zone + own, local_.begin());
  std::copy(state_.begin() + environment_.options().zones * own, state_.end(), rest);
  return local_;
}

}  // namespace gridfed
