#include "powerflow/cluster_factor.hpp"
#include "powerflow/contraction_test.hpp"
#include "powerflow/lanes.hpp"
#include "powerflow/port_currents.hpp"
#include "powerflow/power_flow.hpp"
#include "powerflow/static_control.hpp"
#include "runtime/error.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

namespace gridfed {

namespace {

/// Voltages or currents by channel, real and imaginary parts apart.
template <class Real>
struct Phasors {
  Aligned<Real> re, im;

  template <class Other>
  void convert(const Phasors<Other>& other) {
    std::copy(other.re.begin(), other.re.end(), re.begin());
    std::copy(other.im.begin(), other.im.end(), im.begin());
  }
};

/// What an iteration tells: squares of the residual and of how far the last step led x and g, and inner products of the change of
/// residuals with itself and with the residual.
struct Progress {
  double residual = 0, moved = 0, followed = 0, dd = 0, df = 0;
  /// How far g moved for the last move of x tells how it contracts, also where steps are mixed.
  double ratio() const { return moved > 0 ? std::sqrt(followed / moved) : 0; }
  double change() const { return std::sqrt(residual); }
  bool diverges() const { return !std::isfinite(residual) || change() > 1e6; }
};

/// The fixed point x = g(x) in one precision, with the iterate before for Anderson's method.
template <class Real>
struct FixedPoint {
  Phasors<Real> x, r, g, x_before, g_before;

  explicit FixedPoint(int channels) {
    for (auto* phasors : {&x, &r, &g, &x_before, &g_before}) {
      phasors->re.assign(channels, 0);
      phasors->im.assign(channels, 0);
    }
  }

  /// Goes on from where another precision has come to.
  template <class Other>
  void take_over(const FixedPoint<Other>& other) {
    x.convert(other.x);
    x_before.convert(other.x_before);
    g_before.convert(other.g_before);
  }

  void evaluate(const PortCurrents& currents) { currents.evaluate<Real>(x.re.data(), x.im.data(), r.re.data(), r.im.data()); }
  void solve(const ClusterFactor& factor) { factor.solve(r.re.data(), r.im.data(), g.re.data(), g.im.data()); }

  template <bool first>
  Progress measure() const {
    using Lanes = LanesOf<Real>;
    Lanes residual = 0, moved = 0, followed = 0, dd = 0, d_f = 0;
    const auto part = [&](std::size_t k, const Aligned<Real>& x, const Aligned<Real>& g, const Aligned<Real>& x_before,
                          const Aligned<Real>& g_before, Lanes& size, Lanes& step, Lanes& image) {
      const Lanes from = load(&x[k]), to = load(&g[k]), left = to - from;
      size += left * left;
      if constexpr (!first) {
        const Lanes last = load(&g_before[k]), begun = load(&x_before[k]);
        const Lanes g_step = to - last, x_step = from - begun, f_step = left - (last - begun);
        step += x_step * x_step;
        image += g_step * g_step;
        dd += f_step * f_step;
        d_f += f_step * left;
      }
    };
    for (std::size_t k = 0; k < x.re.size(); k += lane_count) {
      Lanes size = 0, step = 0, image = 0;
      part(k, x.re, g.re, x_before.re, g_before.re, size, step, image);
      part(k, x.im, g.im, x_before.im, g_before.im, size, step, image);
      residual = max(residual, size);
      moved = max(moved, step);
      followed = max(followed, image);
    }
    return {hmax(residual), hmax(moved), hmax(followed), sum(dd), sum(d_f)};
  }

  /// x becomes the iterate before, g the one that led to it; what is computed next goes where those before lay.
  void move_on() {
    std::swap(x, x_before);
    std::swap(g, g_before);
  }

