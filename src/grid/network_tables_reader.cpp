#include "grid/network_rows.hpp"
#include "grid/network_tables.hpp"
#include "runtime/error.hpp"

#include <charconv>
#include <cmath>

namespace gridfed {

namespace {

/// Reads the rows of a table one by one; its columns are in memory from the first row on.
class RowReader {
 public:
  RowReader(const File& file, std::string table, const std::vector<std::string>& bus_names)
      : file_(file), table_(std::move(table)), bus_names_(bus_names) {}

  void next() {
    at_ = 0;
    ++row_;
  }

  void text(const std::string& name, std::string& value) { value = one<std::string>(name); }
  void texts(const std::string& name, std::vector<std::string>& lines) {
    std::string joined;
    text(name, joined);
    for (std::size_t begin = 0; begin < joined.size();) {
      const std::size_t end = std::min(joined.find('\n', begin), joined.size());
      lines.push_back(joined.substr(begin, end - begin));
      begin = end + 1;
    }
  }
  void number(const std::string& name, const char* /*unit*/, double& value) { value = one<double>(name); }
  void optional(const std::string& name, const char* unit, std::optional<double>& value) {
    double read = 0;
    number(name, unit, read);
    if (std::isnan(read))
      value.reset();
    else
      value = read;
  }
  void complex(const std::string& real, const std::string& imag, const char* unit, Complex& value, const char* /*unit*/ = nullptr) {
    double re = 0, im = 0;
    number(real, unit, re);
    number(imag, unit, im);
    value = {re, im};
  }
  void optional_complex(const std::string& real, const std::string& imag, const char* unit, std::optional<Complex>& value) {
    Complex read;
    complex(real, imag, unit, read);
    if (std::isnan(read.real()))
      value.reset();
    else
      value = read;
  }
  void optional_pair(const std::string& x, const std::string& y, const char* unit, std::optional<std::array<double, 2>>& value) {
    std::array<double, 2> read{};
    number(x, unit, read[0]);
    number(y, unit, read[1]);
    if (std::isnan(read[0]))
      value.reset();
    else
      value = read;
  }
  void integer(const std::string& name, int& value) { value = one<std::int32_t>(name); }
  void flag(const std::string& name, bool& value) {
    int read = 0;
    integer(name, read);
    value = read != 0;
  }
  template <class Enum>
  void choice(const std::string& name, Enum& value) {
    int read = 0;
    integer(name, read);
    value = static_cast<Enum>(read);
  }
  template <class Enum>
  void optional_choice(const std::string& name, std::optional<Enum>& value) {
    int read = 0;
    integer(name, read);
    if (read < 0)
      value.reset();
    else
      value = static_cast<Enum>(read);
  }
  void bus(const std::string& name, int& position) { integer(name, position); }
  void owner(const std::string& name, const char* /*table*/, int& position) { integer(name, position); }
  void terminal(const std::string& name, Terminal& end) {
    std::optional<Terminal> read;
    optional_terminal(name, read);
    if (!read) fail(name + "_bus", "names no bus");
    end = std::move(*read);
  }
  void optional_terminal(const std::string& name, std::optional<Terminal>& end) {
    int position = 0;
    std::string conductors;
    bus(name + "_bus", position);
    text(name + "_conductors", conductors);
    end.reset();
    if (position < 0) return;
    if (position >= static_cast<int>(bus_names_.size())) fail(name + "_bus", "is beyond the last bus");
    end.emplace().bus = bus_names_[position];
    const char *at = conductors.data(), *const stop = at + conductors.size();
    while (at < stop) {
      if (*at == '-') {
        end->open.push_back(static_cast<int>(end->nodes.size()));
        ++at;
      }
      int node = 0;
      const auto [next, problem] = std::from_chars(at, stop, node);
      if (problem != std::errc{} || (next < stop && *next != '.')) fail(name + "_conductors", "is '" + conductors + "'");
      end->nodes.push_back(node);
      at = next + 1;
    }
  }
  void list(const std::string& name, const char* /*unit*/, std::vector<double>& values) { values = range<double>(name); }
  void list(const std::string& name, const char* /*unit*/, std::vector<int>& values) { values = range<std::int32_t>(name); }
  template <std::size_t n>
  void list(const std::string& name, const char* unit, std::array<double, n>& values) {
    std::vector<double> read;
    list(name, unit, read);
    if (read.size() != n) fail(name, fmt::format("has {} values, not {}", read.size(), n));
    std::copy(read.begin(), read.end(), values.begin());
  }
  void curve(const std::string& name, const char* unit, Curve& points) {
    std::vector<double> flat;
    list(name, unit, flat);
    if (flat.size() % 2 != 0) fail(name, "has an odd number of values");
    for (std::size_t i = 0; i < flat.size(); i += 2) points.push_back({flat[i], flat[i + 1]});
  }
  void matrices(Eigen::MatrixXcd& z, Eigen::MatrixXd& b) {
    std::vector<double> r, x, s;
    list("resistance", "", r);
    list("reactance", "", x);
    list("susceptance", "", s);
    const auto n = static_cast<Eigen::Index>(std::lround(std::sqrt(static_cast<double>(r.size()))));
    if (static_cast<std::size_t>(n * n) != r.size() || x.size() != r.size() || s.size() != r.size())
      fail("resistance", "makes no square matrix with reactance and susceptance");
    z.resize(n, n);
    b.resize(n, n);
    for (Eigen::Index i = 0; i < n * n; ++i) {
      z(i / n, i % n) = {r[i], x[i]};
      b(i / n, i % n) = s[i];
    }
  }

