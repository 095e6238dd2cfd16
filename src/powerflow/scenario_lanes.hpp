#pragma once

#include "powerflow/cluster_factor.hpp"
#include "powerflow/nodal_model.hpp"
#include "powerflow/port_currents.hpp"

#include <memory>
#include <span>
#include <vector>

namespace gridfed {

/// The fixed point of UnbalancedPowerFlow for several scenarios of one network, a vector lane each, unmixed: every number of the factor is
/// read once for all of them. What a lane computes depends on its own scenario alone, bit for bit.
class ScenarioLanes {
 public:
  virtual ~ScenarioLanes() = default;

  struct Outcome {
    bool converged = false;
    int iterations = 0;
  };

  virtual int lanes() const = 0;
  /// Takes the numbers of a factor of the same structure as the one it was made with.
  virtual void prepare(const ClusterFactor& factor) = 0;
  /// Voltages to begin with [V]: a scenario starts between those without load and those at rated loads.
  virtual void set_start(std::span<const Complex> unloaded, std::span<const Complex> rated) = 0;
  /// Solves at most lanes() scenarios.
  virtual void solve(std::span<const LoadingConditions> scenarios, double tolerance, int max_iterations) = 0;
  virtual Complex voltage(int node, int lane) const = 0;  ///< [V]
  /// Puts what was found elsewhere in the place of a lane's solution.
  virtual void replace(int lane, std::span<const Complex> voltages, Outcome outcome) = 0;
  const Outcome& outcome(int lane) const { return outcomes_[lane]; }

 protected:
  std::vector<Outcome> outcomes_;
};

std::unique_ptr<ScenarioLanes> make_double_lanes(const NodalModel& model, const ClusterFactor& factor);
std::unique_ptr<ScenarioLanes> make_single_lanes(const NodalModel& model, const ClusterFactor& factor);

}  // namespace gridfed
