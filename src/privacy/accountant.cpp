#include "privacy/accountant.hpp"

#include "runtime/error.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

// Divergence of the subsampled Gaussian, order a, rate q, noise s:  D = log(A) / (a - 1).
//   integer a:     A = sum_k binom(a, k) (1-q)^(a-k) q^k exp(k (k-1) / (2 s^2))
//   fractional a:  with z = s^2 log(1/q - 1) + 1/2, where the two densities of the mixture cross, the two series of Mironov, Talwar and
//                  Zhang have one common factor once exp(x^2) is taken into the complementary error function, erfcx(x) = exp(x^2) erfc(x):
//                  A = (1-q)^a exp(-z^2 / (2 s^2)) / 2 * sum_i binom(a, i) [erfcx((i - z) / (sqrt2 s)) + erfcx((i + z - a) / (sqrt2 s))]
// Beyond i > a the binomials alternate and fall as i^(-a-1), erfcx falls, and sum_{j >= i} |binom(a, j)| = |binom(a, i)| i / a:
// the rest of the absolute series is at most its next term times i / a, which is added, so the result stays an upper bound.

namespace gridfed {

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

double log_add(double a, double b) {
  const auto [low, high] = std::minmax(a, b);
  return low == -infinity ? high : high + std::log1p(std::exp(low - high));
}

/// log(exp(x^2) erfc(x)).
double log_erfcx(double x) {
  if (x < 15) return x * x + std::log(std::erfc(x));
  double term = 1, sum = 1;  // asymptotic series; at x = 15 its eighth term is 1e-15
  for (int k = 1; k <= 8; ++k) sum += term *= -(2 * k - 1) / (2 * x * x);
  return std::log(sum / (x * std::sqrt(std::numbers::pi)));
}

double log_moment_integer(double q, double sigma, double order) {
  double sum = -infinity;
  for (double k = 0; k <= order; ++k) {
    const double log_binomial = std::lgamma(order + 1) - std::lgamma(k + 1) - std::lgamma(order - k + 1);
    sum = log_add(sum, log_binomial + (order - k) * std::log1p(-q) + k * std::log(q) + k * (k - 1) / (2 * sigma * sigma));
  }
  return sum;
}

double log_moment_fractional(double q, double sigma, double order) {
  const double z = sigma * sigma * std::log(1 / q - 1) + 0.5;
  const double scale = std::numbers::sqrt2 * sigma;
  const double log_factor = order * std::log1p(-q) - z * z / (scale * scale) + std::log(0.5);
  double log_binomial = 0, sum = -infinity;
  for (double i = 0;; ++i) {
    const double term = log_factor + log_binomial + log_add(log_erfcx((i - z) / scale), log_erfcx((i + z - order) / scale));
    if (i > order && term < sum - 30) return log_add(sum, term + std::log(i / order));
    sum = log_add(sum, term);
    log_binomial += std::log(std::abs(order - i)) - std::log(i + 1);
  }
}

void require_rates(double sampling_rate, double noise_multiplier) {
  if (!(sampling_rate >= 0 && sampling_rate <= 1))
    throw Error("a sampling rate of {} is no probability: give one from 0 to 1", sampling_rate);
  if (!(noise_multiplier >= 0)) throw Error("a noise multiplier of {} has no meaning: give 0 or more", noise_multiplier);
}

}  // namespace

double renyi_divergence(double sampling_rate, double noise_multiplier, double order) {
  require_rates(sampling_rate, noise_multiplier);
  if (!(order > 1)) throw Error("a Renyi order of {} is not above 1", order);
  if (sampling_rate == 0) return 0;
  if (noise_multiplier == 0) return infinity;
  if (sampling_rate == 1) return order / (2 * noise_multiplier * noise_multiplier);
  const bool is_integer = order == std::floor(order);
  const double log_moment = is_integer ? log_moment_integer(sampling_rate, noise_multiplier, order)
                                       : log_moment_fractional(sampling_rate, noise_multiplier, order);
  return std::max(0.0, log_moment / (order - 1));
}

RenyiAccountant::RenyiAccountant(std::vector<double> orders)
    : orders_(std::move(orders)), divergence_(orders_.size(), 0.0), settled_(orders_.size(), 0.0) {
  if (orders_.empty() || !std::all_of(orders_.begin(), orders_.end(), [](double order) { return order > 1; })) {
    throw Error("the Renyi accountant needs orders above 1");
  }
}

std::vector<double> RenyiAccountant::default_orders() {
  std::vector<double> orders;
  for (int tenth = 1; tenth < 100; ++tenth) orders.push_back(1 + tenth / 10.0);
  for (int order = 11; order < 64; ++order) orders.push_back(order);
  orders.insert(orders.end(), {128, 256, 512, 1024});
  return orders;
}

void RenyiAccountant::add(double sampling_rate, double noise_multiplier, std::int64_t steps) {
  if (!append(events_, {sampling_rate, noise_multiplier, steps})) return;
  for (std::size_t i = 0; i < orders_.size(); ++i) {
    if (events_.size() > 1) settled_[i] += static_cast<double>(events_[events_.size() - 2].steps) * divergence_[i];
    divergence_[i] = renyi_divergence(sampling_rate, noise_multiplier, orders_[i]);
  }
}

RenyiAccountant::Result RenyiAccountant::best(double delta) const {
  if (!(delta > 0 && delta < 1))
    throw Error("delta {} is no probability between 0 and 1: choose one well below one over the number of units", delta);
  if (events_.empty()) return {.epsilon = 0, .order = orders_.back()};
  Result result{.epsilon = infinity, .order = orders_.front()};
  for (std::size_t i = 0; i < orders_.size(); ++i) {
    const double order = orders_[i];
    const double divergence = settled_[i] + static_cast<double>(events_.back().steps) * divergence_[i];
    // Total variation is at most sqrt(1 - exp(-D)) (Bretagnolle and Huber, 1979): below delta there is nothing to hide. Near order 1
    // the conversion loses all its digits.
    double epsilon = infinity;
    if (delta * delta + std::expm1(-divergence) > 0) {
      epsilon = 0;
    } else if (order > 1.01) {
      epsilon = divergence + std::log1p(-1 / order) - std::log(delta * order) / (order - 1);
    }
    if (epsilon < result.epsilon) result = {.epsilon = std::max(0.0, epsilon), .order = order};
  }
  return result;
}

}  // namespace gridfed
