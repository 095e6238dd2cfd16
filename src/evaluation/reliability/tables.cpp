#include "evaluation/reliability/tables.hpp"

#include "runtime/csv_table.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cctype>

namespace gridfed {

namespace {

constexpr std::array element_classes{"line", "switch", "transformer", "reactor", "bus", "disconnector", "fuse", "recloser", "breaker"};

std::string lower_case(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

}  // namespace

FailureTable FailureTable::read(const std::filesystem::path& file) {
  const auto csv = CsvTable::read(file, {"element", "per", "failure rate [1/yr]", "repair [h]", "switching [h]"},
                                  {"temporary rate [1/yr]", "replacement [h]", "transfer [kVA]"});
  FailureTable table;
  table.file_ = file;
  for (std::size_t row = 0; row < csv.size(); ++row) {
    const std::string element = lower_case(csv.text(row, "element")), per = csv.text(row, "per");
    const std::string element_class = element.substr(0, element.find('.'));
    if (std::ranges::find(element_classes, element_class) == element_classes.end())
      csv.fail(row, "element is '{}': begin with a class, one of {}", element, fmt::join(element_classes, ", "));
    if (std::ranges::any_of(table.rows_, [&](const Row& other) { return other.element == element; }))
      csv.fail(row, "element '{}' stands twice: remove one row", element);
    if (per != "km" && per != "unit") csv.fail(row, "per is '{}': write km or unit", per);
    if (per == "km" && element_class != "line") csv.fail(row, "only lines have a rate per km: write unit");
    table.rows_.push_back({.element = element,
                           .per_km = per == "km",
                           .data = {.rate = csv.number(row, "failure rate [1/yr]", 0),
                                    .temporary_rate = csv.number_if(row, "temporary rate [1/yr]", 0).value_or(0),
                                    .repair = csv.number(row, "repair [h]", 0),
                                    .replacement = csv.number_if(row, "replacement [h]", 0),
                                    .switching = csv.number(row, "switching [h]", 0)},
                           .transfer = csv.number_if(row, "transfer [kVA]", 0)});
  }
  return table;
}

const FailureTable::Row* FailureTable::find(std::string_view element_class, std::string_view name) const {
  const std::string full = lower_case(fmt::format("{}.{}", element_class, name));
  const Row* best = nullptr;
  std::size_t closeness = 0;
  for (const auto& row : rows_) {
    const bool pattern = row.element.ends_with('*');
    const bool meant = pattern ? full.starts_with(std::string_view(row.element).substr(0, row.element.size() - 1))
                               : row.element == full || row.element == element_class;
    const std::size_t close = row.element == full ? full.size() + 1 : row.element.size();
    if (meant && close > closeness) best = &row, closeness = close;
  }
  return best;
}

std::optional<FailureData> FailureTable::of(std::string_view element_class, std::string_view name, double length) const {
  const Row* row = find(element_class, name);
  if (!row) return std::nullopt;
  FailureData data = row->data;
  if (row->per_km) {
    if (!(length > 0))
      throw Error("{}.{} has no length (it has no unit in the script): give it units, or a row of its own with a rate per unit in '{}'",
                  element_class, name, file_.string());
    data.rate *= length / 1000;
    data.temporary_rate *= length / 1000;
  }
  return data;
}

std::optional<double> FailureTable::transfer(std::string_view element_class, std::string_view name) const {
  const Row* row = find(element_class, name);
  return row ? row->transfer : std::nullopt;
}

std::vector<CustomerRow> read_customers(const std::filesystem::path& file) {
  const auto csv = CsvTable::read(file, {"load", "customers", "class"}, {"average [kW]", "peak [kW]", "feeder"});
  std::vector<CustomerRow> rows;
  for (std::size_t row = 0; row < csv.size(); ++row) {
    rows.push_back({.load = lower_case(csv.text(row, "load")),
                    .customers = csv.number(row, "customers", 0),
                    .customer_class = csv.text(row, "class"),
                    .average = csv.number_if(row, "average [kW]", 0),
                    .peak = csv.number_if(row, "peak [kW]", 0),
                    .feeder = csv.text(row, "feeder")});
    if (std::ranges::count(rows, rows.back().load, &CustomerRow::load) > 1)
      csv.fail(row, "load '{}' stands twice: remove one row", rows.back().load);
    if (rows.back().average && rows.back().peak && *rows.back().average > *rows.back().peak)
      csv.fail(row, "average is above peak: exchange them");
  }
  return rows;
}

}  // namespace gridfed
