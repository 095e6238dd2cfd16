#include "powerflow/newton_raphson.hpp"

#include "powerflow/newton_equations.hpp"
#include "powerflow/nodal_factor.hpp"
#include "powerflow/reactive_limits.hpp"
#include "runtime/error.hpp"

#include <petscsnes.h>

#include <algorithm>
#include <cmath>
#include <exception>
#include <limits>
#include <utility>

namespace gridfed {

namespace {

constexpr double rounding_level =
    5e-8;  // [p.u.]: what a section that hardly anything ties to ground may move by; no tolerance above is met by stalling

}  // namespace

struct NewtonRaphson::Workspace {
  const NodalModel* model = nullptr;
  NewtonEquations equations;
  NewtonEquations::Case now;
  std::vector<double> reactive_power;  // by held voltage [var]
  bool guess_reactive_power = false;   // from the balance at the first voltages
  double tolerance = 0, last_step = 0, best_step = 0;
  int stalled = 0;
  std::exception_ptr failure;
  PetscVec unknown, residual;
  PetscMat jacobian;
  PetscSnes snes;

  Workspace(const NodalModel& m, const PowerFlowOptions& options) : model(&m), equations(m), tolerance(options.tolerance) {
    now.limit.assign(equations.holding().size(), 0);
    reactive_power.assign(equations.holding().size(), 0);
    const auto size = static_cast<PetscInt>(equations.size());
    check_petsc(VecCreateSeq(PETSC_COMM_SELF, size, unknown.out()));
    check_petsc(VecDuplicate(unknown.get(), residual.out()));
    create_jacobian(size);
    check_petsc(SNESCreate(PETSC_COMM_SELF, snes.out()));
    check_petsc(SNESSetOptionsPrefix(snes.get(), "newton_"));
    check_petsc(SNESSetType(snes.get(), SNESNEWTONLS));
    check_petsc(SNESSetFunction(snes.get(), residual.get(), form_residual, this));
    check_petsc(SNESSetJacobian(snes.get(), jacobian.get(), jacobian.get(), form_jacobian, this));
    check_petsc(SNESSetConvergenceTest(snes.get(), test_step, this, nullptr));
    check_petsc(SNESSetTolerances(snes.get(), 0, 0, 0, options.max_iterations, 100 * options.max_iterations));
    SNESLineSearch search = nullptr;
    check_petsc(SNESGetLineSearch(snes.get(), &search));
    // Reactive powers in VA make any step longer than PETSc's usual limit, which would cut it.
    constexpr double no_limit = 1e300;
    check_petsc(SNESLineSearchSetTolerances(search, PETSC_DEFAULT, no_limit, PETSC_DEFAULT, PETSC_DEFAULT, PETSC_DEFAULT, PETSC_DEFAULT));
    KSP solver = nullptr;
    PC factorisation = nullptr;
    check_petsc(SNESGetKSP(snes.get(), &solver));
    check_petsc(KSPSetType(solver, KSPPREONLY));
    check_petsc(KSPGetPC(solver, &factorisation));
    check_petsc(PCSetType(factorisation, PCLU));
#ifdef PETSC_HAVE_SUITESPARSE
    check_petsc(PCFactorSetMatSolverType(factorisation, MATSOLVERKLU));  // exchanges rows: a held voltage has no diagonal entry
#endif
    check_petsc(SNESSetFromOptions(snes.get()));
  }

  void create_jacobian(PetscInt size) {
    // A row has at most the entries of its node's row, of the phases of injections there, and of generators.
    const int n = model->network().node_count();
    std::vector<PetscInt> entries(size, 0);
    for (int i = 0; i < n; ++i) entries[2 * i] = 2 * (model->row_start()[i + 1] - model->row_start()[i]);
    for (const auto phases : {model->solar_phases(), model->wind_phases(), model->battery_phases(), model->generator_phases()}) {
      for (const auto& phase : phases) {
        for (const int node : {phase.a, phase.b}) {
          if (node != ground) entries[2 * node] += 3;
        }
      }
    }
    for (int i = 0; i < n; ++i) entries[2 * i + 1] = entries[2 * i] = std::min(entries[2 * i], size);
    for (PetscInt i = 2 * n; i < size; ++i) entries[i] = std::min<PetscInt>(16, size);
    check_petsc(MatCreateSeqAIJ(PETSC_COMM_SELF, size, size, 0, entries.data(), jacobian.out()));
    check_petsc(MatSetOption(jacobian.get(), MAT_NEW_NONZERO_ALLOCATION_ERR, PETSC_FALSE));
  }

