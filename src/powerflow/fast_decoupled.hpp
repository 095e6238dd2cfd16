#pragma once

#include "powerflow/power_flow.hpp"

namespace gridfed {

/// Fast decoupled power flow (Stott and Alsac, "Fast decoupled load flow", IEEE Trans. PAS 93, 1974; BX: van Amerongen, "A general-purpose
/// version of the fast decoupled load flow", IEEE Trans. Power Syst. 4, 1989) of positive-sequence networks, one conductor a bus: angles
/// from active, magnitudes from reactive mismatches, each with a constant matrix. An iteration is one of both.
class FastDecoupled final : public PowerFlow {
 public:
  FastDecoupled(std::shared_ptr<const Network> network, const PowerFlowOptions& options);
  ~FastDecoupled() override;

 private:
  void refresh(const StateChange& change) override;
  void start() override;
  void iterate(const LoadingConditions& conditions, PowerFlowSolution& solution) override;

  struct Workspace;
  std::unique_ptr<Workspace> work_;
};

}  // namespace gridfed
