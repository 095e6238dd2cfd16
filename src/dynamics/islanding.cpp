#include "dynamics/islanding.hpp"

#include "dynamics/ieee1547.hpp"
#include "runtime/error.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>
#include <set>

namespace gridfed {

namespace {

/// Disjoint sets of buses.
class BusSets {
 public:
  explicit BusSets(std::size_t buses) : parent_(buses) { std::iota(parent_.begin(), parent_.end(), 0); }
  int find(int bus) {
    while (parent_[bus] != bus) bus = parent_[bus] = parent_[parent_[bus]];
    return bus;
  }
  void join(int a, int b) { parent_[find(a)] = find(b); }

 private:
  std::vector<int> parent_;
};

bool leads(const LineData& line) {
  return !line.from.all_open() && !line.to.all_open();
}

/// Names of elements that stay, by class.
using Names = std::set<std::string>;

template <class Elements, class Stays>
Names keep(Elements& elements, Stays&& stays) {
  std::erase_if(elements, [&](const auto& e) { return !stays(e); });
  Names names;
  for (const auto& e : elements) names.insert(e.name);
  return names;
}

}  // namespace

std::vector<Island> islands(const Network& network, const GridState& state) {
  const auto& data = network.data();
  BusSets sets(network.buses().size());
  const auto bus = [&](const Terminal& terminal) { return network.bus_of(terminal); };
  for (std::size_t i = 0; i < data.lines.size(); ++i) {
    if (state.closed[i] && leads(data.lines[i])) sets.join(bus(data.lines[i].from), bus(data.lines[i].to));
  }
  for (const auto& transformer : data.transformers) {
    for (const auto& winding : transformer.windings) {
      if (!winding.terminal.all_open()) sets.join(bus(transformer.windings[0].terminal), bus(winding.terminal));
    }
  }
  for (const auto& e : data.reactors) {
    if (e.to) sets.join(bus(e.terminal), bus(*e.to));
  }
  for (const auto& e : data.capacitors) {
    if (e.to) sets.join(bus(e.terminal), bus(*e.to));
  }
  std::vector<Island> result;
  std::vector<int> island_of_root(network.buses().size(), -1);
  const auto island_of = [&](int b) -> Island& {
    int& position = island_of_root[sets.find(b)];
    if (position < 0) {
      position = static_cast<int>(result.size());
      result.emplace_back();
    }
    return result[position];
  };
  for (const auto& source : data.sources) island_of(bus(source.terminal)).has_source = true;
  for (int b = 0; b < static_cast<int>(network.buses().size()); ++b) island_of(b).buses.push_back(b);
  for (const auto& load : data.loads) island_of(bus(load.terminal)).load += load.power.real();
  for (int i = 0; i < static_cast<int>(data.solar.size()); ++i) island_of(bus(data.solar[i].terminal)).solar.push_back(i);
  for (int i = 0; i < static_cast<int>(data.wind.size()); ++i) island_of(bus(data.wind[i].terminal)).wind.push_back(i);
  for (int i = 0; i < static_cast<int>(data.batteries.size()); ++i) island_of(bus(data.batteries[i].terminal)).batteries.push_back(i);
  return result;
}

NetworkData island_data(const Network& network, const GridState& state, const Island& island, int battery,
                        const GridFormingOptions& inverter) {
  NetworkData data = network.data();
  if (battery < 0 || battery >= static_cast<int>(data.batteries.size()) ||
      std::find(island.batteries.begin(), island.batteries.end(), battery) == island.batteries.end())
    throw Error("battery {} does not stand in the island: name one of its {}", battery, island.batteries.size());
  const BatteryData former = data.batteries[battery];
  if (former.phases == 2 || (former.phases == 1 && former.connection == Connection::delta))
    throw Error("battery '{}' cannot form a grid (it stands between two phases): take one of three phases or one", former.name);
  for (std::size_t i = 0; i < data.lines.size(); ++i) data.lines[i].closed = state.closed[i] != 0;
  for (std::size_t i = 0; i < data.capacitors.size(); ++i) data.capacitors[i].states = state.capacitors[i];
  for (std::size_t i = 0; i < data.transformers.size(); ++i) {
    for (std::size_t w = 0; w < data.transformers[i].windings.size(); ++w) data.transformers[i].windings[w].tap = state.taps[i][w];
  }
  std::vector<char> inside(network.buses().size(), 0);
  for (const int bus : island.buses) inside[bus] = 1;
  const auto here = [&](const Terminal& terminal) { return inside[network.bus_of(terminal)] != 0; };
  const auto stands = [&](const auto& e) { return here(e.terminal); };
  const auto both = [&](const auto& e) { return here(e.terminal) && (!e.to || here(*e.to)); };
  std::erase_if(data.buses, [&](const BusData& bus) {
    const int position = network.find_bus(bus.name);
    return position < 0 || !inside[position];
  });
  keep(data.sources, stands);
  // An open line has an end elsewhere, or none of its ends matters.
  const Names lines = keep(data.lines, [&](const LineData& l) { return l.closed && here(l.from) && here(l.to); });
  const Names transformers = keep(data.transformers, [&](const TransformerData& t) { return here(t.windings[0].terminal); });
  keep(data.loads, stands);
  keep(data.generators, stands);
  keep(data.reactors, both);
  const Names capacitors = keep(data.capacitors, both);
  const Names solar = keep(data.solar, stands);
  keep(data.wind, stands);
  const Names batteries = keep(data.batteries, [&](const BatteryData& b) { return stands(b) && b.name != former.name; });
  keep(data.regulators, [&](const RegulatorData& r) { return transformers.contains(r.transformer); });
  const auto element_stays = [&](const ElementTerminal& e) {
    return (e.kind == ElementKind::line && lines.contains(e.name)) ||
           (e.kind == ElementKind::transformer && transformers.contains(e.name)) ||
           (e.kind == ElementKind::capacitor && capacitors.contains(e.name));
  };
  keep(data.capacitor_controls,
       [&](const CapacitorControlData& c) { return capacitors.contains(c.capacitor) && element_stays(c.monitored); });
  keep(data.switching_devices, [&](const SwitchingDeviceData& d) { return element_stays(d.element); });
  for (auto& control : data.inverter_controls) {
    std::erase_if(control.solar, [&](const std::string& name) { return !solar.contains(name); });
    std::erase_if(control.batteries, [&](const std::string& name) { return !batteries.contains(name); });
  }
  keep(data.inverter_controls, [](const InverterControlData& c) { return !c.solar.empty() || !c.batteries.empty(); });

  const Complex z = Complex(inverter.resistance, inverter.reactance) * former.rated_voltage * former.rated_voltage / former.inverter_rating;
  Terminal terminal = former.terminal;
  if (former.connection == Connection::wye) terminal.nodes.pop_back();
  data.sources.insert(data.sources.begin(), {.name = former.name,
                                             .terminal = terminal,
                                             .voltage_base = former.rated_voltage,
                                             .voltage_pu = inverter.voltage,
                                             .z1 = z,
                                             .z0 = z,
                                             .origin = former.origin});
  return data;
}

Synchronism check_synchronism(Complex voltage_a, double frequency_a, Complex voltage_b, double frequency_b, double rating) {
  const auto limits = synchronising_limits(rating);
  Synchronism s{.frequency = std::abs(frequency_a - frequency_b), .voltage = std::abs(std::abs(voltage_a) - std::abs(voltage_b))};
  s.angle_deg =
      std::abs(voltage_a) > 0 && std::abs(voltage_b) > 0 ? std::abs(std::arg(voltage_a / voltage_b)) * 180 / std::numbers::pi : 180;
  s.may_close = s.frequency <= limits.frequency && s.voltage <= limits.voltage && s.angle_deg <= limits.angle_deg;
  return s;
}

}  // namespace gridfed
