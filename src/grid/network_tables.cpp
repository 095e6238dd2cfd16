#include "grid/network_tables.hpp"

#include "runtime/error.hpp"

#include <fmt/core.h>

#include <cmath>
#include <fstream>
#include <limits>
#include <variant>

namespace gridfed {

namespace {

std::string nodes_text(const Terminal& terminal) {
  std::string text;
  for (std::size_t i = 0; i < terminal.nodes.size(); ++i) {
    if (i > 0) text += '.';
    text += terminal.is_open(static_cast<int>(i)) ? "-" : std::to_string(terminal.nodes[i]);
  }
  return text;
}

struct Column {
  std::string name, unit;
  std::variant<std::vector<double>, std::vector<std::int32_t>, std::vector<std::string>> values;
};

/// Which files a table goes into.
enum class Format { both, hdf5, csv };

/// A group of HDF5 datasets; in CSV a file of as many rows as each column has values.
struct Table {
  std::string name;
  std::vector<Column> columns;
  Format format = Format::both;
};

/// Columns of one class of element, each computed element by element.
template <class Elements>
class Columns {
 public:
  Columns(Table& table, const Network& network, const Elements& elements) : table_(table), network_(network), elements_(elements) {}

  template <class Value>
  void texts(const std::string& name, Value&& value) {
    std::vector<std::string> column;
    for (const auto& element : elements_) column.push_back(value(element));
    table_.columns.push_back({name, "", std::move(column)});
  }
  template <class Value>
  void numbers(const std::string& name, const std::string& unit, Value&& value) {
    std::vector<double> column;
    for (const auto& element : elements_) column.push_back(value(element));
    table_.columns.push_back({name, unit, std::move(column)});
  }
  template <class Value>
  void integers(const std::string& name, Value&& value) {
    std::vector<std::int32_t> column;
    for (const auto& element : elements_) column.push_back(static_cast<std::int32_t>(value(element)));
    table_.columns.push_back({name, "", std::move(column)});
  }
  /// Bus and conductors of a terminal; -1 and "" where there is none.
  template <class Value>
  void terminal(const std::string& name, Value&& value) {
    integers(name + "_bus", [&](const auto& element) {
      const std::optional<Terminal> end = value(element);
      return end ? network_.bus_of(*end) : -1;
    });
    texts(name + "_conductors", [&](const auto& element) {
      const std::optional<Terminal> end = value(element);
      return end ? nodes_text(*end) : std::string();
    });
  }
  void names() {
    texts("name", [](const auto& element) { return element.name; });
  }
  /// What loads, plants and banks have in common.
  void device() {
    names();
    terminal("terminal", [](const auto& d) { return d.terminal; });
    integers("phases", [](const auto& d) { return d.phases; });
    integers("is_delta", [](const auto& d) { return d.connection == Connection::delta; });
    numbers("rated_voltage", "V", [](const auto& d) { return d.rated_voltage; });
  }

 private:
  Table& table_;
  const Network& network_;
  const Elements& elements_;
};

class Tables {
 public:
  explicit Tables(const Network& network) : network_(network), data_(network.data()) {}

  std::vector<Table> collect() {
    add("network", {{"name", "", std::vector<std::string>{data_.name}}, {"frequency", "Hz", std::vector<double>{data_.frequency}}},
        Format::csv);
    buses();
    lines();
    transformers();
    table("sources", data_.sources, [](auto& c) {
      c.names();
      c.terminal("terminal", [](const SourceData& s) { return s.terminal; });
      c.numbers("voltage_base", "V", [](const SourceData& s) { return s.voltage_base; });
      c.numbers("voltage_pu", "p.u.", [](const SourceData& s) { return s.voltage_pu; });
      c.numbers("angle", "deg", [](const SourceData& s) { return s.angle_deg; });
      c.numbers("r1", "ohm", [](const SourceData& s) { return s.z1.real(); });
      c.numbers("x1", "ohm", [](const SourceData& s) { return s.z1.imag(); });
      c.numbers("r0", "ohm", [](const SourceData& s) { return s.z0.real(); });
      c.numbers("x0", "ohm", [](const SourceData& s) { return s.z0.imag(); });
      c.integers("is_ideal", [](const SourceData& s) { return s.ideal; });
    });
    table("loads", data_.loads, [](auto& c) {
      c.device();
      c.numbers("active_power", "W", [](const LoadData& l) { return l.power.real(); });
      c.numbers("reactive_power", "var", [](const LoadData& l) { return l.power.imag(); });
      c.integers("model", [](const LoadData& l) { return l.model; });
    });
    table("generators", data_.generators, [](auto& c) {
      c.device();
      c.numbers("active_power", "W", [](const GeneratorData& g) { return g.power.real(); });
      c.numbers("reactive_power", "var", [](const GeneratorData& g) { return g.power.imag(); });
      c.numbers("voltage_setpoint", "p.u.", [](const GeneratorData& g) { return g.voltage_setpoint_pu.value_or(nothing); });
    });
    table("capacitors", data_.capacitors, [](auto& c) {
      c.device();
      c.terminal("to", [](const CapacitorData& b) { return b.to; });
      c.integers("steps", [](const CapacitorData& b) { return b.step_power.size(); });
      c.numbers("reactive_power", "var", [](const CapacitorData& b) {
        double power = 0;
        for (std::size_t s = 0; s < b.states.size(); ++s) power += b.states[s] ? b.step_power[s] : 0.0;
        return power;
      });
    });
    table("reactors", data_.reactors, [](auto& c) {
      c.names();
      c.terminal("terminal", [](const ReactorData& r) { return r.terminal; });
      c.terminal("to", [](const ReactorData& r) { return r.to; });
      c.integers("is_delta", [](const ReactorData& r) { return r.connection == Connection::delta; });
      c.numbers("resistance", "ohm", [](const ReactorData& r) { return r.impedance.real(); });
      c.numbers("reactance", "ohm", [](const ReactorData& r) { return r.impedance.imag(); });
    });
    table("solar", data_.solar, [](auto& c) {
      c.device();
      c.numbers("capacity", "W", [](const SolarPvData& p) { return p.capacity; });
      c.numbers("inverter_rating", "VA", [](const SolarPvData& p) { return p.inverter_rating; });
    });
    table("wind", data_.wind, [](auto& c) {
      c.device();
      c.numbers("capacity", "W", [](const WindTurbineData& w) { return w.capacity; });
      c.numbers("inverter_rating", "VA", [](const WindTurbineData& w) { return w.inverter_rating; });
    });
    table("batteries", data_.batteries, [](auto& c) {
      c.device();
      c.numbers("capacity", "Wh", [](const BatteryData& b) { return b.capacity_wh; });
      c.numbers("power_rating", "W", [](const BatteryData& b) { return b.power_rating; });
      c.numbers("inverter_rating", "VA", [](const BatteryData& b) { return b.inverter_rating; });
    });
    return std::move(tables_);
  }

