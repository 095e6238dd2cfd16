#pragma once

#include <cstddef>
#include <span>

namespace gridfed {

/// Reads an observation of the zonal interface by name. The layout stands here alone; GridEnvironment writes it in this order.
class ZonalObservation {
 public:
  enum Zone { voltage_min, voltage_mean, voltage_max, net_load, solar, wind, battery_charge, loading, zone_features };
  enum Common { head_active, head_reactive, time_sin, time_cos, time_left, common_features };
  enum Price {
    price,
    price_next_hour,
    price_next_2h,
    price_next_4h,
    price_above_remaining_mean,
    rise_to_maximum_8h,
    fall_to_minimum_8h,
    hours_dearer_8h,
    hours_cheaper_8h,
    hours_dearer_remaining,
    price_above_settlement,
    price_features
  };
  /// A voltage feature is its distance from 1 p.u. in this unit: what voltages vary by in a day.
  static constexpr double voltage_unit = 0.02;
  /// Voltage of a feature [p.u.].
  static double voltage(float feature) { return 1 + voltage_unit * feature; }
  static constexpr int size(int zones) { return zones * zone_features + common_features + price_features; }

  ZonalObservation(std::span<const float> observation, int zones) : values_(observation), zones_(zones) {}
  float operator()(Zone feature, int zone) const { return values_[static_cast<std::size_t>(zone * zone_features + feature)]; }
  float operator()(Common feature) const { return values_[static_cast<std::size_t>(zones_ * zone_features + feature)]; }
  float operator()(Price feature) const { return values_[static_cast<std::size_t>(zones_ * zone_features + common_features + feature)]; }

 private:
  std::span<const float> values_;
  int zones_;
};

}  // namespace gridfed