  std::span<const double> view(const double* values) const {
    return {values, static_cast<std::size_t>(equations.size())};
  }

  /// Runs work, which may throw, inside a PETSc callback.
  template <class Work>
  PetscErrorCode guarded(Work work) {
    try {
      work();
      return 0;
    } catch (...) {
      failure = std::current_exception();
      return PETSC_ERR_USER;
    }
  }

  static PetscErrorCode form_residual(SNES, Vec u, Vec f, void* context) {
    auto& self = *static_cast<Workspace*>(context);
    return self.guarded([&] {
      const double* in = nullptr;
      double* out = nullptr;
      check_petsc(VecGetArrayRead(u, &in));
      check_petsc(VecGetArray(f, &out));
      self.equations.evaluate(*self.model, self.now, self.view(in), {out, static_cast<std::size_t>(self.equations.size())});
      check_petsc(VecRestoreArray(f, &out));
      check_petsc(VecRestoreArrayRead(u, &in));
    });
  }

  static PetscErrorCode form_jacobian(SNES, Vec u, Mat, Mat jacobian, void* context) {
    auto& self = *static_cast<Workspace*>(context);
    return self.guarded([&] {
      const double* in = nullptr;
      check_petsc(VecGetArrayRead(u, &in));
      check_petsc(MatZeroEntries(jacobian));
      self.equations.differentiate(*self.model, self.now, self.view(in), [&](int row, int column, double value) {
        check_petsc(MatSetValue(jacobian, row, column, value, ADD_VALUES));
      });
      check_petsc(MatAssemblyBegin(jacobian, MAT_FINAL_ASSEMBLY));
      check_petsc(MatAssemblyEnd(jacobian, MAT_FINAL_ASSEMBLY));
      check_petsc(VecRestoreArrayRead(u, &in));
    });
  }

  /// Largest change of a voltage in the last step [p.u.].
  double step_size() const {
    Vec step = nullptr;
    check_petsc(SNESGetSolutionUpdate(snes.get(), &step));
    const double* values = nullptr;
    check_petsc(VecGetArrayRead(step, &values));
    double largest = 0;
    for (int i = 0; i < model->network().node_count(); ++i) largest = std::max(largest, std::hypot(values[2 * i], values[2 * i + 1]));
    check_petsc(VecRestoreArrayRead(step, &values));
    return largest;
  }

  /// A full step is as long as the error was before it, and convergence is quadratic: a step within the tolerance ends well below it.
  static PetscErrorCode test_step(SNES, PetscInt iteration, PetscReal, PetscReal, PetscReal f, SNESConvergedReason* reason, void* context) {
    auto& self = *static_cast<Workspace*>(context);
    *reason = SNES_CONVERGED_ITERATING;
    return self.guarded([&] {
      if (!std::isfinite(f)) *reason = SNES_DIVERGED_FNORM_NAN;
      if (iteration == 0) {
        self.best_step = self.last_step = std::numeric_limits<double>::infinity();
        self.stalled = 0;
        return;
      }
      SNESLineSearch search = nullptr;
      PetscReal taken = 1;  // share of the Newton step
      check_petsc(SNESGetLineSearch(self.snes.get(), &search));
      check_petsc(SNESLineSearchGetLambda(search, &taken));
      self.last_step = self.step_size() / taken;
      if (self.last_step < 0.5 * self.best_step) {
        self.best_step = self.last_step;
        self.stalled = 0;
      } else {
        ++self.stalled;
      }
      const bool at_rounding = self.last_step < rounding_level && self.stalled >= 2;
      if (self.last_step < self.tolerance || at_rounding) *reason = SNES_CONVERGED_SNORM_RELATIVE;
    });
  }

