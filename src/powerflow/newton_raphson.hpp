#pragma once

#include "powerflow/power_flow.hpp"

namespace gridfed {

/// Newton's method with a line search (PETSc SNES, options prefix newton_) on the current balance of every node, real and imaginary part of
/// its voltage being the unknowns (NewtonEquations; powers and polar coordinates for one conductor a bus), with the exact derivatives of
/// loads and injections (da Costa, Martins, Pereira, "Developments in the Newton-Raphson power flow formulation based on current
/// injections", IEEE Trans. Power Syst. 14, 1999). Takes every network: ideal sources, generators that hold a voltage within their reactive
/// limits, meshes.
class NewtonRaphson final : public PowerFlow {
 public:
  NewtonRaphson(std::shared_ptr<const Network> network, const PowerFlowOptions& options);
  ~NewtonRaphson() override;

 private:
  void refresh(const StateChange& change) override;
  void start() override;
  void iterate(const LoadingConditions& conditions, PowerFlowSolution& solution) override;

  struct Workspace;
  std::unique_ptr<Workspace> work_;
};

}  // namespace gridfed
