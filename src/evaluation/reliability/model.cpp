#include "evaluation/reliability/model.hpp"

#include "runtime/error.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <set>

namespace gridfed {

namespace {

std::uint8_t phases_of(const Terminal& terminal) {
  std::uint8_t mask = 0;
  for (const int node : terminal.nodes)
    if (node >= 1 && node <= 3) mask = static_cast<std::uint8_t>(mask | 1 << (node - 1));
  return mask;
}

class ModelBuilder {
 public:
  ModelBuilder(const Network& network, const FailureTable& failures) : network_(network), data_(network.data()), failures_(failures) {
    for (std::size_t b = 0; b < network.buses().size(); ++b) add_point();
    for (const auto& device : data_.switching_devices) {
      devices_[{device.element.kind, device.element.name}].push_back(&device);
    }
  }

  ReliabilityModel build(std::span<const CustomerRow> customers, const CustomerDefaults& defaults) {
    for (const auto& line : data_.lines) add_line(line);
    for (const auto& transformer : data_.transformers) {
      std::vector<Terminal> ends;
      for (const auto& winding : transformer.windings) ends.push_back(winding.terminal);
      add_element("transformer", transformer.name, ElementKind::transformer, ends, 0, true, 0);
    }
    for (const auto& reactor : data_.reactors)
      if (reactor.to) add_element("reactor", reactor.name, ElementKind::reactor, {reactor.terminal, *reactor.to}, 0, true, 0);
    for (const auto& capacitor : data_.capacitors)
      if (capacitor.to) join(network_.bus_of(capacitor.terminal), network_.bus_of(*capacitor.to));
    for (std::size_t b = 0; b < network_.buses().size(); ++b) {
      if (const auto failure = failures_.of("bus", network_.buses()[b].name, 0))
        model_.components.push_back({"bus." + network_.buses()[b].name, *failure, {static_cast<int>(b), -1}});
    }
    for (const auto& source : data_.sources) model_.source_blocks.push_back(network_.bus_of(source.terminal));
    add_loads(customers, defaults);
    number_blocks();
    check_supply();
    return std::move(model_);
  }

 private:
  int add_point() {
    parent_.push_back(static_cast<int>(parent_.size()));
    return parent_.back();
  }
  int root(int point) {
    while (parent_[point] != point) point = parent_[point] = parent_[parent_[point]];
    return point;
  }
  void join(int a, int b) { parent_[root(a)] = root(b); }

  void add_line(const LineData& line) {
    const std::string element_class = line.is_switch ? "switch" : "line";
    double transfer = std::numeric_limits<double>::infinity();
    if (const auto given = failures_.transfer(element_class, line.name)) {
      transfer = *given;
    } else if (line.rating > 0) {
      const double voltage = network_.buses()[network_.bus_of(line.from)].nominal_voltage;
      transfer = line.rating * voltage * std::popcount(phases_of(line.from)) / 1000;
    }
    add_element(element_class, line.name, ElementKind::line, {line.from, line.to}, line.length, line.closed, transfer);
  }

  /// The element itself is a point; each end joins its bus or is linked to it by a device.
  void add_element(const std::string& element_class, const std::string& name, ElementKind kind, const std::vector<Terminal>& ends,
                   double length, bool closed, double transfer) {
    const int body = add_point();
    const auto failure = failures_.of(element_class, name, length);
    if (!failure && element_class == "line") throw Error("line '{}' has no failure rate: add a row 'line' to the table of rates", name);
    if (failure) model_.components.push_back({element_class + "." + name, *failure, {body, -1}});
    std::vector<std::pair<SwitchingDeviceKind, std::string>> devices(ends.size());
    std::vector<std::uint8_t> present(ends.size());
    if (const auto found = devices_.find({kind, name}); found != devices_.end()) {
      for (const auto* device : found->second) {
        const auto end = static_cast<std::size_t>(device->element.terminal) - 1;
        if (end >= ends.size())
          throw Error("{}:{}: device '{}' stands at terminal {} of {}, which has {}: correct the number", device->origin.file,
                      device->origin.line, device->name, device->element.terminal, name, ends.size());
        // Of two devices at one end the protective one counts.
        if (!present[end] || device->kind > devices[end].first) devices[end] = {device->kind, device->name};
        present[end] = 1;
      }
    }
    const bool no_device = std::ranges::count(present, 1) == 0;
    if (no_device && (element_class == "switch" || !closed)) {
      devices[0] = {SwitchingDeviceKind::disconnector, name};
      present[0] = 1;
    }
    const auto open_end = static_cast<std::size_t>(std::ranges::find(present, 1) - present.begin());
    for (std::size_t end = 0; end < ends.size(); ++end) {
      const int bus = network_.bus_of(ends[end]);
      if (!present[end]) {
        join(bus, body);
        continue;
      }
      const bool is_open = !closed && end == open_end;
      model_.links.push_back({.name = name,
                              .blocks = {bus, body},
                              .kind = devices[end].first,
                              .closed = !is_open,
                              .switching = is_open && failure ? failure->switching : 0,
                              .transfer = is_open ? transfer : 0,
                              .phases = phases_of(ends[end])});
      constexpr const char* words[] = {"disconnector", "fuse", "recloser", "breaker"};
      const char* word = words[static_cast<int>(devices[end].first)];
      if (const auto own = failures_.of(word, devices[end].second, 0))
        model_.components.push_back({fmt::format("{}.{}", word, devices[end].second), *own, {bus, body}});
    }
  }

