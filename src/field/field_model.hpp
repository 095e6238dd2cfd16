#pragma once

#include "env/grid_environment.hpp"
#include "field/readings.hpp"

namespace gridfed {

/// What was made of the readings.
struct Estimate {
  bool usable = false;
  std::string reason;                             ///< why not
  int good = 0, missing = 0, stale = 0, bad = 0;  ///< points
  double residual = 0;                            ///< largest |measured - modelled| voltage [p.u.]
  std::string residual_point;
};

/// A setpoint for a point of the map, in its unit.
struct Setpoint {
  std::size_t point = 0;
  double value = 0;
};

struct FieldModelOptions {
  double stale_after = 10;      ///< age at which a reading no longer counts [s]
  double most_residual = 0.03;  ///< between a measured voltage and the model's [p.u.]; beyond it the readings are not believed
  std::uint64_t seed = 1;       ///< of the day's price where the environment has no history
  int client = 0;
};

/// The feeder as an environment whose state comes from readings. What is not measured is filled in: loads share what the feeder's head
/// takes beyond the measured ones in proportion to their rated powers, plants deliver the mean share of the measured ones of their kind,
/// what switches stands as in the feeder file. The head's active power, at least one voltage, and power and charge of each battery that is
/// commanded have to be measured.
class FieldModel {
 public:
  /// Throws Error where the map cannot measure or command what the environment needs.
  FieldModel(GridEnvironment environment, GridEnvironment planner, const Readings& readings, const FieldModelOptions& options);

  /// Another day of prices begins.
  void begin_day(int day);
  /// Takes the readings over into environment(), at this hour of the day.
  Estimate estimate(dnp3::Instant now, double hour);
  const GridEnvironment& environment() const { return environment_; }
  std::span<const float> observation() const { return observation_; }

  /// Are all that are needed good still?
  bool fresh(dnp3::Instant now) const;
  /// Of what an action moves, those setpoints that differ from what is measured by more than the map's dead band.
  std::vector<Setpoint> setpoints(std::span<const float> action);

 private:
  void check_commands() const;
  std::optional<double> good(TwinPoint::Element element, int position, Quantity quantity) const;
  bool fill(double hour, std::string& reason);
  double worst_residual(Estimate& estimate) const;

  GridEnvironment environment_, planner_;
  const Readings& readings_;
  FieldModelOptions options_;
  dnp3::Duration longest_age_;
  std::vector<std::size_t> needed_;
  Scenario scenario_;
  DayState state_;
  std::vector<float> observation_;
  dnp3::Instant now_{};
};

}  // namespace gridfed
