#include "dynamics/outages.hpp"

#include "dynamics/islanding.hpp"

#include <algorithm>
#include <cmath>

namespace gridfed {

namespace {

constexpr double seconds_a_year = 8760 * 3600.0, unknown_length = 100;

double exponential(RandomStream& stream, double mean) {
  return -mean * std::log1p(-stream.uniform());
}

}  // namespace

std::vector<Outage> draw_outages(const Network& network, const OutageOptions& options, double seconds, RandomStream& stream) {
  std::vector<Outage> outages;
  const auto& lines = network.data().lines;
  for (int i = 0; i < static_cast<int>(lines.size()); ++i) {
    if (lines[i].is_switch) continue;
    const double km = (lines[i].length > 0 ? lines[i].length : unknown_length) / 1000;
    const double up = seconds_a_year / (options.rate * km), down = options.repair * 3600;
    // Without memory: what is left of a state that is met is distributed as a whole one.
    bool out = stream.uniform() < down / (up + down);
    for (double t = 0; t < seconds; out = !out) {
      const double lasts = exponential(stream, out ? down : up);
      if (out) outages.push_back({i, t, std::min(seconds, t + lasts)});
      t += lasts;
    }
  }
  return outages;
}

std::vector<char> dark_buses(const Network& network, const GridState& state, const std::vector<int>& lines_out) {
  GridState broken = state;
  for (const int line : lines_out) broken.closed[line] = 0;
  std::vector<char> dark(network.buses().size(), 0);
  for (const auto& island : islands(network, broken)) {
    if (island.has_source) continue;
    for (const int bus : island.buses) dark[bus] = 1;
  }
  return dark;
}

}  // namespace gridfed
