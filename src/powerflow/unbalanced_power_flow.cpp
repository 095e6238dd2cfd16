#include "powerflow/cluster_factor.hpp"
#include "powerflow/contraction_test.hpp"
#include "powerflow/lanes.hpp"
#include "powerflow/port_currents.hpp"
#include "powerflow/power_flow.hpp"
#include "runtime/error.hpp"

#include <algorithm>
#include <cmath>

namespace gridfed {

namespace {

/// Voltages or currents by channel, real and imaginary parts apart.
struct Phasors {
  AlignedDoubles re, im;
  explicit Phasors(int n = 0) : re(n), im(n) {}
};

}  // namespace

struct UnbalancedPowerFlow::Workspace {
  std::vector<ClusterFactor::Port> ports;
  ClusterFactor factor;
  PortCurrents currents;
  Phasors x, r;
  Phasors start;  // with every load at its nominal admittance: what a cold solve begins with
  bool start_known = false;
  // Anderson's method: g(x) and g(x) - x of this iterate and the last, and how they changed.
  Phasors g, g_before, f, dg;

  explicit Workspace(const NodalModel& model)
      : ports(ports_of(model)),
        factor(matrix(model), ports, model.switched(), model.network().nodes()[model.sources().front().nodes.front()].bus),
        currents(model, factor) {
    for (auto* phasors : {&x, &r, &start, &g, &g_before, &f, &dg}) *phasors = Phasors(factor.channels());
  }

  static NodalMatrix matrix(const NodalModel& model) {
    return {.bus_start = model.bus_start(),
            .row_start = model.row_start(),
            .column = model.column(),
            .value = model.matrix(),
            .base = model.base()};
  }

  void solve() { factor.solve(r.re.data(), r.im.data(), g.re.data(), g.im.data()); }

  /// What an iteration tells: squares of the residual and of how far the last step led x and g, and inner products of the change of
  /// residuals with itself and with the residual.
  struct Progress {
    double residual = 0, moved = 0, followed = 0, dd = 0, df = 0;
  };

  template <bool first>
  Progress measure() {
    Lanes residual = 0, moved = 0, followed = 0, dd = 0, d_f = 0;
    const auto part = [&](std::size_t k, const AlignedDoubles& x, const AlignedDoubles& g, AlignedDoubles& g_before, AlignedDoubles& f,
                          AlignedDoubles& dg, Lanes& size, Lanes& step, Lanes& image) {
      const Lanes now = load(&g[k]), left = now - load(&x[k]);
      size += left * left;
      if constexpr (!first) {
        const Lanes g_step = now - load(&g_before[k]), f_step = left - load(&f[k]), x_step = g_step - f_step;
        store(g_step, &dg[k]);
        step += x_step * x_step;
        image += g_step * g_step;
        dd += f_step * f_step;
        d_f += f_step * left;
      }
      store(left, &f[k]);
    };
    for (std::size_t k = 0; k < x.re.size(); k += lane_count) {
      Lanes size = 0, step = 0, image = 0;
      part(k, x.re, g.re, g_before.re, f.re, dg.re, size, step, image);
      part(k, x.im, g.im, g_before.im, f.im, dg.im, size, step, image);
      residual = max(residual, size);
      moved = max(moved, step);
      followed = max(followed, image);
    }
    return {hmax(residual), hmax(moved), hmax(followed), sum(dd), sum(d_f)};
  }

  /// x = g - mix * dg, stretched by `factor` from the last x.
  void step(double mix, double factor) {
    const Lanes m(mix), stretch(factor);
    const auto part = [&](AlignedDoubles& x, const AlignedDoubles& g, const AlignedDoubles& dg) {
      for (std::size_t k = 0; k < x.size(); k += lane_count) {
        const Lanes old = load(&x[k]), next = load(&g[k]) - m * load(&dg[k]);
        store(factor == 1 ? next : old + stretch * (next - old), &x[k]);
      }
    };
    part(x.re, g.re, dg.re);
    part(x.im, g.im, dg.im);
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
  if (const int node = work_->factor.factorise(Workspace::matrix(model_)); node >= 0) model_.throw_singular(node);
}
UnbalancedPowerFlow::UnbalancedPowerFlow(UnbalancedPowerFlow&&) noexcept = default;
UnbalancedPowerFlow::~UnbalancedPowerFlow() = default;

void UnbalancedPowerFlow::refresh(const StateChange& change) {
  const auto matrix = Workspace::matrix(model_);
  work_->start_known = false;
  const int node = change.within_switched ? work_->factor.refactorise(matrix, change.nodes) : work_->factor.factorise(matrix);
  if (node >= 0) model_.throw_singular(node);
}

void UnbalancedPowerFlow::start() {
  auto& w = *work_;
  if (!w.start_known) {
    w.currents.no_load(w.r.re.data(), w.r.im.data());
    w.solve();
    w.start = w.g;
    w.start_known = true;
  }
  w.x = w.start;
}

void UnbalancedPowerFlow::iterate(const LoadingConditions& conditions, PowerFlowSolution& solution) {
  auto& w = *work_;
  w.currents.set_conditions(conditions);
  ContractionTest test(options_.tolerance);
  double previous = 0;
  while (solution.iterations < options_.max_iterations) {
    const bool first = solution.iterations++ == 0;
    w.currents.evaluate(w.x.re.data(), w.x.im.data(), w.r.re.data(), w.r.im.data());
    w.solve();
    const auto p = first ? w.measure<true>() : w.measure<false>();
    const double change = std::sqrt(p.residual);
    if (!std::isfinite(change) || change > 1e6) break;
    // How far g moved for the last move of x tells how it contracts, also where steps are mixed.
    solution.converged = first ? test.done(change) : test.done(change, p.moved > 0 ? std::sqrt(p.followed / p.moved) : 0);
    if (solution.converged) break;
    // At rounding error the last step says nothing about the next.
    w.step(change < previous && p.dd > 0 ? p.df / p.dd : 0, options_.acceleration_factor);
    previous = change;
    std::swap(w.g, w.g_before);
  }
  if (solution.converged) std::swap(w.x, w.g);
}

void UnbalancedPowerFlow::take_voltages(std::span<Complex> v) const {
  const auto& w = *work_;
  w.factor.recover(w.r.re.data(), w.r.im.data(), w.x.re.data(), w.x.im.data(), v);
}

}  // namespace gridfed
