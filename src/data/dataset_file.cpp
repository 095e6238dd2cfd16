#include "data/dataset_file.hpp"

#include "data/minari.hpp"
#include "runtime/error.hpp"

#include <algorithm>
#include <cmath>
#include <sstream>

namespace gridfed {

namespace {

std::string group_of(int client) {
  return fmt::format("/client_{:03d}", client);
}

/// Mean and standard deviation of each column.
std::array<std::vector<double>, 2> moments(std::span<const float> values, std::size_t columns) {
  std::vector<double> mean(columns, 0.0), deviation(columns, 0.0);
  const std::size_t rows = columns ? values.size() / columns : 0;
  for (std::size_t i = 0; i < values.size(); ++i) mean[i % columns] += values[i] / static_cast<double>(rows);
  for (std::size_t i = 0; i < values.size(); ++i)
    deviation[i % columns] += std::pow(values[i] - mean[i % columns], 2) / static_cast<double>(rows);
  for (double& d : deviation) d = std::sqrt(d);
  return {mean, deviation};
}

/// D4RL's older files hold no next observations: they are the following rows. A row whose episode was cut short of its end has none in the
/// file and is left out; after a terminal row nothing is looked at, so its own observation stands in.
Dataset with_successors(const Dataset& data) {
  Dataset result{.observation_size = data.observation_size, .action_size = data.action_size};
  const auto row = [](const std::vector<float>& values, std::size_t columns, std::size_t i) {
    return std::span(values).subspan(i * columns, columns);
  };
  for (std::size_t i = 0; i < data.size(); ++i) {
    const bool terminal = data.terminals[i] != 0, followed = i + 1 < data.size() && data.timeouts[i] == 0;
    if (!terminal && !followed) {
      if (result.size() > 0 && result.terminals.back() == 0) result.timeouts.back() = 1;  // the row before is the last of its episode now
      continue;
    }
    result.append(row(data.observations, data.observation_size, i), row(data.actions, data.action_size, i), data.rewards[i],
                  row(data.observations, data.observation_size, terminal ? i : i + 1), terminal, data.timeouts[i] != 0, data.costs[i]);
  }
  return result;
}

/// Older files mark no timeouts: an episode was cut where the next observation is not that of the following row.
std::vector<std::uint8_t> inferred_timeouts(const Dataset& data) {
  std::vector<std::uint8_t> timeouts(data.size(), 0);
  const std::size_t n = data.observation_size;
  for (std::size_t i = 0; i + 1 < data.size(); ++i) {
    const auto next = data.next_observations.begin() + static_cast<std::ptrdiff_t>(i * n);
    timeouts[i] = data.terminals[i] == 0 && !std::equal(next, next + static_cast<std::ptrdiff_t>(n),
                                                        data.observations.begin() + static_cast<std::ptrdiff_t>((i + 1) * n));
  }
  return timeouts;
}

}  // namespace

void write_datasets(const Communicator& comm, const std::filesystem::path& path, const FileHeader& header, int clients,
                    const std::map<int, Dataset>& mine, const std::map<int, DatasetNotes>& notes,
                    const std::function<void(File&)>& finish) {
  File file = File::create(comm, path);
  file.write_header(header);
  file.set_attribute("/", "clients", static_cast<std::int64_t>(clients));
  for (int client = 0; client < clients; ++client) {
    const auto found = mine.find(client);
    const Dataset empty;
    const Dataset& data = found == mine.end() ? empty : found->second;
    DatasetNotes note = notes.contains(client) ? notes.at(client) : DatasetNotes{};
    const int root = owner(client, clients, comm.size());
    std::array<std::int64_t, 4> sizes{static_cast<std::int64_t>(data.size()), static_cast<std::int64_t>(data.observation_size),
                                      static_cast<std::int64_t>(data.action_size), note.episode_steps};
    comm.broadcast(std::span<std::int64_t>(sizes), root);
    comm.broadcast(std::span(&note.reward_unit, 1), root);
    note.feeder = comm.broadcast(note.feeder, root);
    const auto joined = [](const std::vector<std::string>& names) {
      std::string text;
      for (const auto& name : names) text += name + "\n";
      return text;
    };
    const std::string observation_names = comm.broadcast(joined(note.observation_names), root);
    const std::string action_names = comm.broadcast(joined(note.action_names), root);
    const std::string group = group_of(client);
    const auto rows = static_cast<hsize_t>(sizes[0]), observations = static_cast<hsize_t>(sizes[1]),
               actions = static_cast<hsize_t>(sizes[2]);
    const auto put = [&]<class T>(const char* name, const std::vector<T>& values, const std::vector<hsize_t>& row_shape, const char* unit) {
      file.write_all<T>(group + "/" + name, std::span<const T>(values), rows, 0, row_shape, unit);
    };
    put("observations", data.observations, {observations}, "see observation_names");
    put("actions", data.actions, {actions}, "share of the zone's range, -1 to 1");
    put("rewards", data.rewards, {}, "reward_unit");
    put("next_observations", data.next_observations, {observations}, "see observation_names");
    put("terminals", data.terminals, {}, "");
    put("timeouts", data.timeouts, {}, "");
    put("costs", data.costs, {}, "constraint violation");
    auto [mean, deviation] = moments(data.observations, observations);
    auto [reward_mean, reward_deviation] = moments(data.rewards, 1);
    for (auto* values : {&mean, &deviation, &reward_mean, &reward_deviation}) comm.broadcast(std::span(*values), root);
    file.write<double>(group + "/normalisation/observation_mean", mean);
    file.write<double>(group + "/normalisation/observation_deviation", deviation);
    file.write<double>(group + "/normalisation/reward_mean", reward_mean);
    file.write<double>(group + "/normalisation/reward_deviation", reward_deviation);
    file.set_attribute(group, "feeder", note.feeder);
    file.set_attribute(group, "observation_names", observation_names);
    file.set_attribute(group, "action_names", action_names);
    file.set_attribute(group, "episode_steps", sizes[3]);
    file.set_attribute(group, "reward_unit", note.reward_unit);
  }
  if (finish) finish(file);
  file.commit();
}

int dataset_clients(const std::filesystem::path& path) {
  const File file = File::open(path);
  if (file.has_header()) file.check_kind("dataset", dataset_version.major);
  if (file.exists("/observations") || is_minari(file)) return 1;
  int clients = 0;
  while (file.exists(group_of(clients))) ++clients;
  if (clients == 0) throw Error("'{}' holds neither /observations nor /episode_0 nor /client_000: it is no dataset", path.string());
  return clients;
}

Dataset read_dataset(const std::filesystem::path& path, int client, std::int64_t max_rows) {
  const File file = File::open(path);
  if (file.has_header()) file.check_kind("dataset", dataset_version.major);
  if (is_minari(file)) return read_minari(file, max_rows);
  const bool plain = file.exists("/observations");
  const std::string group = plain ? "" : group_of(client);
  if (!plain && !file.exists(group))
    throw Error("'{}' has no client {}: generate it with as many clients as the deck names", path.string(), client);
  for (const char* name : {"observations", "actions", "rewards", "terminals"}) {
    if (!file.exists(group + "/" + name))
      throw Error("'{}' has no array {}/{}: it is no dataset of the D4RL layout", path.string(), group, name);
  }
  Dataset data;
  const auto shape = file.shape(group + "/observations"), action_shape = file.shape(group + "/actions");
  if (shape.size() != 2 || action_shape.size() != 2) throw Error("'{}': {}/observations and actions must be tables", path.string(), group);
  data.observation_size = shape[1];
  data.action_size = action_shape[1];
  const hsize_t rows = max_rows > 0 ? std::min<hsize_t>(shape[0], static_cast<hsize_t>(max_rows)) : shape[0];
  const auto expect = [&](const char* name, hsize_t columns) {
    const auto found = file.shape(group + "/" + name);
    if (found.empty() || found[0] != shape[0] || (found.size() > 1 ? found[1] : 1) != columns) {
      throw Error("'{}': {}/{} does not have one row of {} for each of the {} observations: the file is damaged, generate it again",
                  path.string(), group, name, columns, shape[0]);
    }
  };
  const auto floats = [&](const char* name, hsize_t columns) {
    expect(name, columns);
    auto values = file.read_rows<float>(group + "/" + name, 0, rows);
    const auto bad = std::find_if(values.begin(), values.end(), [](float v) { return !std::isfinite(v); });
    if (bad != values.end()) {
      throw Error("'{}': {}/{} holds a value that is not finite in row {}: remove the row or generate the data again", path.string(), group,
                  name, static_cast<std::size_t>(bad - values.begin()) / columns);
    }
    return values;
  };
  const auto flags = [&](const char* name) {
    expect(name, 1);
    return file.read_rows<std::uint8_t>(group + "/" + name, 0, rows);
  };
  data.observations = floats("observations", data.observation_size);
  data.actions = floats("actions", data.action_size);
  data.rewards = floats("rewards", 1);
  data.terminals = flags("terminals");
  const bool timeouts_marked = file.exists(group + "/timeouts");
  data.timeouts = timeouts_marked ? flags("timeouts") : std::vector<std::uint8_t>(rows, 0);
  data.costs = file.exists(group + "/costs") ? floats("costs", 1) : std::vector<float>(rows, 0.0f);
  if (!file.exists(group + "/next_observations")) return with_successors(data);
  data.next_observations = floats("next_observations", data.observation_size);
  if (!timeouts_marked) data.timeouts = inferred_timeouts(data);
  return data;
}

std::vector<float> read_action_log_densities(const std::filesystem::path& path, int client) {
  const File file = File::open(path);
  if (is_minari(file)) return {};
  const std::string group = file.exists("/observations") ? "" : group_of(client);
  for (const char* name : {"/action_log_probs", "/infos/action_log_probs"}) {
    if (!file.exists(group + name)) continue;
    if (!file.exists(group + "/next_observations"))
      throw Error("'{}' has action_log_probs but no next_observations, so rows are left out: add next_observations", path.string());
    auto values = file.read<float>(group + name);
    const auto rows = file.shape(group + "/observations")[0];
    if (values.size() != rows) {
      throw Error("'{}': {}{} holds {} values for {} rows: give one for each recorded action", path.string(), group, name, values.size(),
                  rows);
    }
    const auto bad = std::ranges::find_if(values, [](float v) { return !std::isfinite(v); });
    if (bad != values.end()) {
      throw Error("'{}': {}{} holds a value that is not finite in row {}: remove the row or generate the data again", path.string(), group,
                  name, bad - values.begin());
    }
    return values;
  }
  return {};
}

DatasetNotes read_notes(const std::filesystem::path& path, int client) {
  const File file = File::open(path);
  const std::string group = file.exists("/observations") || is_minari(file) ? "/" : group_of(client);
  const auto text = [&](const char* name) {
    return file.has_attribute(group, name) ? file.attribute<std::string>(group, name) : std::string();
  };
  const auto lines = [&](const char* name) {
    std::vector<std::string> names;
    std::istringstream in(text(name));
    for (std::string line; std::getline(in, line);) names.push_back(line);
    return names;
  };
  DatasetNotes notes{.feeder = text("feeder"), .observation_names = lines("observation_names"), .action_names = lines("action_names")};
  if (file.has_attribute(group, "episode_steps")) notes.episode_steps = file.attribute<std::int64_t>(group, "episode_steps");
  if (file.has_attribute(group, "reward_unit")) notes.reward_unit = file.attribute<double>(group, "reward_unit");
  return notes;
}

}  // namespace gridfed
