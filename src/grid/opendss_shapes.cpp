// Classes of curves: load shapes in time and x-y curves.
#include "grid/opendss_properties.hpp"
#include "runtime/error.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fstream>
#include <iterator>

namespace gridfed::opendss {

namespace fs = std::filesystem;

fs::path find_file(const fs::path& folder, std::string name) {
  std::replace(name.begin(), name.end(), '\\', '/');
  const fs::path wanted = folder / name;
  std::error_code ignored;  // a name too long for the system is one of no file
  if (fs::exists(wanted, ignored)) return wanted;
  fs::path found = wanted.root_path();
  for (const fs::path& part : wanted.relative_path()) {
    if (fs::exists(found / part, ignored)) {
      found /= part;
      continue;
    }
    bool matched = false;
    for (const auto& entry : fs::directory_iterator(found.empty() ? fs::path(".") : found, ignored))
      if (lower_case(entry.path().filename().string()) == lower_case(part.string())) {
        found /= entry.path().filename();
        matched = true;
        break;
      }
    if (!matched)
      throw ScriptError{fmt::format("there is no file '{}'", wanted.string()), "correct its name; it is looked for beside the script"};
  }
  return found;
}

namespace {

std::string contents(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw ScriptError{fmt::format("cannot read '{}'", path.string()), "check its permissions"};
  return {std::istreambuf_iterator<char>(file), {}};
}

/// Numbers of a text file by line, separated by commas or blanks; at most `wanted` lines of them (0 = all). Whatever is not a finite number
/// is an error that names the file and its line.
std::vector<std::vector<double>> number_rows(const fs::path& path, std::size_t wanted, bool header) {
  const std::string text = contents(path);
  std::vector<std::vector<double>> rows;
  const auto separates = [](char c) { return c == ',' || c == ';' || c == ' ' || c == '\t' || c == '\r'; };
  std::size_t begin = 0;
  for (int line = 1; begin < text.size() && (wanted == 0 || rows.size() < wanted); ++line) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    std::vector<double> row;
    if (!(header && line == 1)) {
      for (std::size_t i = begin; i < end;) {
        if (separates(text[i])) {
          ++i;
          continue;
        }
        std::size_t stop = i;
        while (stop < end && !separates(text[stop])) ++stop;
        double number = 0;
        const char* first = text.data() + i + (text[i] == '+');
        const auto [parsed, error] = std::from_chars(first, text.data() + stop, number);
        if (error != std::errc{} || parsed != text.data() + stop || !std::isfinite(number))
          throw Error("{}:{}: '{}' is not a number: correct it, or say header=yes if it heads a column", path.string(), line,
                      text.substr(i, std::min<std::size_t>(stop - i, 40)));
        row.push_back(number);
        i = stop;
      }
    }
    if (!row.empty()) rows.push_back(std::move(row));
    begin = end + 1;
  }
  if (rows.empty()) throw ScriptError{fmt::format("'{}' holds no numbers", path.string()), "give one value a line"};
  return rows;
}

/// Numbers of a binary file of little-endian floats or doubles.
template <class Number>
std::vector<double> binary_numbers(const fs::path& path) {
  const std::string bytes = contents(path);
  if (bytes.empty() || bytes.size() % sizeof(Number) != 0)
    throw ScriptError{fmt::format("'{}' has {} bytes, no multiple of {}", path.string(), bytes.size(), sizeof(Number)),
                      "check the kind of the file"};
  std::vector<double> values(bytes.size() / sizeof(Number));
  for (std::size_t i = 0; i < values.size(); ++i) {
    Number number;
    std::copy_n(bytes.data() + i * sizeof(Number), sizeof(Number), reinterpret_cast<char*>(&number));
    if (!std::isfinite(number)) throw Error("{}: value {} is not a finite number: correct the file", path.string(), i + 1);
    values[i] = number;
  }
  return values;
}

std::vector<double> column_of(const std::vector<std::vector<double>>& rows, std::size_t column, const fs::path& path) {
  std::vector<double> values;
  for (const auto& row : rows) {
    if (row.size() <= column)
      throw ScriptError{fmt::format("row {} of '{}' has {} columns", values.size() + 1, path.string(), row.size()), "correct the column"};
    values.push_back(row[column]);
  }
  return values;
}

/// An array in line, or (file=name column=1 header=no), (sngfile=name), (dblfile=name).
std::vector<double> series(const Value& value, const Script& script) {
  const auto arguments = split_arguments(value.text);
  const auto given = [&](std::string_view name) {
    return std::find_if(arguments.begin(), arguments.end(), [&](const Argument& a) { return !a.name.empty() && name.starts_with(a.name); });
  };
  if (const auto file = given("sngfile"); file != arguments.end())
    return binary_numbers<float>(find_file(script.folder, std::string(file->value.text)));
  if (const auto file = given("dblfile"); file != arguments.end())
    return binary_numbers<double>(find_file(script.folder, std::string(file->value.text)));
  const auto file = given("file");
  if (file == arguments.end()) return value.numbers();
  const auto column = given("column"), header = given("header");
  const int number = column == arguments.end() ? 1 : column->value.integer();
  if (number < 1) throw ScriptError{fmt::format("column {}", number), "number columns from 1"};
  const fs::path path = find_file(script.folder, std::string(file->value.text));
  return column_of(number_rows(path, 0, header != arguments.end() && header->value.truth()), number - 1, path);
}

fs::path file_of(const Value& value, const Script& script) {
  return find_file(script.folder, std::string(value.text));
}

// ---- load shapes ----

/// OpenDSS takes values that an in-line array lacks as zero; a file that is too short shortens the shape.
template <auto member>
void set_series(LoadShape& shape, const Value& value, Script& script) {
  shape.*member = series(value, script);
  const int count = static_cast<int>((shape.*member).size());
  if (count < shape.points && value.text.find('=') == std::string::npos)
    throw ScriptError{fmt::format("{} values for npts={}", count, shape.points), "give as many values as points"};
}

/// One value a line; with interval 0 the hour stands before it.
void set_csv(LoadShape& shape, const Value& value, Script& script) {
  const fs::path path = file_of(value, script);
  const auto rows = number_rows(path, shape.points, false);
  if (shape.interval == 0) shape.hours = column_of(rows, 0, path);
  shape.active = column_of(rows, shape.interval == 0 ? 1 : 0, path);
}

void set_pq_csv(LoadShape& shape, const Value& value, Script& script) {
  set_csv(shape, value, script);
  const fs::path path = file_of(value, script);
  shape.reactive = column_of(number_rows(path, shape.points, false), shape.interval == 0 ? 2 : 1, path);
}

template <class Number>
void set_binary(LoadShape& shape, const Value& value, Script& script) {
  const fs::path path = file_of(value, script);
  shape.active = binary_numbers<Number>(path);
  if (shape.interval != 0) return;
  if (shape.active.size() % 2 != 0) throw ScriptError{fmt::format("'{}' lacks an hour or a value", path.string()), "give pairs of both"};
  shape.hours.clear();
  std::vector<double> values;
  for (std::size_t i = 0; i < shape.active.size(); i += 2) {
    shape.hours.push_back(shape.active[i]);
    values.push_back(shape.active[i + 1]);
  }
  shape.active = std::move(values);
}

void truncate(std::vector<double>& values, int points) {
  if (points > 0 && static_cast<int>(values.size()) > points) values.resize(points);
}

/// Divides by the base, or by the largest magnitude if none is given.
void normalise(std::vector<double>& values, double base) {
  if (base == 0)
    for (const double value : values) base = std::max(base, std::abs(value));
  if (base == 0) return;
  for (double& value : values) value /= base;
}

void act(LoadShape& shape, const Value& value, Script&) {
  const std::string word = value.word();
  if (!word.starts_with('n')) throw ScriptError{fmt::format("action '{}' is not carried out here", word), "use normalize"};
  truncate(shape.active, shape.points);
  truncate(shape.reactive, shape.points);
  normalise(shape.active, shape.active_base);
  normalise(shape.reactive, shape.reactive_base);
  shape.use_actual = false;
}

/// Seconds per unit of the interval that is given.
template <int seconds>
void set_interval(LoadShape& shape, const Value& value, Script&) {
  shape.interval = value.number() * seconds / 3600;
  if (shape.interval < 0) throw ScriptError{fmt::format("an interval of {}", value.text), "give zero or more"};
}

void want_average(LoadShape&, const Value& value, Script&) {
  if (!value.word().starts_with('a')) throw ScriptError{"only averages over the interval are modelled", "write Avg"};
}

constexpr Property<LoadShape> load_shape_properties[] = {
    {"npts", set_positive<&LoadShape::points>},
    {"interval", set_interval<3600>},
    {"mult", set_series<&LoadShape::active>},
    {"hour",
     [](LoadShape& s, const Value& v, Script& script) {
       s.hours = series(v, script);
       s.interval = 0;
     }},
    {"mean", ignore},
    {"stddev", ignore},
    {"csvfile", set_csv},
    {"sngfile", set_binary<float>},
    {"dblfile", set_binary<double>},
    {"action", act},
    {"qmult", set_series<&LoadShape::reactive>},
    {"UseActual", set<&LoadShape::use_actual>},
    {"Pmax", ignore},
    {"Qmax", ignore},
    {"sinterval", set_interval<1>},
    {"minterval", set_interval<60>},
    {"Pbase", set<&LoadShape::active_base>},
    {"Qbase", set<&LoadShape::reactive_base>},
    {"Pmult", set_series<&LoadShape::active>},
    {"PQCSVFile", set_pq_csv},
    {"MemoryMapping", ignore},
    {"Interpolation", want_average},
    {"like", like<&Script::load_shapes>},
};

/// Cuts every series to npts values.
void finish_load_shape(LoadShape& shape) {
  for (auto* values : {&shape.active, &shape.reactive, &shape.hours}) truncate(*values, shape.points);
}

// ---- x-y curves ----

template <auto member>
void set_coordinates(XyCurve& curve, const Value& value, Script& script) {
  curve.*member = series(value, script);
}

void set_pairs(XyCurve& curve, const std::vector<double>& numbers) {
  if (numbers.size() % 2 != 0) throw ScriptError{fmt::format("{} numbers", numbers.size()), "give pairs of x and y"};
  curve.x.clear();
  curve.y.clear();
  for (std::size_t i = 0; i < numbers.size(); i += 2) {
    curve.x.push_back(numbers[i]);
    curve.y.push_back(numbers[i + 1]);
  }
}

template <int neutral>
void want_neutral(XyCurve&, const Value& value, Script&) {
  if (value.number() != neutral) throw ScriptError{"shifted and scaled curves are not modelled", "write the resulting points"};
}

constexpr Property<XyCurve> curve_properties[] = {
    {"npts", set_positive<&XyCurve::points>},
    {"Points", [](XyCurve& c, const Value& v, Script& script) { set_pairs(c, series(v, script)); }},
    {"Yarray", set_coordinates<&XyCurve::y>},
    {"Xarray", set_coordinates<&XyCurve::x>},
    {"csvfile",
     [](XyCurve& c, const Value& v, Script& script) {
       const fs::path path = file_of(v, script);
       const auto rows = number_rows(path, c.points, false);
       c.x = column_of(rows, 0, path);
       c.y = column_of(rows, 1, path);
     }},
    {"sngfile", [](XyCurve& c, const Value& v, Script& script) { set_pairs(c, binary_numbers<float>(file_of(v, script))); }},
    {"dblfile", [](XyCurve& c, const Value& v, Script& script) { set_pairs(c, binary_numbers<double>(file_of(v, script))); }},
    {"x", ignore},
    {"y", ignore},
    {"Xshift", want_neutral<0>},
    {"Yshift", want_neutral<0>},
    {"Xscale", want_neutral<1>},
    {"Yscale", want_neutral<1>},
    {"like", like<&Script::curves>},
};

void finish_curve(XyCurve& curve) {
  truncate(curve.x, curve.points);
  truncate(curve.y, curve.points);
}

constexpr char load_shape_name[] = "LoadShape", curve_name[] = "XYcurve";

}  // namespace

