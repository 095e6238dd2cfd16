#include "data/trajectory_file.hpp"

#include <algorithm>

namespace gridfed {

namespace {

struct AccountColumn {
  const char* name;
  double (*value)(const StepInfo&);
};

constexpr AccountColumn account_columns[] = {
    {"energy_cost [$]", [](const StepInfo& i) { return i.energy_cost; }},
    {"loss_cost [$]", [](const StepInfo& i) { return i.loss_cost; }},
    {"violation_penalty [$]", [](const StepInfo& i) { return i.violation_penalty; }},
    {"tap_wear [$]", [](const StepInfo& i) { return i.tap_wear; }},
    {"battery_wear [$]", [](const StepInfo& i) { return i.battery_wear; }},
    {"idle_cost [$]", [](const StepInfo& i) { return i.idle_cost; }},
    {"stored_energy_value [$]", [](const StepInfo& i) { return i.stored_energy_value; }},
    {"scaled_return [peak x price x h]", [](const StepInfo& i) { return i.scaled_return; }},
    {"voltage_violation [0.05 p.u.]", [](const StepInfo& i) { return i.voltage_violation; }},
    {"thermal_violation [rating]", [](const StepInfo& i) { return i.thermal_violation; }},
    {"stability_violation [-]", [](const StepInfo& i) { return i.stability_violation; }},
    {"nodes_violated", [](const StepInfo& i) { return double(i.nodes_violated); }},
    {"branches_overloaded", [](const StepInfo& i) { return double(i.branches_overloaded); }},
    {"tap_operations", [](const StepInfo& i) { return double(i.tap_operations); }},
    {"voltage_lowest [p.u.]", [](const StepInfo& i) { return i.voltage_lowest; }},
    {"voltage_highest [p.u.]", [](const StepInfo& i) { return i.voltage_highest; }},
    {"unserved [W]", [](const StepInfo& i) { return i.unserved; }},
    {"head_power [W]", [](const StepInfo& i) { return i.head_power; }},
    {"losses [W]", [](const StepInfo& i) { return i.losses; }},
    {"load [W]", [](const StepInfo& i) { return i.load; }},
    {"solar [W]", [](const StepInfo& i) { return i.solar; }},
    {"wind [W]", [](const StepInfo& i) { return i.wind; }},
    {"curtailed [W]", [](const StepInfo& i) { return i.curtailed; }},
    {"battery [W]", [](const StepInfo& i) { return i.battery; }},
    {"diverged", [](const StepInfo& i) { return double(i.diverged); }},
    {"clipped_actions", [](const StepInfo& i) { return double(i.clipped_actions); }},
};

std::string lines(const std::vector<std::string>& names) {
  std::string text;
  for (const auto& name : names) text += (text.empty() ? "" : "\n") + name;
  return text;
}

}  // namespace

std::vector<std::string> account_column_names() {
  std::vector<std::string> names;
  for (const auto& column : account_columns) names.emplace_back(column.name);
  return names;
}

void Trajectory::append(int day, int step, const Transition& t) {
  days.push_back(day);
  steps.push_back(step);
  observations.insert(observations.end(), t.observation.begin(), t.observation.end());
  actions.insert(actions.end(), t.action.begin(), t.action.end());
  rewards.push_back(t.reward);
  costs.push_back(t.cost);
  terminals.push_back(t.terminated);
  timeouts.push_back(t.truncated);
  for (const auto& column : account_columns) account.push_back(column.value(*t.info));
}

void write_trajectory(const Communicator& comm, const std::filesystem::path& path, const FileHeader& header, const Trajectory& mine,
                      const GridEnvironment& environment, const std::string& feeder, const std::string& policy) {
  const auto held = static_cast<std::uint64_t>(mine.days.size());
  const auto all = comm.all_gather_v(std::span<const std::uint64_t>(&held, 1));
  hsize_t total = 0, first = 0;
  for (int r = 0; r < comm.size(); ++r) {
    if (r < comm.rank()) first += all[r];
    total += all[r];
  }
  if (total == 0) throw AgreedError("a trajectory without a step cannot be written: play at least one day");
  File file = File::create(comm, path);
  file.write_header(header);
  file.set_attribute("/", "feeder", feeder);
  file.set_attribute("/", "policy", policy);
  file.set_attribute("/", "observation_names", lines(environment.observation_names()));
  file.set_attribute("/", "action_names", lines(environment.action_names()));
  file.set_attribute("/", "account_columns", lines(account_column_names()));
  file.set_attribute("/", "timestep", environment.timestep());
  const auto put = [&](const char* name, const auto& values, std::vector<hsize_t> row = {}) {
    file.write_all(name, std::span(values), total, first, row);
  };
  put("/days", mine.days);
  put("/steps", mine.steps);
  put("/observations", mine.observations, {static_cast<hsize_t>(environment.observation_size())});
  put("/actions", mine.actions, {static_cast<hsize_t>(environment.action_size())});
  put("/rewards", mine.rewards);
  put("/costs", mine.costs);
  put("/terminals", mine.terminals);
  put("/timeouts", mine.timeouts);
  put("/account", mine.account, {std::size(account_columns)});
  const auto shielded = static_cast<std::uint64_t>(!mine.decisions.empty());
  const auto anywhere = comm.all_gather_v(std::span<const std::uint64_t>(&shielded, 1));
  if (std::find(anywhere.begin(), anywhere.end(), 1u) != anywhere.end()) {
    put("/decisions", mine.decisions);
    put("/foreseen", mine.foreseen);
    put("/used", mine.used);
  }
  file.commit();
}

}  // namespace gridfed
