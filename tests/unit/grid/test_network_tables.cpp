#include "grid/network_tables.hpp"

#include "feeders.hpp"
#include "grid/network_rows.hpp"
#include "refusals.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <sstream>

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
  const auto start = file.read<std::int32_t>("/lines/reactance_start");
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
  const auto owner = file.read<std::int32_t>("/windings/transformer");
  const auto winding_bus = file.read<std::int32_t>("/windings/terminal_bus");
  ASSERT_EQ(owner.size(), 2 * data.transformers.size());
  for (std::size_t w = 0; w < owner.size(); ++w) EXPECT_EQ(names[winding_bus[w]], data.transformers[w / 2].windings[w % 2].terminal.bus);
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
      // A list is one cell.
      const bool list = file.exists(path + "_start");
      const auto starts = list ? file.read<std::int32_t>(path + "_start") : std::vector<std::int32_t>{};
      ASSERT_EQ(list ? starts.size() - 1 : file.shape(path)[0], rows.size() - 1) << path;
      bool text = false;
      std::vector<double> numbers;
      try {
        numbers = file.read<double>(path);
      } catch (const Error&) {
        text = true;
      }
      const auto texts = text ? file.read_texts(path) : std::vector<std::string>{};
      for (std::size_t r = 1; r < rows.size(); ++r) {
        ASSERT_EQ(rows[r].size(), rows[0].size()) << group << " row " << r;
        const std::string& cell = rows[r][c];
        if (text) {
          EXPECT_EQ(cell, texts[r - 1]) << path;
          continue;
        }
        std::istringstream values(cell);
        for (std::int32_t i = list ? starts[r - 1] : static_cast<std::int32_t>(r) - 1; i < (list ? starts[r] : static_cast<int>(r)); ++i) {
          std::string value;
          values >> value;
          if (std::isnan(numbers[i]))
            EXPECT_EQ(value, "") << path;
          else
            EXPECT_EQ(std::stod(value), numbers[i]) << path;
        }
      }
    }
  }
  EXPECT_GE(tables, 8u);
  EXPECT_EQ(read_csv(folder / "csv/lines.csv")[2][4], "1.-2.3");
  EXPECT_EQ(read_csv(folder / "csv/network.csv")[1][0], data.name);
  std::filesystem::remove_all(folder);
}

/// All a network is made of, as text: what must survive a file.
std::string fingerprint(const NetworkData& data) {
  const auto folder = std::filesystem::temp_directory_path() / ("gridfed_print_" + std::to_string(getpid()));
  write_network_csv(folder, *make_network(data));
  std::vector<std::filesystem::path> files(std::filesystem::directory_iterator(folder), std::filesystem::directory_iterator{});
  std::sort(files.begin(), files.end());
  std::string all;
  for (const auto& file : files) {
    std::ifstream in(file);
    all += file.filename().string() + "\n" + std::string(std::istreambuf_iterator<char>(in), {});
  }
  std::filesystem::remove_all(folder);
  return all;
}

class TablesFile : public testing::Test {
 protected:
  std::filesystem::path path_ = std::filesystem::temp_directory_path() / ("gridfed_feeder_" + std::to_string(getpid()) + ".h5");
  void TearDown() override { std::filesystem::remove(path_); }
  NetworkData through_file(const NetworkData& data) {
    write_network_tables(path_, {.kind = "network", .version = network_tables_version}, *make_network(data));
    return read_feeder(path_);
  }
};