LoadShape& named_shape(const Value& value, Script& script) {
  if (value.word() == "default" && !script.load_shapes.find("default")) {
    LoadShape& shape = script.load_shapes.add("default", {});
    shape.active = {0.677, 0.6256, 0.6087, 0.5833, 0.58028, 0.6025, 0.657, 0.7477, 0.832, 0.88,  0.94,  0.989,
                    0.985, 0.98,   0.9898, 0.999,  1,       0.958,  0.936, 0.913,  0.876, 0.876, 0.828, 0.756};
  }
  return named(script.load_shapes, value, "LoadShape");
}

std::optional<Complex> largest_actual(const LoadShape& shape) {
  if (!shape.use_actual || shape.active.empty()) return {};
  const auto at = std::max_element(shape.active.begin(), shape.active.end(), [](double a, double b) { return std::abs(a) < std::abs(b); });
  const auto position = static_cast<std::size_t>(at - shape.active.begin());
  return Complex(*at, position < shape.reactive.size() ? shape.reactive[position] : 0.0);
}

std::span<const ElementClass> curve_classes() {
  static constexpr ElementClass classes[] = {
      {load_shape_name, add<&Script::load_shapes>, find<&Script::load_shapes>, all<&Script::load_shapes>,
       edit_as<LoadShape, load_shape_properties, load_shape_name, finish_load_shape>},
      {curve_name, add<&Script::curves>, find<&Script::curves>, all<&Script::curves>,
       edit_as<XyCurve, curve_properties, curve_name, finish_curve>},
  };
  return classes;
}

}  // namespace gridfed::opendss
