#include "powerflow/admittance.hpp"

#include "feeders.hpp"

#include <gtest/gtest.h>

#include <numbers>

namespace gridfed {
namespace {

using Eigen::MatrixXcd;

constexpr Complex j{0, 1};

double largest(const MatrixXcd& m) {
  return m.cwiseAbs().maxCoeff();
}

LineData line(std::vector<std::vector<Complex>> z, double b) {
  const auto n = static_cast<Eigen::Index>(z.size());
  LineData data{.name = "l", .series_impedance = MatrixXcd(n, n), .shunt_susceptance = Eigen::MatrixXd::Identity(n, n) * b};
  for (Eigen::Index r = 0; r < n; ++r) {
    for (Eigen::Index c = 0; c < n; ++c) data.series_impedance(r, c) = z[r][c];
  }
  return data;
}

TransformerData transformer(Connection one, Connection two, int phases = 3) {
  const auto winding = [&](Connection connection, double kv) {
    const std::size_t n = connection == Connection::wye ? phases + 1 : (phases == 1 ? 2 : phases);
    return WindingData{.terminal = {"b", std::vector<int>(n, 1)},
                       .connection = connection,
                       .rated_voltage = kv * 1e3,
                       .rated_power = 1e6,
                       .resistance_pu = 0.005};
  };
  return {.name = "t", .phases = phases, .windings = {winding(one, 12.47), winding(two, 4.16)}, .reactance_pu = {0.06}, .antifloat_ppm = 0};
}

TEST(LineAdmittance, RatioTransformsVoltageAndKeepsPower) {
  LineData branch = line({{Complex(0.1, 0.4)}}, 0.02);
  branch.ratio = std::polar(1.05, 0.3);
  const MatrixXcd y = line_admittance(branch);
  // At no load behind the transformer, without charging, v_to = v_from / ratio and no current flows.
  branch.shunt_susceptance.setZero();
  Eigen::Vector2cd v(Complex(100, 20), Complex(100, 20) / branch.ratio);
  EXPECT_LT((line_admittance(branch) * v).cwiseAbs().maxCoeff(), 1e-12);
  // MATPOWER user's manual, equation 3.2.
  const Complex series = 1.0 / Complex(0.1, 0.4);
  EXPECT_LT(std::abs(y(0, 0) - (series + 0.01 * j) / (1.05 * 1.05)), 1e-12);
  EXPECT_LT(std::abs(y(0, 1) + series / std::polar(1.05, -0.3)), 1e-12);
  EXPECT_LT(std::abs(y(1, 0) + series / std::polar(1.05, 0.3)), 1e-12);
  EXPECT_LT(std::abs(y(1, 1) - (series + 0.01 * j)), 1e-12);
}

TEST(LineAdmittance, OneConductorIsThePiModel) {
  const auto y = line_admittance(line({{{3, 4}}}, 0.2));
  EXPECT_LT(std::abs(y(0, 0) - (Complex(0.12, -0.16) + 0.1 * j)), 1e-15);  // 1 / (3 + 4j) = 0.12 - 0.16j
  EXPECT_LT(std::abs(y(0, 1) - Complex(-0.12, 0.16)), 1e-15);
  EXPECT_EQ(y(0, 0), y(1, 1));
}

TEST(LineAdmittance, CoupledConductorsInvertTheirImpedance) {
  // Z = [a b; b a] has the eigenvalues a + b and a - b.
  const Complex a{1, 2}, b{0.25, 0.5};
  const auto y = line_admittance(line({{a, b}, {b, a}}, 0));
  EXPECT_LT(std::abs(y(0, 0) - 0.5 * (1.0 / (a + b) + 1.0 / (a - b))), 1e-15);
  EXPECT_LT(std::abs(y(0, 1) - 0.5 * (1.0 / (a + b) - 1.0 / (a - b))), 1e-15);
}

TEST(LineAdmittance, IsSymmetricAndItsRowsSumToHalfTheCharging) {
  const auto data = test::feeder_data("ieee13");
  for (const auto& l : data.lines) {
    const auto y = line_admittance(l);
    EXPECT_LT(largest(y - y.transpose()), 1e-12 * largest(y)) << l.name;
    const Eigen::VectorXcd rows = y.rowwise().sum();
    const Eigen::VectorXcd charging = 0.5 * j * l.shunt_susceptance.cast<Complex>().rowwise().sum();
    const auto n = charging.size();
    EXPECT_LT(largest(rows.head(n) - charging), 1e-12 * largest(y)) << l.name;
    EXPECT_LT(largest(rows.tail(n) - charging), 1e-12 * largest(y)) << l.name;
  }
}

TEST(TransformerAdmittance, SinglePhaseIsItsLeakageReferredToEachSide) {
  const auto t = transformer(Connection::wye, Connection::wye, 1);
  const double one = 1.0, tap = 1.05;
  const auto y = transformer_admittance(t, std::vector{one, tap});
  const Complex per_unit = 1.0 / Complex(0.01, 0.06);  // two windings of 0.5 %
  EXPECT_LT(std::abs(y(0, 0) - per_unit * 1e6 / (12470.0 * 12470.0)), 1e-12);
  EXPECT_LT(std::abs(y(2, 2) - per_unit * 1e6 / (4160.0 * 4160.0 * tap * tap)), 1e-12);
  EXPECT_LT(std::abs(y(0, 2) + per_unit * 1e6 / (12470.0 * 4160.0 * tap)), 1e-12);
}

TEST(TransformerAdmittance, IsSymmetricAndBlindToACommonShiftOfAWinding) {
  for (const auto one : {Connection::wye, Connection::delta}) {
    for (const auto two : {Connection::wye, Connection::delta}) {
      const auto t = transformer(one, two);
      const auto y = transformer_admittance(t, std::vector{1.0, 0.95});
      EXPECT_LT(largest(y - y.transpose()), 1e-12 * largest(y));
      const auto first = static_cast<Eigen::Index>(t.windings[0].terminal.nodes.size());
      EXPECT_LT(largest(y.leftCols(first).rowwise().sum()), 1e-12 * largest(y));
      EXPECT_LT(largest(y.rightCols(y.cols() - first).rowwise().sum()), 1e-12 * largest(y));
    }
  }
}

TEST(TransformerAdmittance, DeltaHighSideLeadsWyeLowSideBy30Degrees) {
  // Open low side: 0 = Y21 v1 + Y22 v2 with a grounded neutral.
  const auto t = transformer(Connection::delta, Connection::wye);
  const auto y = transformer_admittance(t, std::vector{1.0, 1.0});
  Eigen::Vector3cd high;
  for (int p = 0; p < 3; ++p) high(p) = std::polar(12470.0 / std::numbers::sqrt3, -2 * std::numbers::pi / 3 * p);
  const Eigen::Vector3cd low = -(y.block<3, 3>(3, 3).inverse() * (y.block<3, 3>(3, 0) * high));
  EXPECT_NEAR(std::abs(low(0)), 4160.0 / std::numbers::sqrt3, 1e-6);
  EXPECT_NEAR(std::arg(low(0) / high(0)), -std::numbers::pi / 6, 1e-9);
}

TEST(TransformerAdmittance, AntifloatTiesADeltaToGroundByPartsPerMillion) {
  auto t = transformer(Connection::wye, Connection::delta);
  t.antifloat_ppm = 1;
  const auto y = transformer_admittance(t, std::vector{1.0, 1.0});
  const Complex tie = y.bottomRightCorner(3, 3).sum();
  EXPECT_LT(std::abs(tie - Complex(0, -3e-6 * (1e6 / 3) / (4160.0 * 4160.0))), 1e-12);
}

TEST(TransformerAdmittance, AnEarthedNeutralStandsOnTheDiagonal) {
  const auto open = transformer(Connection::wye, Connection::wye);
  auto earthed = open;
  earthed.windings[1].neutral_impedance = Complex(3, 4);
  const std::vector taps{1.0, 1.0};
  MatrixXcd difference = transformer_admittance(earthed, taps) - transformer_admittance(open, taps);
  EXPECT_LT(std::abs(difference(7, 7) - Complex(0.12, -0.16)), 1e-12);  // 1 / (3 + 4j)
  difference(7, 7) = 0;
  EXPECT_EQ(largest(difference), 0);
}

TEST(ShuntAdmittance, CapacitorDrawsItsRatedReactivePowerAtRatedVoltage) {
  CapacitorData bank{.name = "c", .terminal = {"b", {1, 2, 3}}, .step_power = {600e3, 300e3}, .states = {1, 0}, .rated_voltage = 4160};
  const double phase = 4160 / std::numbers::sqrt3;
  EXPECT_NEAR(capacitor_admittance(bank, bank.states)(0, 0).imag() * phase * phase, 200e3, 1e-6);
  EXPECT_NEAR(capacitor_admittance(bank, std::vector{1, 1})(0, 0).imag() * phase * phase, 300e3, 1e-6);
  EXPECT_EQ(largest(capacitor_admittance(bank, std::vector{0, 0})), 0);
  bank.connection = Connection::delta;
  const auto delta = capacitor_admittance(bank, bank.states);
  EXPECT_NEAR(-delta(0, 1).imag() * 4160 * 4160, 200e3, 1e-6);
  EXPECT_LT(largest(delta.rowwise().sum()), 1e-12);
}

TEST(SourceAdmittance, SequenceImpedancesComeBack) {
  const SourceData source{.terminal = {"b", {1, 2, 3}}, .voltage_base = 4160, .z1 = {0.1, 0.5}, .z0 = {0.3, 0.9}};
  const auto y = source_admittance(source);
  const auto v = source_voltages(source);
  EXPECT_LT(largest(y * v - v / source.z1), 1e-9);
  const Eigen::Vector3cd zero = Eigen::Vector3cd::Ones();
  EXPECT_LT(largest(y * zero - zero / source.z0), 1e-12);
  EXPECT_NEAR(std::abs(v(0)), 4160 / std::numbers::sqrt3, 1e-9);
}

}  // namespace
}  // namespace gridfed
