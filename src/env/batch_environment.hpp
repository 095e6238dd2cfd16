#pragma once

#include "env/grid_environment.hpp"

namespace gridfed {

/// K days of one feeder in lockstep. A lane gives, bit for bit, what a GridEnvironment alone gives for the same seed, client and day. Lanes
/// are stepped one after the other.
class BatchEnvironment {
 public:
  BatchEnvironment(const std::shared_ptr<const Network>& network, const ScenarioOptions& scenario, const EnvironmentOptions& options,
                   int lanes, const std::shared_ptr<const History>& history = nullptr);

  int lanes() const { return static_cast<int>(lanes_.size()); }
  int observation_size() const { return lanes_.front().observation_size(); }
  int action_size() const { return lanes_.front().action_size(); }
  const GridEnvironment& lane(int k) const { return lanes_[k]; }

  struct Start {
    std::uint64_t seed = 1;
    int client = 0, day = 0;
  };
  /// Begins a day in every lane. Returns observations [lanes, observation_size], valid until the next call.
  std::span<const float> reset(std::span<const Start> starts);
  /// Begins another day in one lane.
  void reset(int lane, const Start& start);

  /// Results of a step, by lane; those of a lane whose day is over stay what they were.
  struct Steps {
    std::span<const float> observations;  ///< [lanes, observation_size]
    std::span<const StepResult> results;
  };
  /// Takes actions [lanes, action_size]. Throws Error, naming the lane, for what GridEnvironment::step refuses.
  Steps step(std::span<const float> actions);
  bool done(int lane) const { return done_[lane] != 0; }
  bool all_done() const;

 private:
  void store(int lane, std::span<const float> observation);

  std::vector<GridEnvironment> lanes_;
  std::vector<StepResult> results_;
  std::vector<float> observations_;
  std::vector<char> done_;
};

}  // namespace gridfed
