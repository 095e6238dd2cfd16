#pragma once

#include "evaluation/reliability/monte_carlo.hpp"
#include "runtime/hdf5.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace gridfed {

inline constexpr Version reliability_version{1, 0};

/// Analytic indices and, where years were simulated, those of the simulation, beside each other.
struct ReliabilityReport {
  std::vector<LoadPointYear> analytic;
  std::optional<MonteCarloResult> simulated;
};

/// Indices by feeder and system, mean and standard error of the simulation, percentiles of its years.
std::string table(const ReliabilityModel& model, const ReliabilityReport& report);

/// Writes a file of kind `reliability`: /columns; /feeders with /analytic [feeder, column] and, after a simulation, /simulated; the system
/// is the last row, `system`. /load_points/{names, feeders, classes, customers, average, analytic, simulated [load point, column]} with
/// /load_points/columns. /montecarlo/{columns, years [year, column]} with attributes cv, converged. /table holds the text.
void write_reliability(const std::filesystem::path& path, const FileHeader& header, const ReliabilityModel& model,
                       const ReliabilityReport& report);

/// The table of a recorded year: indices with and without major event days, whose threshold comes of the five years before it, or of the
/// whole log where it holds no earlier year.
std::string record_table(const std::vector<Interruption>& record, double customers_served, double momentary);

}  // namespace gridfed
