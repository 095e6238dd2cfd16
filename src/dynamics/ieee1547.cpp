#include "dynamics/ieee1547.hpp"

#include <algorithm>
#include <cmath>

namespace gridfed {

double volt_var(double v, const VoltVarCurve& c) {
  if (v < c.dead_low) return std::min(c.capability, c.capability * (c.dead_low - v) / c.slope);
  if (v > c.dead_high) return -std::min(c.capability, c.capability * (v - c.dead_high) / c.slope);
  return 0;
}

double volt_watt(double v, double lowest) {
  constexpr double begin = 1.06, end = 1.10;
  return std::clamp(1 - (1 - lowest) * (v - begin) / (end - begin), lowest, 1.0);
}

double frequency_droop(double deviation, const FrequencyDroop& s) {
  const double beyond = deviation > 0 ? std::max(0.0, deviation - s.deadband) : std::min(0.0, deviation + s.deadband);
  return -beyond / (s.nominal * s.droop);
}

double lag_of_response_time(double response_time) {
  return response_time / std::log(10.0);
}

double lagged(double value, double target, double seconds, double response_time) {
  if (response_time <= 0) return target;
  return target + (value - target) * std::exp(-seconds / lag_of_response_time(response_time));
}

RideThroughSettings ride_through_settings(PerformanceCategory category) {
  using enum TripThreshold::Quantity;
  RideThroughSettings s{.trips = {{voltage, true, 1.20, 0.16},
                                  {frequency, true, 62.0, 0.16},
                                  {frequency, true, 61.2, 300},
                                  {frequency, false, 58.5, 300},
                                  {frequency, false, 56.5, 0.16}},
                        .ceases_below = 0.50,
                        .ceases_above = 1.20};
  switch (category) {
    case PerformanceCategory::one:
      s.trips.insert(s.trips.end(), {{voltage, true, 1.10, 2}, {voltage, false, 0.70, 2}, {voltage, false, 0.45, 0.16}});
      break;
    case PerformanceCategory::two:
      s.trips.insert(s.trips.end(), {{voltage, true, 1.10, 2}, {voltage, false, 0.70, 10}, {voltage, false, 0.45, 0.16}});
      s.ceases_below = 0.30;
      break;
    case PerformanceCategory::three:
      s.trips.insert(s.trips.end(), {{voltage, true, 1.10, 13}, {voltage, false, 0.88, 21}, {voltage, false, 0.50, 2}});
      s.ceases_above = 1.10;
      break;
  }
  return s;
}

double required_ride_through(PerformanceCategory category, double v) {
  constexpr double always = std::numeric_limits<double>::infinity();
  if (v > 1.20) return 0;
  if (v >= 0.88 && v <= 1.10) return always;
  if (category == PerformanceCategory::three) return v > 1.10 ? 12 : v >= 0.70 ? 20 : v >= 0.50 ? 10 : 1;
  if (v > 1.10) return v > 1.175 ? 0.2 : v > 1.15 ? 0.5 : 1;
  if (category == PerformanceCategory::one) return v >= 0.70 ? 0.7 + 4 * (v - 0.70) : v >= 0.50 ? 0.16 : 0;
  return v >= 0.65 ? 3 + 8.7 * (v - 0.65) : v >= 0.45 ? 0.32 : v >= 0.30 ? 0.16 : 0;
}

RideThrough::RideThrough(PerformanceCategory category, const EnterServiceSettings& enter)
    : settings_(ride_through_settings(category)), enter_(enter), beyond_(settings_.trips.size(), 0.0) {}

bool RideThrough::may_enter(double voltage, double frequency) const {
  return voltage >= enter_.voltage_low && voltage <= enter_.voltage_high && frequency >= enter_.frequency_low &&
         frequency <= enter_.frequency_high;
}

RideThrough::Status RideThrough::advance(double voltage, double frequency, double seconds) {
  since_start_ += seconds;
  if (status_ == Status::tripped) {
    waited_ = may_enter(voltage, frequency) ? waited_ + seconds : 0;
    if (waited_ < enter_.delay) return status_;
    status_ = Status::running;
    since_start_ = waited_ - enter_.delay;
    std::fill(beyond_.begin(), beyond_.end(), 0.0);
    return status_;
  }
  constexpr double rounding = 1e-9;
  bool trips = false;
  for (std::size_t i = 0; i < beyond_.size(); ++i) {
    const auto& t = settings_.trips[i];
    const double value = t.quantity == TripThreshold::Quantity::voltage ? voltage : frequency;
    beyond_[i] = (t.above ? value > t.threshold : value < t.threshold) ? beyond_[i] + seconds : 0;
    trips = trips || beyond_[i] >= t.clearing_time - rounding;
  }
  if (trips) {
    status_ = Status::tripped;
    waited_ = 0;
    ++trips_;
  } else {
    status_ = voltage < settings_.ceases_below || voltage > settings_.ceases_above ? Status::ceased : Status::running;
  }
  return status_;
}

double RideThrough::power_limit() const {
  if (status_ != Status::running) return 0;
  return enter_.ramp > 0 ? std::min(1.0, since_start_ / enter_.ramp) : 1.0;
}

double RideThrough::time_to_change(double voltage, double frequency) const {
  constexpr double never = std::numeric_limits<double>::infinity();
  if (status_ == Status::tripped) return may_enter(voltage, frequency) ? std::max(0.0, enter_.delay - waited_) : never;
  double next = never;
  for (std::size_t i = 0; i < beyond_.size(); ++i) {
    const auto& t = settings_.trips[i];
    const double value = t.quantity == TripThreshold::Quantity::voltage ? voltage : frequency;
    if (t.above ? value > t.threshold : value < t.threshold) next = std::min(next, std::max(0.0, t.clearing_time - beyond_[i]));
  }
  return next;
}

SynchronisingLimits synchronising_limits(double rating) {
  if (rating <= 500e3) return {0.3, 0.10, 20};
  if (rating <= 1500e3) return {0.2, 0.05, 15};
  return {0.1, 0.03, 10};
}

}  // namespace gridfed
