#include "privacy/privacy_loss.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

// The curve h(x) = sup_A P(A) - x Q(A), x = e^epsilon, is convex and falls from 1 to 0. A distribution of the ratio P/Q on knots x_i has a
// curve that is linear between them, with mass q_i of Q and x_i q_i of P at each bend. Whichever of two curves lies above stays above
// under composition (Blackwell, 1953), so
//   pessimistic: chords of h between the knots (Doroshenko et al., 2022, "connect the dots"): what lies between two knots is split between
//                them so that both P and Q keep their mass;
//   optimistic:  every test "P/Q > m" gives a line P(> m) - x Q(> m) below h. With m half-way between knots (in the loss), each knot takes
//                the lesser of the lines of its two neighbours, so that the chord between two knots stays below the line between them.
//                With P_i, Q_i the masses between the halves around knot i and e_i = P_i - x_i Q_i the difference of its two lines,
//                  x_i q_i = x_i Q_i + (min(0, -e_(i+1)) - min(0, e_i)) / (e^step - 1) - (min(0, -e_i) - min(0, e_(i-1))) / (1 - e^-step).
// Both differ from h by O(step^2).

namespace gridfed {

namespace {

constexpr double largest_loss = 700;  // e^700 is still a double
constexpr double infinity = std::numeric_limits<double>::infinity();

/// Mass of P and Q between two losses.
struct Masses {
  double p = 0, q = 0;
};

/// The pair of distributions that is compared: a Gaussian and its mixture with itself moved by 1, both of deviation sigma.
class GaussianPair {
 public:
  GaussianPair(double rate, double sigma, Adjacency adjacency) : rate_(rate), sigma_(sigma), adjacency_(adjacency) {}

  /// Loss at the output x of the mechanism.
  double loss(double x) const {
    const double plain = (2 * x - 1) / (2 * sigma_ * sigma_);  // without sampling
    const double log_ratio = rate_ < 1 && plain < largest_loss ? std::log1p(rate_ * std::expm1(plain)) : plain + std::log(rate_);
    return adjacency_ == Adjacency::remove ? log_ratio : -log_ratio;
  }

  /// A place between two cells, with the masses of the tails of both Gaussians beyond it.
  struct Edge {
    double z0, z1;        ///< its distance from both centres in deviations
    double tail0, tail1;  ///< beyond |z|
  };
  Edge edge(double loss) const {
    const double x = output(adjacency_ == Adjacency::remove ? loss : -loss);
    const double z0 = x / sigma_, z1 = (x - 1) / sigma_;
    return {z0, z1, tail(z0), tail(z1)};
  }
  Masses between(const Edge& low, const Edge& high) const {
    const bool remove = adjacency_ == Adjacency::remove;
    const Edge& a = remove ? low : high;
    const Edge& b = remove ? high : low;
    const double plain = mass(a.z0, a.tail0, b.z0, b.tail0);
    const double mixed = (1 - rate_) * plain + rate_ * mass(a.z1, a.tail1, b.z1, b.tail1);
    return remove ? Masses{mixed, plain} : Masses{plain, mixed};
  }
  /// Losses between which all but a mass of P of 2 tail_mass lies.
  struct Range {
    double low, high;
  };
  Range range(double tail_mass) const {
    const double reach = sigma_ * std::sqrt(-2 * std::log(tail_mass));
    return adjacency_ == Adjacency::remove ? Range{loss(-reach), loss(1 + reach)} : Range{loss(reach), loss(-reach)};
  }

 private:
  static double tail(double z) { return 0.5 * std::erfc(std::abs(z) / std::numbers::sqrt2); }
  /// From a to b, so that nothing is lost to rounding in a tail.
  static double mass(double a, double tail_a, double b, double tail_b) {
    if (a >= 0) return tail_a - tail_b;
    return b <= 0 ? tail_b - tail_a : 1 - tail_a - tail_b;
  }
  /// Output at which log(1 - q + q e^((2x - 1) / (2 sigma^2))) is `loss`.
  double output(double loss) const {
    const double excess = std::expm1(loss) / rate_;
    return excess > -1 ? sigma_ * sigma_ * std::log1p(excess) + 0.5 : -infinity;
  }

