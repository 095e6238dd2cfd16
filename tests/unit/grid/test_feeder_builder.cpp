#include "grid/feeder_builder.hpp"

#include "refusals.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace gridfed {
namespace {

using namespace components;

FeederBuilder two_buses() {
  FeederBuilder feeder("f");
  feeder.add_bus({.name = "A", .voltage_level = 10e3, .type = BusType::slack}).add_bus({.name = "b", .voltage_level = 10e3});
  return feeder;
}

TEST(FeederBuilder, SequenceImpedancesBecomeAMatrixAndRatingsCurrents) {
  auto feeder = two_buses();
  feeder.add_line({.from_bus = "a",
                   .to_bus = "B",
                   .resistance = 1,
                   .reactance = 2,
                   .zero_sequence_resistance = 4,
                   .zero_sequence_reactance = 8,
                   .rating = 3e6});
  const auto& line = feeder.data().lines[0];
  EXPECT_EQ(line.name, "line1");
  EXPECT_NEAR(std::abs(line.series_impedance(0, 0) - Complex(2, 4)), 0, 1e-12);  // (z0 + 2 z1) / 3
  EXPECT_NEAR(std::abs(line.series_impedance(0, 1) - Complex(1, 2)), 0, 1e-12);  // (z0 - z1) / 3
  EXPECT_NEAR(line.rating, 3e6 / (std::sqrt(3.0) * 10e3), 1e-9);
  EXPECT_EQ(feeder.build()->node_count(), 6);
}

TEST(FeederBuilder, PanelsAndInverterEachLimitAPlant) {
  auto feeder = two_buses();
  feeder.add_der(SolarPV{.bus = "b", .capacity = 2e6, .efficiency = 0.18, .panel_area = 10000});
  feeder.add_der(SolarPV{.bus = "b", .capacity = 1e6, .efficiency = 0.18, .panel_area = 10000});
  feeder.add_der(SolarPV{.bus = "b", .capacity = 3e6});
  const auto& solar = feeder.data().solar;
  EXPECT_NEAR(solar[0].capacity, 1.8e6, 1e-6);
  EXPECT_NEAR(solar[0].inverter_rating, 2e6, 1e-6);
  EXPECT_NEAR(solar[1].capacity, 1e6, 1e-6);
  EXPECT_NEAR(solar[1].panel_rating, 1.8e6, 1e-6);
  EXPECT_EQ(solar[2].capacity, 3e6);
  EXPECT_EQ(solar[2].panel_rating, 3e6);
}

TEST(FeederBuilder, ARegulatorIsOneUnitAPhaseBehindItsOwnInstrumentTransformers) {
  auto feeder = two_buses();
  feeder.add_regulator({.from_bus = "a", .to_bus = "b", .rating = 3e6, .setpoint = 122, .resistance_drop = 3, .reactance_drop = 9});
  const auto network = feeder.build();
  const auto& data = network->data();
  ASSERT_EQ(data.regulators.size(), 3u);
  EXPECT_EQ(data.transformers[2].name, "regulator1_3");
  EXPECT_EQ(data.transformers[2].windings[1].terminal.nodes, (std::vector<int>{3, 0}));
  EXPECT_NEAR(data.regulators[0].pt_ratio, 10e3 / std::sqrt(3.0) / 120, 1e-9);
  EXPECT_NEAR(data.regulators[0].ct_rating, 1e6 / (10e3 / std::sqrt(3.0)), 1e-9);
}

TEST(FeederBuilder, DevicesStandAtTheirPhases) {
  auto feeder = two_buses();
  feeder.add_line({.from_bus = "a", .to_bus = "b", .resistance = 1});
  feeder.add_load({.bus = "b", .active_power = 1e3, .phases = {2}});
  feeder.add_load({.bus = "b", .active_power = 1e3, .connection = Connection::delta, .phases = {2, 3}});
  feeder.add_load({.bus = "b", .active_power = 1e3, .connection = Connection::delta});
  feeder.add_capacitor({.bus = "b", .reactive_power = 300e3, .steps = 3});
  feeder.add_switch({.from_bus = "a", .to_bus = "b", .closed = false});
  feeder.add_der(WindTurbine{.bus = "b", .capacity = 1e3, .phases = {1}});
  const auto network = feeder.build();
  const auto& loads = network->data().loads;
  EXPECT_EQ(loads[0].terminal.nodes, (std::vector<int>{2, 0}));
  EXPECT_NEAR(loads[0].rated_voltage, 10e3 / std::sqrt(3.0), 1e-9);
  EXPECT_EQ(loads[1].terminal.nodes, (std::vector<int>{2, 3}));
  EXPECT_EQ(loads[1].phases, 1);
  EXPECT_EQ(loads[1].rated_voltage, 10e3);
  EXPECT_EQ(loads[2].terminal.nodes, (std::vector<int>{1, 2, 3}));
  EXPECT_EQ(network->data().capacitors[0].step_power, (std::vector<double>{100e3, 100e3, 100e3}));
  EXPECT_FALSE(network->data().lines[1].closed);
}

TEST(FeederBuilder, WhatIsWrongNamesComponentLineAndRemedy) {
  auto f = two_buses();
  const auto refused = [&](auto&& add, const std::string& text) { return refuses([&] { add(); }, text); };
  EXPECT_TRUE(refused([&] { f.add_bus({.name = "a", .voltage_level = 10e3}); }, "bus 'a' is there already: give another name"));
  EXPECT_TRUE(refused([&] { f.add_bus({.name = "c"}); }, "bus 'c' has the voltage level 0: give a positive number"));
  EXPECT_TRUE(refused([&] { f.add_bus({.name = "c", .voltage_level = 1, .phases = {4}}); }, "phases are 1, 2, 3"));
  EXPECT_TRUE(refused([&] { f.add_line({.from_bus = "a", .to_bus = "z", .resistance = 1}); },
                      "line 'line1' stands at bus 'z', which does not exist: add_bus() it first"));
  EXPECT_TRUE(refused([&] { f.add_line({.from_bus = "a", .to_bus = "b"}); }, "line 'line1' has the impedance 0 + j0 ohm"));
  EXPECT_TRUE(refused([&] { f.add_line({.from_bus = "a", .to_bus = "a", .resistance = 1}); }, "to itself: name two buses"));
  EXPECT_TRUE(refused([&] { f.add_transformer({.from_bus = "a", .to_bus = "b"}); }, "transformer 'transformer1' has the rating 0"));
  EXPECT_TRUE(refused([&] { f.add_load({.bus = "b", .active_power = std::nan("")}); }, "load 'load1' draws nan W"));
  EXPECT_TRUE(refused([&] { f.add_load({.bus = "b", .connection = Connection::delta, .phases = {1}}); }, "one phase in delta"));
  EXPECT_TRUE(refused([&] { f.add_load({.bus = "b", .phases = {1, 1}}); }, "has phase 1 twice"));
  EXPECT_TRUE(refused([&] { f.add_capacitor({.bus = "b"}); }, "capacitor 'capacitor1' has the reactive power 0"));
  EXPECT_TRUE(refused([&] { f.add_der(SolarPV{.bus = "b", .efficiency = 0.2}); }, "give both or neither"));
  EXPECT_TRUE(refused([&] { f.add_der(SolarPV{.bus = "b", .efficiency = 18, .panel_area = 1}); }, "give a share below 1"));
  EXPECT_TRUE(refused([&] { f.add_der(WindTurbine{.bus = "b", .capacity = 1, .cut_in_speed = 13}); }, "give them in rising order"));
  EXPECT_TRUE(refused([&] { f.add_der(Battery{.bus = "b", .capacity = 1, .power_rating = 1, .efficiency = 95}); },
                      "battery 'battery1' has efficiency 95: it must lie in (0, 1]"));
  EXPECT_TRUE(refused([&] { f.add_der(Battery{.bus = "b", .capacity = 1, .power_rating = 1, .initial_soc = 0.1}); }, "min_soc 0.2"));
  f.add_bus({.name = "low", .voltage_level = 400, .phases = {1}});
  EXPECT_TRUE(
      refused([&] { f.add_line({.from_bus = "b", .to_bus = "low", .resistance = 1, .phases = {1}}); }, "put a transformer between them"));
  EXPECT_TRUE(refused([&] { f.add_load({.bus = "low"}); }, "uses phase 2 of bus 'low', which does not have it"));
  f.add_load({.bus = "low", .active_power = 1, .phases = {1}});
  const int line = __LINE__ - 1;
  EXPECT_TRUE(refuses([&] { f.build(); }, "bus 'low' has no path to a source"));
  auto lonely = two_buses();
  lonely.add_load({.bus = "a", .active_power = 1});
  EXPECT_TRUE(refuses([&] { lonely.build(); }, "bus 'b' of feeder 'f' has nothing at it: add a line to it or leave it out"));
  EXPECT_TRUE(refuses([&] { f.build(); }, "test_feeder_builder.cpp:" + std::to_string(line)));
}

}  // namespace
}  // namespace gridfed
