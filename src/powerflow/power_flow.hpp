#pragma once

#include "grid/network.hpp"

#include <boost/program_options/options_description.hpp>

#include <memory>
#include <span>
#include <vector>

namespace gridfed {

struct PowerFlowOptions {
  double tolerance = 1e-8;
  int max_iterations = 100;
  double acceleration_factor = 1.0;
};

void declare(boost::program_options::options_description& deck, PowerFlowOptions& options);

/// What the network carries at an instant, by element position. Loads consume, the others inject [VA].
struct LoadingConditions {
  std::vector<Complex> load_power, solar_power, wind_power, battery_power;
};

/// Every load at its rated power times load_scale (fixed loads at their rated power), DERs idle.
LoadingConditions rated_conditions(const Network& network, double load_scale = 1.0);

/// State of the network at an instant. Nothing diverges silently: converged says so, mismatch and mismatch_node say where.
struct PowerFlowSolution {
  bool converged = false;
  int iterations = 0;
  std::vector<Complex> bus_voltages;  ///< node to ground [V], by node
  double mismatch = 0;                ///< largest power mismatch of a node [VA]
  int mismatch_node = -1;
  Complex source_power;  ///< delivered by the sources [VA]
  Complex load_power;    ///< drawn by the loads at the solved voltages [VA]
  Complex losses;        ///< in lines, transformers and series elements [VA]; shunt capacitors and reactors are not losses
};

/// Flow into the first terminal of a line or transformer.
struct BranchFlow {
  Complex power;                ///< all phases [VA]
  std::vector<double> current;  ///< magnitude by conductor [A]
};

/// Three-phase nodal fixed point: V = Y^-1 (I_source + I_compensation(V)), with Y factorised once per topology and tap state by PETSc and
/// the nominal admittance of every load inside Y (as OpenDSS does, which contracts faster than bare constant-power injections).
class UnbalancedPowerFlow {
 public:
  UnbalancedPowerFlow(std::shared_ptr<const Network> network, const PowerFlowOptions& options);
  UnbalancedPowerFlow(UnbalancedPowerFlow&&) noexcept;
  ~UnbalancedPowerFlow();

  const Network& network() const;
  const GridState& state() const;
  /// Factorises again if anything differs from the present state.
  void set_state(const GridState& state);

  /// Starts from the last converged voltages (no load if there are none). The reference stays valid until the next call.
  const PowerFlowSolution& solve(const LoadingConditions& conditions);
  const PowerFlowSolution& solution() const;
  /// Forgets the last voltages, so that a result does not depend on what was solved before.
  void flat_start();

  /// Flow into terminal 1 at the last solution.
  BranchFlow line_flow(int line) const;
  BranchFlow transformer_flow(int transformer) const;
  /// Currents into all conductors of a winding at the last solution [A].
  std::vector<Complex> winding_current(int transformer, int winding) const;
  /// Current over rating of each line and |S| over rating of each transformer; 0 where no rating is given.
  void loadings(std::span<double> lines, std::span<double> transformers) const;

 private:
  struct Workspace;
  std::unique_ptr<Workspace> work_;
};

}  // namespace gridfed
