#pragma once

#include "runtime/error.hpp"

#include <petscsnes.h>

#include <exception>
#include <source_location>
#include <utility>

namespace gridfed {

/// Throws PETSc's text for an error code as an Error.
inline void check_petsc(PetscErrorCode code, std::source_location where = std::source_location::current()) {
  if (code == 0) return;
  const char* meaning = nullptr;
  char* detail = nullptr;
  (void)PetscErrorMessage(code, &meaning, &detail);
  const bool told = detail && *detail;
  throw Error("PETSc failed in {} ({}{}{}): check the network and petsc.options", where.function_name(),
              meaning ? meaning : "unknown error", told ? ", " : "", told ? detail : "");
}

/// Sole owner of a PETSc object. Destroying is collective, so while an exception unwinds one rank of a larger communicator the object
/// is leaked: a leak before abort beats a deadlock.
template <class T, PetscErrorCode (*destroy)(T*)>
class PetscHandle {
 public:
  PetscHandle() = default;
  PetscHandle(PetscHandle&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  PetscHandle& operator=(PetscHandle&& other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~PetscHandle() {
    if (object_ && (std::uncaught_exceptions() == 0 || local())) (void)destroy(&object_);
  }
  T get() const noexcept { return object_; }
  /// For PETSc's XxxCreate(comm, handle.out()); the handle must be empty.
  T* out() noexcept { return &object_; }
  explicit operator bool() const noexcept { return object_ != nullptr; }

 private:
  bool local() const {
    int ranks = 1;
    MPI_Comm_size(PetscObjectComm(reinterpret_cast<PetscObject>(object_)), &ranks);
    return ranks == 1;
  }
  T object_ = nullptr;
};

using PetscVec = PetscHandle<Vec, VecDestroy>;
using PetscMat = PetscHandle<Mat, MatDestroy>;
using PetscKsp = PetscHandle<KSP, KSPDestroy>;
using PetscSnes = PetscHandle<SNES, SNESDestroy>;
using PetscIndexSet = PetscHandle<IS, ISDestroy>;
using PetscScatter = PetscHandle<VecScatter, VecScatterDestroy>;

}  // namespace gridfed
