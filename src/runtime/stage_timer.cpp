#include "runtime/stage_timer.hpp"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <string_view>

namespace gridfed {

StageTimes::Scope::Scope(StageTimes& times, std::size_t index) : times_(times), index_(index), start_(std::chrono::steady_clock::now()) {}

StageTimes::Scope::~Scope() {
  Stage& stage = times_.stages_[index_];
  stage.seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  stage.peak_memory_mb = gridfed::peak_memory_mb();
}

StageTimes::Scope StageTimes::stage(const std::string& name) {
  const auto found = std::ranges::find(stages_, name, &Stage::name);
  const auto index = static_cast<std::size_t>(found - stages_.begin());
  if (found == stages_.end()) stages_.push_back({.name = name});
  return {*this, index};
}

double StageTimes::seconds(const std::string& name) const {
  const auto found = std::ranges::find(stages_, name, &Stage::name);
  return found == stages_.end() ? 0.0 : found->seconds;
}

namespace {

double memory_mb(std::string_view key) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(key)) return std::strtod(line.c_str() + key.size(), nullptr) * 1024 / 1e6;
  }
  return 0;
}

}  // namespace

double peak_memory_mb() {
  return memory_mb("VmHWM:");
}

double resident_memory_mb() {
  return memory_mb("VmRSS:");
}

}  // namespace gridfed