 private:
  static constexpr double nothing = std::numeric_limits<double>::quiet_NaN();

  template <class Elements, class Fill>
  void table(const std::string& name, const Elements& elements, Fill&& fill) {
    if (elements.empty()) return;
    Columns<Elements> columns(tables_.emplace_back(Table{name, {}}), network_, elements);
    fill(columns);
  }
  void add(const std::string& name, std::vector<Column> columns, Format format) { tables_.push_back({name, std::move(columns), format}); }

  void buses() {
    const auto buses = network_.buses();
    table("buses", buses, [](auto& c) {
      c.names();
      c.numbers("nominal_voltage", "V", [](const Bus& b) { return b.nominal_voltage; });
      c.integers("parent", [](const Bus& b) { return b.parent; });
      c.integers("is_grounded", [](const Bus& b) { return b.grounded; });
      c.numbers("x", "", [](const Bus& b) { return b.position ? (*b.position)[0] : nothing; });
      c.numbers("y", "", [](const Bus& b) { return b.position ? (*b.position)[1] : nothing; });
    });
    const auto nodes = network_.nodes();
    table("nodes", nodes, [](auto& c) {
      c.integers("bus", [](const Node& n) { return n.bus; });
      c.integers("conductor", [](const Node& n) { return n.conductor; });
    });
  }

  void lines() {
    table("lines", data_.lines, [](auto& c) {
      c.names();
      c.terminal("from", [](const LineData& l) { return l.from; });
      c.terminal("to", [](const LineData& l) { return l.to; });
      c.numbers("rating", "A", [](const LineData& l) { return l.rating; });
      c.numbers("length", "m", [](const LineData& l) { return l.length; });
      c.numbers("ratio_real", "", [](const LineData& l) { return l.ratio.real(); });
      c.numbers("ratio_imag", "", [](const LineData& l) { return l.ratio.imag(); });
      c.integers("is_switch", [](const LineData& l) { return l.is_switch; });
      c.integers("is_closed", [](const LineData& l) { return l.closed; });
    });
    if (data_.lines.empty()) return;
    std::vector<std::int32_t> start{0}, owner, row, column;
    std::vector<double> resistance, reactance, susceptance;
    for (std::size_t i = 0; i < data_.lines.size(); ++i) {
      const auto& line = data_.lines[i];
      for (Eigen::Index r = 0; r < line.series_impedance.rows(); ++r) {
        for (Eigen::Index c = 0; c < line.series_impedance.cols(); ++c) {
          owner.push_back(static_cast<std::int32_t>(i));
          row.push_back(static_cast<std::int32_t>(r));
          column.push_back(static_cast<std::int32_t>(c));
          resistance.push_back(line.series_impedance(r, c).real());
          reactance.push_back(line.series_impedance(r, c).imag());
          susceptance.push_back(line.shunt_susceptance(r, c));
        }
      }
      start.push_back(static_cast<std::int32_t>(resistance.size()));
    }
    std::vector<Column> entries{{"resistance", "ohm", resistance}, {"reactance", "ohm", reactance}, {"susceptance", "S", susceptance}};
    std::vector<Column> in_csv{{"line", "", owner}, {"row", "", row}, {"column", "", column}};
    in_csv.insert(in_csv.end(), entries.begin(), entries.end());
    add("line_matrices", std::move(in_csv), Format::csv);
    entries.push_back({"matrix_start", "", start});
    add("lines", std::move(entries), Format::hdf5);
  }

