#include "feeders.hpp"
#include "grid/network_tables.hpp"
#include "powerflow/make_power_flow.hpp"
#include "powerflow/static_control.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace gridfed {
namespace {

/// Voltages after the controls have settled [V].
std::vector<Complex> solve(const std::shared_ptr<const Network>& network) {
  const auto flow = make_power_flow(network, {.tolerance = 1e-10});
  solve_with_controls(*flow, rated_conditions(*network), regulator_settings(*network));
  EXPECT_TRUE(flow->solution().converged);
  return flow->solution().bus_voltages;
}

TEST(TablesFeeder, SolvesAsTheFeederItWasWrittenFrom) {
  const std::filesystem::path root = GRIDFED_SOURCE_DIR;
  const auto path = std::filesystem::temp_directory_path() / ("gridfed_solved_" + std::to_string(getpid()) + ".h5");
  for (const char* file : {"tests/regression/many_classes/feeder.dss", "inputs/feeders/ieee13_der.dss", "inputs/feeders/ieee34_der.dss",
                           "inputs/feeders/ieee123_der.dss", "tests/regression/ieee14/case.m", "tests/regression/cim_small/feeder.xml"}) {
    const auto network = make_network(read_feeder(root / file));
    write_network_tables(path, {.kind = "network", .version = network_tables_version}, *network);
    const auto again = make_network(read_feeder(path));
    ASSERT_EQ(again->node_count(), network->node_count()) << file;
    const auto v = solve(network), w = solve(again);
    for (std::size_t i = 0; i < v.size(); ++i) EXPECT_LE(std::abs(v[i] - w[i]), 1e-12 * std::abs(v[i])) << file << " node " << i;
  }
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace gridfed
