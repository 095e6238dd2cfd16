#include "dynamics/history.hpp"

#include "dynamics/weather.hpp"
#include "runtime/csv_table.hpp"
#include "runtime/error.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <fstream>
#include <functional>
#include <optional>
#include <set>

namespace gridfed {

namespace {

using Seconds = std::chrono::sys_seconds;

/// Where the values of a cell go and how a raw value becomes one.
struct Column {
  std::size_t cell = 0;
  std::vector<History::Series>* group = nullptr;
  History::Series series;
  std::function<double(double)> convert;
  double lowest = 0;
};

int day_of_year(Seconds time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const auto year = std::chrono::year_month_day(day).year();
  return std::min(365, static_cast<int>((day - std::chrono::sys_days(year / 1 / 1)).count()) + 1);
}

/// Positions of the elements at a bus, or for which `also` holds; all of them where no name is given.
template <class Elements>
std::vector<int> positions(const Elements& elements, const std::string& name, const std::function<bool(std::size_t)>& also = {}) {
  std::vector<int> found;
  for (std::size_t i = 0; i < elements.size(); ++i) {
    if (name.empty() || elements[i].terminal.bus == name || (also && also(i))) found.push_back(static_cast<int>(i));
  }
  return found;
}

class Reader {
 public:
  Reader(const std::filesystem::path& file, const Network& network) : network_(network), in_(file) {
    history_.file = file;
    if (!in_) throw Error("cannot read profile '{}': check the path", file.string());
  }

  History read() {
    read_header();
    read_rows();
    finish();
    return std::move(history_);
  }

 private:
  template <class... Args>
  [[noreturn]] void fail(fmt::format_string<Args...> format, Args&&... args) const {
    throw Error("{}:{}: {}", history_.file.string(), line_, fmt::format(format, std::forward<Args>(args)...));
  }

  bool next(std::vector<std::string>& cells) {
    for (std::string text; std::getline(in_, text);) {
      ++line_;
      if (line_ == 1 && text.starts_with("\xEF\xBB\xBF")) text.erase(0, 3);
      if (trimmed_cell(text).empty()) continue;
      cells = csv_cells(text);
      return true;
    }
    return false;
  }

  void read_header() {
    std::vector<std::string> cells;
    if (!next(cells)) throw Error("profile '{}' is empty: its first line names the columns", history_.file.string());
    if (cells[0] != "time") fail("the first column is '{}': it must be time", cells[0]);
    if (cells.size() < 2) fail("there is no column beside time: add one such as 'load [pu]'");
    width_ = cells.size();
    std::set<std::string> seen;
    for (std::size_t i = 1; i < cells.size(); ++i) {
      if (!seen.insert(cells[i].substr(0, cells[i].find('['))).second) fail("column '{}' stands twice: remove one", cells[i]);
      add_columns(i, cells[i]);
    }
  }

  void add_columns(std::size_t cell, const std::string& header) {
    const auto open = header.find('['), close = header.rfind(']');
    if (open == std::string::npos || close != header.size() - 1) fail("column '{}' states no unit: write it as in 'load [pu]'", header);
    const std::string unit = trimmed_cell(header.substr(open + 1, close - open - 1));
    std::string what = trimmed_cell(header.substr(0, open)), name;
    if (const auto dot = what.find('.'); dot != std::string::npos) {
      name = what.substr(dot + 1);
      std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
      what.resize(dot);
    }
    const auto& data = network_.data();
    Column column{.cell = cell, .series = {.column = header, .elements = {}, .values = {}}, .convert = [](double x) { return x; }};
    double rated = 0;  // [W]
    const auto sum = [&](const auto& power) {
      for (const int i : column.series.elements) rated += power(i);
    };
    if (what == "load") {
      column.group = &history_.load;
      column.series.elements = positions(data.loads, name, [&](std::size_t i) {
        return data.loads[i].shapes.daily == name || (data.loads[i].shapes.daily.empty() && name == "residential");
      });
      sum([&](int i) { return data.loads[i].power.real(); });
    } else if (what == "solar") {
      column.group = &history_.solar;
      column.series.elements = positions(data.solar, name);
      sum([&](int i) { return data.solar[i].capacity; });
    } else if (what == "wind") {
      column.group = &history_.wind;
      column.series.elements = positions(data.wind, name);
      sum([&](int i) { return data.wind[i].capacity; });
    } else if (what == "price" && name.empty()) {
      column.group = &history_.price;
      column.lowest = -std::numeric_limits<double>::infinity();
    } else {
      fail("unknown column '{}': it may be load, solar or wind, each also with a name as in load.671, or price", header);
    }
    if (what != "price" && column.series.elements.empty())
      fail("column '{}' speaks of nothing in network '{}': correct its name or leave it out", header, data.name);

    if (what == "price" && unit == "$/MWh") {
      column.convert = [](double x) { return x / 1000; };
    } else if (what != "price" && unit == "kW") {
      if (!(rated > 0)) fail("column '{}' is in kW but its elements have no rated power: give it in pu", header);
      column.convert = [rated](double x) { return 1000 * x / rated; };
    } else if (what == "wind" && unit == "m/s") {
      for (const int turbine : column.series.elements) {  // each has a power curve of its own
        Column own = column;
        own.series.elements = {turbine};
        own.convert = [&plant = data.wind[turbine]](double x) {
          return wind_output(x, plant.cut_in_speed, plant.rated_speed, plant.cut_out_speed);
        };
        columns_.push_back(std::move(own));
      }
      return;
    } else if (unit != (what == "price" ? "$/kWh" : "pu")) {
      fail("column '{}' has unit '{}': {} may be given in {}", header, unit, what,
           what == "price"  ? "$/kWh or $/MWh"
           : what == "wind" ? "pu, kW or m/s"
                            : "pu or kW");
    }
    columns_.push_back(std::move(column));
  }

