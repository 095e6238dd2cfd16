#pragma once

#include "env/rollout.hpp"
#include "runtime/communicator.hpp"
#include "runtime/hdf5.hpp"

#include <filesystem>
#include <vector>

namespace gridfed {

inline constexpr Version trajectory_version{1, 1};

/// Steps of days as they were played, with the account of each.
struct Trajectory {
  std::vector<std::int32_t> days, steps;  ///< [n]
  std::vector<float> observations;        ///< [n, o], before the action
  std::vector<float> actions;             ///< [n, a]
  std::vector<double> rewards, costs;     ///< [n]
  std::vector<std::uint8_t> terminals, timeouts;
  std::vector<double> account;          ///< [n, columns]
  std::vector<std::uint8_t> decisions;  ///< [n], of a shield: 0 policy, 1 projected, 2 backup, 3 backup projected; empty without
  std::vector<double> foreseen, used;   ///< [n], share of the limits that the policy's action would use, and that the step did

  void append(int day, int step, const Transition& transition);
};

/// Columns of an account, with units: what StepInfo holds.
std::vector<std::string> account_column_names();

/// Collective on comm. Writes the days of all ranks in rank order: /days, /steps, /observations, /actions, /rewards, /costs, /terminals,
/// /timeouts, /account and with a shield /decisions, /foreseen, /used; as attributes of the root the names of their columns, one a line,
/// the feeder and the policy. Throws Error if no rank has a step.
void write_trajectory(const Communicator& comm, const std::filesystem::path& path, const FileHeader& header, const Trajectory& mine,
                      const GridEnvironment& environment, const std::string& feeder, const std::string& policy);

}  // namespace gridfed
