#include "grid/synthetic_distributions.hpp"

#include <boost/math/special_functions/gamma.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <numeric>

namespace gridfed::synthetic {

namespace {

constexpr double loading_mean = 0.31;
constexpr double length_centre = 119, length_scale = 159, shortest = 1;

/// Gamma variable of unit scale (Marsaglia and Tsang, 2000); below shape 1 by Gamma(a) = Gamma(a + 1) U^(1/a).
double draw_gamma(double shape, RandomStream& random) {
  if (shape < 1) return draw_gamma(shape + 1, random) * std::pow(1 - random.uniform(), 1 / shape);
  const double d = shape - 1.0 / 3, c = 1 / std::sqrt(9 * d);
  while (true) {
    const double x = random.normal(), v = std::pow(1 + c * x, 3);
    if (v > 0 && std::log(1 - random.uniform()) < x * x / 2 + d - d * v + d * std::log(v)) return d * v;
  }
}

double degree_cumulative(double x) {
  return 0.85 * boost::math::gamma_p(1.49, x / 0.65) + 0.15 * boost::math::gamma_p(4.42, x / 1.67);
}

int most_branches(int hop) {
  return std::max(1, static_cast<int>(std::ceil(10.58 * std::pow(hop, -0.75))));
}

double longest(int hop) {
  return 5270 * std::exp(-0.0765 * hop);
}

double cauchy_cumulative(double x) {
  return 0.5 + std::atan((x - length_centre) / length_scale) / std::numbers::pi;
}

}  // namespace

DiscreteLaw::DiscreteLaw(int first, std::vector<double> weights) : first_(first), cumulative_(std::move(weights)) {
  std::partial_sum(cumulative_.begin(), cumulative_.end(), cumulative_.begin());
  for (double& c : cumulative_) c /= cumulative_.back();
}

int DiscreteLaw::draw(RandomStream& random) const {
  const auto found = std::upper_bound(cumulative_.begin(), cumulative_.end() - 1, random.uniform());
  return first_ + static_cast<int>(found - cumulative_.begin());
}

double DiscreteLaw::probability(int value) const {
  if (value < first_ || value > last()) return 0;
  const auto at = static_cast<std::size_t>(value - first_);
  return cumulative_[at] - (at > 0 ? cumulative_[at - 1] : 0);
}

const DiscreteLaw& hop_law() {
  static const DiscreteLaw law = [] {
    constexpr double r = 3.14, p = 0.41;
    std::vector<double> weights;
    for (int h = 2; h <= last_hop; ++h) weights.push_back(std::exp(std::lgamma(r + h) - std::lgamma(h + 1) + h * std::log(1 - p)));
    return DiscreteLaw(2, weights);
  }();
  return law;
}

const DiscreteLaw& degree_law(int hop) {
  static const std::vector<DiscreteLaw> laws = [] {
    std::vector<DiscreteLaw> all;
    for (int h = 1; h <= last_hop; ++h) {
      std::vector<double> weights;
      for (int d = 1; d <= most_branches(h); ++d) {
        const double from = d == 1 ? 0 : d == 2 ? 1 : d == 3 ? 3 : d - 0.5, to = d == 1 ? 1 : d == 2 ? 3 : d + 0.5;
        weights.push_back(degree_cumulative(to) - degree_cumulative(from));
      }
      all.emplace_back(1, weights);
    }
    return all;
  }();
  return laws[static_cast<std::size_t>(std::clamp(hop, 1, last_hop) - 1)];
}

const DiscreteLaw& no_load_hop_law() {
  static const DiscreteLaw law = [] {
    const auto poisson = [](int k, double mean) { return std::exp(k * std::log(mean) - mean - std::lgamma(k + 1)); };
    std::vector<double> weights;
    for (int h = 2; h <= last_hop; ++h) weights.push_back(0.67 * poisson(h, 1.54) + 0.33 * poisson(h, 4.82));
    return DiscreteLaw(2, weights);
  }();
  return law;
}

double draw_no_load_share(RandomStream& random) {
  const double a = draw_gamma(1.64, random), b = draw_gamma(15.77, random);
  return a / (a + b);
}

double draw_relative_load(int n, double most, RandomStream& random) {
  constexpr double freedom = 1.06, scale = 0.0026;
  while (true) {
    const double chi_square = 2 * draw_gamma(freedom / 2, random);
    const double load = 1 + n * scale * random.normal() / std::sqrt(chi_square / freedom);
    if (load > 0 && load <= most) return load;
  }
}

double draw_loading(RandomStream& random) {
  return -loading_mean * std::log1p(-random.uniform() * (1 - std::exp(-1 / loading_mean)));
}

double loading_probability(double from, double to) {
  const auto cumulative = [](double x) {
    return (1 - std::exp(-std::clamp(x, 0.0, 1.0) / loading_mean)) / (1 - std::exp(-1 / loading_mean));
  };
  return cumulative(to) - cumulative(from);
}

double draw_length(int hop, RandomStream& random) {
  const double low = cauchy_cumulative(shortest), high = cauchy_cumulative(longest(hop));
  return length_centre + length_scale * std::tan(std::numbers::pi * (random.uniform(low, high) - 0.5));
}

double length_probability(int hop, double from, double to) {
  const auto cumulative = [&](double x) { return cauchy_cumulative(std::clamp(x, shortest, longest(hop))); };
  return (cumulative(to) - cumulative(from)) / (cumulative(longest(hop)) - cumulative(shortest));
}

double divergence(std::span<const double> observed, std::span<const double> expected) {
  const double all_observed = std::accumulate(observed.begin(), observed.end(), 0.0);
  const double all_expected = std::accumulate(expected.begin(), expected.end(), 0.0);
  double sum = 0;
  for (std::size_t i = 0; i < observed.size(); ++i) {
    if (observed[i] == 0) continue;
    if (expected[i] == 0) return std::numeric_limits<double>::infinity();
    const double p = observed[i] / all_observed;
    sum += p * std::log(p / (expected[i] / all_expected));
  }
  return sum;
}

}  // namespace gridfed::synthetic
