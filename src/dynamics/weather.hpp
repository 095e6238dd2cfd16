#pragma once

#include "runtime/random.hpp"

#include <vector>

namespace gridfed {

/// Cosine of the solar zenith angle (Cooper, 1969, declination; solar time). Latitude [deg], day of year 1 to 365, hour [0, 24).
double solar_elevation_cosine(double latitude_deg, int day_of_year, double hour);

/// Clear-sky global horizontal irradiance [W/m2] (Haurwitz, 1945, with pvlib's coefficient): 1098 cos z exp(-0.059 / cos z).
double clear_sky_irradiance(double zenith_cosine);

/// Cell temperature [C] at ambient temperature and irradiance: Ta + (NOCT - 20) / 800 G.
double cell_temperature(double ambient, double irradiance);

/// DC output as a share of capacity: G / 1000 (1 - 0.004 (Tcell - 25)), never negative.
double pv_output(double irradiance, double ambient);

/// Share of rated output of a turbine at a wind speed [m/s]: cubic between cut-in and rated speed, 1 up to cut-out, else 0.
double wind_output(double speed, double cut_in, double rated, double cut_out);

/// A stationary Gaussian AR(1) path with unit variance and the given correlation between neighbours.
std::vector<double> unit_ar1(RandomStream& stream, int steps, double correlation);

/// Weibull quantile of a standard normal value: turns a Gaussian path into wind speeds with the published marginal.
double weibull_from_normal(double normal, double shape, double scale);

}  // namespace gridfed
