#pragma once

#include "runtime/error.hpp"

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gridfed {

/// Without blanks and quotes around it.
std::string trimmed_cell(std::string_view text);
/// The cells of a comma-separated line, trimmed.
std::vector<std::string> csv_cells(std::string_view line);
/// 2024-07-01 00:15, with T for the space and seconds if wanted; nothing where the text is no such time.
std::optional<std::chrono::sys_seconds> parse_time(const std::string& text);

/// A comma-separated file whose first line names the columns, unit included (`repair [h]`). Empty lines and lines that begin with # are
/// read past. Every failure is an Error naming file and line.
class CsvTable {
 public:
  /// Throws for a column that is required and missing, unknown, or stands twice, and for rows of another width.
  static CsvTable read(const std::filesystem::path& file, const std::vector<std::string>& required,
                       const std::vector<std::string>& optional = {});

  std::size_t size() const { return rows_.size(); }
  bool has(std::string_view column) const;
  /// The cell, trimmed; empty where the file lacks an optional column.
  const std::string& text(std::size_t row, std::string_view column) const;
  /// A finite number of at least `lowest`.
  double number(std::size_t row, std::string_view column, double lowest) const;
  /// The same, nothing where the cell is empty.
  std::optional<double> number_if(std::size_t row, std::string_view column, double lowest) const;
  /// As parse_time().
  std::chrono::sys_seconds time(std::size_t row, std::string_view column) const;

  template <class... Args>
  [[noreturn]] void fail(std::size_t row, fmt::format_string<Args...> format, Args&&... args) const {
    throw Error("{}:{}: {}", file_.string(), rows_[row].line, fmt::format(format, std::forward<Args>(args)...));
  }

 private:
  struct Row {
    int line;
    std::vector<std::string> cells;
  };
  std::filesystem::path file_;
  std::vector<std::string> columns_;
  std::vector<Row> rows_;
};

}  // namespace gridfed
