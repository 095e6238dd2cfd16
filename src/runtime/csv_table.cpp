#include "runtime/csv_table.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <fstream>

namespace gridfed {

std::string trimmed_cell(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\""), last = text.find_last_not_of(" \t\r\"");
  return first == std::string_view::npos ? "" : std::string(text.substr(first, last - first + 1));
}

std::vector<std::string> csv_cells(std::string_view line) {
  std::vector<std::string> cells;
  for (std::size_t begin = 0; begin <= line.size();) {
    const auto end = std::min(line.find(',', begin), line.size());
    cells.push_back(trimmed_cell(line.substr(begin, end - begin)));
    begin = end + 1;
  }
  return cells;
}

std::optional<std::chrono::sys_seconds> parse_time(const std::string& text) {
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, used = 0;
  char separator = 0;
  const int read =
      std::sscanf(text.c_str(), "%4d-%2d-%2d%c%2d:%2d%n:%2d%n", &year, &month, &day, &separator, &hour, &minute, &used, &second, &used);
  if (read < 6 || used != static_cast<int>(text.size()) || (separator != ' ' && separator != 'T')) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok() || hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59) return std::nullopt;
  return std::chrono::sys_days(date) + std::chrono::hours(hour) + std::chrono::minutes(minute) + std::chrono::seconds(second);
}

CsvTable CsvTable::read(const std::filesystem::path& file, const std::vector<std::string>& required,
                        const std::vector<std::string>& optional) {
  std::ifstream in(file);
  if (!in || std::filesystem::is_directory(file)) throw Error("cannot read '{}': check the path", file.string());
  CsvTable table;
  table.file_ = file;
  int number = 0;
  for (std::string text; std::getline(in, text);) {
    ++number;
    if (number == 1 && text.starts_with("\xEF\xBB\xBF")) text.erase(0, 3);
    if (trimmed_cell(text).empty() || trimmed_cell(text).front() == '#') continue;
    auto cells = csv_cells(text);
    if (!table.columns_.empty()) {
      if (cells.size() != table.columns_.size())
        throw Error("{}:{}: {} cells where the first line names {} columns: write one for each", file.string(), number, cells.size(),
                    table.columns_.size());
      table.rows_.push_back({number, std::move(cells)});
      continue;
    }
    for (const auto& name : cells) {
      if (std::ranges::count(cells, name) > 1) throw Error("{}:{}: column '{}' stands twice: remove one", file.string(), number, name);
      if (std::ranges::count(required, name) + std::ranges::count(optional, name) == 0)
        throw Error("{}:{}: unknown column '{}': known are {}{}{}", file.string(), number, name, fmt::join(required, ", "),
                    optional.empty() ? "" : ", ", fmt::join(optional, ", "));
    }
    for (const auto& name : required)
      if (std::ranges::count(cells, name) == 0) throw Error("{}:{}: column '{}' is missing: add it", file.string(), number, name);
    table.columns_ = std::move(cells);
  }
  if (table.columns_.empty()) throw Error("'{}' is empty: its first line names the columns {}", file.string(), fmt::join(required, ", "));
  return table;
}

bool CsvTable::has(std::string_view column) const {
  return std::ranges::find(columns_, column) != columns_.end();
}

const std::string& CsvTable::text(std::size_t row, std::string_view column) const {
  static const std::string nothing;
  const auto found = std::ranges::find(columns_, column);
  return found == columns_.end() ? nothing : rows_[row].cells[static_cast<std::size_t>(found - columns_.begin())];
}

std::optional<double> CsvTable::number_if(std::size_t row, std::string_view column, double lowest) const {
  if (text(row, column).empty()) return std::nullopt;
  return number(row, column, lowest);
}

double CsvTable::number(std::size_t row, std::string_view column, double lowest) const {
  const std::string& cell = text(row, column);
  double value = 0;
  const auto [end, problem] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
  if (problem != std::errc() || end != cell.data() + cell.size() || !std::isfinite(value))
    fail(row, "{} is '{}': write a number", column, cell);
  if (value < lowest) fail(row, "{} is {}: it must not be below {}", column, cell, lowest);
  return value;
}

std::chrono::sys_seconds CsvTable::time(std::size_t row, std::string_view column) const {
  const auto time = parse_time(text(row, column));
  if (!time) fail(row, "{} is '{}': write it as 2024-07-01 00:15", column, text(row, column));
  return *time;
}

}  // namespace gridfed
