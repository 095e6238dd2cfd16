#include "grid/opendss_reader.hpp"
#include "powerflow/time_series.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <functional>
#include <sstream>

namespace gridfed {
namespace {

/// Rows of a reference, step first.
std::vector<std::vector<double>> rows_of(const std::filesystem::path& file) {
  std::ifstream reference(file);
  std::vector<std::vector<double>> rows;
  std::string line, cell;
  std::getline(reference, line);
  while (std::getline(reference, line)) {
    auto& row = rows.emplace_back();
    for (std::istringstream cells(line); std::getline(cells, cell, ',');) row.push_back(std::stod(cell));
  }
  return rows;
}

/// Plays a feeder as its script says and compares taps, then what `other` gives, then voltages of nodes with every row of its reference:
/// what OpenDSS computes.
void expect_series(const std::string& name, std::size_t expected_rows, const std::vector<std::pair<std::string, int>>& nodes,
                   const std::function<double(const TimeSeries&)>& other) {
  const auto folder = std::filesystem::path(GRIDFED_SOURCE_DIR) / "tests/regression" / name;
  const auto network = make_network(read_feeder(folder / "feeder.dss"));
  const auto& simulation = network->data().simulation;
  ASSERT_EQ(simulation.shapes, ShapeKind::duty);
  UnbalancedPowerFlow flow(network, {.tolerance = 1e-11, .max_iterations = 500});
  TimeSeries series(flow, {.shapes = *simulation.shapes,
                           .steps = simulation.steps,
                           .step = simulation.step,
                           .start = simulation.start,
                           .control = simulation.control,
                           .tolerance = 1e-11});
  const auto rows = rows_of(folder / "reference.csv");
  EXPECT_EQ(rows.size(), expected_rows);
  for (const auto& row : rows) {
    const int step = static_cast<int>(row[0]);
    std::size_t at = 1;
    while (series.step() < step) EXPECT_TRUE(series.advance().settled) << series.step();
    for (std::size_t r = 0; r < network->data().regulators.size(); ++r) {
      const int transformer = network->regulator_transformers()[r], winding = network->data().regulators[r].winding - 1;
      EXPECT_EQ(tap_number(network->data().transformers[transformer].windings[winding], flow.state().taps[transformer][winding]), row[at++])
          << "step " << step << " regulator " << network->data().regulators[r].name;
    }
    if (other) {
      EXPECT_NEAR(other(series), row[at++], 1e-6) << step;
    }
    for (const auto& [bus, conductor] : nodes) {
      const Complex wanted(row[at], row[at + 1]);
      EXPECT_LT(std::abs(flow.solution().bus_voltages[network->find_node(network->find_bus(bus), conductor)] - wanted),
                1e-7 * std::abs(wanted))
          << bus << " step " << step;
      at += 2;
    }
  }
  EXPECT_TRUE(series.done());
}

TEST(TimeSeriesRegression, IeeeThirtyFourWithDelayedControls) {
  expect_series("time_series", 50, {{"844", 1}, {"860", 2}, {"890", 3}}, [](const TimeSeries& s) { return 100 * s.charge()[0]; });
}

TEST(TimeSeriesRegression, RegulatorsUnderReversePower) {
  expect_series("backfed_regulators", 80, {{"c_turns", 1}, {"c_neutral", 1}, {"c_cogen", 1}, {"c_primary", 1}}, {});
}

}  // namespace
}  // namespace gridfed
