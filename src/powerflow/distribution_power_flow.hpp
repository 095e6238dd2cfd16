#pragma once

#include "powerflow/power_flow.hpp"

namespace gridfed {

/// Backward/forward sweep over the tree of buses of a radial network, in three phases and for every connection; refuses a meshed network
/// by naming an element that closes a loop. See the source for the formulation.
class DistributionPowerFlow final : public PowerFlow {
 public:
  DistributionPowerFlow(std::shared_ptr<const Network> network, const PowerFlowOptions& options);
  ~DistributionPowerFlow() override;

 private:
  void refresh(const StateChange& change) override;
  void start() override;
  void iterate(const LoadingConditions& conditions, PowerFlowSolution& solution) override;

  struct Section;
  void build_tree();
  void reduce_admittances();
  /// Voltages [p.u.] under the nodal currents rhs [VA].
  void sweep(std::span<const Complex> rhs, std::span<Complex> voltage);

  std::vector<Section> sections_;  // upstream before downstream
  std::vector<int> home_, place_;  // section of each node, place in it
};

}  // namespace gridfed
