#pragma once

#include "env/rollout.hpp"

#include <vector>

namespace gridfed {

/// Self-consumption: the batteries of each zone take up what it has too much and give back what it lacks, so that as little as possible
/// crosses its border.
class SelfConsumptionPolicy final : public Policy {
 public:
  void begin_episode(const GridEnvironment& environment, int day) override;
  void act(std::span<const float> observation, std::span<float> action) override;

 private:
  const GridEnvironment* environment_ = nullptr;
  int zones_ = 0, battery_offset_ = -1;
};

/// Curtailment by voltage: each zone sheds of its sun and wind what volt-watt (IEEE 1547-2018, here between `begin` and `end`) asks for at
/// its highest voltage, at once, and takes it back by a quarter a step.
class CurtailmentPolicy final : public Policy {
 public:
  explicit CurtailmentPolicy(double begin = 1.03, double end = 1.06) : begin_(begin), end_(end) {}  ///< [p.u.]
  void begin_episode(const GridEnvironment& environment, int day) override;
  void act(std::span<const float> observation, std::span<float> action) override;

 private:
  double begin_, end_;
  int zones_ = 0, offset_ = -1;
  std::vector<double> shed_;  // by zone
};

/// Every action zero: regulators and volt-var alone.
class IdlePolicy final : public Policy {
 public:
  void act(std::span<const float> observation, std::span<float> action) override;
};

}  // namespace gridfed
