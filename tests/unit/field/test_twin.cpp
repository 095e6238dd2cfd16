#include "field/twin_outstation.hpp"

#include "feeders.hpp"
#include "powerflow/make_power_flow.hpp"
#include "refusals.hpp"
#include "stations.hpp"

namespace gridfed {
namespace {

using namespace dnp3;

/// A source, a line, a switch to a second load, a capacitor of two steps, sun and a battery.
const char* const small = R"(new circuit.c basekv=12.47
new loadshape.half npts=2 interval=1 mult=(1 0.5)
new line.l bus1=sourcebus bus2=a length=1 r1=0.5 x1=1 r0=1 x0=2 c1=0 c0=0 normamps=100
new line.tie bus1=a bus2=b switch=yes r1=0.001 x1=0 r0=0.001 x0=0 c1=0 c0=0
new load.one bus1=a kv=12.47 kw=1000 kvar=300 model=1 daily=half
new load.two bus1=b kv=12.47 kw=500 kvar=0 model=1
new capacitor.cap bus1=a kv=12.47 numsteps=2 kvar=(100 200)
new pvsystem.sun bus1=a kv=12.47 pmpp=400 kva=500 irradiance=1
new storage.bat bus1=a kv=12.47 kwrated=100 kva=100 kwhrated=100 %stored=50 dispmode=external
set voltagebases=[12.47]
)";

struct Feeder {
  explicit Feeder(const TwinOptions& options = {.step = 3600})
      : network(test::script(small)), flow(make_power_flow(network, {})), twin(*flow, options) {}
  double value(std::string_view element, std::string_view quantity) const {
    return twin.measure(find_point(*network, element, quantity)).value();
  }
  TwinResult command(std::string_view element, std::string_view quantity, double to) {
    const auto result = twin.command(find_point(*network, element, quantity), to);
    twin.solve_again();
    return result;
  }

