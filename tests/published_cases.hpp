#pragma once

#include "grid/network.hpp"
#include "runtime/error.hpp"

#include <cmath>
#include <numbers>
#include <string>
#include <vector>

namespace gridfed::test {

/// Positive-sequence cases from published tables, per unit on 100 MVA, as networks of one conductor a bus.
struct CaseBus {
  double p, q;       ///< load [MW, Mvar]
  double shunt = 0;  ///< [Mvar at 1 p.u.]
};
struct CaseBranch {
  int from, to;  ///< bus numbers from 1
  double r, x, b, tap = 0;
};
struct CaseGenerator {
  int bus;
  double p, voltage, q_max = 1e6, q_min = -1e6;  ///< [MW, p.u., Mvar]
};

/// The first bus is the slack, held at its voltage by an ideal source.
inline NetworkData published_case(const std::string& name, double slack_voltage, const std::vector<CaseBus>& buses,
                                  const std::vector<CaseBranch>& branches, const std::vector<CaseGenerator>& generators) {
  constexpr double base = 100e3, power = 100e6, ohm = base * base / power;
  const auto bus = [](int number) { return Terminal{fmt::format("b{}", number), {1}}; };
  const auto grounded = [](int number) { return Terminal{fmt::format("b{}", number), {1, 0}}; };
  NetworkData data{.name = name, .voltage_bases = {base * std::numbers::sqrt3}};
  data.sources.push_back(
      {.name = "slack", .terminal = bus(1), .voltage_base = base, .voltage_pu = slack_voltage, .z1 = {0, 1e-6}, .ideal = true});
  for (std::size_t i = 0; i < branches.size(); ++i) {
    const auto& branch = branches[i];
    const std::string branch_name = fmt::format("branch{}", i + 1);
    const Complex z{branch.r, branch.x};
    if (branch.tap == 0) {
      data.lines.push_back({.name = branch_name,
                            .from = bus(branch.from),
                            .to = bus(branch.to),
                            .series_impedance = Eigen::MatrixXcd::Constant(1, 1, z * ohm),
                            .shunt_susceptance = Eigen::MatrixXd::Constant(1, 1, branch.b / ohm)});
    } else {
      const auto winding = [&](int number, double tap) {
        return WindingData{
            .terminal = grounded(number), .rated_voltage = base, .rated_power = power, .resistance_pu = branch.r / 2, .tap = tap};
      };
      data.transformers.push_back({.name = branch_name,
                                   .phases = 1,
                                   .windings = {winding(branch.from, branch.tap), winding(branch.to, 1)},
                                   .reactance_pu = {branch.x},
                                   .antifloat_ppm = 0});
    }
  }
  for (std::size_t i = 0; i < buses.size(); ++i) {
    const int number = static_cast<int>(i) + 1;
    const std::string bus_name = fmt::format("b{}", number);
    if (buses[i].p != 0 || buses[i].q != 0) {
      data.loads.push_back({.name = bus_name,
                            .terminal = grounded(number),
                            .phases = 1,
                            .power = Complex(buses[i].p, buses[i].q) * 1e6,
                            .rated_voltage = base,
                            .vmin_pu = 0.1,
                            .vmax_pu = 2,
                            .vlow_pu = 0.05});
    }
    if (buses[i].shunt != 0) {
      data.capacitors.push_back({.name = bus_name,
                                 .terminal = bus(number),
                                 .phases = 1,
                                 .step_power = {buses[i].shunt * 1e6},
                                 .states = {1},
                                 .rated_voltage = base});
    }
  }
  for (const auto& generator : generators) {
    data.generators.push_back({.name = fmt::format("g{}", generator.bus),
                               .terminal = grounded(generator.bus),
                               .phases = 1,
                               .rated_voltage = base,
                               .power = generator.p * 1e6,
                               .voltage_setpoint_pu = generator.voltage,
                               .min_reactive = generator.q_min * 1e6,
                               .max_reactive = generator.q_max * 1e6});
  }
  return data;
}

/// Nine buses, three machines: Chow, "Time-scale modeling of dynamic networks with applications to power systems", Springer 1982, p. 70,
/// with all voltages held at 1 p.u.
inline NetworkData nine_buses() {
  return published_case("nine_buses", 1.0, {{0, 0}, {0, 0}, {0, 0}, {0, 0}, {90, 30}, {0, 0}, {100, 35}, {0, 0}, {125, 50}},
                        {{1, 4, 0, 0.0576, 0},
                         {4, 5, 0.017, 0.092, 0.158},
                         {5, 6, 0.039, 0.17, 0.358},
                         {3, 6, 0, 0.0586, 0},
                         {6, 7, 0.0119, 0.1008, 0.209},
                         {7, 8, 0.0085, 0.072, 0.149},
                         {8, 2, 0, 0.0625, 0},
                         {8, 9, 0.032, 0.161, 0.306},
                         {9, 4, 0.01, 0.085, 0.176}},
                        {{2, 163, 1.0}, {3, 85, 1.0}});
}

/// IEEE 14-bus test case (Power Systems Test Case Archive, University of Washington).
inline NetworkData ieee14() {
  return published_case("ieee14", 1.06,
                        {{0, 0},
                         {21.7, 12.7},
                         {94.2, 19},
                         {47.8, -3.9},
                         {7.6, 1.6},
                         {11.2, 7.5},
                         {0, 0},
                         {0, 0},
                         {29.5, 16.6, 19},
                         {9, 5.8},
                         {3.5, 1.8},
                         {6.1, 1.6},
                         {13.5, 5.8},
                         {14.9, 5}},
                        {{1, 2, 0.01938, 0.05917, 0.0528},
                         {1, 5, 0.05403, 0.22304, 0.0492},
                         {2, 3, 0.04699, 0.19797, 0.0438},
                         {2, 4, 0.05811, 0.17632, 0.034},
                         {2, 5, 0.05695, 0.17388, 0.0346},
                         {3, 4, 0.06701, 0.17103, 0.0128},
                         {4, 5, 0.01335, 0.04211, 0},
                         {4, 7, 0, 0.20912, 0, 0.978},
                         {4, 9, 0, 0.55618, 0, 0.969},
                         {5, 6, 0, 0.25202, 0, 0.932},
                         {6, 11, 0.09498, 0.1989, 0},
                         {6, 12, 0.12291, 0.25581, 0},
                         {6, 13, 0.06615, 0.13027, 0},
                         {7, 8, 0, 0.17615, 0},
                         {7, 9, 0, 0.11001, 0},
                         {9, 10, 0.03181, 0.0845, 0},
                         {9, 14, 0.12711, 0.27038, 0},
                         {10, 11, 0.08205, 0.19207, 0},
                         {12, 13, 0.22092, 0.19988, 0},
                         {13, 14, 0.17093, 0.34802, 0}},
                        {{2, 40, 1.045, 50, -40}, {3, 0, 1.01, 40, 0}, {6, 0, 1.07, 24, -6}, {8, 0, 1.09, 24, -6}});
}

}  // namespace gridfed::test
