#pragma once

#include "data/dataset.hpp"
#include "runtime/communicator.hpp"
#include "runtime/hdf5.hpp"

#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace gridfed {

/// What stands beside a client's transitions in a dataset file.
struct DatasetNotes {
  std::string feeder;  ///< file it was simulated on
  std::vector<std::string> observation_names, action_names;
  std::int64_t episode_steps = 0;  ///< transitions a day
  double reward_unit = 1;          ///< [$] per unit of reward
};

inline constexpr Version dataset_version{1, 0};

/// Collective on comm. Writes /client_000/{observations, actions, rewards, next_observations, terminals, timeouts, costs} and beside each
/// the mean and standard deviation of observations and rewards (normalisation). Each rank passes the clients it hosts; finish adds to the
/// file before it is committed.
void write_datasets(const Communicator& comm, const std::filesystem::path& path, const FileHeader& header, int clients,
                    const std::map<int, Dataset>& mine, const std::map<int, DatasetNotes>& notes,
                    const std::function<void(File&)>& finish = {});

/// Number of clients in a dataset file: its client groups, or 1 for a file with the arrays at its root (D4RL) or in episodes (Minari).
int dataset_clients(const std::filesystem::path& path);

/// Reads one client, at most `max_rows` transitions (0 = all) from the start; missing costs are zero, without next_observations the next
/// rows serve, and without timeouts they are where next observation and next row differ. Throws Error naming file and array if a shape does
/// not fit or a value is not finite.
Dataset read_dataset(const std::filesystem::path& path, int client, std::int64_t max_rows = 0);

/// Log densities of the recorded actions under the policy that acted, by row: the array action_log_probs, or infos/action_log_probs as D4RL
/// has it; empty where the file has neither. Throws Error as read_dataset does.
std::vector<float> read_action_log_densities(const std::filesystem::path& path, int client);

/// What the file notes beside a client's transitions; what it does not say keeps its default.
DatasetNotes read_notes(const std::filesystem::path& path, int client);

}  // namespace gridfed
