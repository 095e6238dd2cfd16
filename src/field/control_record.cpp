#include "field/control_record.hpp"

#include <limits>

namespace gridfed {

namespace {

struct Column {
  const char* name;
  double (*value)(const Cycle&);
};
constexpr Column columns[] = {
    {"seconds [s]", [](const Cycle& c) { return c.seconds; }},
    {"hour [h]", [](const Cycle& c) { return c.hour; }},
    {"late [s]", [](const Cycle& c) { return c.late; }},
    {"deciding [s]", [](const Cycle& c) { return c.deciding; }},
    {"good [points]", [](const Cycle& c) { return double(c.estimate.good); }},
    {"missing [points]", [](const Cycle& c) { return double(c.estimate.missing); }},
    {"stale [points]", [](const Cycle& c) { return double(c.estimate.stale); }},
    {"bad [points]", [](const Cycle& c) { return double(c.estimate.bad); }},
    {"residual [p.u.]", [](const Cycle& c) { return c.estimate.residual; }},
    {"decision", [](const Cycle& c) { return double(static_cast<int>(c.shield.decision)); }},
    {"foreseen [limit]", [](const Cycle& c) { return c.shield.foreseen.severity(); }},
    {"outcome", [](const Cycle& c) { return double(static_cast<int>(c.outcome)); }},
    {"safe", [](const Cycle& c) { return double(c.safe); }},
    {"clock_jumped", [](const Cycle& c) { return double(c.clock_jumped); }},
};

std::string lines(const std::vector<std::string>& names) {
  std::string text;
  for (const auto& name : names) text += (text.empty() ? "" : "\n") + name;
  return text;
}

std::vector<float> filled(const std::vector<std::vector<float>>& rows, int width) {
  std::vector<float> all;
  const std::vector<float> nothing(static_cast<std::size_t>(width), std::numeric_limits<float>::quiet_NaN());
  for (const auto& row : rows) all.insert(all.end(), row.empty() ? nothing.begin() : row.begin(), row.empty() ? nothing.end() : row.end());
  return all;
}

}  // namespace

void ControlRecord::append(const Cycle& cycle) {
  const auto number = static_cast<std::int32_t>(status_.size());
  for (const auto& column : columns) cycles_.push_back(column.value(cycle));
  status_.push_back(static_cast<std::int32_t>(cycle.status));
  reasons_.push_back(cycle.reason);
  observations_.push_back(cycle.observation);
  actions_.push_back(cycle.action);
  for (std::size_t i = 0; i < readings_.size(); ++i) {
    measurements_.push_back(readings_.value(i) / readings_.unit(i));
    flags_.push_back(readings_.flags(i));
  }
  const bool sent = cycle.status == CycleStatus::acted || cycle.status == CycleStatus::failed;
  for (const auto& setpoint : cycle.setpoints) {
    command_cycles_.push_back(number);
    command_points_.push_back(static_cast<std::int32_t>(setpoint.point));
    command_values_.push_back(setpoint.value);
    command_sent_.push_back(sent);
  }
}

void ControlRecord::write(const std::filesystem::path& path, const FileHeader& header, const GridEnvironment& environment,
                          const std::string& policy) const {
  if (status_.empty()) return;
  File file = File::create(path);
  file.write_header(header);
  file.set_attribute("/", "policy", policy);
  file.set_attribute("/", "observation_names", lines(environment.observation_names()));
  file.set_attribute("/", "action_names", lines(environment.action_names()));
  std::vector<std::string> names, points;
  for (const auto& column : columns) names.emplace_back(column.name);
  for (const auto& point : readings_.map().points()) points.push_back(point.name + (point.unit.empty() ? "" : " [" + point.unit + "]"));
  file.set_attribute("/", "points", lines(points));
  const hsize_t n = status_.size();
  file.write_texts("/columns", names);
  file.write("/cycles", cycles_, {n, std::size(columns)});
  file.write("/status", status_);
  file.write_texts("/reasons", reasons_);
  file.write("/observations", filled(observations_, environment.observation_size()),
             {n, static_cast<hsize_t>(environment.observation_size())});
  file.write("/actions", filled(actions_, environment.action_size()), {n, static_cast<hsize_t>(environment.action_size())});
  file.write("/measurements", measurements_, {n, readings_.size()});
  file.write("/flags", flags_, {n, readings_.size()});
  if (!command_cycles_.empty()) {
    file.write("/commands/cycle", command_cycles_);
    file.write("/commands/point", command_points_);
    file.write("/commands/value", command_values_);
    file.write("/commands/sent", command_sent_);
  }
  file.commit();
}

}  // namespace gridfed
