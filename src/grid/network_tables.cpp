#include "grid/network_tables.hpp"

#include "grid/network_rows.hpp"
#include "runtime/error.hpp"

#include <fmt/core.h>

#include <cmath>
#include <fstream>
#include <limits>

namespace gridfed {

namespace {

constexpr double nothing = std::numeric_limits<double>::quiet_NaN();

std::string nodes_text(const Terminal& terminal) {
  std::string text;
  for (std::size_t i = 0; i < terminal.nodes.size(); ++i) {
    if (i > 0) text += '.';
    if (terminal.is_open(static_cast<int>(i))) text += '-';
    text += std::to_string(terminal.nodes[i]);
  }
  return text;
}

}  // namespace

/// Turns elements into rows of a table; its first row makes the columns.
class RowWriter {
 public:
  using Table = NetworkTables::Table;
  using Column = NetworkTables::Column;

  /// Without a network the columns are made and nothing is added.
  RowWriter(Table& table, const Network* network, std::int64_t first_bus, std::int64_t first_owner)
      : table_(table), network_(network), first_bus_(first_bus), first_owner_(first_owner) {}

  void next() { at_ = 0; }

  void text(const char* name, const std::string& value) {
    auto& column = take<std::string>(name, "");
    if (!network_) return;
    values<std::string>(column).push_back(value);
    column.width = std::max(column.width, static_cast<std::int64_t>(value.size()));
  }
  void texts(const char* name, const std::vector<std::string>& lines) {
    std::string joined;
    for (const auto& line : lines) joined += (joined.empty() ? "" : "\n") + line;
    text(name, joined);
  }
  void number(const char* name, const char* unit, double value) { put<double>(name, unit, value); }
  void optional(const char* name, const char* unit, const std::optional<double>& value) { number(name, unit, value.value_or(nothing)); }
  void complex(const char* real, const char* imag, const char* unit, Complex value, const char* imag_unit = nullptr) {
    number(real, unit, value.real());
    number(imag, imag_unit ? imag_unit : unit, value.imag());
  }
  void optional_complex(const char* real, const char* imag, const char* unit, const std::optional<Complex>& value) {
    complex(real, imag, unit, value.value_or(Complex{nothing, nothing}));
  }
  void optional_pair(const char* x, const char* y, const char* unit, const std::optional<std::array<double, 2>>& value) {
    number(x, unit, value ? (*value)[0] : nothing);
    number(y, unit, value ? (*value)[1] : nothing);
  }
  void integer(const char* name, std::int64_t value) { put<std::int32_t>(name, "", static_cast<std::int32_t>(value)); }
  void flag(const char* name, bool value) { integer(name, value); }
  template <class Enum>
  void choice(const char* name, Enum value) {
    integer(name, static_cast<std::int64_t>(value));
  }
  template <class Enum>
  void optional_choice(const char* name, const std::optional<Enum>& value) {
    integer(name, value ? static_cast<std::int64_t>(*value) : -1);
  }
  void bus(const char* name, int position) { integer(name, position < 0 ? -1 : first_bus_ + position); }
  void owner(const char* name, const char* /*table*/, int position) { integer(name, first_owner_ + position); }
  void terminal(const std::string& name, const Terminal& end) { optional_terminal(name, end); }
  void optional_terminal(const std::string& name, const std::optional<Terminal>& end) {
    bus((name + "_bus").c_str(), network_ && end ? network_->bus_of(*end) : -1);
    text((name + "_conductors").c_str(), end ? nodes_text(*end) : "");
  }
  template <class Values>
  void list(const char* name, const char* unit, const Values& given) {
    using Stored = std::conditional_t<std::is_same_v<typename Values::value_type, int>, std::int32_t, double>;
    auto& column = take<Stored>(name, unit, true);
    if (!network_) return;
    auto& all = values<Stored>(column);
    all.insert(all.end(), given.begin(), given.end());
    end_list(column);
  }
  void curve(const char* name, const char* unit, const Curve& points) {
    std::vector<double> flat;
    for (const auto& [x, y] : points) flat.insert(flat.end(), {x, y});
    list(name, unit, flat);
  }
  void matrices(const Eigen::MatrixXcd& z, const Eigen::MatrixXd& b) {
    const auto rows = [](const auto& matrix, auto&& part) {
      std::vector<double> flat;
      for (Eigen::Index r = 0; r < matrix.rows(); ++r) {
        for (Eigen::Index c = 0; c < matrix.cols(); ++c) flat.push_back(part(matrix(r, c)));
      }
      return flat;
    };
    list("resistance", "ohm", rows(z, [](Complex x) { return x.real(); }));
    list("reactance", "ohm", rows(z, [](Complex x) { return x.imag(); }));
    list("susceptance", "S", rows(b, [](double x) { return x; }));
  }