  double rate_, sigma_;
  Adjacency adjacency_;
};

struct Knots {
  std::int64_t first, last;
};
Knots knots(GaussianPair::Range losses, double step) {
  const auto last = static_cast<std::int64_t>(std::ceil(std::min(losses.high, largest_loss) / step));
  return {std::min(last, static_cast<std::int64_t>(std::floor(std::min(losses.low, largest_loss) / step))), last};
}

LossDistribution pessimistic(const GaussianPair& pair, double step, double tail_mass) {
  const auto [first, last] = knots(pair.range(tail_mass), step);
  LossDistribution result{.first = first, .masses = {}};
  result.masses.assign(static_cast<std::size_t>(last - result.first) + 1, 0.0);
  auto edge = pair.edge(static_cast<double>(result.first) * step);
  result.masses[0] = pair.between(pair.edge(-infinity), edge).p;
  for (std::size_t i = 0; i + 1 < result.masses.size(); ++i) {
    const double knot = static_cast<double>(result.first + static_cast<std::int64_t>(i)) * step;
    const auto next = pair.edge(knot + step);
    const Masses cell = pair.between(edge, next);
    const double upper = std::clamp((cell.p - std::exp(knot) * cell.q) / -std::expm1(-step), 0.0, std::max(0.0, cell.p));
    result.masses[i] += cell.p - upper;
    result.masses[i + 1] += upper;
    edge = next;
  }
  result.infinite = pair.between(edge, pair.edge(infinity)).p;
  return result;
}

/// Lower convex envelope of a curve whose bends are `masses`: a bend the wrong way is spread over its neighbours.
void straighten(std::vector<double>& masses, double step) {
  std::vector<std::size_t> kept;
  for (std::size_t i = 0; i < masses.size(); ++i) {
    kept.push_back(i);
    while (kept.size() > 1 && masses[kept[kept.size() - 2]] < 0) {
      const std::size_t bend = kept[kept.size() - 2];
      const double mass = masses[bend];
      masses[bend] = 0;
      kept.erase(kept.end() - 2);
      if (kept.size() == 1) {  // the neighbour on the left is x = 0, where P has no mass
        masses[i] += mass;
        continue;
      }
      const std::size_t left = kept[kept.size() - 2];
      const double to_left = static_cast<double>(bend - left) * step, to_right = static_cast<double>(i - bend) * step;
      const double share = std::expm1(to_right) / (std::exp(to_right) - std::exp(-to_left));
      masses[left] += mass * std::exp(-to_left) * share;
      masses[i] += mass * std::exp(to_right) * (1 - share);
    }
  }
}

LossDistribution optimistic(const GaussianPair& pair, double step, double tail_mass) {
  auto [first, last] = knots(pair.range(tail_mass), step);
  const auto ratio = [&](std::int64_t knot) { return std::exp(static_cast<double>(knot) * step); };

  std::vector<Masses> cells;
  auto edge = pair.edge(-infinity);
  for (std::int64_t knot = first; knot <= last; ++knot) {
    const auto next = pair.edge(knot == last ? infinity : (static_cast<double>(knot) + 0.5) * step);
    cells.push_back(pair.between(edge, next));
    edge = next;
  }
  const auto excess = [&](std::size_t i) { return cells[i].p - ratio(first + static_cast<std::int64_t>(i)) * cells[i].q; };
  const auto add = [](Masses& to, const Masses& what) { to = {to.p + what.p, to.q + what.q}; };
  // The curve must end on the lines 1 - x and 0: the cells at the ends grow until their mean lies outside their knot.
  while (cells.size() > 1 && excess(cells.size() - 1) < 0) {
    add(cells[cells.size() - 2], cells.back());
    cells.pop_back();
  }
  std::size_t skipped = 0;
  for (; skipped + 1 < cells.size() && excess(skipped) > 0; ++skipped) add(cells[skipped + 1], cells[skipped]);
  cells.erase(cells.begin(), cells.begin() + static_cast<std::ptrdiff_t>(skipped));
  first += static_cast<std::int64_t>(skipped);

  LossDistribution result{.first = first, .masses = std::vector<double>(cells.size())};
  double before = 0, here = excess(0);
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const double after = i + 1 < cells.size() ? excess(i + 1) : 0;
    result.masses[i] = cells[i].p - here + (std::min(0.0, -after) - std::min(0.0, here)) / std::expm1(step) +
                       (std::min(0.0, -here) - std::min(0.0, before)) / std::expm1(-step);
    before = here;
    here = after;
  }
  straighten(result.masses, step);
  while (result.masses.size() > 1 && result.masses.back() < 0) {  // beyond the last knot the curve is flat
    const double mass = result.masses.back();
    result.masses.pop_back();
    result.masses.back() += mass * std::exp(-step);
  }
  return result;
}

}  // namespace

LossDistribution subsampled_gaussian_loss(double sampling_rate, double noise_multiplier, Adjacency adjacency, Estimate estimate,
                                          double step, double tail_mass) {
  const GaussianPair pair(sampling_rate, noise_multiplier, adjacency);
  return estimate == Estimate::pessimistic ? pessimistic(pair, step, tail_mass) : optimistic(pair, step, tail_mass);
}

}  // namespace gridfed
