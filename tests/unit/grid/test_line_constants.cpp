#include "grid/line_constants.hpp"

#include "runtime/error.hpp"

#include <gtest/gtest.h>

namespace gridfed {
namespace {

constexpr double mile = 1609.344, foot = 0.3048, inch = 0.0254;

/// Kersting, Distribution System Modeling and Analysis, examples 4.1 and 5.1: 336.4 kcmil 26/7 ACSR with a 4/0 6/1 ACSR neutral.
std::vector<Conductor> kersting_pole() {
  const Conductor phase{.ac_resistance = 0.306 / mile,
                        .dc_resistance = 0.306 / 1.02 / mile,
                        .geometric_mean_radius = 0.0244 * foot,
                        .radius = 0.721 / 2 * inch};
  const Conductor neutral{.ac_resistance = 0.592 / mile,
                          .dc_resistance = 0.592 / 1.02 / mile,
                          .geometric_mean_radius = 0.00814 * foot,
                          .radius = 0.563 / 2 * inch,
                          .x = 0,
                          .height = 24 * foot};
  std::vector<Conductor> pole(3, phase);
  const double x[] = {-4, -1.5, 3};
  for (int i = 0; i < 3; ++i) pole[i].x = x[i] * foot, pole[i].height = 28 * foot;
  pole.push_back(neutral);
  return pole;
}

TEST(LineConstants, CarsonAgreesWithKerstingsPublishedMatrices) {
  const auto constants = line_constants(kersting_pole(), 3, 60, 100, EarthModel::carson);
  const Eigen::MatrixXcd z = constants.series_impedance * mile;
  const Complex published[3][3] = {{{0.4576, 1.0780}, {0.1560, 0.5017}, {0.1535, 0.3849}},
                                   {{0.1560, 0.5017}, {0.4666, 1.0482}, {0.1580, 0.4236}},
                                   {{0.1535, 0.3849}, {0.1580, 0.4236}, {0.4615, 1.0651}}};
  const double susceptance[3][3] = {{5.6711, -1.8362, -0.7033}, {-1.8362, 5.9774, -1.1690}, {-0.7033, -1.1690, 5.3911}};
  for (int i = 0; i < 3; ++i)
    for (int j = 0; j < 3; ++j) {
      EXPECT_NEAR(z(i, j).real(), published[i][j].real(), 1e-4) << i << j;
      EXPECT_NEAR(z(i, j).imag(), published[i][j].imag(), 2e-4) << i << j;
      EXPECT_NEAR(constants.shunt_susceptance(i, j) * mile * 1e6, susceptance[i][j], 0.01) << i << j;
    }
}

// Values of OpenDSS for the same pole, ohm a mile.
TEST(LineConstants, OtherEarthModelsAgreeWithOpenDss) {
  const Eigen::MatrixXcd full = line_constants(kersting_pole(), 3, 60, 100, EarthModel::full_carson).series_impedance * mile;
  const Eigen::MatrixXcd deri = line_constants(kersting_pole(), 3, 60, 100, EarthModel::deri).series_impedance * mile;
  EXPECT_NEAR(std::abs(full(0, 0) - Complex(0.45716001512211835, 1.0790736149095008)), 0, 1e-7);
  EXPECT_NEAR(std::abs(full(0, 2) - Complex(0.15310500390108092, 0.3859553228785405)), 0, 1e-7);
  EXPECT_NEAR(std::abs(deri(0, 0) - Complex(0.45174668873485535, 1.080460560200283)), 0, 1e-7);
  EXPECT_NEAR(std::abs(deri(0, 2) - Complex(0.15264533887917026, 0.3872681941195722)), 0, 1e-7);
}

TEST(LineConstants, NoReductionKeepsEveryConductor) {
  const Eigen::MatrixXcd all = line_constants(kersting_pole(), 4, 60, 100, EarthModel::deri).series_impedance;
  const Eigen::MatrixXcd three = line_constants(kersting_pole(), 3, 60, 100, EarthModel::deri).series_impedance;
  ASSERT_EQ(all.rows(), 4);
  EXPECT_NEAR(std::abs(all(0, 0) - all(0, 3) * all(3, 0) / all(3, 3) - three(0, 0)), 0, 1e-15);
  EXPECT_LT(std::abs(all(0, 1) - all(1, 0)), 1e-18);
}

TEST(LineConstants, RefusesConductorsInTheGroundAndInOneAnother) {
  auto pole = kersting_pole();
  pole[1].height = 0;
  EXPECT_THROW(line_constants(pole, 3, 60, 100, EarthModel::deri), Error);
  pole = kersting_pole();
  pole[1].x = pole[0].x;
  EXPECT_THROW(line_constants(pole, 3, 60, 100, EarthModel::deri), Error);
}

}  // namespace
}  // namespace gridfed