 private:
  struct Column {
    std::variant<std::vector<double>, std::vector<std::int32_t>, std::vector<std::string>> values;
    std::vector<std::int32_t> starts;
  };

  /// Columns come in the same order row by row.
  template <class Value>
  const std::vector<Value>& column(const std::string& name, bool is_list = false) {
    if (at_ == columns_.size()) {
      const std::string place = "/" + table_ + "/" + name;
      Column& made = columns_.emplace_back();
      if constexpr (std::is_same_v<Value, std::string>)
        made.values = file_.read_texts(place);
      else
        made.values = file_.read<Value>(place);
      if (is_list) made.starts = file_.read<std::int32_t>(place + "_start");
    }
    return std::get<std::vector<Value>>(columns_[at_++].values);
  }
  template <class Value>
  const Value& one(const std::string& name) {
    const auto& values = column<Value>(name);
    if (row_ >= static_cast<std::int64_t>(values.size())) fail(name, "is missing");
    return values[row_];
  }
  template <class Value>
  std::vector<Value> range(const std::string& name) {
    const auto& values = column<Value>(name, true);
    const auto& starts = columns_[at_ - 1].starts;
    if (row_ + 1 >= static_cast<std::int64_t>(starts.size())) fail(name, "is missing from its _start");
    const std::int32_t first = starts[row_], last = starts[row_ + 1];
    if (first < 0 || last < first || last > static_cast<std::int64_t>(values.size())) fail(name, "has a _start beyond its values");
    return {values.begin() + first, values.begin() + last};
  }
  [[noreturn]] void fail(const std::string& name, const std::string& what) const {
    throw Error("'{}': row {} of '/{}/{}' {}: write the file again", file_.path().string(), row_, table_, name, what);
  }

  const File& file_;
  std::string table_;
  const std::vector<std::string>& bus_names_;
  std::vector<Column> columns_;
  std::size_t at_ = 0;
  std::int64_t row_ = -1;
};

/// Rows of a table, none if it is not there.
template <class Element>
std::vector<Element> read_table(const File& file, const std::string& table, const char* first_column,
                                const std::vector<std::string>& bus_names) {
  if (!file.exists("/" + table)) return {};
  const auto rows = file.shape("/" + table + "/" + first_column)[0];
  std::vector<Element> elements(rows);
  RowReader row(file, table, bus_names);
  for (auto& element : elements) {
    row.next();
    tables::describe(row, element);
  }
  return elements;
}

}  // namespace

NetworkData read_network_tables(const std::filesystem::path& path) {
  const File file = File::open(path);
  file.check_kind("network", network_tables_version.major);
  if (const auto header = file.read_header(); header.version.major < network_tables_version.major) {
    throw Error("'{}' is of version {}.{}, written by {} (it lacks what solving needs): write it again with this program", path.string(),
                header.version.major, header.version.minor, header.writer);
  }
  auto networks = read_table<NetworkData>(file, "network", "name", {});
  if (networks.size() != 1) throw Error("'{}' holds {} networks: give a file that holds one", path.string(), networks.size());
  NetworkData data = std::move(networks[0]);
  const std::vector<std::string> bus_names = file.read_texts("/buses/name");
  for (auto& row : read_table<tables::BusRow>(file, "buses", "name", bus_names)) {
    if (row.given_voltage || row.bus.start_voltage || row.bus.position)
      data.buses.push_back({std::move(row.bus.name), row.given_voltage, row.bus.start_voltage, row.bus.position});
  }
  tables::each_class(data, [&]<class Element>(const char* name, std::vector<Element>& elements) {
    elements = read_table<Element>(file, name, "name", bus_names);
  });
  for (auto& row : read_table<tables::WindingRow>(file, "windings", "transformer", bus_names)) {
    if (row.transformer < 0 || row.transformer >= static_cast<int>(data.transformers.size()))
      throw Error("'{}': a winding is of transformer {}, of {}: write the file again", path.string(), row.transformer,
                  data.transformers.size());
    data.transformers[row.transformer].windings.push_back(std::move(row.winding));
  }
  return data;
}

}  // namespace gridfed
