#pragma once

#include "powerflow/power_flow.hpp"

#include <functional>
#include <memory>
#include <span>

namespace gridfed {

class ScenarioLanes;

/// Scenarios that were solved side by side; valid while it is looked at.
class BatchSolution {
 public:
  BatchSolution(const ScenarioLanes& lanes, int first, int count) : lanes_(lanes), first_(first), count_(count) {}

  int first() const { return first_; }  ///< position of the first of them
  int count() const { return count_; }
  // By position among them.
  bool converged(int scenario) const;
  int iterations(int scenario) const;
  Complex voltage(int node, int scenario) const;  ///< node to ground [V]

 private:
  const ScenarioLanes& lanes_;
  int first_, count_;
};

/// Many scenarios of one feeder in one state, side by side in vector lanes: the fixed point of UnbalancedPowerFlow without mixing, from
/// the solution at rated loads. In single precision, sixteen at a time, where that suffices for the tolerance; else eight in double. A
/// scenario that this does not settle is solved by UnbalancedPowerFlow. What comes out for a scenario depends on it alone, bit for bit.
class BatchPowerFlow {
 public:
  BatchPowerFlow(std::shared_ptr<const Network> network, const PowerFlowOptions& options);
  BatchPowerFlow(BatchPowerFlow&&) noexcept;
  ~BatchPowerFlow();

  const NodalModel& model() const;
  /// Of all scenarios to come.
  void set_state(const GridState& state);
  bool single_precision() const;

  /// Solves every scenario and shows them, a few at a time and in order.
  void solve(std::span<const LoadingConditions> scenarios, const std::function<void(const BatchSolution&)>& show);

 private:
  struct Workspace;
  std::unique_ptr<Workspace> work_;
};

}  // namespace gridfed
