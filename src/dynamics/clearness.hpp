#pragma once

namespace gridfed {

// Clearness of the sky, kt, is irradiance on the horizontal over that outside the atmosphere.

/// Horizontal irradiance outside the atmosphere [W/m2].
double extraterrestrial_irradiance(int day_of_year, double zenith_cosine);

/// Largest daily clearness where its mean is `mean` (Hollands and Huget, 1983): 0.6313 + 0.267 mean - 11.9 (mean - 0.75)^8.
double largest_daily_clearness(double mean);

/// Quantile of the daily clearness of a month with this mean (Bendt et al., 1981): density ~ exp(gamma k) between 0.05 and its largest
/// value, with gamma such that the mean is met (Herzog, 1985, gives a fit; here it is solved for).
double daily_clearness(double mean, double probability);

/// Clearness within a day of daily clearness K at a solar elevation (TAG, Aguiar and Collares-Pereira, Solar Energy 49, 1992): Gaussian
/// about a mean, AR(1) from hour to hour.
struct HourlyClearness {
  double mean, deviation;
};
HourlyClearness hourly_clearness(double daily, double elevation_sine);
/// Correlation of neighbouring hours, 0.38 + 0.06 cos(7.4 K - 2.5).
double hourly_clearness_correlation(double daily);

/// The sky of a day as the studies draw it: clear on 45 % of days, broken on 35 %, overcast on 20 %.
struct SkyRegime {
  double mean, swing;  ///< of the clear-sky index
};
SkyRegime sky_regime(double probability);
/// Irradiance over that of a clear sky, for a standard normal deviation; within [0.05, 1.05].
double clear_sky_index(const SkyRegime& regime, double deviation);

}  // namespace gridfed
