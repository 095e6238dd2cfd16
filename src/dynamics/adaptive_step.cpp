#include "dynamics/adaptive_step.hpp"

#include "runtime/error.hpp"

#include <algorithm>
#include <cmath>

namespace gridfed {

namespace {

constexpr double shortest = 1e-9, safety = 0.9, most_growth = 4, most_shrinking = 0.2;

}  // namespace

AdaptiveStep::AdaptiveStep(std::size_t states, double tolerance)
    : tolerance_(tolerance), k1_(states), k2_(states), k3_(states), k4_(states), trial_(states) {}

void AdaptiveStep::advance(std::span<double> x, double seconds, const Rate& rate, const Watch& watch) {
  const std::size_t n = x.size();
  rate(x, k1_);
  double at = 0;
  while (at < seconds) {
    const double wanted = length_;
    const double h = std::min(wanted, seconds - at);
    for (std::size_t i = 0; i < n; ++i) trial_[i] = x[i] + h / 2 * k1_[i];
    rate(trial_, k2_);
    for (std::size_t i = 0; i < n; ++i) trial_[i] = x[i] + 3 * h / 4 * k2_[i];
    rate(trial_, k3_);
    for (std::size_t i = 0; i < n; ++i) trial_[i] = x[i] + h * (2 * k1_[i] + 3 * k2_[i] + 4 * k3_[i]) / 9;
    rate(trial_, k4_);
    double error = 0;
    for (std::size_t i = 0; i < n; ++i)
      error = std::max(error, std::abs(h * (-5 * k1_[i] / 72 + k2_[i] / 12 + k3_[i] / 9 - k4_[i] / 8)) / tolerance_);
    const double factor = std::clamp(safety * std::pow(std::max(error, 1e-12), -1.0 / 3), most_shrinking, most_growth);
    if (!(error <= 1)) {
      length_ = std::isfinite(error) ? h * factor : h * most_shrinking;
      if (length_ < shortest)
        throw Error("the dynamics cannot be followed (substeps below {} s): check time constants and gains", shortest);
      continue;
    }
    if (watch) watch(at, h, x, k1_, trial_, k4_);
    std::copy(trial_.begin(), trial_.end(), x.begin());
    std::swap(k1_, k4_);
    at += h;
    ++substeps_;
    // What was cut off at the end says nothing about the next step.
    length_ = h < wanted ? std::max(wanted, h * factor) : h * factor;
  }
}

}  // namespace gridfed