  void transformers() {
    if (data_.transformers.empty()) return;
    std::vector<WindingData> windings;
    std::vector<std::int32_t> start{0}, owner;
    for (const auto& transformer : data_.transformers) {
      owner.resize(owner.size() + transformer.windings.size(), static_cast<std::int32_t>(start.size()) - 1);
      windings.insert(windings.end(), transformer.windings.begin(), transformer.windings.end());
      start.push_back(static_cast<std::int32_t>(windings.size()));
    }
    table("transformers", data_.transformers, [](auto& c) {
      c.names();
      c.texts("bank", [](const TransformerData& t) { return t.bank; });
      c.integers("phases", [](const TransformerData& t) { return t.phases; });
      c.numbers("reactance_12", "p.u. of winding 1", [](const TransformerData& t) { return t.reactance_pu[0]; });
      c.numbers("no_load_loss", "p.u. of winding 1", [](const TransformerData& t) { return t.no_load_loss_pu; });
      c.numbers("magnetising_current", "p.u. of winding 1", [](const TransformerData& t) { return t.magnetising_current_pu; });
    });
    add("transformers", {{"winding_start", "", start}}, Format::hdf5);
    table("windings", windings, [](auto& c) {
      c.terminal("terminal", [](const WindingData& w) { return w.terminal; });
      c.integers("is_delta", [](const WindingData& w) { return w.connection == Connection::delta; });
      c.numbers("rated_voltage", "V", [](const WindingData& w) { return w.rated_voltage; });
      c.numbers("rated_power", "VA", [](const WindingData& w) { return w.rated_power; });
      c.numbers("resistance", "p.u.", [](const WindingData& w) { return w.resistance_pu; });
      c.numbers("tap", "p.u.", [](const WindingData& w) { return w.tap; });
    });
    auto& columns = tables_.back().columns;
    columns.insert(columns.begin(), Column{"transformer", "", owner});
  }

  const Network& network_;
  const NetworkData& data_;
  std::vector<Table> tables_;
};

/// A cell as CSV has it: quoted where it must be, empty where there is no value.
std::string cell(const Column& column, std::size_t row) {
  if (const auto* numbers = std::get_if<std::vector<double>>(&column.values))
    return std::isnan((*numbers)[row]) ? "" : fmt::format("{}", (*numbers)[row]);
  if (const auto* integers = std::get_if<std::vector<std::int32_t>>(&column.values)) return std::to_string((*integers)[row]);
  const std::string& text = std::get<std::vector<std::string>>(column.values)[row];
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? "\"\"" : std::string(1, c);
  return quoted + '"';
}

void write_table(const std::filesystem::path& path, const Table& table) {
  const std::filesystem::path part = path.string() + ".part";
  {
    std::ofstream out(part);
    for (std::size_t c = 0; c < table.columns.size(); ++c) {
      const auto& [name, unit, values] = table.columns[c];
      out << (c > 0 ? "," : "") << name << (unit.empty() ? "" : " [" + unit + "]");
    }
    out << '\n';
    const std::size_t rows = std::visit([](const auto& values) { return values.size(); }, table.columns[0].values);
    for (std::size_t row = 0; row < rows; ++row) {
      for (std::size_t c = 0; c < table.columns.size(); ++c) out << (c > 0 ? "," : "") << cell(table.columns[c], row);
      out << '\n';
    }
    out.flush();
    if (!out) throw Error("cannot write '{}' (disk full, or no permission): give another folder", path.string());
  }
  std::filesystem::rename(part, path);
}

}  // namespace

void write_network_tables(const std::filesystem::path& path, const FileHeader& header, const Network& network) {
  File file = File::create(path);
  file.write_header(header);
  file.set_attribute("/", "name", network.data().name);
  file.set_attribute("/", "frequency", network.data().frequency);
  for (const auto& table : Tables(network).collect()) {
    if (table.format == Format::csv) continue;
    for (const auto& [name, unit, values] : table.columns) {
      const std::string place = "/" + table.name + "/" + name;
      if (const auto* texts = std::get_if<std::vector<std::string>>(&values)) file.write_texts(place, *texts);
      if (const auto* numbers = std::get_if<std::vector<double>>(&values)) file.write(place, *numbers, {}, unit);
      if (const auto* integers = std::get_if<std::vector<std::int32_t>>(&values)) file.write(place, *integers);
    }
  }
  file.commit();
}

void write_network_csv(const std::filesystem::path& folder, const Network& network) {
  std::error_code problem;
  std::filesystem::create_directories(folder, problem);
  if (problem) throw Error("cannot make the folder '{}' ({}): give another path", folder.string(), problem.message());
  for (const auto& table : Tables(network).collect()) {
    if (table.format != Format::hdf5) write_table(folder / (table.name + ".csv"), table);
  }
}

}  // namespace gridfed
