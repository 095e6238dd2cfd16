#include "dynamics/inverter_dynamics.hpp"

#include "runtime/error.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace gridfed {

namespace {

using Complex = std::complex<double>;
constexpr int states = 3;

}  // namespace

void GridFollowingInverter::advance(Complex setpoint, double voltage, double frequency, double seconds) {
  const Complex target =
      setpoint - Complex((frequency / options_.nominal - 1) / options_.frequency_droop, (voltage - 1) / options_.voltage_droop);
  lagged_ = target + (lagged_ - target) * std::exp(-seconds / options_.lag);
  const double most = options_.current_limit * voltage, size = std::abs(lagged_);
  power_ = size > most ? lagged_ * (most / size) : lagged_;
}

GridFormingIsland::GridFormingIsland(std::vector<GridFormingOptions> inverters, double nominal)
    : inverters_(std::move(inverters)),
      nominal_(nominal),
      lowest_(nominal),
      x_(states * inverters_.size(), 0.0),
      currents_(inverters_.size()),
      limited_(inverters_.size()),
      step_(states * inverters_.size()) {
  if (inverters_.empty()) throw Error("an island has no grid-forming inverter: give it one");
  for (const auto& i : inverters_) {
    if (!(i.rating > 0 && i.lag > 0 && i.reactance > 0 && i.frequency_droop > 0 && i.current_limit > 0))
      throw Error("a grid-forming inverter needs positive rating, lag, reactance, frequency droop and current limit: correct them");
    base_ += i.rating;
  }
}

/// Busbar and currents: those beyond their limit become sources of current at the angle they had, until none is left.
void GridFormingIsland::solve(std::span<const double> x) const {
  const std::size_t n = inverters_.size();
  std::fill(limited_.begin(), limited_.end(), 0);
  for (std::size_t round = 0; round <= n; ++round) {
    Complex admittance = load_, source = 0;
    for (std::size_t i = 0; i < n; ++i) {
      const auto& o = inverters_[i];
      const Complex y = o.rating / base_ / Complex(o.resistance, o.reactance);
      const Complex e = std::polar(o.voltage - o.voltage_droop * (x[states * i + 2] - o.reactive_setpoint), x[states * i]);
      if (limited_[i]) {
        source += currents_[i];
      } else {
        admittance += y;
        source += y * e;
      }
    }
    busbar_ = source / admittance;
    bool more = false;
    for (std::size_t i = 0; i < n; ++i) {
      if (limited_[i]) continue;
      const auto& o = inverters_[i];
      const Complex y = o.rating / base_ / Complex(o.resistance, o.reactance);
      const Complex e = std::polar(o.voltage - o.voltage_droop * (x[states * i + 2] - o.reactive_setpoint), x[states * i]);
      currents_[i] = y * (e - busbar_);
      const double most = o.current_limit * o.rating / base_, size = std::abs(currents_[i]);
      if (size <= most) continue;
      currents_[i] *= most / size;
      limited_[i] = 1;
      more = true;
    }
    if (!more) return;
  }
}

void GridFormingIsland::rate(std::span<const double> x, std::span<double> dx) const {
  solve(x);
  for (std::size_t i = 0; i < inverters_.size(); ++i) {
    const auto& o = inverters_[i];
    const Complex s = busbar_ * std::conj(currents_[i]) * base_ / o.rating;
    dx[states * i] = -2 * std::numbers::pi * nominal_ * o.frequency_droop * (x[states * i + 1] - o.active_setpoint);
    dx[states * i + 1] = (s.real() - x[states * i + 1]) / o.lag;
    dx[states * i + 2] = (s.imag() - x[states * i + 2]) / o.lag;
  }
}

double GridFormingIsland::frequency_of(std::span<const double> x) const {
  double sum = 0;
  for (std::size_t i = 0; i < inverters_.size(); ++i) {
    const auto& o = inverters_[i];
    sum += o.rating / base_ * (1 - o.frequency_droop * (x[states * i + 1] - o.active_setpoint));
  }
  return nominal_ * sum;
}

void GridFormingIsland::advance(Complex load, double seconds) {
  load_ = std::conj(load) / base_;
  step_.advance(
      x_, seconds, [this](std::span<const double> x, std::span<double> dx) { rate(x, dx); },
      [this](double, double, std::span<const double>, std::span<const double>, std::span<const double> x1, std::span<const double>) {
        lowest_ = std::min(lowest_, frequency_of(x1));
      });
  solve(x_);
}

double GridFormingIsland::frequency() const {
  return frequency_of(x_);
}
double GridFormingIsland::frequency(int i) const {
  return nominal_ * (1 - inverters_[i].frequency_droop * (x_[states * i + 1] - inverters_[i].active_setpoint));
}
double GridFormingIsland::angle_deg() const {
  return std::arg(busbar_) * 180 / std::numbers::pi;
}
Complex GridFormingIsland::power(int i) const {
  return busbar_ * std::conj(currents_[i]) * base_;
}
double GridFormingIsland::current(int i) const {
  return std::abs(currents_[i]) * base_ / inverters_[i].rating;
}

}  // namespace gridfed
