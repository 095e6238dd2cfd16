#include "dynamics/load_process.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

namespace gridfed {

namespace {

/// By hour ending at 1, 2, ..., 24.
constexpr std::array<std::array<double, 24>, 3> relative{{{1.02, 1.00, 0.98, 0.97, 0.97, 0.98, 1.00, 1.00, 0.94, 0.88, 0.86, 0.86,
                                                           0.88, 0.86, 0.85, 0.88, 0.98, 1.10, 1.18, 1.22, 1.24, 1.22, 1.14, 1.06},
                                                          {0.66, 0.64, 0.64, 0.64, 0.66, 0.72, 0.86, 1.08, 1.26, 1.36, 1.40, 1.40,
                                                           1.38, 1.40, 1.40, 1.36, 1.26, 1.10, 0.96, 0.86, 0.80, 0.76, 0.72, 0.68},
                                                          {0.82, 0.82, 0.82, 0.82, 0.84, 0.92, 1.08, 1.14, 1.14, 1.14, 1.14, 1.10,
                                                           1.14, 1.14, 1.14, 1.10, 1.08, 1.06, 1.06, 1.04, 1.02, 0.96, 0.86, 0.82}}};

}  // namespace

double class_profile(LoadClass load_class, int weekday, double hour) {
  if (weekday >= 6) return 1;
  const auto& profile = relative[static_cast<std::size_t>(load_class)];
  const double mean = std::accumulate(profile.begin(), profile.end(), 0.0) / 24;
  // Hourly means, joined at the middles of the hours.
  const double position = hour - 0.5, below = std::floor(position), weight = position - below;
  const int before = (static_cast<int>(below) + 24) % 24;
  return ((1 - weight) * profile[before] + weight * profile[(before + 1) % 24]) / mean;
}

std::vector<float> bus_noise(const Network& network, int steps, double correlation, double neighbours, RandomStream& stream) {
  const auto buses = network.buses();
  std::vector<int> order(buses.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return buses[a].distance < buses[b].distance; });
  std::vector<double> innovation(buses.size()), value(buses.size(), 0.0);
  std::vector<float> noise(static_cast<std::size_t>(steps) * buses.size());
  const double own = std::sqrt(1 - neighbours * neighbours), fresh = std::sqrt(1 - correlation * correlation);
  for (int t = 0; t < steps; ++t) {
    for (const int bus : order) {
      const int parent = buses[bus].parent;
      innovation[bus] = parent < 0 ? stream.normal() : neighbours * innovation[parent] + own * stream.normal();
      value[bus] = t == 0 ? innovation[bus] : correlation * value[bus] + fresh * innovation[bus];
      noise[static_cast<std::size_t>(t) * buses.size() + bus] = static_cast<float>(value[bus]);
    }
  }
  return noise;
}

}  // namespace gridfed
