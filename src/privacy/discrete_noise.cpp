#include "privacy/discrete_noise.hpp"

#include "runtime/error.hpp"

#include <bit>
#include <cmath>
#include <numbers>

namespace gridfed {

namespace {

__extension__ using Wide = unsigned __int128;

std::uint64_t below(SecureNoise& source, std::uint64_t bound) {
  const std::uint64_t mask = ~0ull >> std::countl_zero(bound | 1);
  for (;;) {
    const std::uint64_t draw = source.bits() & mask;
    if (draw < bound) return draw;
  }
}

/// True with probability numerator / denominator: the binary digits of a uniform number are compared as far as they decide. Remainders
/// double, so the denominator stays below 2^127.
bool bernoulli(SecureNoise& source, Wide numerator, Wide denominator) {
  for (Wide rest = numerator;;) {
    std::uint64_t digits = source.bits();
    for (int i = 0; i < 64; ++i, digits >>= 1) {
      rest <<= 1;
      const bool one = rest >= denominator;
      if (one) rest -= denominator;
      if ((digits & 1) != static_cast<std::uint64_t>(one)) return one;
    }
  }
}

/// True with probability exp(-numerator / denominator), both below 2^115 (algorithm 1).
bool bernoulli_exp(SecureNoise& source, Wide numerator, Wide denominator) {
  for (; numerator > denominator; numerator -= denominator) {
    if (!bernoulli_exp(source, 1, 1)) return false;
  }
  std::uint64_t k = 1;
  while (bernoulli(source, numerator, denominator * k)) ++k;
  return k % 2 == 1;
}

/// P(k) proportional to exp(-|k| / scale) (algorithm 2).
std::int64_t discrete_laplace(SecureNoise& source, std::uint64_t scale) {
  for (;;) {
    const std::uint64_t low = below(source, scale);
    if (!bernoulli_exp(source, low, scale)) continue;
    std::uint64_t high = 0;
    while (bernoulli_exp(source, 1, 1)) ++high;
    const auto magnitude = static_cast<std::int64_t>(low + scale * high);
    const bool negative = (source.bits() & 1) != 0;
    if (negative && magnitude == 0) continue;
    return negative ? -magnitude : magnitude;
  }
}

void require_variance(std::uint64_t variance) {
  if (variance < 1 || variance > 1ull << 48) {
    throw Error("integer noise of variance {} cannot be drawn: use 1 to 2^48, that is another step of the grid", variance);
  }
}

double uniform(SecureNoise& source) {  // (0, 1]
  return static_cast<double>((source.bits() >> 11) + 1) * 0x1.0p-53;
}

/// log(n!) - log(sqrt(2 pi n) (n/e)^n) for n >= 10.
double stirling_error(double n) {
  return (1.0 / 12 - (1.0 / 360 - 1.0 / (1260 * n * n)) / (n * n)) / n;
}

/// log P(k) of the Poisson distribution without loss of digits at large means (Loader, 2000).
double log_poisson(double k, double mean) {
  if (k < 10) return k * std::log(mean) - mean - std::lgamma(k + 1);
  double deviance = k * std::log(k / mean) + mean - k;
  if (const double v = (k - mean) / (k + mean); std::abs(v) < 0.1) {
    deviance = (k - mean) * v;
    double power = 2 * k * v;
    for (int j = 3; j < 30; j += 2) deviance += (power *= v * v) / j;
  }
  return -0.5 * std::log(2 * std::numbers::pi * k) - stirling_error(k) - deviance;
}

std::int64_t poisson(SecureNoise& source, double mean) {
  if (mean < 10) {  // by counting a product of uniforms down
    double product = uniform(source);
    std::int64_t k = 0;
    for (const double least = std::exp(-mean); product > least; ++k) product *= uniform(source);
    return k;
  }
  // PTRS of Hoermann.
  const double b = 0.931 + 2.53 * std::sqrt(mean), a = -0.059 + 0.02483 * b;
  const double inverse_alpha = 1.1239 + 1.1328 / (b - 3.4), v_r = 0.9277 - 3.6224 / (b - 2);
  for (;;) {
    const double u = uniform(source) - 0.5, v = uniform(source), us = 0.5 - std::abs(u);
    const double k = std::floor((2 * a / us + b) * u + mean + 0.43);
    if (us >= 0.07 && v <= v_r) return static_cast<std::int64_t>(k);
    if (k < 0 || (us < 0.013 && v > us)) continue;
    if (std::log(v * inverse_alpha / (a / (us * us) + b)) <= log_poisson(k, mean)) return static_cast<std::int64_t>(k);
  }
}

}  // namespace

std::string_view name(IntegerNoise noise) {
  return noise == IntegerNoise::skellam ? "skellam" : "discrete_gaussian";
}

IntegerNoise integer_noise(std::string_view name) {
  if (name == "discrete_gaussian") return IntegerNoise::discrete_gaussian;
  if (name == "skellam") return IntegerNoise::skellam;
  throw Error("privacy.integer_noise '{}' is unknown: choose discrete_gaussian or skellam", name);
}

std::int64_t discrete_gaussian(SecureNoise& source, std::uint64_t variance) {
  require_variance(variance);
  const auto scale = static_cast<std::uint64_t>(std::sqrt(static_cast<double>(variance))) + 1;  // any scale is right, this one fast
  for (;;) {
    const std::int64_t candidate = discrete_laplace(source, scale);
    // exp(-(|y| - variance / scale)^2 / (2 variance)); beyond 2^32 standard deviations nothing is accepted, and squares would not fit.
    const auto magnitude = static_cast<std::uint64_t>(candidate < 0 ? -candidate : candidate);
    if (magnitude / scale > 63) continue;
    const Wide left = static_cast<Wide>(magnitude) * scale;
    const Wide gap = left > variance ? left - variance : variance - left;
    if (bernoulli_exp(source, gap * gap, static_cast<Wide>(2 * variance) * scale * scale)) return candidate;
  }
}

std::int64_t skellam(SecureNoise& source, std::uint64_t variance) {
  require_variance(variance);
  const double mean = static_cast<double>(variance) / 2;
  const std::int64_t first = poisson(source, mean);
  return first - poisson(source, mean);
}

void add_integer_noise(std::span<std::int64_t> values, IntegerNoise noise, std::uint64_t variance, SecureNoise& source) {
  for (std::int64_t& value : values) {
    value += noise == IntegerNoise::skellam ? skellam(source, variance) : discrete_gaussian(source, variance);
  }
}

}  // namespace gridfed
