#include "grid/network_tables.hpp"

#include "feeders.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

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

/// Rows of a CSV file without quotes, the header first.
std::vector<std::vector<std::string>> read_csv(const std::filesystem::path& path) {
  std::ifstream in(path);
  EXPECT_TRUE(in) << path;
  std::vector<std::vector<std::string>> rows;
  for (std::string line; std::getline(in, line);) {
    auto& row = rows.emplace_back();
    std::size_t begin = 0, end = 0;
    do {
      end = std::min(line.find(',', begin), line.size());
      row.push_back(line.substr(begin, end - begin));
      begin = end + 1;
    } while (end < line.size());
  }
  return rows;
}

TEST(NetworkTables, CsvFilesHoldWhatTheHdf5FileHolds) {
  auto data = test::feeder_data("ieee13_der");
  data.lines[1].to.open = {1};
  const auto network = make_network(data);
  const auto folder = std::filesystem::temp_directory_path() / ("gridfed_csv_" + std::to_string(getpid()));
  write_network_csv(folder / "csv", *network);
  write_network_tables(folder / "tables.h5", {.kind = "network", .version = network_tables_version}, *network);
  const File file = File::open(folder / "tables.h5");
  std::size_t tables = 0;
  for (const auto& group : file.children("/")) {
    const auto rows = read_csv(folder / "csv" / (group + ".csv"));
    ASSERT_GE(rows.size(), 2u) << group;
    ++tables;
    for (std::size_t c = 0; c < rows[0].size(); ++c) {
      const std::string& title = rows[0][c];
      const std::string path = "/" + group + "/" + title.substr(0, title.find(" ["));
      ASSERT_TRUE(file.exists(path)) << path;
      if (title.find(" [") != std::string::npos) {
        EXPECT_EQ(" [" + file.attribute<std::string>(path, "unit") + "]", title.substr(title.find(" ["))) << path;
      }
      const bool text = title == "name" || title == "bank" || title.find("_conductors") != std::string::npos;
      ASSERT_EQ(file.shape(path)[0], rows.size() - 1) << path;
      const auto texts = text ? file.read_texts(path) : std::vector<std::string>{};
      const auto numbers = text ? std::vector<double>{} : file.read<double>(path);
      for (std::size_t r = 1; r < rows.size(); ++r) {
        ASSERT_EQ(rows[r].size(), rows[0].size()) << group << " row " << r;
        const std::string& cell = rows[r][c];
        if (text) {
          EXPECT_EQ(cell, texts[r - 1]) << path;
        } else if (std::isnan(numbers[r - 1])) {
          EXPECT_EQ(cell, "") << path;
        } else {
          EXPECT_EQ(std::stod(cell), numbers[r - 1]) << path;
        }
      }
    }
  }
  EXPECT_GE(tables, 8u);
  EXPECT_EQ(read_csv(folder / "csv/lines.csv")[2][4], "1.-.3");
  const auto start = file.read<std::int32_t>("/lines/matrix_start");
  const auto reactance = file.read<double>("/lines/reactance");
  const auto matrices = read_csv(folder / "csv/line_matrices.csv");
  EXPECT_EQ(matrices[0], (std::vector<std::string>{"line", "row", "column", "resistance [ohm]", "reactance [ohm]", "susceptance [S]"}));
  ASSERT_EQ(matrices.size() - 1, reactance.size());
  for (std::size_t i = 0; i < reactance.size(); ++i) {
    const auto line = std::stoul(matrices[i + 1][0]);
    EXPECT_TRUE(start[line] <= static_cast<int>(i) && static_cast<int>(i) < start[line + 1]);
    EXPECT_EQ(std::stod(matrices[i + 1][4]), reactance[i]);
    EXPECT_EQ(std::stod(matrices[i + 1][4]),
              data.lines[line].series_impedance(std::stoi(matrices[i + 1][1]), std::stoi(matrices[i + 1][2])).imag());
  }
  EXPECT_EQ(read_csv(folder / "csv/network.csv")[1][0], data.name);
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace gridfed