  void read_rows() {
    std::vector<std::string> cells;
    while (next(cells)) {
      if (cells.size() != width_) fail("{} cells where the header has {}: complete the row", cells.size(), width_);
      const auto time = parse_time(cells[0]);
      if (!time) fail("'{}' is no time: write 2024-07-01 00:15 (local standard time)", cells[0]);
      check_spacing(*time, cells[0]);
      for (Column& column : columns_) {
        const std::string& text = cells[column.cell];
        double value = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
        if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(value)) {
          fail("column '{}' holds '{}' at {}: give a finite number; gaps must be filled by the owner of the data", column.series.column,
               text, cells[0]);
        }
        if (value < column.lowest) fail("column '{}' holds {} at {}: it must not be negative", column.series.column, value, cells[0]);
        column.series.values.push_back(static_cast<float>(column.convert(value)));
      }
      last_ = *time;
      last_text_ = cells[0];
      ++rows_;
    }
  }

  void check_spacing(Seconds time, const std::string& text) {
    if (rows_ == 0) {
      first_ = time;
      if (time != std::chrono::floor<std::chrono::days>(time)) fail("the first row is of {}: begin at midnight", text);
      return;
    }
    const double step = static_cast<double>((time - last_).count());
    if (rows_ == 1) {
      if (!(step > 0) || std::fmod(86400.0, step) != 0) fail("{} follows {}: the step must divide a day", text, last_text_);
      history_.step = step;
    } else if (step != history_.step) {
      const double off = step - history_.step;
      const char* why = std::abs(off) == 3600
                            ? "an hour is missing or repeated, as by daylight saving: give local standard time without gaps"
                        : step <= 0 ? "rows must be in order, each time once"
                                    : "a gap: fill it or cut the file there";
      fail("{} follows {} where the step is {} s: {}", text, last_text_, history_.step, why);
    }
  }

  void finish() {
    if (rows_ < 2) throw Error("profile '{}' has {} rows: give at least one whole day", history_.file.string(), rows_);
    const int per_day = history_.rows_per_day();
    if (rows_ % per_day != 0) fail("the last day ends at {}: cut the file to whole days of {} rows", last_text_, per_day);
    for (int day = 0; day * per_day < rows_; ++day) {
      const auto midnight = first_ + std::chrono::days(day);
      history_.day_of_year.push_back(day_of_year(midnight));
      history_.weekday.push_back(static_cast<int>(std::chrono::weekday(std::chrono::floor<std::chrono::days>(midnight)).iso_encoding()));
    }
    // A named column is more particular than that of all elements, so it comes later and wins.
    std::stable_sort(columns_.begin(), columns_.end(),
                     [](const Column& a, const Column& b) { return a.series.elements.size() > b.series.elements.size(); });
    for (auto& column : columns_) column.group->push_back(std::move(column.series));
  }

  const Network& network_;
  std::ifstream in_;
  History history_;
  std::vector<Column> columns_;
  std::size_t width_ = 0;
  int line_ = 0, rows_ = 0;
  Seconds first_{}, last_{};
  std::string last_text_;
};

}  // namespace

History read_history(const std::filesystem::path& file, const Network& network) {
  return Reader(file, network).read();
}

}  // namespace gridfed
