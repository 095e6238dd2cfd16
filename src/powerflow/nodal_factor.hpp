#pragma once

#include "grid/network_data.hpp"
#include "runtime/petsc_handle.hpp"

#include <optional>
#include <span>
#include <vector>

namespace gridfed {

/// Sparse LU of a complex matrix by PETSc, which sees each complex entry as a 2 x 2 block of reals. The order of elimination (quotient
/// minimum degree) comes from the pattern alone; rows are not exchanged.
class NodalFactor {
 public:
  /// Analyses a square pattern, compressed by row, with every diagonal entry in it.
  NodalFactor(std::span<const int> row_start, std::span<const int> column);

  /// Factorises the values that stand in the pattern. Returns the row of a zero pivot if there is one; solve() must then not be called.
  std::optional<int> factorise(std::span<const Complex> values);
  /// The solution stays valid until the next call.
  std::span<const Complex> solve(std::span<const Complex> rhs);

 private:
  std::vector<int> row_start_;
  std::vector<PetscInt> real_row_start_, real_column_;
  std::vector<double> real_values_;
  std::vector<Complex> turned_rhs_, solution_;
  PetscMat matrix_, factor_;
  PetscVec rhs_, unknown_;
};

}  // namespace gridfed