  std::shared_ptr<const Network> network;
  std::unique_ptr<PowerFlow> flow;
  Twin twin;
};

TEST(Twin, MeasuresWhatBalances) {
  const Feeder feeder;
  const double drawn = feeder.value("load.one", "active_power") + feeder.value("load.two", "active_power");
  const double injected = feeder.value("solar.sun", "active_power") + feeder.value("battery.bat", "active_power");
  EXPECT_NEAR(feeder.value("feeder", "active_power") + injected, drawn + feeder.value("feeder", "losses"), 10);
  EXPECT_NEAR(feeder.value("line.tie", "active_power"), 500e3, 100);
  EXPECT_NEAR(feeder.value("line.l", "loading") * 100, feeder.value("line.l.1", "current"), 0.1);
  EXPECT_NEAR(feeder.value("bus.a.1", "voltage") / (12470 / std::sqrt(3)), feeder.value("bus.a.1", "voltage_pu"), 1e-9);
  EXPECT_EQ(feeder.value("capacitor.cap", "steps"), 2);
}

TEST(Twin, FollowsItsShapesWithoutEnd) {
  Feeder feeder;
  std::vector<double> drawn;
  for (int i = 0; i < 4; ++i) {
    feeder.twin.advance();
    drawn.push_back(std::round(feeder.value("load.one", "active_power") / 1e3));
  }
  EXPECT_EQ(drawn, (std::vector<double>{1000, 500, 1000, 500}));
}

TEST(Twin, CommandsMoveIt) {
  Feeder feeder;
  EXPECT_EQ(feeder.command("line.tie", "closed", 0), TwinResult::done);
  EXPECT_NEAR(feeder.value("line.tie", "active_power"), 0, 1e-3);
  const double before = feeder.value("feeder", "reactive_power");
  EXPECT_EQ(feeder.command("capacitor.cap", "steps", 1), TwinResult::done);
  EXPECT_NEAR(feeder.value("feeder", "reactive_power"), before + 200e3, 10e3);
  EXPECT_EQ(feeder.command("capacitor.cap", "closed", 0), TwinResult::done);
  EXPECT_EQ(feeder.value("capacitor.cap", "steps"), 0);
  EXPECT_EQ(feeder.command("solar.sun", "power_limit", 150e3), TwinResult::done);
  EXPECT_NEAR(feeder.value("solar.sun", "active_power"), 150e3, 1);
}

TEST(Twin, ACommandedBatteryDischargesToItsReserve) {
  Feeder feeder({.step = 360});
  EXPECT_EQ(feeder.command("battery.bat", "active_power", 100e3), TwinResult::done);
  EXPECT_NEAR(feeder.value("battery.bat", "active_power"), 100e3, 1);
  feeder.twin.advance();
  // 10 kWh and the idling loss of 0.1 kWh leave through an efficiency of 0.9.
  EXPECT_NEAR(feeder.value("battery.bat", "charge"), 0.5 - 0.101 / 0.9, 1e-3);
  for (int i = 0; i < 10; ++i) feeder.twin.advance();
  EXPECT_NEAR(feeder.value("battery.bat", "charge"), 0.2, 1e-9);
  EXPECT_LE(feeder.value("battery.bat", "active_power"), 0);
}

TEST(Twin, WhatCannotBeIsRefused) {
  Feeder feeder;
  EXPECT_EQ(feeder.command("battery.bat", "active_power", 101e3), TwinResult::out_of_range);
  EXPECT_EQ(feeder.command("battery.bat", "active_power", std::nan("")), TwinResult::out_of_range);
  EXPECT_EQ(feeder.command("capacitor.cap", "steps", 3), TwinResult::out_of_range);
  EXPECT_EQ(feeder.command("capacitor.cap", "steps", 0.5), TwinResult::out_of_range);
  EXPECT_EQ(feeder.command("solar.sun", "power_limit", -1), TwinResult::out_of_range);
  EXPECT_EQ(feeder.command("line.tie", "closed", std::nan("")), TwinResult::out_of_range);
  EXPECT_EQ(feeder.command("load.one", "active_power", 1), TwinResult::not_supported);
}

TEST(Twin, TapsMoveWithinTheirRange) {
  const auto network = test::feeder("ieee123");
  const auto flow = make_power_flow(network, {});
  Twin twin(*flow, {});
  const auto tap = find_point(*network, "Regulator.REG1", "tap"), voltage = find_point(*network, "bus.1.1", "voltage_pu");
  const double before = *twin.measure(voltage), from = *twin.measure(tap);
  EXPECT_EQ(twin.command(tap, from + 4), TwinResult::done);
  twin.solve_again();
  EXPECT_NEAR(*twin.measure(voltage) - before, 4 * 0.00625, 0.003);
  EXPECT_EQ(twin.command(tap, 17), TwinResult::out_of_range);
  EXPECT_EQ(twin.command(tap, 1.5), TwinResult::out_of_range);
}

TEST(Twin, PointsThatThereAreNotAreNamed) {
  const Feeder feeder;
  const auto refused = [&](const char* element, const char* quantity, const char* text) {
    return refuses([&] { find_point(*feeder.network, element, quantity); }, text);
  };
  EXPECT_TRUE(refused("bus.a.1", "volts", "quantity is 'volts': it must be one of voltage"));
  EXPECT_TRUE(refused("pipe.a", "voltage", "its class must be one of bus"));
  EXPECT_TRUE(refused("bus.a", "voltage", "say which conductor"));
  EXPECT_TRUE(refused("bus.a.7", "voltage", "no measured voltage at conductor 7"));
  EXPECT_TRUE(refused("bus.z.1", "voltage", "no bus 'z'"));
  EXPECT_TRUE(refused("line.l.4", "current", "3 conductors, not 4"));
  EXPECT_TRUE(refused("load.one", "tap", "a load has no tap"));
  EXPECT_TRUE(refuses([] { unit_factor(Quantity::voltage, "kW"); }, "it must be one of V, kV"));
  EXPECT_TRUE(refuses([] { unit_factor(Quantity::tap, "V"); }, "leave it empty"));
}

/// The small feeder as an outstation of a master at the other end of a wire.
struct Served {
  explicit Served(const std::string& lines, const TwinOptions& options = {}) : feeder(options) {
    const auto file = std::filesystem::temp_directory_path() / ("gridfed_served_" + std::to_string(getpid()) + ".csv");
    std::ofstream(file) << "name, kind, index, class, element, quantity, scale, unit, low, high\n" << lines;
    map.emplace(file);
    std::filesystem::remove(file);
    outstation.emplace(feeder.twin, *feeder.network, *map, OutstationOptions{},
                       [this](const MappedPoint& point, double value, CommandStatus status) {
                         commands.push_back(fmt::format("{} {} {}", point.name, value, static_cast<int>(status)));
                       });
  }
  void connect() {
    outstation->report(0s);
    outstation->station().connected(0s);
    master.station.connected(0s);
    exchange();
  }
  void exchange() {
    for (;;) {
      const auto down = taken(master.station.output()), up = taken(outstation->station().output());
      if (down.empty() && up.empty()) return;
      outstation->station().receive(down, 0s);
      master.station.receive(up, 0s);
    }
  }
  CommandResult operate(const Command& command) {
    master.station.operate({&command, 1}, CommandMode::select_before_operate, 0s, master.note());
    exchange();
    outstation->settle(0s);
    exchange();
    return master.results.back();
  }