 private:
  template <class Value>
  static std::vector<Value>& values(Column& column) {
    return std::get<std::vector<Value>>(column.values);
  }
  template <class Value>
  Column& take(const std::string& name, const char* unit, bool is_list = false) {
    if (!network_) table_.columns.push_back({.name = name, .unit = unit, .values = std::vector<Value>{}, .is_list = is_list, .starts = {}});
    return table_.columns[at_++];
  }
  template <class Value>
  void put(const char* name, const char* unit, Value value) {
    auto& column = take<Value>(name, unit);
    if (network_) values<Value>(column).push_back(value);
  }
  static void end_list(Column& column) {
    if (column.starts.empty()) column.starts.push_back(static_cast<std::int32_t>(column.before));
    column.starts.push_back(static_cast<std::int32_t>(column.before + static_cast<std::int64_t>(column.count())));
  }

  Table& table_;
  const Network* network_;
  std::int64_t first_bus_, first_owner_;
  std::size_t at_ = 0;
};

std::size_t NetworkTables::Column::count() const {
  return std::visit([](const auto& v) { return v.size(); }, values);
}

template <class Element>
void NetworkTables::define(const std::string& name) {
  RowWriter row(tables_.emplace_back(Table{.name = name, .columns = {}}), nullptr, 0, 0);
  const Element element{};
  tables::describe(row, element);
}

NetworkTables::NetworkTables() {
  define<NetworkData>("network");
  define<tables::BusRow>("buses");
  define<Node>("nodes");
  const NetworkData none;
  tables::each_class(
      none, [&](const char* name, const auto& elements) { define<typename std::remove_cvref_t<decltype(elements)>::value_type>(name); });
  define<tables::WindingRow>("windings");
}

NetworkTables::Table& NetworkTables::table(std::string_view name) {
  for (auto& table : tables_) {
    if (table.name == name) return table;
  }
  throw Error("there is no table '{}' (one of network_rows.hpp is not defined): define it", name);
}

template <class Elements>
void NetworkTables::append(const std::string& name, const Network& part, const Elements& elements) {
  // Buses and transformers of a part are added before and after what refers to them.
  const Table &buses = table("buses"), &transformers = table("transformers");
  const auto part_buses = static_cast<std::int64_t>(part.buses().size());
  const std::int64_t first_bus = buses.before + buses.rows - (name == "buses" ? 0 : part_buses);
  Table& rows = table(name);
  RowWriter row(rows, &part, first_bus, transformers.before + transformers.rows);
  for (const auto& element : elements) {
    row.next();
    tables::describe(row, element);
    ++rows.rows;
  }
}

void NetworkTables::add(const Network& part, bool first) {
  const auto& data = part.data();
  if (first) append("network", part, std::span(&data, 1));
  std::vector<tables::BusRow> buses;
  for (const auto& bus : part.buses()) buses.push_back({bus, {}});
  for (const auto& bus : data.buses) {
    const int position = part.find_bus(bus.name);
    if (position >= 0) buses[position].given_voltage = bus.nominal_voltage;
  }
  append("buses", part, buses);
  append("nodes", part, part.nodes());
  std::vector<tables::WindingRow> windings;
  for (std::size_t t = 0; t < data.transformers.size(); ++t) {
    for (const auto& winding : data.transformers[t].windings) windings.push_back({static_cast<int>(t), winding});
  }
  append("windings", part, windings);
  tables::each_class(data, [&](const char* name, const auto& elements) { append(name, part, elements); });
}

void NetworkTables::drop_rows() {
  for (auto& table : tables_) {
    table.before += table.rows;
    table.rows = 0;
    for (auto& column : table.columns) {
      column.before += static_cast<std::int64_t>(column.count());
      column.starts.clear();
      std::visit([](auto& v) { v.clear(); }, column.values);
    }
  }
}

std::vector<std::int64_t> NetworkTables::sizes() const {
  std::vector<std::int64_t> sizes;
  for (const auto& table : tables_) {
    sizes.push_back(table.before + table.rows);
    for (const auto& column : table.columns) {
      sizes.push_back(column.before + static_cast<std::int64_t>(column.count()));
      sizes.push_back(-column.width);  // below zero: the longest counts, not the sum
    }
  }
  return sizes;
}

void NetworkTables::combine(std::span<std::int64_t> sizes, std::span<const std::int64_t> more) {
  for (std::size_t i = 0; i < sizes.size(); ++i) sizes[i] = more[i] < 0 || sizes[i] < 0 ? std::min(sizes[i], more[i]) : sizes[i] + more[i];
}

void NetworkTables::start_behind(std::span<const std::int64_t> sizes) {
  std::size_t at = 0;
  for (auto& table : tables_) {
    table.before = sizes[at++];
    for (auto& column : table.columns) {
      column.before = sizes[at];
      at += 2;
    }
  }
}

void NetworkTables::create(File& file, std::span<const std::int64_t> sizes) const {
  std::size_t at = 0;
  for (const auto& table : tables_) {
    const auto rows = static_cast<hsize_t>(sizes[at++]);
    for (const auto& column : table.columns) {
      const auto count = static_cast<hsize_t>(sizes[at]);
      const auto width = static_cast<std::size_t>(-sizes[at + 1]);
      at += 2;
      if (rows == 0) continue;
      const std::string place = "/" + table.name + "/" + column.name;
      if (std::holds_alternative<std::vector<double>>(column.values)) file.create_rows<double>(place, count, {}, column.unit);
      if (std::holds_alternative<std::vector<std::int32_t>>(column.values)) file.create_rows<std::int32_t>(place, count, {}, column.unit);
      if (std::holds_alternative<std::vector<std::string>>(column.values)) file.create_text_rows(place, count, width);
      if (column.is_list) file.create_rows<std::int32_t>(place + "_start", rows + 1);
    }
  }
}

void NetworkTables::put(File& file) {
  for (const auto& table : tables_) {
    if (table.rows == 0) continue;
    for (const auto& column : table.columns) {
      const std::string place = "/" + table.name + "/" + column.name;
      const auto first = static_cast<hsize_t>(column.before);
      if (const auto* numbers = std::get_if<std::vector<double>>(&column.values)) file.put_rows<double>(place, first, *numbers);
      if (const auto* integers = std::get_if<std::vector<std::int32_t>>(&column.values))
        file.put_rows<std::int32_t>(place, first, *integers);
      if (const auto* texts = std::get_if<std::vector<std::string>>(&column.values)) file.put_text_rows(place, first, *texts);
      // The end of the last list is the start of what follows: both write the same number there.
      if (column.is_list) file.put_rows<std::int32_t>(place + "_start", static_cast<hsize_t>(table.before), column.starts);
    }
  }
  drop_rows();
}

namespace {

std::string text_of(double value) {
  return std::isnan(value) ? "" : fmt::format("{}", value);
}
std::string text_of(std::int32_t value) {
  return std::to_string(value);
}
std::string text_of(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? "\"\"" : std::string(1, c);
  return quoted + '"';
}

}  // namespace

void NetworkTables::write_table(const std::filesystem::path& path, const Table& table) {
  const std::filesystem::path part = path.string() + ".part";
  {
    std::ofstream out(part);
    for (std::size_t c = 0; c < table.columns.size(); ++c) {
      const auto& column = table.columns[c];
      out << (c > 0 ? "," : "") << column.name << (column.unit.empty() ? "" : " [" + column.unit + "]");
    }
    out << '\n';
    for (std::int64_t row = 0; row < table.rows; ++row) {
      for (std::size_t c = 0; c < table.columns.size(); ++c) {
        const auto& column = table.columns[c];
        const std::int64_t first = column.is_list ? column.starts[row] : row, last = column.is_list ? column.starts[row + 1] : row + 1;
        out << (c > 0 ? "," : "");
        std::visit(
            [&](const auto& values) {
              for (std::int64_t i = first; i < last; ++i) out << (i > first ? " " : "") << text_of(values[i]);
            },
            column.values);
      }
      out << '\n';
    }
    out.flush();
    if (!out) throw Error("cannot write '{}' (disk full, or no permission): give another folder", path.string());
  }
  std::filesystem::rename(part, path);
}

void NetworkTables::write_csv(const std::filesystem::path& folder) const {
  std::error_code problem;
  std::filesystem::create_directories(folder, problem);
  if (problem) throw Error("cannot make the folder '{}' ({}): give another path", folder.string(), problem.message());
  for (const auto& table : tables_) {
    if (table.rows > 0) write_table(folder / (table.name + ".csv"), table);
  }
}

void write_network_tables(const std::filesystem::path& path, const FileHeader& header, const Network& network) {
  NetworkTables tables;
  tables.add(network, true);
  File file = File::create(path);
  file.write_header(header);
  tables.create(file, tables.sizes());
  tables.put(file);
  file.commit();
}

void write_network_csv(const std::filesystem::path& folder, const Network& network) {
  NetworkTables tables;
  tables.add(network, true);
  tables.write_csv(folder);
}

}  // namespace gridfed
