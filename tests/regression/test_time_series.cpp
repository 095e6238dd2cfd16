#include "grid/opendss_reader.hpp"
#include "powerflow/time_series.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

namespace gridfed {
namespace {

/// tests/regression/time_series: taps, charge and voltages that OpenDSS computes.
TEST(TimeSeriesRegression, IeeeThirtyFourWithDelayedControls) {
  const auto folder = std::filesystem::path(GRIDFED_SOURCE_DIR) / "tests/regression/time_series";
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
  const std::array nodes{network->find_node(network->find_bus("844"), 1), network->find_node(network->find_bus("860"), 2),
                         network->find_node(network->find_bus("890"), 3)};
  std::ifstream reference(folder / "reference.csv");
  std::string line;
  std::getline(reference, line);
  int rows = 0;
  while (std::getline(reference, line)) {
    std::istringstream cells(line);
    const auto next = [&] {
      std::string cell;
      std::getline(cells, cell, ',');
      return std::stod(cell);
    };
    const int step = static_cast<int>(next());
    while (series.step() < step) EXPECT_TRUE(series.advance().settled) << series.step();
    for (std::size_t r = 0; r < network->data().regulators.size(); ++r) {
      const int transformer = network->regulator_transformers()[r], winding = network->data().regulators[r].winding - 1;
      EXPECT_EQ(tap_number(network->data().transformers[transformer].windings[winding], flow.state().taps[transformer][winding]), next())
          << "step " << step << " regulator " << network->data().regulators[r].name;
    }
    EXPECT_NEAR(100 * series.charge()[0], next(), 1e-6) << step;
    for (const int node : nodes) {
      const double real = next(), imag = next();
      EXPECT_LT(std::abs(flow.solution().bus_voltages[node] - Complex(real, imag)), 1e-7 * std::abs(Complex(real, imag))) << step;
    }
    ++rows;
  }
  EXPECT_EQ(rows, simulation.steps / 10);
  EXPECT_TRUE(series.done());
}

}  // namespace
}  // namespace gridfed
