#include "privacy/pld_accountant.hpp"

#include "privacy/privacy_loss.hpp"
#include "runtime/error.hpp"

#include <unsupported/Eigen/FFT>

#include <algorithm>
#include <bit>
#include <cmath>
#include <complex>
#include <limits>

namespace gridfed {

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double tail_mass = 1e-16;  // that all steps together, and the window of the composition, may leave out
constexpr std::int64_t most_cells = std::int64_t{1} << 21;

struct Repeated {
  LossDistribution loss;
  double times;
};

std::int64_t last(const LossDistribution& loss) {
  return loss.first + static_cast<std::int64_t>(loss.masses.size()) - 1;
}

/// log E[e^(order * loss)]; the sum runs towards its largest term.
double log_moment(const LossDistribution& loss, double order, double step) {
  const double factor = std::exp(-std::abs(order) * step);
  double sum = 0;
  if (order > 0) {
    for (const double mass : loss.masses) sum = sum * factor + mass;
  } else {
    for (auto mass = loss.masses.rbegin(); mass != loss.masses.rend(); ++mass) sum = sum * factor + *mass;
  }
  return std::log(std::max(sum, std::numeric_limits<double>::min())) +
         order * step * static_cast<double>(order > 0 ? last(loss) : loss.first);
}

struct Window {
  std::int64_t first, last;
};

/// Knots outside of which the composition has at most tail_mass on either side (Chernoff).
Window window(std::span<const Repeated> parts, double step) {
  double lowest = 0, highest = 0;
  for (const auto& [loss, times] : parts) {
    lowest += times * static_cast<double>(loss.first) * step;
    highest += times * static_cast<double>(last(loss)) * step;
  }
  const auto bound = [&](double order) {
    double log_mgf = 0;
    for (const auto& [loss, times] : parts) log_mgf += times * log_moment(loss, order, step);
    return (log_mgf - std::log(tail_mass)) / order;
  };
  for (double order = 0.25; order < 300; order *= 2) {
    highest = std::min(highest, bound(order));
    lowest = std::max(lowest, bound(-order));
  }
  const auto first = static_cast<std::int64_t>(std::floor(lowest / step));
  return {first, std::max(first, static_cast<std::int64_t>(std::ceil(highest / step)))};
}

/// Sum of all losses, by the discrete Fourier transform; a window shorter than the transform keeps tails from wrapping into it.
LossDistribution compose(std::span<const Repeated> parts, const Window& kept) {
  const auto size =
      static_cast<std::int64_t>(std::bit_ceil(static_cast<std::uint64_t>(std::max<std::int64_t>(16, kept.last - kept.first + 1))));
  Eigen::FFT<double> transform;
  transform.SetFlag(Eigen::FFT<double>::HalfSpectrum);
  std::vector<std::complex<double>> spectrum, product;
  std::vector<double> folded;
  double finite = 1;
  for (const auto& [loss, times] : parts) {
    folded.assign(static_cast<std::size_t>(size), 0.0);
    std::int64_t at = ((loss.first % size) + size) % size;
    for (const double mass : loss.masses) {
      folded[static_cast<std::size_t>(at)] += mass;
      if (++at == size) at = 0;
    }
    transform.fwd(spectrum, folded);
    if (product.empty()) product.assign(spectrum.size(), {1.0, 0.0});
    for (std::size_t k = 0; k < spectrum.size(); ++k) {
      product[k] *= times == 1 ? spectrum[k] : std::polar(std::pow(std::abs(spectrum[k]), times), times * std::arg(spectrum[k]));
    }
    finite *= std::pow(1 - loss.infinite, times);
  }
  transform.inv(folded, product, size);
  LossDistribution result{
      .first = kept.first, .masses = std::vector<double>(static_cast<std::size_t>(kept.last - kept.first + 1)), .infinite = 1 - finite};
  for (std::int64_t i = 0; i < std::ssize(result.masses); ++i) {
    result.masses[i] = folded[static_cast<std::size_t>((((kept.first + i) % size) + size) % size)];
  }
  return result;
}

/// Without sampling, Gaussian steps are one step of a smaller multiplier.
PrivacyLedger gaussians_merged(std::span<const PrivacyEvent> events) {
  PrivacyLedger merged;
  double precision = 0;
  for (const PrivacyEvent& event : events) {
    if (event.sampling_rate < 1) {
      append(merged, event);
    } else {
      precision += static_cast<double>(event.steps) / (event.noise_multiplier * event.noise_multiplier);
    }
  }
  if (precision > 0) append(merged, {1, 1 / std::sqrt(precision), 1});
  return merged;
}

/// Composition of the events on the finest grid that fits, from `step` on.
struct Composition {
  LossDistribution loss;
  double step;
  double allowance;  ///< of delta, for what the window cuts off and the transform rounds
};
Composition compose(std::span<const PrivacyEvent> events, Adjacency adjacency, Estimate estimate, double step) {
  const PrivacyLedger merged = gaussians_merged(events);
  double steps = 0;
  for (const PrivacyEvent& event : merged) {
    steps += static_cast<double>(event.steps);
    const double reach = 30 / event.noise_multiplier + 1 / (event.noise_multiplier * event.noise_multiplier);  // of one loss, at most
    while (reach > step * static_cast<double>(most_cells)) step *= 2;
  }
  for (;; step *= 2) {
    std::vector<Repeated> parts;
    for (const PrivacyEvent& event : merged) {
      parts.push_back({subsampled_gaussian_loss(event.sampling_rate, event.noise_multiplier, adjacency, estimate, step, tail_mass / steps),
                       static_cast<double>(event.steps)});
    }
    const Window kept = window(parts, step);
    if (kept.last - kept.first < most_cells) return {compose(parts, kept), step, tail_mass * (10 + steps)};
  }
}

/// Least epsilon, 0 or more, at which the curve is at most delta. Between two knots the curve is above - e^(epsilon - knot) * discounted.
double epsilon_of(const Composition& sum, double delta) {
  const auto& [first, masses, infinite] = sum.loss;
  if (infinite > delta) return infinity;
  double above = infinite, discounted = 0;  // masses beyond the knot, and times e^(knot - loss)
  for (std::int64_t i = std::ssize(masses) - 1;; --i) {
    const double knot = static_cast<double>(first + i) * sum.step;
    if (above - discounted > delta || knot < 0 || i < 0) {
      return above > delta ? std::max(0.0, knot + std::log((above - delta) / discounted)) : 0.0;
    }
    above += masses[i];
    discounted = (discounted + masses[i]) * std::exp(-sum.step);
  }
}

double delta_of(const Composition& sum, double epsilon) {
  const auto& [first, masses, infinite] = sum.loss;
  double delta = infinite;
  for (std::int64_t i = std::ssize(masses) - 1; i >= 0; --i) {
    const double excess = static_cast<double>(first + i) * sum.step - epsilon;
    if (excess <= 0) break;
    delta -= masses[i] * std::expm1(-excess);
  }
  return delta;
}

/// The larger of what `value` says of both directions, which are the same without sampling.
template <class Value>
double worse(std::span<const PrivacyEvent> events, Estimate estimate, double step, const Value& value) {
  const double removed = value(compose(events, Adjacency::remove, estimate, step));
  const bool symmetric = std::all_of(events.begin(), events.end(), [](const PrivacyEvent& event) { return event.sampling_rate == 1; });
  return symmetric ? removed : std::max(removed, value(compose(events, Adjacency::add, estimate, step)));
}

bool unbounded(std::span<const PrivacyEvent> events) {
  return std::any_of(events.begin(), events.end(), [](const PrivacyEvent& event) { return event.noise_multiplier == 0; });
}

void require_delta(double delta) {
  if (!(delta > 0 && delta < 1)) throw Error("delta is {}: give a probability between 0 and 1", delta);
}

}  // namespace

