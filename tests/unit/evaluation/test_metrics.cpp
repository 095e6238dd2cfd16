#include "evaluation/metrics.hpp"

#include "refusals.hpp"

#include <cmath>
#include <numbers>

namespace gridfed {
namespace {

using Phases = std::array<std::complex<double>, 3>;

std::complex<double> phasor(double magnitude, double degrees) {
  return std::polar(magnitude, degrees * std::numbers::pi / 180);
}

TEST(Metrics, VoltageViolationsByBus) {
  // Bus 0: 0.94, 0.93, 1.00, 1.07; bus 1 within its limits.
  const std::vector<double> voltages{0.94, 1, 0.93, 0.95, 1.00, 1.05, 1.07, 1};
  const auto v = voltage_violations(voltages, 2, 0.25);
  EXPECT_EQ(v[0].steps, 3);
  EXPECT_EQ(v[0].events, 2);
  EXPECT_NEAR(v[0].hours, 0.75, 1e-12);
  EXPECT_NEAR(v[0].longest, 0.5, 1e-12);
  EXPECT_NEAR(v[0].worst, 0.02, 1e-12);
  EXPECT_NEAR(v[0].excess_hours, (0.01 + 0.02 + 0.02) * 0.25, 1e-12);
  EXPECT_EQ(v[1].steps, 0);
  EXPECT_EQ(controllable_ratio(voltages, 2), 0.25);
  EXPECT_TRUE(refuses([&] { controllable_ratio(voltages, 3); }, "8 values are no rows of 3 columns"));
}

TEST(Metrics, OverloadsByBranch) {
  const auto t = thermal_loading(std::vector<double>{0.5, 1.2, 0.9, 1.5, 0.7, 1.0}, 2, 0.5);
  EXPECT_EQ(t[0].highest, 0.9);
  EXPECT_EQ(t[0].hours_overloaded, 0);
  EXPECT_EQ(t[1].highest, 1.5);
  EXPECT_NEAR(t[1].hours_overloaded, 1, 1e-12);
  EXPECT_NEAR(t[1].overload_hours, 0.35, 1e-12);
}

TEST(Metrics, EnergyPeakAndLoadFactor) {
  const auto s = load_summary(std::vector<double>{10, 40, 20, 10}, 0.5);
  EXPECT_NEAR(s.energy, 40, 1e-12);
  EXPECT_EQ(s.peak, 40);
  EXPECT_NEAR(s.load_factor, 0.5, 1e-12);
  EXPECT_EQ(load_summary({}, 1).load_factor, 0);
  EXPECT_NEAR(curtailed_energy(std::vector<double>{5, 8}, std::vector<double>{5, 2}, 0.5), 3, 1e-12);
}

TEST(Metrics, OperationsAndCycles) {
  EXPECT_EQ(operations(std::vector<int>{0, 0, 3, 2, 2}), 4);
  EXPECT_EQ(operations(std::vector<int>{1}), 0);
  EXPECT_NEAR(equivalent_full_cycles(std::vector<double>{50, -50, 0, 100}, 1, 100), 1, 1e-12);
}

TEST(Metrics, UnbalanceOfBothStandards) {
  const Phases balanced{phasor(1, 0), phasor(1, -120), phasor(1, 120)};
  EXPECT_NEAR(iec_unbalance(balanced), 0, 1e-12);
  EXPECT_NEAR(nema_unbalance(balanced), 0, 1e-12);
  // Positive sequence 1 and negative sequence 0.02 in phase: V2/V1 is 2 %.
  Phases v;
  for (int p = 0; p < 3; ++p) v[p] = phasor(1, -120.0 * p) + phasor(0.02, 120.0 * p);
  EXPECT_NEAR(iec_unbalance(v), 0.02, 1e-12);
  // A zero sequence changes neither.
  auto shifted = v;
  for (auto& phase : shifted) phase += phasor(0.05, 40);
  EXPECT_NEAR(iec_unbalance(shifted), 0.02, 1e-12);
  EXPECT_NEAR(nema_unbalance(shifted), nema_unbalance(v), 1e-12);
  // One phase down to 0.9: |Vab| = |Vca| = sqrt(0.81 + 0.9 + 1) = 1.646208, |Vbc| = sqrt(3); mean 1.674823, deviation 0.057228.
  const Phases sagged{phasor(0.9, 0), phasor(1, -120), phasor(1, 120)};
  EXPECT_NEAR(nema_unbalance(sagged), 0.057228 / 1.674823, 1e-6);
  EXPECT_NEAR(iec_unbalance(sagged), 0.1 / 2.9, 1e-12);
}

}  // namespace
}  // namespace gridfed
