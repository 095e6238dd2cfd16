#pragma once

#include <array>
#include <complex>
#include <span>
#include <vector>

namespace gridfed {

/// Voltages outside limits at one bus over time.
struct VoltageViolations {
  int steps = 0;            ///< with a violation
  int events = 0;           ///< runs of such steps
  double hours = 0;         ///< in violation
  double longest = 0;       ///< event [h]
  double worst = 0;         ///< farthest from the limits [p.u.]
  double excess_hours = 0;  ///< excess summed over time [p.u. h]
};
/// By bus; voltages [p.u.] are [step, bus] in rows, step in hours.
std::vector<VoltageViolations> voltage_violations(std::span<const double> voltages, std::size_t buses, double step, double low = 0.95,
                                                  double high = 1.05);

/// Share of steps with every bus within the limits (MAPDN, Wang et al. 2021).
double controllable_ratio(std::span<const double> voltages, std::size_t buses, double low = 0.95, double high = 1.05);

/// Loading of one branch over time.
struct ThermalLoading {
  double highest = 0;  ///< share of the rating
  double hours_overloaded = 0;
  double overload_hours = 0;  ///< excess above the rating summed over time [h]
};
/// By branch; loadings as shares of the rating are [step, branch] in rows.
std::vector<ThermalLoading> thermal_loading(std::span<const double> loadings, std::size_t branches, double step);

/// Course of a power.
struct LoadSummary {
  double energy = 0;       ///< [kWh]
  double peak = 0;         ///< [kW]
  double load_factor = 0;  ///< mean over peak; 0 without load
};
LoadSummary load_summary(std::span<const double> power_kw, double step);

/// Energy that was available and not used [kWh].
double curtailed_energy(std::span<const double> available_kw, std::span<const double> used_kw, double step);

/// Changes of a tap or switch from step to step; a tap that moves by three positions counts three times.
int operations(std::span<const int> positions);

/// Energy through a battery over twice its capacity: equivalent full cycles. Power [kW], either sign.
double equivalent_full_cycles(std::span<const double> power_kw, double step, double capacity_kwh);

/// Negative- over positive-sequence voltage (IEC 61000-4-30, 5.7) of three phasors to neutral or between phases.
double iec_unbalance(const std::array<std::complex<double>, 3>& phases);
/// Largest deviation of the line-to-line voltages from their mean over the mean (NEMA MG 1); phasors to neutral.
double nema_unbalance(const std::array<std::complex<double>, 3>& phases);

}  // namespace gridfed
