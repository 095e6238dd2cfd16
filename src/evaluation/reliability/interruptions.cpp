#include "evaluation/reliability/interruptions.hpp"

#include "runtime/csv_table.hpp"

#include <algorithm>
#include <cmath>
#include <map>

namespace gridfed {

namespace {

/// Customers of an event that saw a momentary event and nothing worse. Rows that begin within `momentary` of the first are one switching
/// sequence; the most that were out at once less those of its sustained interruptions had supply back soon.
double momentary_event_customers(std::vector<const Interruption*> rows, double momentary) {
  std::ranges::stable_sort(rows, {}, &Interruption::start);
  double total = 0;
  for (std::size_t first = 0; first < rows.size();) {
    const double end = std::chrono::duration<double, std::ratio<3600>>(rows[first]->start.time_since_epoch()).count() + momentary;
    double most = 0, sustained = 0, together = 0;
    std::size_t i = first;
    for (; i < rows.size(); ++i) {
      if (std::chrono::duration<double, std::ratio<3600>>(rows[i]->start.time_since_epoch()).count() > end) break;
      if (i > first && rows[i]->start != rows[i - 1]->start) together = 0;
      together += rows[i]->customers;
      most = std::max(most, together);
      if (rows[i]->duration > momentary) sustained += rows[i]->customers;
    }
    total += std::max(0.0, most - sustained);
    first = i;
  }
  return total;
}

/// Different customers with a sustained interruption: in each area as many as its largest event had.
double interrupted_customers(std::span<const Interruption> record, double momentary) {
  std::map<std::string, std::map<std::string, double>> events;  // area, event
  for (const auto& row : record) {
    if (row.duration <= momentary) continue;
    if (row.area.empty()) return std::numeric_limits<double>::quiet_NaN();
    events[row.area][row.event] += row.customers;
  }
  double customers = 0;
  for (const auto& [area, sizes] : events) {
    customers += std::ranges::max_element(sizes, {}, [](const auto& event) { return event.second; })->second;
  }
  return customers;
}

}  // namespace

ReliabilityIndices indices_of(std::span<const Interruption> record, double customers_served, double period, double momentary) {
  if (!(customers_served > 0) || !(period > 0))
    throw Error("{} customers over {} h have no indices: both must be above 0", customers_served, period);
  ReliabilityIndices result;
  double sustained = 0, hours = 0, brief = 0, brief_events = 0;
  std::map<std::string, std::vector<const Interruption*>> events;
  for (const auto& row : record) {
    events[row.event].push_back(&row);
    (row.duration > momentary ? sustained : brief) += row.customers;
    if (row.duration > momentary) hours += row.customers * row.duration;
    result.ens += row.load.value_or(std::numeric_limits<double>::quiet_NaN()) * row.duration;
  }
  for (const auto& [name, rows] : events) brief_events += momentary_event_customers(rows, momentary);
  result.saifi = sustained / customers_served;
  result.saidi = hours / customers_served;
  result.caidi = sustained > 0 ? hours / sustained : 0;
  result.caifi = sustained > 0 ? sustained / interrupted_customers(record, momentary) : 0;
  result.maifi = brief / customers_served;
  result.maifi_e = brief_events / customers_served;
  result.asai = 1 - result.saidi / period;
  result.aens = result.ens / customers_served;
  return result;
}

std::vector<Interruption> read_outage_log(const std::filesystem::path& file) {
  const auto table = CsvTable::read(file, {"event", "start", "duration [min]", "customers"}, {"load [kW]", "cause", "area"});
  std::vector<Interruption> record;
  for (std::size_t row = 0; row < table.size(); ++row) {
    record.push_back({.event = table.text(row, "event"),
                      .start = table.time(row, "start"),
                      .duration = table.number(row, "duration [min]", 0) / 60,
                      .customers = table.number(row, "customers", 0),
                      .load = table.number_if(row, "load [kW]", 0),
                      .cause = table.text(row, "cause"),
                      .area = table.text(row, "area")});
    if (record.back().event.empty()) table.fail(row, "event is empty: give each event a name, the steps of its restoration the same one");
  }
  std::ranges::stable_sort(record, {}, &Interruption::start);
  return record;
}

std::vector<double> daily_saidi(std::span<const Interruption> record, double customers_served, std::chrono::sys_days first,
                                std::chrono::sys_days last, double momentary) {
  std::vector<double> days(static_cast<std::size_t>(std::max<std::chrono::days::rep>(0, (last - first).count() + 1)));
  for (const auto& row : record) {
    const auto day = std::chrono::floor<std::chrono::days>(row.start);
    if (row.duration <= momentary || day < first || day > last) continue;
    days[static_cast<std::size_t>((day - first).count())] += 60 * row.duration * row.customers / customers_served;
  }
  return days;
}

MajorEventThreshold major_event_threshold(std::span<const double> daily) {
  MajorEventThreshold result;
  std::vector<double> logarithms;
  for (const double saidi : daily)
    if (saidi > 0) logarithms.push_back(std::log(saidi));
  if (logarithms.size() < 2)
    throw Error("{} days with interruptions give no threshold of major event days: five years are usual, two days the least",
                logarithms.size());
  const auto n = static_cast<double>(logarithms.size());
  for (const double x : logarithms) result.alpha += x / n;
  for (const double x : logarithms) result.beta += (x - result.alpha) * (x - result.alpha) / (n - 1);
  result.beta = std::sqrt(result.beta);
  result.saidi = std::exp(result.alpha + 2.5 * result.beta);
  return result;
}

}  // namespace gridfed
