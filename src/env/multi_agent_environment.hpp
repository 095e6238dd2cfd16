#pragma once

#include "env/grid_environment.hpp"

namespace gridfed {

/// What an agent owns: a zone with all its devices, or one kind of device in one zone ("zone2.battery").
enum class AgentScope { zone, device };

/// A feeder controlled by several agents, each of which sees its own zone and what is common, and acts for what it owns. All act at once
/// and get the same reward: the feeder's. The joint observation is the global state that a centralised critic may see.
class MultiAgentEnvironment {
 public:
  /// Agents without any device are left out.
  MultiAgentEnvironment(GridEnvironment environment, AgentScope scope);

  struct Agent {
    std::string name;
    int zone = 0;
    std::vector<int> components;  ///< of the joint action
    std::vector<char> mask;       ///< by component, 0 where nothing would obey it
  };
  std::span<const Agent> agents() const { return agents_; }
  int observation_size() const;  ///< of an agent
  int action_size(int agent) const { return static_cast<int>(agents_[agent].components.size()); }
  int state_size() const { return environment_.observation_size(); }
  const GridEnvironment& environment() const { return environment_; }

  void reset(std::uint64_t seed, int client, int day);
  /// The agents' actions one after the other; masked components do nothing. Throws Error for a wrong size or a value that is not finite.
  const StepResult& step(std::span<const float> actions);

  /// An agent's own zone, then what is common to the feeder, then the price: as in ZonalObservation with one zone. Valid until the next
  /// call.
  std::span<const float> observation(int agent);
  /// The joint observation.
  std::span<const float> state() const { return state_; }

 private:
  GridEnvironment environment_;
  std::vector<Agent> agents_;
  int components_ = 0;  // of all agents
  std::vector<float> state_, joint_, local_;
  StepResult result_;
};

}  // namespace gridfed
