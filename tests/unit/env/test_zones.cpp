#include "env/zones.hpp"

#include "feeders.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

namespace gridfed {
namespace {

TEST(Zones, HoldEveryElementExactlyOnce) {
  for (const char* name : {"ieee13_der", "ieee34_der", "ieee37_der", "ieee123_der"}) {
    const auto network = test::feeder(name);
    const auto& data = network->data();
    for (const int count : {1, 2, 4, 8}) {
      const auto zones = make_zones(*network, count);
      ASSERT_EQ(zones.zones.size(), static_cast<std::size_t>(count));
      const auto covered = [&](std::vector<int> Zones::Zone::*member, std::size_t size) {
        std::vector<int> all, wanted(size);
        for (const auto& zone : zones.zones) all.insert(all.end(), (zone.*member).begin(), (zone.*member).end());
        std::sort(all.begin(), all.end());
        std::iota(wanted.begin(), wanted.end(), 0);
        return all == wanted;
      };
      EXPECT_TRUE(covered(&Zones::Zone::measurements, network->measured_voltages().size())) << name;
      EXPECT_TRUE(covered(&Zones::Zone::lines, data.lines.size())) << name;
      EXPECT_TRUE(covered(&Zones::Zone::loads, data.loads.size())) << name;
      EXPECT_TRUE(covered(&Zones::Zone::solar, data.solar.size())) << name;
      EXPECT_TRUE(covered(&Zones::Zone::wind, data.wind.size())) << name;
      EXPECT_TRUE(covered(&Zones::Zone::batteries, data.batteries.size())) << name;
      EXPECT_TRUE(covered(&Zones::Zone::regulators, data.regulators.size())) << name;
      EXPECT_TRUE(covered(&Zones::Zone::capacitors, data.capacitors.size())) << name;
      double load = 0, rated = 0;
      for (const auto& zone : zones.zones) load += zone.peak_load;
      for (const auto& l : data.loads) rated += l.power.real();
      EXPECT_NEAR(load, rated, 1e-6);
    }
  }
}

TEST(Zones, ShareLoadAndResourcesAboutEqually) {
  const auto network = test::feeder("ieee123_der");
  const auto zones = make_zones(*network, 4);
  double total = 0;
  std::vector<double> weight;
  for (const auto& zone : zones.zones) {
    double w = zone.peak_load + zone.battery_power;
    for (const int i : zone.solar) w += network->data().solar[i].capacity;
    for (const int i : zone.wind) w += network->data().wind[i].capacity;
    weight.push_back(w);
    total += w;
  }
  for (const double w : weight) EXPECT_NEAR(w / total, 0.25, 0.1);
}

TEST(Zones, RefusesMoreZonesThanBuses) {
  const auto network = test::feeder("ieee13");
  const auto refusal = [&](int count) { return test::error_of([&] { make_zones(*network, count); }); };
  EXPECT_EQ(refusal(17), "env.zones is 17: it must lie between 1 and the feeder's 16 buses");
  EXPECT_EQ(refusal(16), "no error");
}

}  // namespace
}  // namespace gridfed
