#pragma once

#include <chrono>
#include <filesystem>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace gridfed {

/// Longest interruption that counts as momentary (IEEE Std 1366-2012) [h].
inline constexpr double momentary_limit = 5.0 / 60;

/// Customers who lost supply together and got it back together. The rows of one event share its name: those that begin together are steps
/// of its restoration, each with the customers that step brought back; those that begin later interrupt customers of the event again, as
/// the operations of a recloser do.
struct Interruption {
  std::string event;
  std::chrono::sys_seconds start;
  double duration = 0;  ///< [h]
  double customers = 0;
  std::optional<double> load;  ///< mean power not served [kW]
  std::string cause;
  std::string area;  ///< what the customers belong to; events of one area meet the same customers
};

/// Indices of IEEE Std 1366 for a period, of sustained interruptions but for MAIFI and MAIFI_E. NaN where the data do not tell.
struct ReliabilityIndices {
  double saifi = 0;    ///< interruptions a customer served
  double saidi = 0;    ///< hours a customer served
  double caidi = 0;    ///< hours an interruption; 0 without any
  double caifi = 0;    ///< interruptions a customer that was interrupted
  double maifi = 0;    ///< momentary interruptions a customer served
  double maifi_e = 0;  ///< momentary events a customer served; those that end in a sustained interruption do not count
  double asai = 1;     ///< share of customer hours served
  double ens = 0;      ///< energy not served, momentary interruptions included [kWh]
  double aens = 0;     ///< the same a customer served [kWh]
};

/// Indices of a record over `period` hours with `customers_served` customers.
ReliabilityIndices indices_of(std::span<const Interruption> record, double customers_served, double period,
                              double momentary = momentary_limit);

/// Reads a log with the columns event, start, duration [min], customers and, where known, load [kW], cause, area. Rows in order of start.
std::vector<Interruption> read_outage_log(const std::filesystem::path& file);

/// SAIDI of each calendar day from `first` to `last` [min]; the whole duration of an interruption counts on the day it begins.
std::vector<double> daily_saidi(std::span<const Interruption> record, double customers_served, std::chrono::sys_days first,
                                std::chrono::sys_days last, double momentary = momentary_limit);

/// Threshold of major event days by the 2.5 beta method (IEEE Std 1366-2012, 3.5): exp(alpha + 2.5 beta), where alpha and beta are the mean
/// and the standard deviation of the logarithms of daily SAIDI. Days without interruptions are left out. Throws Error with fewer than two
/// days left.
struct MajorEventThreshold {
  double alpha = 0, beta = 0;
  double saidi = std::numeric_limits<double>::infinity();  ///< a day above it is a major event day [min]
};
MajorEventThreshold major_event_threshold(std::span<const double> daily_saidi);

}  // namespace gridfed
