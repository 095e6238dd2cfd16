#include "dynamics/weather.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace gridfed {

double solar_elevation_cosine(double latitude_deg, int day_of_year, double hour) {
  constexpr double deg = std::numbers::pi / 180.0;
  const double declination = 23.45 * deg * std::sin(2 * std::numbers::pi * (284 + day_of_year) / 365.0);
  const double hour_angle = 15.0 * deg * (hour - 12.0);
  const double latitude = latitude_deg * deg;
  return std::sin(latitude) * std::sin(declination) + std::cos(latitude) * std::cos(declination) * std::cos(hour_angle);
}

double clear_sky_irradiance(double zenith_cosine) {
  return zenith_cosine > 0 ? 1098.0 * zenith_cosine * std::exp(-0.059 / zenith_cosine) : 0.0;
}

double cell_temperature(double ambient, double irradiance) {
  constexpr double nominal_operating = 45.0;
  return ambient + (nominal_operating - 20.0) / 800.0 * irradiance;
}

double pv_output(double irradiance, double ambient) {
  return std::max(0.0, irradiance / 1000.0 * (1.0 - 0.004 * (cell_temperature(ambient, irradiance) - 25.0)));
}

double wind_output(double speed, double cut_in, double rated, double cut_out) {
  if (speed < cut_in || speed > cut_out) return 0;
  if (speed >= rated) return 1;
  return (std::pow(speed, 3) - std::pow(cut_in, 3)) / (std::pow(rated, 3) - std::pow(cut_in, 3));
}

std::vector<double> unit_ar1(RandomStream& stream, int steps, double correlation) {
  std::vector<double> path(steps);
  double x = stream.normal();
  const double innovation = std::sqrt(1 - correlation * correlation);
  for (auto& value : path) {
    value = x;
    x = correlation * x + innovation * stream.normal();
  }
  return path;
}

double weibull_from_normal(double normal, double shape, double scale) {
  const double survival = std::max(0.5 * std::erfc(normal / std::numbers::sqrt2), 1e-300);
  return scale * std::pow(-std::log(survival), 1.0 / shape);
}

}  // namespace gridfed
