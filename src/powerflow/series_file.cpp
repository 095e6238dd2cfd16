#include "powerflow/series_file.hpp"

#include "runtime/error.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <sstream>

namespace gridfed {

StepSummary summary_of(const PowerFlow& flow) {
  StepSummary summary{.balance = flow.balance()};
  const auto& v = flow.solution().bus_voltages;
  double lowest = std::numeric_limits<double>::infinity(), highest = -1;
  for (const auto& m : flow.network().measured_voltages()) {
    const Complex difference = m.reference == ground ? v[m.node] : v[m.node] - v[m.reference];
    const double square = std::norm(difference) / (m.base * m.base);
    if (square < lowest) lowest = square, summary.lowest_node = m.node;
    if (square > highest) highest = square, summary.highest_node = m.node;
  }
  constexpr double none = std::numeric_limits<double>::quiet_NaN();
  summary.lowest = summary.lowest_node < 0 ? none : std::sqrt(lowest);
  summary.highest = summary.highest_node < 0 ? none : std::sqrt(highest);
  return summary;
}

std::vector<int> named_nodes(const Network& network, const std::string& list) {
  std::vector<int> nodes;
  if (list == "all") {
    for (int node = 0; node < network.node_count(); ++node) nodes.push_back(node);
    return nodes;
  }
  std::istringstream in(list);
  for (std::string name; std::getline(in, name, ',');) {
    name.erase(std::remove(name.begin(), name.end(), ' '), name.end());
    std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    const auto dot = name.find('.');
    const int bus = network.find_bus(name.substr(0, dot));
    const std::size_t before = nodes.size();
    for (int node = 0; bus >= 0 && node < network.node_count(); ++node) {
      if (network.nodes()[node].bus != bus) continue;
      if (dot == std::string::npos || std::to_string(network.nodes()[node].conductor) == name.substr(dot + 1)) nodes.push_back(node);
    }
    if (nodes.size() == before)
      throw Error("series.nodes names '{}', which network '{}' does not have: write bus or bus.conductor, or all", name,
                  network.data().name);
  }
  return nodes;
}

namespace {

template <class Elements>
std::vector<std::string> names_of(const Elements& elements) {
  std::vector<std::string> names;
  for (const auto& element : elements) names.push_back(element.name);
  return names;
}

void add(std::vector<double>& rows, Complex value) {
  rows.push_back(value.real());
  rows.push_back(value.imag());
}

}  // namespace

template <class T>
SeriesFile::Column<T> SeriesFile::column(const std::string& path, std::size_t width, const std::string& unit, int steps, bool scalar) {
  const auto row = scalar ? std::vector<hsize_t>{} : std::vector<hsize_t>{width};
  file_.create_rows<T>(path, static_cast<hsize_t>(steps), row, unit);
  return {path, width, {}};
}

SeriesFile::SeriesFile(const std::filesystem::path& path, const FileHeader& header, const Network& network, int steps,
                       std::vector<int> nodes)
    : file_(File::create(path)), network_(network), nodes_(std::move(nodes)) {
  file_.write_header(header);
  const auto& data = network.data();
  time_ = column<double>("/time", 1, "s", steps, true);
  converged_ = column<std::uint8_t>("/converged", 1, "", steps, true);
  settled_ = column<std::uint8_t>("/settled", 1, "", steps, true);
  iterations_ = column<std::int32_t>("/iterations", 1, "", steps, true);
  control_iterations_ = column<std::int32_t>("/control_iterations", 1, "", steps, true);
  source_ = column<double>("/source_power", 2, "VA", steps);
  load_ = column<double>("/load_power", 2, "VA", steps);
  losses_ = column<double>("/losses", 2, "VA", steps);
  lowest_ = column<double>("/voltage_lowest", 1, "p.u.", steps, true);
  highest_ = column<double>("/voltage_highest", 1, "p.u.", steps, true);
  lowest_node_ = column<std::int32_t>("/lowest_node", 1, "", steps, true);
  highest_node_ = column<std::int32_t>("/highest_node", 1, "", steps, true);
  operations_ = column<std::int32_t>("/control_operations", 2, "", steps);
  const auto named = [&](const std::string& where, const auto& elements) {
    if (!elements.empty()) file_.write_texts(where, names_of(elements));
    return !elements.empty();
  };
  if (named("/regulator", data.regulators)) taps_ = column<std::int32_t>("/taps", data.regulators.size(), "", steps);
  if (named("/capacitor", data.capacitors)) capacitors_ = column<std::int32_t>("/capacitor_steps", data.capacitors.size(), "", steps);
  const auto powers = [&](const std::string& where, std::size_t devices) {
    file_.create_rows<double>(where, static_cast<hsize_t>(steps), {devices, 2}, "VA");
    return Column<double>{where, 2 * devices, {}};
  };
  if (named("/solar", data.solar)) solar_ = powers("/solar_power", data.solar.size());
  if (named("/battery", data.batteries)) {
    battery_ = powers("/battery_power", data.batteries.size());
    charge_ = column<double>("/battery_charge", data.batteries.size(), "", steps);
  }
  std::vector<std::string> node_names;
  for (int node = 0; node < network.node_count(); ++node) node_names.push_back(network.node_name(node));
  file_.write_texts("/node", node_names);
  if (!nodes_.empty()) {
    std::vector<std::string> asked;
    for (const int node : nodes_) asked.push_back(node_names[node]);
    file_.write_texts("/voltage_node", asked);
    file_.create_rows<float>("/voltages", static_cast<hsize_t>(steps), {nodes_.size(), 2}, "V");
    voltages_ = {"/voltages", 2 * nodes_.size(), {}};
  }
  constexpr std::size_t block_bytes = 4 << 20;
  block_ = static_cast<int>(std::clamp<std::size_t>(block_bytes / (8 * nodes_.size() + 64), 1, 4096));
}

void SeriesFile::add(const TimeSeries& series, const StepSummary& summary) {
  const PowerFlow& flow = series.flow();
  const auto& data = network_.data();
  time_.rows.push_back(series.time());
  converged_.rows.push_back(flow.solution().converged);
  settled_.rows.push_back(series.result().settled);
  iterations_.rows.push_back(flow.solution().iterations);
  control_iterations_.rows.push_back(series.result().control_iterations);
  gridfed::add(source_.rows, summary.balance.source_power);
  gridfed::add(load_.rows, summary.balance.load_power);
  gridfed::add(losses_.rows, summary.balance.losses);
  lowest_.rows.push_back(summary.lowest);
  highest_.rows.push_back(summary.highest);
  lowest_node_.rows.push_back(summary.lowest_node);
  highest_node_.rows.push_back(summary.highest_node);
  operations_.rows.push_back(series.result().tap_operations);
  operations_.rows.push_back(series.result().capacitor_operations);
  for (std::size_t i = 0; i < data.regulators.size(); ++i) {
    const int transformer = network_.regulator_transformers()[i], winding = data.regulators[i].winding - 1;
    taps_.rows.push_back(tap_number(data.transformers[transformer].windings[winding], flow.state().taps[transformer][winding]));
  }
  for (const auto& steps : flow.state().capacitors)
    capacitors_.rows.push_back(static_cast<std::int32_t>(std::count(steps.begin(), steps.end(), 1)));
  for (const Complex power : series.conditions().solar_power) gridfed::add(solar_.rows, power);
  for (const Complex power : series.conditions().battery_power) gridfed::add(battery_.rows, power);
  charge_.rows.insert(charge_.rows.end(), series.charge().begin(), series.charge().end());
  for (const int node : nodes_) {
    const Complex v = flow.solution().bus_voltages[node];
    voltages_.rows.push_back(static_cast<float>(v.real()));
    voltages_.rows.push_back(static_cast<float>(v.imag()));
  }
  if (++waiting_ == block_) flush();
}

template <class T>
void SeriesFile::flush(Column<T>& column) {
  if (column.rows.empty()) return;
  file_.put_rows(column.path, static_cast<hsize_t>(written_), std::span<const T>(column.rows));
  column.rows.clear();
}

void SeriesFile::flush() {
  for (auto* c : {&time_, &source_, &load_, &losses_, &lowest_, &highest_, &charge_, &solar_, &battery_}) flush(*c);
  for (auto* c : {&lowest_node_, &highest_node_, &iterations_, &control_iterations_, &taps_, &capacitors_, &operations_}) flush(*c);
  for (auto* c : {&converged_, &settled_}) flush(*c);
  flush(voltages_);
  written_ += waiting_;
  waiting_ = 0;
}

void SeriesFile::commit() {
  flush();
  file_.commit();
}

}  // namespace gridfed
