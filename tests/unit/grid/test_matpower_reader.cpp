#include "grid/matpower_reader.hpp"

#include "feeders.hpp"
#include "grid/network.hpp"
#include "runtime/error.hpp"

#include <gtest/gtest.h>

#include <numbers>

namespace gridfed {
namespace {

NetworkData case_data(const std::string& text) {
  const auto folder = std::filesystem::temp_directory_path() / ("gridfed_case_" + std::to_string(getpid()));
  std::filesystem::create_directories(folder);
  std::ofstream(folder / "small.m") << text;
  NetworkData data;
  const std::string message = test::error_of([&] { data = read_matpower(folder / "small.m"); });
  std::filesystem::remove_all(folder);
  if (message != "no error") throw Error(message);
  return data;
}

void expect_in(const std::string& part, const std::string& whole) {
  EXPECT_NE(whole.find(part), std::string::npos) << "'" << part << "' is not in:\n" << whole;
}

const std::string start = "function mpc = small\nmpc.version = '2';\nmpc.baseMVA = 50;\n";
const std::string buses =
    "mpc.bus = [ 1 3 0 0 0 0 1 1 5 10 1 1.1 0.9; % slack\n"
    "  2, 2, 20, 10, 1, -2, 1, 1, 0, 20, 1, 1.1, 0.9\n"
    "  7 1 0 0 0 0 1 ...  continued\n   1 0 20 1 1.1 0.9];\n";
const std::string machines =
    "mpc.gen = [1 0 0 9 -9 1.02 50 1 9 0; 2 30 4 Inf -Inf 1.01 50 1 9 0; 2 5 1 2 -2 1.01 50 1 9 0; 7 1 1 9 0 1 5 0 9 0];\n";
const std::string branches =
    "mpc.branch = [1 2 0.01 0.1 0.2 25 0 0 1.05 -30 1 -360 360\n 1 2 0.02 0.2 0 0 0 0 0 0 0 -360 360\n"
    "2 7 0 0.1 0 0 0 0 0 0 1 -360 360];\n";

TEST(MatpowerReader, ReadsEveryTableIntoSiUnits) {
  const auto data =
      case_data(start + buses + machines + branches + "mpc.bus_name = {'a [b'; 'it''s % ;'};\nmpc.gencost = [2 0 0 3 1 2 3];\n");
  EXPECT_EQ(data.name, "small");
  ASSERT_EQ(data.sources.size(), 1u);
  EXPECT_TRUE(data.sources[0].ideal);
  EXPECT_EQ(data.sources[0].voltage_base, 10e3);
  EXPECT_EQ(data.sources[0].voltage_pu, 1.02);
  EXPECT_EQ(data.sources[0].angle_deg, 5);
  ASSERT_EQ(data.loads.size(), 1u);
  EXPECT_EQ(data.loads[0].power, Complex(20e6, 10e6));
  EXPECT_EQ(data.loads[0].terminal.nodes, (std::vector<int>{1, 0}));
  EXPECT_EQ(data.loads[0].rated_voltage, 20e3);
  EXPECT_EQ(data.loads[0].origin.line, 5);
  ASSERT_EQ(data.reactors.size(), 1u);
  EXPECT_LT(std::abs(20e3 * 20e3 / std::conj(data.reactors[0].impedance) - Complex(1e6, 2e6)), 1e-6);  // drawn at 1 p.u.; Bs injects
  ASSERT_EQ(data.generators.size(), 2u);  // they hold the voltage of bus 2 together
  EXPECT_EQ(data.generators[0].name, "gen_2");
  EXPECT_EQ(data.generators[1].name, "gen_2_2");
  EXPECT_EQ(data.generators[0].power, Complex(30e6, 4e6));
  EXPECT_EQ(data.generators[1].power, Complex(5e6, 1e6));
  EXPECT_EQ(*data.generators[0].voltage_setpoint_pu, 1.01);
  EXPECT_TRUE(std::isinf(data.generators[0].max_reactive));
  ASSERT_EQ(data.lines.size(), 3u);
  EXPECT_EQ(data.lines[0].name, "branch_1_2");
  EXPECT_EQ(data.lines[1].name, "branch_1_2_2");
  EXPECT_FALSE(data.lines[1].closed);
  const double z_base = 20e3 * 20e3 / 50e6;
  EXPECT_LT(std::abs(data.lines[0].series_impedance(0, 0) - Complex(0.01, 0.1) * z_base), 1e-12);
  EXPECT_NEAR(data.lines[0].shunt_susceptance(0, 0), 0.2 / z_base, 1e-15);
  EXPECT_LT(std::abs(data.lines[0].ratio - std::polar(1.05 * 10 / 20, -std::numbers::pi / 6)), 1e-15);
  EXPECT_EQ(data.lines[0].rating, 2500);  // 25 MVA at 10 kV
  EXPECT_EQ(data.lines[2].ratio, 1.0);
  const auto network = make_network(data);
  EXPECT_EQ(network->buses()[network->find_bus("7")].nominal_voltage, 20e3);
  EXPECT_LT(std::abs(*network->buses()[network->find_bus("1")].start_voltage - std::polar(1.0, std::numbers::pi / 36)), 1e-15);
}

TEST(MatpowerReader, ReadsVersionOneBlockCommentsAndMissingVoltageBases) {
  const auto data = case_data(
      "function [baseMVA, bus, gen, branch] = small\n[PQ, PV] = idx_bus;\n%{\nbus = [broken\n%}\nbaseMVA = 1e2;\n"
      "bus = [1 3 0 0 0 0 1 1 0 0 1 1 1; 2 1 1 0 0 0 1 1 0 0 1 1 1; 3 4 1 0 0 0 1 1 0 0 1 1 1];\n"
      "gen = [1 0 0 0 0 1 1 1; 1 3 1 0 0 1 1 1];\nbranch = [1 2 0 .1 0 0 0 0 0 0 1; 2 3 0 .1 0 0 0 0 0 0 1];\nreturn;");
  EXPECT_EQ(data.sources[0].voltage_base, 1e3);
  ASSERT_EQ(data.generators.size(), 1u);  // beside the source, which holds the voltage
  EXPECT_FALSE(data.generators[0].voltage_setpoint_pu);
  EXPECT_EQ(data.lines.size(), 1u);
  ASSERT_EQ(data.notes.size(), 1u);
  expect_in("1 isolated bus", data.notes[0]);
}

TEST(MatpowerReader, CarriesOutTheConversionsOfDistributionCases) {
  const auto data = case_data(start + buses + machines + branches +
                              "[PQ, PV, ...  comment\n  REF] = idx_bus;\n[F_BUS,\n T_BUS] = idx_brch;\n"
                              "Vbase = mpc.bus(2, BASE_KV) * 1e3;   % V\nSbase = mpc.baseMVA * 1e6;\npf = 0.8;\n"
                              "mpc.branch(:, [BR_R BR_X]) = mpc.branch(:, [BR_R, BR_X]) / (Vbase^2 / Sbase);\n"
                              "mpc.bus(:, [PD, QD]) = mpc.bus(:, [PD, QD]) / 1e3;\n"
                              "mpc.bus(:, QD) = mpc.bus(:, PD) * sin(acos(pf));\nmpc.bus(1, 5) = 1 + 2;\n");
  // What was in ohm comes out in ohm, what was in kW in kW.
  EXPECT_LT(std::abs(data.lines[0].series_impedance(0, 0) - Complex(0.01, 0.1)), 1e-14);
  EXPECT_LT(std::abs(data.loads[0].power - Complex(20e3, 12e3)), 1e-9);
  EXPECT_EQ(data.reactors.size(), 2u);
  const auto halves =
      case_data(start + "mpc.baseMVA = 50/2;\nmpc.bus = [1 3 0 0 0 0 1 1 -5/2 12/sqrt(4) 1 1 1];\nmpc.gen = [1 0 0 0 0 1 1 1];\n");
  EXPECT_EQ(halves.sources[0].voltage_base, 6e3);
  EXPECT_EQ(halves.sources[0].angle_deg, -2.5);
}

TEST(MatpowerReader, CarriesOutConditionsAndChoosesRows) {
  const std::string block =
      "if on\n  [GEN_BUS, PG] = idx_gen;\n  k = find( isinf(mpc.gen(:, QMAX)) & ...\n    isinf(mpc.gen(:, QMIN)) );\n"
      "  mpc.gen(k, QMAX) = mpc.gen(k, QG);\n  mpc.gen(k, QMIN) = mpc.gen(k, QG);\nend\n";
  for (const bool on : {true, false}) {
    const auto data = case_data(start + "on = " + (on ? "1" : "0") + ";\n" + buses + machines + branches + block);
    EXPECT_EQ(std::isinf(data.generators[0].max_reactive), !on);
    if (on) {
      EXPECT_EQ(data.generators[0].max_reactive, 4e6);
    }
    EXPECT_EQ(data.generators[1].max_reactive, 2e6);
  }
  EXPECT_EQ(case_data(start + buses + machines + branches + "if 0\nif 1\nfor\nend\nwhile x\nend\nmpc.bus(1, 3) = 7;\n").loads.size(), 2u);
}

TEST(MatpowerReader, NamesFileAndLineOfWhatIsWrong) {
  const auto message = [](const std::string& text) { return test::error_of([&] { case_data(text); }); };
  expect_in("small.m:4: table 'bus' begins here and does not end", message(start + "mpc.bus = [\n3"));
  expect_in("small.m:5: this row of 'bus' has 2 columns: it needs 13 as the first",
            message(start + "mpc.bus = [1 3 0 0 0 0 1 1 0 10 1 1 1\n2 3];"));
  expect_in("small.m:4: '1.2.3' is not a number", message(start + "mpc.bus = [1.2.3];"));
  expect_in("small.m:4: '-' is not a number", message(start + "mpc.bus = [1 - 2];"));
  expect_in("small.m:8: 'half' is not a number, nor the name of one", message(start + buses + "mpc.bus(:, 3) = half;"));
  expect_in("small.m:4: '[' follows the value of mpc.baseMVA", message(start + "mpc.baseMVA = 3 [2];"));
  expect_in("small.m:4: the statement that begins with 'for' is not understood", message(start + "for i = 1:2\nend"));
  expect_in("small.m:4: the block that begins here does not end", message(start + "if 0\nfor"));
  expect_in("small.m:5: 'else' is not carried out", message(start + "if 0\nelse\nend"));
  expect_in("small.m:8: 'half' is neither a variable nor a column", message(start + buses + "mpc.bus(half, 3) = 1;"));
  expect_in("small.m:8: 14 is not a column of 'bus', which has 13", message(start + buses + "mpc.bus(:, 14) = 1;"));
  expect_in("an expression is nested too deeply", message(start + "x = " + std::string(200, '(') + "1;"));
  expect_in("small.m:8: bus 9 is not in the bus table", message(start + buses + "mpc.gen = [9 0 0 0 0 1 1 1];"));
  expect_in("small.m:9: bus 8 is not in the bus table", message(start + buses + machines + "mpc.branch = [1 8 0 1 0 0 0 0 0 0 1];"));
  expect_in("table 'gen' is missing", message(start + buses));
  expect_in("baseMVA is missing", message("mpc.x = 1;"));
  expect_in("no bus of type 3 (reference) or 2 (PV) has a machine in service", message(start + buses + "mpc.gen = [1 0 0 0 0 1 1 0];"));
  const auto unequal = case_data(start + buses + "mpc.gen = [1 0 0 0 0 1 1 1; 2 0 0 0 0 1.01 1 1; 2 0 0 0 0 1.02 1 1];");
  EXPECT_EQ(unequal.notes, (std::vector<std::string>{"bus 2 is held at 1.02 p.u. as its last machine says, another says 1.01"}));
  EXPECT_EQ(*unequal.generators[0].voltage_setpoint_pu, 1.02);
  expect_in("small.m:4: bus 1 has type 1e+99: types are",
            message(start + "mpc.bus = [1 1e99 0 0 0 0 1 1 0 10 1 1 1]; mpc.gen = [1 0 0 0 0 1 1 1];"));
  expect_in("bus 1 is defined twice",
            message(start + "mpc.bus = [1 3 0 0 0 0 1 1 0 10 1 1 1; 1 3 0 0 0 0 1 1 0 10 1 1 1]; mpc.gen = [1 0 0 0 0 1 1 1];"));
  expect_in("line 'branch_1_2' has zero impedance", test::error_of([&] {
              make_network(case_data(start + buses + machines + "mpc.branch = [1 2 0 0 0 0 0 0 0 0 1; 2 7 0 1 0 0 0 0 0 0 1];"));
            }));
}

}  // namespace
}  // namespace gridfed
