#include "privacy/calibration.hpp"

#include "privacy/accountant.hpp"
#include "privacy/pld_accountant.hpp"
#include "runtime/error.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace gridfed {

namespace {

/// log(exp(x^2) erfc(x)).
double log_erfcx(double x) {
  if (x < 15) return x * x + std::log(std::erfc(x));
  double term = 1, sum = 1;  // asymptotic series; at x = 15 its eighth term is 1e-15
  for (int k = 1; k <= 8; ++k) sum += term *= -(2 * k - 1) / (2 * x * x);
  return std::log(sum / (x * std::sqrt(std::numbers::pi)));
}

/// log of the standard normal distribution function.
double log_normal_cdf(double x) {
  const double t = -x / std::numbers::sqrt2;
  return std::log(0.5) + log_erfcx(t) - t * t;
}

void require_target(double epsilon, double delta) {
  if (!(epsilon > 0) || !(delta > 0 && delta < 1))
    throw Error("no noise gives epsilon {} and delta {}: give epsilon > 0 and 0 < delta < 1", epsilon, delta);
}

/// Least x > 0, to a relative tolerance and from above, at which the decreasing `value` is at most 0.
template <class Value>
double least(double tolerance, double high, const Value& value) {
  double at_high = value(high), low = high, at_low = at_high;
  while (at_high > 0) {
    if (high > 1e12) throw Error("no noise is large enough (delta is too small for the accountant): raise privacy.delta");
    low = high, at_low = at_high, at_high = value(high *= 2);
  }
  while (at_low <= 0 && low > 1e-12) at_low = value(low *= 0.8);
  // By interpolation, a little beyond the side that moved last, so that both ends close in; by halves where a value is not finite.
  double beyond = 0;
  while (high - low > tolerance * high) {
    const double slope = (at_high - at_low) / std::log(high / low);
    double middle = high * std::exp(-at_high / slope) * (1 + beyond * tolerance);
    if (!(middle > low && middle < high)) middle = std::sqrt(low * high);
    const double at_middle = value(middle);
    const bool is_high = at_middle <= 0;
    const double before = high / low;
    (is_high ? high : low) = middle;
    (is_high ? at_high : at_low) = at_middle;
    beyond = is_high ? -0.4 : 0.4;
    if (high / low - 1 > 0.5 * (before - 1) && high - low > tolerance * high) {
      const double half = std::sqrt(low * high), at_half = value(half);
      (at_half <= 0 ? high : low) = half;
      (at_half <= 0 ? at_high : at_low) = at_half;
    }
  }
  return high;
}

}  // namespace

std::string_view name(Accountant accountant) {
  return accountant == Accountant::rdp ? "rdp" : "pld";
}

Accountant accountant(std::string_view text) {
  for (const Accountant choice : {Accountant::rdp, Accountant::pld}) {
    if (text == name(choice)) return choice;
  }
  throw Error("privacy.accountant '{}' is unknown: choose rdp or pld", text);
}

double spent_epsilon(std::span<const PrivacyEvent> ledger, double delta, Accountant accountant) {
  const auto upper = [&](auto counted) {
    for (const PrivacyEvent& event : ledger) counted.add(event.sampling_rate, event.noise_multiplier, event.steps);
    if constexpr (std::is_same_v<decltype(counted), PldAccountant>) {
      return counted.upper_epsilon(delta);
    } else {
      return counted.epsilon(delta);
    }
  };
  return accountant == Accountant::rdp ? upper(RenyiAccountant()) : upper(PldAccountant());
}

double noise_multiplier_for(double epsilon, double delta, double sampling_rate, std::int64_t steps, Accountant accountant,
                            std::span<const PrivacyEvent> spent) {
  require_target(epsilon, delta);
  if (!(sampling_rate > 0 && sampling_rate <= 1) || steps < 1) {
    throw Error("no noise can be set for {} steps at sampling rate {}: give at least one step and a rate above 0, up to 1", steps,
                sampling_rate);
  }
  if (const double so_far = spent_epsilon(spent, delta, accountant); so_far >= epsilon)
    throw Error("no noise keeps epsilon within {:.4g} ({:.4g} is spent): raise privacy.privacy_budget", epsilon, so_far);
  const auto over = [&](double sigma, Accountant by) {
    PrivacyLedger ledger(spent.begin(), spent.end());
    append(ledger, {sampling_rate, sigma, steps});
    return std::log(spent_epsilon(ledger, delta, by) / epsilon);
  };
  const double by_divergence = least(1e-6, 1, [&](double sigma) { return over(sigma, Accountant::rdp); });
  if (accountant == Accountant::rdp) return by_divergence;
  return least(1e-6, by_divergence, [&](double sigma) { return over(sigma, Accountant::pld); });
}

double gaussian_delta(double sigma, double epsilon, double sensitivity) {
  const double mu = sensitivity / sigma;
  return std::exp(log_normal_cdf(mu / 2 - epsilon / mu)) - std::exp(epsilon + log_normal_cdf(-mu / 2 - epsilon / mu));
}

double gaussian_sigma(double epsilon, double delta, double sensitivity) {
  require_target(epsilon, delta);
  return sensitivity * least(1e-13, 1, [&](double sigma) { return std::log(std::max(0.0, gaussian_delta(sigma, epsilon)) / delta); });
}

}  // namespace gridfed
