#pragma once

#include "powerflow/nodal_model.hpp"

#include <boost/program_options/options_description.hpp>

#include <memory>
#include <span>
#include <vector>

namespace gridfed {

enum class Solver { automatic, newton_raphson, fast_decoupled, distribution, unbalanced };
/// Which of its two matrices a fast decoupled power flow forms without resistance.
enum class DecouplingScheme { xb, bx };

struct PowerFlowOptions {
  double tolerance = 1e-8;
  int max_iterations = 100;
  double acceleration_factor = 1.0;
  Solver solver = Solver::automatic;  ///< what make_power_flow() makes
  DecouplingScheme scheme = DecouplingScheme::xb;
  bool reactive_limits = true;  ///< do generators let go of a voltage that would take more reactive power than they have?
};

void declare(boost::program_options::options_description& deck, PowerFlowOptions& options);

/// Has every bus one conductor?
bool is_positive_sequence(const Network& network);

/// A power-flow solver for one network: finds the node voltages at which a NodalModel balances.
class PowerFlow {
 public:
  virtual ~PowerFlow() = default;

  const Network& network() const { return model_.network(); }
  const NodalModel& model() const { return model_; }
  const GridState& state() const { return model_.state(); }
  /// Prepares the solver again if anything differs from the present state.
  void set_state(const GridState& state);
  /// The same for single elements.
  void operate(std::span<const Operation> operations);

  /// Throws an Error if the conditions are not of this network.
  void check(const LoadingConditions& conditions) const;

  /// Which voltages a solve works out: all, or those alone that regulators and capacitor controls measure, which is cheaper where control
  /// may act next. complete() then gives the others, up to the next change of state.
  enum class Voltages { all, measured };
  /// Starts from the last converged voltages (no load if there are none). The reference stays valid until the next call.
  const PowerFlowSolution& solve(const LoadingConditions& conditions, Voltages voltages = Voltages::all);
  const PowerFlowSolution& complete();
  const PowerFlowSolution& solution() const { return solution_; }
  const LoadingConditions& conditions() const { return conditions_; }  ///< of the last solution
  /// Powers at the last solution.
  PowerBalance balance() const { return model_.balance(conditions_, solution_.bus_voltages); }
  /// Where the last solution balances least.
  Mismatch mismatch() const { return model_.mismatch(conditions_, solution_.bus_voltages); }
  /// Forgets the last voltages, so that a result does not depend on what was solved before.
  void flat_start() { warm_ = false; }

  /// Flow into terminal 1 at the last solution.
  BranchFlow line_flow(int line) const { return model_.line_flow(line, solution_.bus_voltages); }
  BranchFlow transformer_flow(int transformer) const { return model_.transformer_flow(transformer, solution_.bus_voltages); }
  /// Currents into all conductors of a winding at the last solution [A].
  std::vector<Complex> winding_current(int transformer, int winding) const {
    return model_.winding_current(transformer, winding, solution_.bus_voltages);
  }
  /// Current over rating of each line and |S| over rating of each transformer; 0 where no rating is given.
  void loadings(std::span<double> lines, std::span<double> transformers) const {
    model_.loadings(solution_.bus_voltages, lines, transformers);
  }

 protected:
  PowerFlow(std::shared_ptr<const Network> network, const PowerFlowOptions& options);
  PowerFlow(PowerFlow&&) noexcept = default;

  /// Throws an Error if a generator holds its voltage or, where asked, if a source is ideal: not every solver can do that.
  enum class IdealSources { allowed, refused };
  void refuse_held_voltages(const char* solver, IdealSources ideal) const;

  /// Sets x_ of a network of one conductor a bus to the buses' starting voltages, or the source's angle at 1 p.u. where there is none.
  void start_positive_sequence();

  NodalModel model_;
  PowerFlowOptions options_;
  std::vector<Complex> x_;  ///< voltages by node [p.u.] of solvers that keep them so

 private:
  /// The model's state has changed.
  virtual void refresh(const StateChange& change) = 0;
  /// Voltages without load.
  virtual void start() = 0;
  /// Goes on from where the last solve ended until the model balances under these conditions; notes convergence, the number of iterations
  /// and, where a generator holds its voltage, its power in the solution.
  virtual void iterate(const LoadingConditions& conditions, PowerFlowSolution& solution) = 0;

  /// Voltages that iterate() ended with [V]; those of x_ unless a solver has its own.
  virtual void take_voltages(std::span<Complex> v, Voltages voltages);

  PowerFlowSolution solution_;
  LoadingConditions conditions_;  // of the solution
  bool warm_ = false, complete_ = true;
};

/// Three-phase nodal fixed point: Y v = i(v), with Y factorised once per topology and tap state (ClusterFactor) and part of what loads draw
/// inside Y; each step is mixed with the last (Anderson 1965, depth one: the secant method along the path).
class UnbalancedPowerFlow final : public PowerFlow {
 public:
  UnbalancedPowerFlow(std::shared_ptr<const Network> network, const PowerFlowOptions& options);
  UnbalancedPowerFlow(UnbalancedPowerFlow&&) noexcept;
  ~UnbalancedPowerFlow() override;

 private:
  void refresh(const StateChange& change) override;
  void start() override;
  void iterate(const LoadingConditions& conditions, PowerFlowSolution& solution) override;
  void take_voltages(std::span<Complex> v, Voltages voltages) override;

  void prepare();

  struct Workspace;
  std::unique_ptr<Workspace> work_;
};

}  // namespace gridfed
