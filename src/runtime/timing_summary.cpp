#include "runtime/communicator.hpp"
#include "runtime/hdf5.hpp"
#include "runtime/stage_timer.hpp"

#include <algorithm>
#include <sstream>

namespace gridfed {

TimingSummary StageTimes::summary(const Communicator& comm) const {
  std::string mine;
  for (const auto& stage : stages_) mine += stage.name + '\n';
  const std::vector<char> all = comm.all_gather_v(std::span<const char>(mine));
  std::istringstream lines(std::string(all.begin(), all.end()));
  TimingSummary summary;
  for (std::string name; std::getline(lines, name);) {
    if (std::ranges::find(summary.stages, name, &StageSummary::name) == summary.stages.end()) summary.stages.push_back({.name = name});
  }
  std::vector<double> low, sum;
  for (const auto& stage : summary.stages) low.push_back(seconds(stage.name));
  sum = low;
  std::vector<double> high = low;
  for (const auto& stage : summary.stages) {
    const auto found = std::ranges::find(stages_, stage.name, &Stage::name);
    high.push_back(found == stages_.end() ? 0.0 : found->peak_memory_mb);
  }
  high.push_back(gridfed::peak_memory_mb());
  comm.all_reduce_min(std::span(low));
  comm.all_reduce_sum(std::span(sum));
  comm.all_reduce_max(std::span(high));
  for (std::size_t i = 0; i < summary.stages.size(); ++i) {
    summary.stages[i].min = low[i];
    summary.stages[i].mean = sum[i] / comm.size();
    summary.stages[i].max = high[i];
    summary.stages[i].peak_memory_mb = high[summary.stages.size() + i];
  }
  summary.peak_memory_mb = high.back();
  return summary;
}

std::string TimingSummary::text() const {
  std::string out;
  for (const auto& stage : stages)
    out += fmt::format("stage={} min_s={:.3f} mean_s={:.3f} max_s={:.3f} peak_mb={:.0f}\n", stage.name, stage.min, stage.mean, stage.max,
                       stage.peak_memory_mb);
  return out + fmt::format("peak_memory_mb={:.0f}", peak_memory_mb);
}

void TimingSummary::write(File& file, const std::string& group) const {
  std::vector<std::string> names;
  std::vector<double> seconds;  // [stage, 3]
  for (const auto& stage : stages) {
    names.push_back(stage.name);
    seconds.insert(seconds.end(), {stage.min, stage.mean, stage.max});
  }
  file.write_texts(group + "/stages", names);
  file.write(group + "/seconds_min_mean_max", seconds, {names.size(), 3}, "s");
  file.set_attribute(group, "peak_memory_mb", peak_memory_mb);
}

}  // namespace gridfed