/// Elements of every class, with values that are not the defaults.
NetworkData unusual_network() {
  NetworkData data = test::script_data(
      "new circuit.c basekv=12.47 bus1=s\nset voltagebases=[12.47 0.48]\n"
      "new loadshape.day npts=3 interval=1 mult=(0.5 0.7 1)\n"
      "new line.l bus1=s bus2=a length=1\nnew line.o bus1=s bus2=b switch=y\n"
      "new transformer.t windings=3 buses=[a c d] kvs=[12.47 0.48 0.48] kvas=[500 500 500] conns=[delta wye wye] xhl=6 xht=7 xlt=8\n"
      "new load.z bus1=c phases=1 kv=0.277 kw=10 model=8 zipv=(1 0 0 1 0 0 0.5) daily=day\n"
      "new capacitor.c bus1=a kv=12.47 kvar=300 numsteps=3\n"
      "new capcontrol.k capacitor=c element=line.l terminal=1 type=voltage on=115 off=125\n"
      "new reactor.r bus1=a kv=12.47 kvar=50\nnew generator.g bus1=a kv=12.47 kw=20\n"
      "new pvsystem.p bus1=c kv=0.48 kva=20 pmpp=25\nnew storage.b bus1=c kv=0.48 kwrated=10 kwhrated=40\n"
      "new windgen.w bus1=a kv=12.47 kw=30\nnew xycurve.v npts=2 xarray=[0.9 1.1] yarray=[1 -1]\n"
      "new invcontrol.i derlist=(pvsystem.p) mode=voltvar vvc_curve1=v\n"
      "new transformer.reg phases=1 buses=[b.1 e.1] kvs=[7.2 7.2] kvas=[500 500] xhl=1\n"
      "new regcontrol.reg transformer=reg winding=2 vreg=122 band=2 ptratio=60 bus=e.1\n"
      "new load.e bus1=e.1 phases=1 kv=7.2 kw=10\nnew fuse.f monitoredobj=line.l\n");
  data.lines[0].to.open = {1};
  data.transformers[0].windings[1].neutral_impedance = Complex(1, 2);
  data.transformers[0].windings[1].min_tap = 0.85;
  data.buses.push_back({.name = "d", .nominal_voltage = 275, .start_voltage = {}, .position = std::array<double, 2>{1.5, -2}});
  data.generators.push_back({.name = "g2",
                             .terminal = {.bus = "a", .nodes = {1, 2, 3, 0}},
                             .rated_voltage = 12.47e3,
                             .power = {1e4, 2e3},
                             .voltage_setpoint_pu = 1.01,
                             .max_reactive = 5e3});
  data.loads[0].vlow_pu = 0.4;
  data.batteries[0].inverter.power_factor = {};
  data.batteries[0].charge_below = 0.3;
  data.solar[0].inverter.efficiency = {{0.1, 0.9}, {1, 0.97}};
  data.simulation = {.shapes = ShapeKind::duty, .steps = 7, .step = 30, .start = 60, .control = ControlMode::time};
  data.notes = {"one, quoted \"note\"", "another"};
  return data;
}

TEST_F(TablesFile, EveryClassSurvives) {
  const NetworkData data = unusual_network(), again = through_file(data);
  EXPECT_EQ(fingerprint(again), fingerprint(data));
  const File file = File::open(path_);
  int classes = 0;
  tables::each_class(data, [&](const char* name, const auto& elements) {
    ++classes;
    EXPECT_FALSE(elements.empty()) << name;
    EXPECT_TRUE(file.exists(std::string("/") + name));
  });
  EXPECT_EQ(classes, 15);
  EXPECT_EQ(again.lines[0].to.nodes, data.lines[0].to.nodes);
  EXPECT_EQ(again.lines[0].to.open, data.lines[0].to.open);
  EXPECT_EQ(again.transformers[0].windings[1].neutral_impedance, Complex(1, 2));
  EXPECT_EQ(again.inverter_controls[0].volt_var, data.inverter_controls[0].volt_var);
  EXPECT_EQ(again.notes, data.notes);
  EXPECT_EQ(again.simulation.shapes, ShapeKind::duty);
}

TEST_F(TablesFile, FeedersSurvive) {
  for (const char* name : {"ieee13_der", "ieee34_der", "ieee37_der", "ieee123_der"}) {
    const NetworkData data = test::feeder_data(name);
    EXPECT_EQ(fingerprint(through_file(data)), fingerprint(data)) << name;
  }
  const NetworkData transmission = test::transmission_case("ieee14");
  EXPECT_EQ(fingerprint(through_file(transmission)), fingerprint(transmission));
}

TEST_F(TablesFile, WhatIsWrongIsNamed) {
  const NetworkData data = unusual_network();
  write_network_tables(path_, {.kind = "network", .version = {1, 1}}, *make_network(data));
  EXPECT_TRUE(refuses([&] { read_feeder(path_); }, "it lacks what solving needs"));
  write_network_tables(path_, {.kind = "report", .version = network_tables_version}, *make_network(data));
  EXPECT_TRUE(refuses([&] { read_feeder(path_); }, "is a report file"));
  {
    File file = File::create(path_);
    file.write_header({.kind = "network", .version = network_tables_version});
    file.commit();
  }
  EXPECT_TRUE(refuses([&] { read_feeder(path_); }, "holds 0 networks"));
  EXPECT_TRUE(refuses([&] { read_feeder("none.h5"); }, "none.h5"));
}

TEST(NetworkTables, PartsMakeTheTablesOfTheWhole) {
  const auto network = test::feeder("ieee13_der");
  NetworkTables counted, both;
  counted.add(*network, true);
  const auto one = counted.sizes();
  counted.drop_rows();
  counted.add(*network, false);
  both.add(*network, true);
  both.add(*network, false);
  EXPECT_EQ(counted.sizes(), both.sizes());
  auto sum = one;
  NetworkTables second;
  second.add(*network, false);
  NetworkTables::combine(sum, second.sizes());
  EXPECT_EQ(sum, both.sizes());
}

}  // namespace
}  // namespace gridfed
