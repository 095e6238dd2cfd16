#include "powerflow/nodal_factor.hpp"

#include <petscmat.h>

#include <numbers>

namespace gridfed {

namespace {

/// Each equation is multiplied by this: the factorisation does not exchange rows, and a tie to ground without resistance would otherwise
/// put rounding noise on the diagonal of its real 2 x 2 block.
constexpr Complex pivot_turn{std::numbers::sqrt2 / 2, std::numbers::sqrt2 / 2};
constexpr double zero_pivot = 1e-4;  // [VA at nominal voltage]: below a part per million of the smallest transformer

}  // namespace

NodalFactor::NodalFactor(std::span<const int> row_start, std::span<const int> column) : row_start_(row_start.begin(), row_start.end()) {
  const std::size_t n = row_start.size() - 1;
  real_row_start_.assign(1, 0);
  for (std::size_t i = 0; i < n; ++i) {
    for (int half = 0; half < 2; ++half) {
      for (int k = row_start[i]; k < row_start[i + 1]; ++k) {
        real_column_.push_back(2 * column[k]);
        real_column_.push_back(2 * column[k] + 1);
      }
      real_row_start_.push_back(static_cast<PetscInt>(real_column_.size()));
    }
  }
  real_values_.resize(real_column_.size());
  turned_rhs_.resize(n);
  solution_.resize(n);
  const auto size = static_cast<PetscInt>(2 * n);
  check_petsc(MatCreateSeqAIJWithArrays(PETSC_COMM_SELF, size, size, real_row_start_.data(), real_column_.data(), real_values_.data(),
                                        matrix_.out()));
  check_petsc(VecCreateSeqWithArray(PETSC_COMM_SELF, 1, size, reinterpret_cast<double*>(turned_rhs_.data()), rhs_.out()));
  check_petsc(VecCreateSeqWithArray(PETSC_COMM_SELF, 1, size, reinterpret_cast<double*>(solution_.data()), unknown_.out()));
  check_petsc(MatGetFactor(matrix_.get(), MATSOLVERPETSC, MAT_FACTOR_LU, factor_.out()));
  PetscIndexSet rows, columns;
  check_petsc(MatGetOrdering(matrix_.get(), MATORDERINGQMD, rows.out(), columns.out()));
  MatFactorInfo info;
  check_petsc(MatFactorInfoInitialize(&info));
  info.fill = 2.0;
  info.zeropivot = zero_pivot;
  check_petsc(MatLUFactorSymbolic(factor_.get(), matrix_.get(), rows.get(), columns.get(), &info));
}

std::optional<int> NodalFactor::factorise(std::span<const Complex> values) {
  for (std::size_t i = 0; i + 1 < row_start_.size(); ++i) {
    const int width = row_start_[i + 1] - row_start_[i];
    double* upper = real_values_.data() + 4 * row_start_[i];
    double* lower = upper + 2 * width;
    for (int k = 0; k < width; ++k) {
      const Complex turned = values[row_start_[i] + k] * pivot_turn;
      upper[2 * k] = lower[2 * k + 1] = turned.real();
      lower[2 * k] = turned.imag();
      upper[2 * k + 1] = -turned.imag();
    }
  }
  MatFactorInfo info;
  check_petsc(MatFactorInfoInitialize(&info));
  info.zeropivot = zero_pivot;
  check_petsc(MatLUFactorNumeric(factor_.get(), matrix_.get(), &info));
  MatFactorError error = MAT_FACTOR_NOERROR;
  check_petsc(MatFactorGetError(factor_.get(), &error));
  if (error == MAT_FACTOR_NOERROR) return std::nullopt;
  PetscReal pivot = 0;
  PetscInt row = 0;
  check_petsc(MatFactorGetErrorZeroPivot(factor_.get(), &pivot, &row));
  return static_cast<int>(row / 2);
}

std::span<const Complex> NodalFactor::solve(std::span<const Complex> rhs) {
  for (std::size_t i = 0; i < rhs.size(); ++i) turned_rhs_[i] = rhs[i] * pivot_turn;
  check_petsc(MatSolve(factor_.get(), rhs_.get(), unknown_.get()));
  return solution_;
}

}  // namespace gridfed
