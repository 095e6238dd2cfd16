#include "env/zones.hpp"

#include "runtime/error.hpp"

#include <algorithm>

namespace gridfed {

Zones make_zones(const Network& network, int count) {
  const auto buses = network.buses();
  const int n = static_cast<int>(buses.size());
  if (count < 1 || count > n) throw Error("env.zones is {}: it must lie between 1 and the feeder's {} buses", count, n);
  const auto& data = network.data();
  std::vector<double> weight(n, 0.0);
  for (const auto& load : data.loads) weight[network.bus_of(load.terminal)] += load.power.real();
  for (const auto& plant : data.solar) weight[network.bus_of(plant.terminal)] += plant.capacity;
  for (const auto& plant : data.wind) weight[network.bus_of(plant.terminal)] += plant.capacity;
  for (const auto& battery : data.batteries) weight[network.bus_of(battery.terminal)] += battery.power_rating;
  double total = 0;
  for (double& w : weight) {
    w += 1e-6;  // buses without load still make progress
    total += w;
  }

  std::vector<std::vector<int>> children(n);
  std::vector<int> stack;
  for (int bus = 0; bus < n; ++bus) {
    if (buses[bus].parent >= 0) {
      children[buses[bus].parent].push_back(bus);
    } else {
      stack.push_back(bus);
    }
  }
  for (auto& list : children) {
    std::stable_sort(list.begin(), list.end(), [&](int a, int b) { return buses[a].distance > buses[b].distance; });
  }
  Zones result;
  result.zones.resize(count);
  result.zone_of_bus.assign(n, 0);
  double walked = 0;
  while (!stack.empty()) {
    const int bus = stack.back();
    stack.pop_back();
    const double middle = walked + weight[bus] / 2;
    result.zone_of_bus[bus] = std::min(count - 1, static_cast<int>(middle / total * count));
    walked += weight[bus];
    for (const int child : children[bus]) stack.push_back(child);
  }

  const auto zone = [&](const Terminal& terminal) -> Zones::Zone& { return result.zones[result.zone_of_bus[network.bus_of(terminal)]]; };
  for (std::size_t i = 0; i < network.measured_voltages().size(); ++i) {
    result.zones[result.zone_of_bus[network.measured_voltages()[i].bus]].measurements.push_back(static_cast<int>(i));
  }
  for (int i = 0; i < static_cast<int>(data.lines.size()); ++i) zone(data.lines[i].to).lines.push_back(i);
  for (int i = 0; i < static_cast<int>(data.loads.size()); ++i) {
    zone(data.loads[i].terminal).loads.push_back(i);
    zone(data.loads[i].terminal).peak_load += data.loads[i].power.real();
  }
  for (int i = 0; i < static_cast<int>(data.solar.size()); ++i) zone(data.solar[i].terminal).solar.push_back(i);
  for (int i = 0; i < static_cast<int>(data.wind.size()); ++i) zone(data.wind[i].terminal).wind.push_back(i);
  for (int i = 0; i < static_cast<int>(data.batteries.size()); ++i) {
    auto& z = zone(data.batteries[i].terminal);
    z.batteries.push_back(i);
    z.battery_power += data.batteries[i].power_rating;
    z.battery_energy += data.batteries[i].capacity_wh;
  }
  for (int i = 0; i < static_cast<int>(data.regulators.size()); ++i) {
    const auto& transformer = data.transformers[network.regulator_transformers()[i]];
    zone(transformer.windings[data.regulators[i].winding - 1].terminal).regulators.push_back(i);
  }
  for (int i = 0; i < static_cast<int>(data.capacitors.size()); ++i) zone(data.capacitors[i].terminal).capacitors.push_back(i);
  return result;
}

}  // namespace gridfed