  void add_loads(std::span<const CustomerRow> customers, const CustomerDefaults& defaults) {
    std::map<std::string, const CustomerRow*> rows;
    for (const auto& row : customers) rows[row.load] = &row;
    std::vector<std::string> without;
    for (const auto& load : data_.loads) {
      const auto found = rows.find(load.name);
      const CustomerRow* row = found == rows.end() ? nullptr : found->second;
      if (found != rows.end()) rows.erase(found);
      if (!row && !customers.empty()) without.push_back(load.name);
      const double kw = load.power.real() / 1000;
      const double peak = row && row->peak ? *row->peak : kw;
      const double apparent = kw > 0 ? peak * std::abs(load.power) / load.power.real() : peak;
      model_.load_points.push_back({.name = load.name,
                                    .feeder = row && !row->feeder.empty() ? row->feeder : data_.name,
                                    .customer_class = row ? row->customer_class : defaults.customer_class,
                                    .customers = row ? row->customers : std::max(1.0, std::round(kw / defaults.kw_per_customer)),
                                    .average = row && row->average ? *row->average : peak * defaults.load_factor,
                                    .peak_apparent = apparent,
                                    .block = network_.bus_of(load.terminal),
                                    .phases = phases_of(load.terminal)});
    }
    if (!without.empty()) throw Error("loads {} are not in the table of customers: add a row for each", fmt::join(without, ", "));
    if (!rows.empty())
      throw Error("the table of customers names load '{}', which the feeder does not have: remove the row", rows.begin()->first);
    if (!(model_.customers() > 0)) throw Error("the feeder has no customers: add loads, or customers to the table");
  }

  void number_blocks() {
    std::map<int, int> numbers;
    const auto number = [&](int& point) {
      if (point >= 0) point = numbers.try_emplace(root(point), static_cast<int>(numbers.size())).first->second;
    };
    for (auto& block : model_.source_blocks) number(block);
    for (auto& component : model_.components)
      for (auto& block : component.blocks) number(block);
    for (auto& link : model_.links)
      for (auto& block : link.blocks) number(block);
    for (auto& point : model_.load_points) number(point.block);
    // A device whose ends another element joins separates nothing.
    std::erase_if(model_.links, [](const BlockLink& link) { return link.blocks[0] == link.blocks[1]; });
    for (auto& component : model_.components)
      if (component.blocks[0] == component.blocks[1]) component.blocks[1] = -1;
    model_.blocks = static_cast<int>(numbers.size());
    model_.links_of.resize(numbers.size());
    model_.load_points_of.resize(numbers.size());
    for (std::size_t l = 0; l < model_.links.size(); ++l)
      for (const int block : model_.links[l].blocks) model_.links_of[block].push_back(static_cast<int>(l));
    for (std::size_t p = 0; p < model_.load_points.size(); ++p)
      model_.load_points_of[model_.load_points[p].block].push_back(static_cast<int>(p));
  }

  void check_supply() const {
    const std::vector<std::uint8_t> none(static_cast<std::size_t>(model_.blocks));
    const auto supplied = reached(model_, model_.source_blocks, none, [](const BlockLink& link) { return link.closed; });
    for (const auto& point : model_.load_points)
      if (!supplied[point.block]) throw Error("load '{}' has no supply: close a switch on its path to the source", point.name);
  }

  const Network& network_;
  const NetworkData& data_;
  const FailureTable& failures_;
  ReliabilityModel model_;
  std::vector<int> parent_;  // union-find over buses, then bodies of elements
  std::map<std::pair<ElementKind, std::string>, std::vector<const SwitchingDeviceData*>> devices_;
};

}  // namespace

double ReliabilityModel::customers() const {
  double sum = 0;
  for (const auto& point : load_points) sum += point.customers;
  return sum;
}

ReliabilityModel make_reliability_model(const Network& network, const FailureTable& failures, std::span<const CustomerRow> customers,
                                        const CustomerDefaults& defaults) {
  return ModelBuilder(network, failures).build(customers, defaults);
}

}  // namespace gridfed
