#include "grid/network_tables.hpp"

#include "feeders.hpp"

#include <gtest/gtest.h>

namespace gridfed {
namespace {

TEST(NetworkTables, HoldEveryElementWithItsBuses) {
  const auto network = test::feeder("ieee13_der");
  const auto& data = network->data();
  const auto path = std::filesystem::temp_directory_path() / ("gridfed_tables_" + std::to_string(getpid()) + ".h5");
  write_network_tables(path, {.kind = "network", .version = network_tables_version}, *network);
  const File file = File::open(path);
  file.check_kind("network", network_tables_version.major);
  const auto names = file.read_texts("/buses/name");
  ASSERT_EQ(names.size(), network->buses().size());
  const auto parents = file.read<std::int32_t>("/buses/parent");
  const auto node_bus = file.read<std::int32_t>("/nodes/bus");
  ASSERT_EQ(static_cast<int>(node_bus.size()), network->node_count());
  for (std::size_t bus = 0; bus < names.size(); ++bus) {
    EXPECT_EQ(names[bus], network->buses()[bus].name);
    EXPECT_EQ(parents[bus], network->buses()[bus].parent);
  }
  const auto from = file.read<std::int32_t>("/lines/from_bus");
  const auto conductors = file.read_texts("/lines/from_conductors");
  const auto start = file.read<std::int32_t>("/lines/matrix_start");
  const auto reactance = file.read<double>("/lines/reactance");
  ASSERT_EQ(from.size(), data.lines.size());
  for (std::size_t i = 0; i < from.size(); ++i) {
    const auto& line = data.lines[i];
    EXPECT_EQ(names[from[i]], line.from.bus);
    const auto n = line.series_impedance.rows();
    ASSERT_EQ(start[i + 1] - start[i], n * n);
    EXPECT_EQ(reactance[start[i] + n * n - 1], line.series_impedance(n - 1, n - 1).imag());
    EXPECT_EQ(std::count(conductors[i].begin(), conductors[i].end(), '.'), n - 1);
  }
  const auto windings = file.read<std::int32_t>("/transformers/winding_start");
  const auto winding_bus = file.read<std::int32_t>("/windings/terminal_bus");
  ASSERT_EQ(windings.size(), data.transformers.size() + 1);
  for (std::size_t t = 0; t < data.transformers.size(); ++t)
    EXPECT_EQ(names[winding_bus[windings[t] + 1]], data.transformers[t].windings[1].terminal.bus);
  double total = 0;
  for (const double power : file.read<double>("/loads/active_power")) total += power;
  for (const auto& load : data.loads) total -= load.power.real();
  EXPECT_EQ(total, 0);
  EXPECT_EQ(file.read_texts("/batteries/name").size(), data.batteries.size());
  EXPECT_EQ(file.read_texts("/solar/name").size(), data.solar.size());
  EXPECT_FALSE(file.exists("/generators"));
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace gridfed