  Feeder feeder;
  std::optional<PointMap> map;
  std::optional<TwinOutstation> outstation;
  TestMaster master;
  std::vector<std::string> commands;
};

TEST(TwinOutstation, ReportsAndObeys) {
  Served served(
      "q, analog_input, 0, 1, feeder, reactive_power, 0.1, kvar, , \n"
      "steps, analog_output, 3, 1, capacitor.cap, steps, , , 0, 1\n"
      "tie, binary_output, 0, 1, line.tie, closed, , , , \n"
      "tie_is, double_bit_input, 0, 1, line.tie, closed, , , , \n");
  served.connect();
  EXPECT_NEAR(served.master.value(PointType::analog_input, 0), served.feeder.value("feeder", "reactive_power") / 100, 0.1);
  EXPECT_EQ(served.master.value(PointType::double_bit_input, 0), 2);
  EXPECT_EQ(served.operate(Command::latch(0, false)).outcome, CommandResult::Outcome::done);
  EXPECT_EQ(served.master.value(PointType::double_bit_input, 0), 1);  // told without being asked
  EXPECT_EQ(served.operate(Command::setpoint(3, 1)).outcome, CommandResult::Outcome::done);
  EXPECT_EQ(served.master.value(PointType::analog_output, 3), 1);
  EXPECT_EQ(served.operate(Command::setpoint(3, 2)).statuses.at(0), CommandStatus::out_of_range);  // above the map's limit
  EXPECT_EQ(served.operate(Command::setpoint(9, 2)).statuses.at(0), CommandStatus::not_supported);
  EXPECT_EQ(served.commands, (std::vector<std::string>{"tie 0 0", "steps 1 0"}));  // what its select refused is not tried
}

TEST(TwinOutstation, WithoutASolutionValuesAreFlaggedAsLost) {
  Served served(
      "v, analog_input, 0, 1, bus.a.1, voltage, , , , \n"
      "tie, binary_output, 0, 1, line.tie, closed, , , , \n",
      {.load_scale = 1000});
  served.connect();
  const auto& value = served.master.values.at({PointType::analog_input, 0});
  EXPECT_EQ(value.flags, flag::comm_lost);
  EXPECT_EQ(served.master.values.at({PointType::binary_output, 0}).flags, flag::online);  // a switch is where it is
  EXPECT_TRUE(served.master.station.indications().has(Iin::device_trouble));
}

TEST(TwinOutstation, PointsThatDoNotFitNameTheirLine) {
  EXPECT_TRUE(
      refuses([] { Served("v, analog_output, 0, 1, bus.a.1, voltage, , , , \n"); }, ".csv:2: voltage of bus.a.1 cannot be commanded"));
  EXPECT_TRUE(refuses([] { Served("v, binary_input, 0, 1, bus.a.1, voltage, , , , \n"); }, ".csv:2: voltage is no state"));
  EXPECT_TRUE(refuses([] { Served("v, counter, 0, 1, bus.a.1, voltage, , , , \n"); }, ".csv:2: a feeder has no counter"));
  EXPECT_TRUE(refuses([] { Served("v, analog_input, 0, 1, bus.a.1, voltage, , kW, , \n"); }, ".csv:2: unit is 'kW'"));
}

}  // namespace
}  // namespace gridfed
