#pragma once

#include "powerflow/newton_equations.hpp"

#include <Eigen/SparseLU>

namespace gridfed {

/// How a solution moves with the power of what stands in the network, to first order: with Newton's equations f(u, s) = 0 at the solution,
/// J du = -(df/ds) ds, J factorised once and solved for each direction. Taps, capacitors and inverter controls stand still.
class Sensitivities {
 public:
  explicit Sensitivities(const NodalModel& model) : equations_(model), u_(static_cast<std::size_t>(equations_.size())) {}

  /// Factorises at node voltages v [V] that solve the model under these conditions. Throws Error where J is singular: at the limit of what
  /// the network can carry.
  void linearise(const NodalModel& model, const LoadingConditions& conditions, std::span<const Complex> v);
  /// Change of node voltages [V] with a change of powers, signed as in LoadingConditions [VA].
  std::vector<Complex> voltages(const NodalModel& model, const LoadingConditions& change);

 private:
  NewtonEquations equations_;
  NewtonEquations::Case at_;
  std::vector<double> u_, f_;
  Eigen::SparseMatrix<double> jacobian_;
  Eigen::SparseLU<Eigen::SparseMatrix<double>> factor_;
  bool analysed_ = false;
};

// Changes of what is measured with changes dv of node voltages v [V], at v.

double voltage_change(const VoltageMeasurement& measurement, std::span<const Complex> v, std::span<const Complex> dv);  ///< [p.u.]
/// Of the conductor current that is largest over the line's rating; 0 where none is given.
double line_loading_change(const NodalModel& model, int line, std::span<const Complex> v, std::span<const Complex> dv);
double transformer_loading_change(const NodalModel& model, int transformer, std::span<const Complex> v, std::span<const Complex> dv);

}  // namespace gridfed
