#include "evaluation/metrics.hpp"

#include "runtime/error.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <numbers>

namespace gridfed {

namespace {

std::size_t rows_of(std::span<const double> values, std::size_t columns) {
  if (columns == 0 || values.size() % columns != 0)
    throw Error("{} values are no rows of {} columns: pass whole steps", values.size(), columns);
  return values.size() / columns;
}

double excess(double voltage, double low, double high) {
  return std::max({0.0, low - voltage, voltage - high});
}

}  // namespace

std::vector<VoltageViolations> voltage_violations(std::span<const double> voltages, std::size_t buses, double step, double low,
                                                  double high) {
  const std::size_t steps = rows_of(voltages, buses);
  std::vector<VoltageViolations> result(buses);
  for (std::size_t b = 0; b < buses; ++b) {
    auto& v = result[b];
    double lasting = 0;
    for (std::size_t i = 0; i < steps; ++i) {
      const double e = excess(voltages[i * buses + b], low, high);
      if (e == 0) {
        lasting = 0;
        continue;
      }
      v.steps += 1;
      v.events += lasting == 0;
      lasting += step;
      v.hours += step;
      v.longest = std::max(v.longest, lasting);
      v.worst = std::max(v.worst, e);
      v.excess_hours += e * step;
    }
  }
  return result;
}

double controllable_ratio(std::span<const double> voltages, std::size_t buses, double low, double high) {
  const std::size_t steps = rows_of(voltages, buses);
  std::size_t within = 0;
  for (std::size_t i = 0; i < steps; ++i)
    within += std::ranges::all_of(voltages.subspan(i * buses, buses), [&](double v) { return excess(v, low, high) == 0; });
  return steps > 0 ? static_cast<double>(within) / static_cast<double>(steps) : 1;
}

std::vector<ThermalLoading> thermal_loading(std::span<const double> loadings, std::size_t branches, double step) {
  const std::size_t steps = rows_of(loadings, branches);
  std::vector<ThermalLoading> result(branches);
  for (std::size_t i = 0; i < steps; ++i) {
    for (std::size_t b = 0; b < branches; ++b) {
      const double loading = loadings[i * branches + b];
      result[b].highest = std::max(result[b].highest, loading);
      if (loading > 1) result[b].hours_overloaded += step, result[b].overload_hours += (loading - 1) * step;
    }
  }
  return result;
}

LoadSummary load_summary(std::span<const double> power_kw, double step) {
  LoadSummary result;
  for (const double p : power_kw) result.energy += p * step, result.peak = std::max(result.peak, p);
  if (result.peak > 0) result.load_factor = result.energy / (static_cast<double>(power_kw.size()) * step * result.peak);
  return result;
}

double curtailed_energy(std::span<const double> available_kw, std::span<const double> used_kw, double step) {
  if (available_kw.size() != used_kw.size())
    throw Error("{} available powers meet {} used ones: give one each", available_kw.size(), used_kw.size());
  double energy = 0;
  for (std::size_t i = 0; i < used_kw.size(); ++i) energy += std::max(0.0, available_kw[i] - used_kw[i]) * step;
  return energy;
}

int operations(std::span<const int> positions) {
  int count = 0;
  for (std::size_t i = 1; i < positions.size(); ++i) count += std::abs(positions[i] - positions[i - 1]);
  return count;
}

double equivalent_full_cycles(std::span<const double> power_kw, double step, double capacity_kwh) {
  double through = 0;
  for (const double p : power_kw) through += std::abs(p) * step;
  return through / (2 * capacity_kwh);
}

double iec_unbalance(const std::array<std::complex<double>, 3>& v) {
  const auto a = std::polar(1.0, 2 * std::numbers::pi / 3);
  return std::abs(v[0] + a * a * v[1] + a * v[2]) / std::abs(v[0] + a * v[1] + a * a * v[2]);
}

double nema_unbalance(const std::array<std::complex<double>, 3>& v) {
  const std::array lines{std::abs(v[0] - v[1]), std::abs(v[1] - v[2]), std::abs(v[2] - v[0])};
  const double mean = (lines[0] + lines[1] + lines[2]) / 3;
  double most = 0;
  for (const double line : lines) most = std::max(most, std::abs(line - mean));
  return most / mean;
}

}  // namespace gridfed