  /// x = g + mix (g_before - g), stretched by `factor` from the last x.
  void step(double mix, double factor) {
    const LanesOf<Real> m(static_cast<Real>(mix)), stretch(static_cast<Real>(factor));
    const auto part = [&](const Aligned<Real>& x, const Aligned<Real>& g, const Aligned<Real>& g_before, Aligned<Real>& out) {
      for (std::size_t k = 0; k < x.size(); k += lane_count) {
        const LanesOf<Real> to = load(&g[k]), old = load(&x[k]), next = to + m * (load(&g_before[k]) - to);
        store<Real>(old + stretch * (next - old), &out[k]);
      }
    };
    part(x.re, g.re, g_before.re, x_before.re);
    part(x.im, g.im, g_before.im, x_before.im);
    move_on();
  }

  /// The same unstretched, and the currents there in one go.
  void step_and_evaluate(double mix, const PortCurrents& currents) {
    currents.evaluate_between<Real>({g.re.data(), g.im.data()}, {g_before.re.data(), g_before.im.data()}, static_cast<Real>(mix),
                                    x_before.re.data(), x_before.im.data(), r.re.data(), r.im.data());
    move_on();
  }
};

/// Anderson's step after each iteration that is not the last.
struct Steps {
  double acceleration_factor = 1, previous = 0;

  double mix(const Progress& p) {
    // At rounding error the last step says nothing about the next.
    const double mix = p.change() < previous && p.dd > 0 ? p.df / p.dd : 0;
    previous = p.change();
    return mix;
  }

  /// And the currents there.
  template <class Real>
  void take(FixedPoint<Real>& point, const Progress& p, const PortCurrents& currents) {
    if (acceleration_factor == 1) {
      point.step_and_evaluate(mix(p), currents);
    } else {
      point.step(mix(p), acceleration_factor);
      point.evaluate(currents);
    }
  }
};

}  // namespace

struct UnbalancedPowerFlow::Workspace {
  std::vector<ClusterFactor::Port> ports;
  ClusterFactor factor;
  PortCurrents currents;
  FixedPoint<double> whole;
  FixedPoint<float> single;
  Phasors<double> start;  // with every load at its nominal admittance: what a cold solve begins with
  bool start_known = false;
  std::optional<ClusterFactor::Recovery> measured;  // of measured_nodes()
  double single_level = 0;                          // how far single precision leads [p.u.]

  explicit Workspace(const NodalModel& model)
      : ports(ports_of(model)),
        factor(matrix_of(model), ports, model.switched(), model.network().nodes()[model.sources().front().nodes.front()].bus),
        currents(model, factor),
        whole(factor.channels()),
        single(factor.channels()) {}

  void find_start() {
    currents.no_load(whole.r.re.data(), whole.r.im.data());
    whole.solve(factor);
    start = whole.g;
    start_known = true;
  }

  /// What single precision is worth is tried on the currents of loads that are off.
  void try_single_precision(const NodalModel& model) {
    single_level = std::numeric_limits<double>::infinity();
    if (!factor.has_single()) return;
    find_start();
    LoadingConditions off = rated_conditions(model.network(), 0.0);
    currents.set_conditions(off);
    whole.x = start;
    single.x.convert(start);
    whole.evaluate(currents);
    whole.solve(factor);
    single.evaluate(currents);
    single.solve(factor);
    double error = 0;
    for (std::size_t k = 0; k < start.re.size(); ++k)
      error = std::max(error, std::hypot(single.g.re[k] - whole.g.re[k], single.g.im[k] - whole.g.im[k]));
    single_level = std::max(2e-6, 4 * error);
  }

