#pragma once

#include "grid/network.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace gridfed {

/// Measured days of one utility, read from its own file: what draw_scenario() takes instead of drawing.
struct History {
  /// One column, already in the scenario's unit. An empty `elements` is the price.
  struct Series {
    std::string column;         ///< as the header has it
    std::vector<int> elements;  ///< positions of the loads, plants or turbines it speaks of
    std::vector<float> values;  ///< by row: share of rated power or capacity, or [$/kWh]
  };
  std::filesystem::path file;
  double step = 0;               ///< between rows [s]
  std::vector<int> day_of_year;  ///< of each whole day, 1 to 365
  std::vector<int> weekday;      ///< 1 = Monday to 7
  std::vector<Series> load, solar, wind, price;

  int days() const { return static_cast<int>(day_of_year.size()); }
  int rows_per_day() const { return static_cast<int>(86400.0 / step + 0.5); }
};

/// Reads a CSV file of whole days. The first column is `time` (local standard time, 2024-07-01 00:15 or with a T), each other one a
/// quantity with its unit:
///
///   load [pu]  load [kW]            all loads          load.NAME [..]   those of bus or class NAME
///   solar [pu]  solar [kW]          all PV plants      solar.BUS [..]   those of a bus
///   wind [pu]  wind [kW]  wind [m/s]  all turbines     wind.BUS [..]    those of a bus
///   price [$/kWh]  price [$/MWh]
///
/// pu is of rated power or capacity, kW the sum over the elements, m/s goes through each turbine's power curve. Throws Error naming file
/// and line for a gap, a repeated hour (daylight saving), a value that is missing or not finite, an unknown column or unit, an incomplete
/// day.
History read_history(const std::filesystem::path& file, const Network& network);

}  // namespace gridfed