  struct Outcome {
    bool converged = false;
    int iterations = 0;
  };
  /// One solution by SNES from unknown on.
  Outcome run() {
    failure = nullptr;
    const PetscErrorCode code = SNESSolve(snes.get(), nullptr, unknown.get());
    if (failure) std::rethrow_exception(failure);
    check_petsc(code);
    SNESConvergedReason reason = SNES_CONVERGED_ITERATING;
    PetscInt iterations = 0;
    check_petsc(SNESGetConvergedReason(snes.get(), &reason));
    check_petsc(SNESGetIterationNumber(snes.get(), &iterations));
    // At rounding error no step lowers the residual further, which ends the line search.
    const bool at_rounding = reason == SNES_DIVERGED_LINE_SEARCH && step_size() < std::max(tolerance, rounding_level);
    return {reason > 0 || at_rounding, static_cast<int>(iterations)};
  }
};

NewtonRaphson::NewtonRaphson(std::shared_ptr<const Network> network, const PowerFlowOptions& options)
    : PowerFlow(std::move(network), options), work_(std::make_unique<Workspace>(model_, options)) {}
NewtonRaphson::~NewtonRaphson() = default;

void NewtonRaphson::refresh(const StateChange&) {}  // the Jacobian is formed anew in every iteration

void NewtonRaphson::start() {
  const auto& generators = network().data().generators;
  for (std::size_t k = 0; k < work_->reactive_power.size(); ++k) {
    const auto& held = work_->equations.holding()[k];
    double guess = 0;
    for (const int g : held.generators) guess += generators[g].power.imag();
    work_->reactive_power[k] = std::clamp(guess, held.min_reactive, held.max_reactive);
  }
  std::fill(work_->now.limit.begin(), work_->now.limit.end(), 0);
  work_->guess_reactive_power = is_positive_sequence(network());
  if (is_positive_sequence(network())) {
    start_positive_sequence();
    for (const auto& held : work_->equations.holding()) {
      const auto& generator = generators[held.first()];
      const int node = network().generator_nodes()[held.first()][0];
      x_[node] *= *generator.voltage_setpoint_pu * generator.rated_voltage / model_.base()[node] / std::abs(x_[node]);
    }
  } else {
    std::vector<Complex> values(model_.matrix().begin(), model_.matrix().end());
    std::vector<Complex> rhs(model_.source_currents().begin(), model_.source_currents().end());
    for (const auto& fixed : model_.fixed_nodes()) {
      const double scale = std::abs(values[model_.slot(fixed.node, fixed.node)]);
      std::fill(values.begin() + model_.row_start()[fixed.node], values.begin() + model_.row_start()[fixed.node + 1], Complex{});
      values[model_.slot(fixed.node, fixed.node)] = scale;
      rhs[fixed.node] = scale * fixed.voltage;
    }
    NodalFactor factor(model_.row_start(), model_.column());
    if (const auto singular = factor.factorise(values)) model_.throw_singular(*singular);
    const auto no_load = factor.solve(rhs);
    std::copy(no_load.begin(), no_load.end(), x_.begin());
  }
  for (const auto& fixed : model_.fixed_nodes()) x_[fixed.node] = fixed.voltage;
}

void NewtonRaphson::iterate(const LoadingConditions& conditions, PowerFlowSolution& solution) {
  auto& work = *work_;
  const auto holding = work.equations.holding();
  work.now.conditions = conditions;
  if (std::exchange(work.guess_reactive_power, false)) {
    LoadingConditions idle = conditions;
    for (const auto& held : holding) {
      for (const int g : held.generators) idle.generator_power[g].imag(0);
    }
    std::vector<Complex> missing(x_.size());
    model_.residual(idle, x_, missing);
    for (std::size_t k = 0; k < holding.size(); ++k) {
      const int node = network().generator_nodes()[holding[k].first()][0];
      work.reactive_power[k] = -(x_[node] * std::conj(missing[node])).imag();
    }
  }
  double* u = nullptr;
  check_petsc(VecGetArray(work.unknown.get(), &u));
  work.equations.set_voltages(x_, {u, static_cast<std::size_t>(work.equations.size())});
  std::copy(work.reactive_power.begin(), work.reactive_power.end(), u + 2 * x_.size());
  check_petsc(VecRestoreArray(work.unknown.get(), &u));

  ReactiveLimits limits(network(), holding, work.now.limit);
  for (bool changed = true; changed;) {
    const auto outcome = work.run();
    solution.iterations += outcome.iterations;
    solution.converged = outcome.converged;
    if (!outcome.converged) break;
    changed = false;
    const double* found = nullptr;
    check_petsc(VecGetArrayRead(work.unknown.get(), &found));
    for (std::size_t k = 0; k < holding.size(); ++k) {
      const int at = static_cast<int>(k);
      if (options_.reactive_limits)
        changed |= limits.move(at, found[2 * x_.size() + k], work.equations.voltage_error(model_, at, work.view(found)));
    }
    check_petsc(VecRestoreArrayRead(work.unknown.get(), &found));
  }
  const double* found = nullptr;
  check_petsc(VecGetArrayRead(work.unknown.get(), &found));
  x_ = work.equations.voltages(work.view(found));
  for (std::size_t k = 0; k < holding.size(); ++k) {
    work.reactive_power[k] = found[2 * x_.size() + k];
    share_reactive_power(network(), holding[k], work.reactive_power[k], solution.generator_power);
  }
  check_petsc(VecRestoreArrayRead(work.unknown.get(), &found));
}

}  // namespace gridfed