  /// Iterations in single precision, up to where double has to go on; at least one is left to it. Returns how many; 0 where they are not
  /// worth while or lead nowhere, and the double iterate is then what it was.
  int approach(const PowerFlowOptions& options, ContractionTest& test, Steps& steps) {
    constexpr int most = 25;
    if (!(single_level < 1e-3) || options.max_iterations < 2) return 0;
    single.x.convert(whole.x);
    single.evaluate(currents);
    Steps own = steps;
    double change = 0;
    int done = 0;
    for (;;) {
      single.solve(factor);
      const auto p = done == 0 ? single.measure<true>() : single.measure<false>();
      if (p.diverges()) return 0;
      change = p.change();
      // The iteration that is expected to be the last is left to double precision, and all that are too fine.
      const double ratio = std::min(done == 0 ? 0.5 : p.ratio(), 0.95);
      ++done;
      if (change * ratio < single_level || change * ratio * ratio < options.tolerance ||
          done == std::min(most, options.max_iterations - 1)) {
        single.step(own.mix(p), own.acceleration_factor);
        break;
      }
      own.take(single, p, currents);
    }
    test.note(change);
    steps = own;
    whole.take_over(single);
    return done;
  }
};

UnbalancedPowerFlow::UnbalancedPowerFlow(std::shared_ptr<const Network> network, const PowerFlowOptions& options)
    : PowerFlow(std::move(network), options), work_(std::make_unique<Workspace>(model_)) {
  refuse_held_voltages("unbalanced", IdealSources::refused);
  for (const auto& line : model_.network().data().lines) {
    if (line.ratio.imag() == 0) continue;
    throw Error("{}:{}: line '{}' shifts the phase, so that the nodal admittance is not symmetric: take powerflow.solver = newton_raphson",
                line.origin.file, line.origin.line, line.name);
  }
  prepare();
}
UnbalancedPowerFlow::UnbalancedPowerFlow(UnbalancedPowerFlow&&) noexcept = default;
UnbalancedPowerFlow::~UnbalancedPowerFlow() = default;

void UnbalancedPowerFlow::prepare() {
  if (const int node = work_->factor.factorise(matrix_of(model_)); node >= 0) model_.throw_singular(node);
  work_->try_single_precision(model_);
}

void UnbalancedPowerFlow::refresh(const StateChange& change) {
  if (!change.within_switched) {  // buses beside it were eliminated with the values from before
    work_ = std::make_unique<Workspace>(model_);
    prepare();
    start();
    return;
  }
  work_->start_known = false;
  if (const int node = work_->factor.refactorise(matrix_of(model_), change.nodes); node >= 0) model_.throw_singular(node);
}

void UnbalancedPowerFlow::start() {
  auto& w = *work_;
  if (!w.start_known) w.find_start();
  w.whole.x = w.start;
}

void UnbalancedPowerFlow::iterate(const LoadingConditions& conditions, PowerFlowSolution& solution) {
  auto& w = *work_;
  w.currents.set_conditions(conditions);
  ContractionTest test(options_.tolerance);
  Steps steps{options_.acceleration_factor};
  solution.iterations = w.approach(options_, test, steps);
  bool first = solution.iterations == 0;
  w.whole.evaluate(w.currents);
  while (solution.iterations < options_.max_iterations) {
    ++solution.iterations;
    w.whole.solve(w.factor);
    const auto p = first ? w.whole.measure<true>() : w.whole.measure<false>();
    if (p.diverges()) return;
    solution.converged = first ? test.done(p.change()) : test.done(p.change(), p.ratio());
    if (solution.converged) break;
    steps.take(w.whole, p, w.currents);
    first = false;
  }
  if (solution.converged) std::swap(w.whole.x, w.whole.g);
}

void UnbalancedPowerFlow::take_voltages(std::span<Complex> v, Voltages voltages) {
  const auto& w = work_->whole;
  const auto& factor = work_->factor;
  if (voltages == Voltages::measured) {
    if (!work_->measured) work_->measured = factor.recovery_of(measured_nodes(model_));
    factor.recover(*work_->measured, w.r.re.data(), w.r.im.data(), w.x.re.data(), w.x.im.data(), v);
  } else {
    factor.recover(w.r.re.data(), w.r.im.data(), w.x.re.data(), w.x.im.data(), v);
  }
}

}  // namespace gridfed