PldAccountant::PldAccountant(double step) : step_(step) {
  if (!(step > 0 && step <= 1)) throw Error("a privacy loss distribution has no grid of step {}: give one above 0, up to 1", step);
}

void PldAccountant::add(double sampling_rate, double noise_multiplier, std::int64_t steps) {
  append(events_, {sampling_rate, noise_multiplier, steps});
}

double PldAccountant::upper_epsilon(double delta) const {
  require_delta(delta);
  if (events_.empty()) return 0;
  if (unbounded(events_)) return infinity;
  return worse(events_, Estimate::pessimistic, step_, [&](const Composition& sum) { return epsilon_of(sum, delta - sum.allowance); });
}

PldAccountant::Bounds PldAccountant::epsilon(double delta) const {
  const double upper = upper_epsilon(delta);
  if (events_.empty()) return {0, 0};
  if (unbounded(events_)) return {0, infinity};
  return {worse(events_, Estimate::optimistic, step_, [&](const Composition& sum) { return epsilon_of(sum, delta + sum.allowance); }),
          upper};
}

PldAccountant::Bounds PldAccountant::delta(double epsilon) const {
  if (!(epsilon >= 0)) throw Error("epsilon is {}: give 0 or more", epsilon);
  if (events_.empty()) return {0, 0};
  if (unbounded(events_)) return {0, 1};
  return {worse(events_, Estimate::optimistic, step_, [&](const Composition& sum) { return delta_of(sum, epsilon) - sum.allowance; }),
          worse(events_, Estimate::pessimistic, step_, [&](const Composition& sum) { return delta_of(sum, epsilon) + sum.allowance; })};
}

}  // namespace gridfed
