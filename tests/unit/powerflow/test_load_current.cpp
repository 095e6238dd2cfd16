#include "powerflow/load_current.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace gridfed {
namespace {

constexpr double rated = 2400;
const Complex power{90e3, 40e3};

LoadPhase phase(LoadModel model, const LoadData& data) {
  return {.rated_voltage = rated, .v_low = 0.5 * rated, .v_min = 0.95 * rated, .v_max = 1.05 * rated, .model = model, .data = &data};
}

/// Power drawn at a voltage of this magnitude [p.u.] and an arbitrary angle.
Complex drawn(LoadModel model, double pu, LoadData data = {}) {
  data.power = power;
  const Complex v = std::polar(pu * rated, 0.7);
  return v * std::conj(load_current(phase(model, data), power, v));
}

TEST(LoadCurrent, EachModelDrawsItsRatedPowerAtRatedVoltage) {
  const LoadData zip{.zip = {0.2, 0.3, 0.5, 0.1, 0.4, 0.5, 0.8}};
  for (int model = 1; model <= 8; ++model) EXPECT_LT(std::abs(drawn(static_cast<LoadModel>(model), 1.0, zip) - power), 1e-8) << model;
}

TEST(LoadCurrent, PowerFollowsTheVoltageAsEachModelSays) {
  const double u = 1.03, p = power.real(), q = power.imag();
  const LoadData exponents{.exponent_p = 0.8, .exponent_q = 3};
  const LoadData zip{.zip = {0.2, 0.3, 0.5, 0.1, 0.4, 0.5, 0.8}};
  const std::array<Complex, 8> wanted = {
      power,     power * u * u, {p, q * u * u}, {p * std::pow(u, 0.8), q * std::pow(u, 3)},
      power * u, power,         {p, q * u * u}, {p * (0.2 * u * u + 0.3 * u + 0.5), q * (0.1 * u * u + 0.4 * u + 0.5)}};
  for (int model = 1; model <= 8; ++model) {
    const LoadData& data = model == 4 ? exponents : zip;
    EXPECT_LT(std::abs(drawn(static_cast<LoadModel>(model), u, data) - wanted[model - 1]), 1e-8) << model;
  }
}

TEST(LoadCurrent, PowerAndCurrentModelsAreContinuousAtTheirLimits) {
  for (const auto model : {LoadModel::constant_power, LoadModel::constant_current, LoadModel::constant_impedance}) {
    for (const double limit : {0.5, 0.95, 1.05}) {
      EXPECT_LT(std::abs(drawn(model, limit * (1 - 1e-9)) - drawn(model, limit * (1 + 1e-9))), 1e-3)
          << static_cast<int>(model) << " at " << limit;
    }
  }
}

TEST(LoadCurrent, OutsideItsLimitsALoadIsAnImpedance) {
  EXPECT_LT(std::abs(drawn(LoadModel::constant_power, 0.4) - power * 0.16), 1e-8);
  EXPECT_LT(std::abs(drawn(LoadModel::constant_power, 1.2) - power * (1.2 * 1.2) / (1.05 * 1.05)), 1e-8);
  // Half way between 0.5 and 0.95 the current lies half way between 0.5 and 1 / 0.95 of the rated one.
  const double current = 0.5 * (0.5 + 1 / 0.95);
  EXPECT_LT(std::abs(drawn(LoadModel::constant_power, 0.725) - power * 0.725 * current), 1e-8);
}

TEST(LoadCurrent, WithoutALowerLimitTheImpedanceOfVminHoldsDownToZero) {
  const LoadData data;
  LoadPhase generator = phase(LoadModel::constant_power, data);
  generator.v_low = 0;
  const Complex v = 0.3 * rated;
  EXPECT_LT(std::abs(v * std::conj(load_current(generator, power, v)) - power * (0.3 * 0.3) / (0.95 * 0.95)), 1e-8);
}

TEST(LoadCurrent, ModelsOfFixedReactivePowerKeepItAndAreNotInterpolated) {
  const double p = power.real(), q = power.imag();
  for (const auto model : {LoadModel::constant_p_fixed_q, LoadModel::constant_p_fixed_x}) {
    EXPECT_LT(std::abs(drawn(model, 0.4) - power * 0.16), 1e-8);
    EXPECT_LT(std::abs(drawn(model, 0.8) - 0.64 * Complex(p / (0.95 * 0.95), q)), 1e-8);
    EXPECT_LT(std::abs(drawn(model, 1.2) - 1.44 * Complex(p / (1.05 * 1.05), q)), 1e-8);
    LoadData data{.power = power};
    const Complex v = rated, halved = v * std::conj(load_current(phase(model, data), power / 2.0, v));
    EXPECT_LT(std::abs(halved - Complex(p / 2, q)), 1e-8) << "whatever scales the load leaves its reactive power";
  }
}

TEST(LoadCurrent, EachPartOfAZipLoadLeavesItsRangeByItself) {
  const LoadData zip{.zip = {0.2, 0.3, 0.5, 0.1, 0.4, 0.5, 0}};
  const auto mixed = [&](double z, double i, double p) {
    return Complex(power.real() * (0.2 * z + 0.3 * i + 0.5 * p), power.imag() * (0.1 * z + 0.4 * i + 0.5 * p));
  };
  const double high = 1.2 * 1.2;
  EXPECT_LT(std::abs(drawn(LoadModel::zip, 1.2, zip) - mixed(high, high / 1.05, high / (1.05 * 1.05))), 1e-8);
  // Half way between 0.5 and 0.95: the currents lie half way between 0.5 and 1 (constant current) or 1 / 0.95 (constant power).
  const double half = 0.725;
  EXPECT_LT(std::abs(drawn(LoadModel::zip, half, zip) - mixed(half * half, half * 0.75, half * 0.5 * (0.5 + 1 / 0.95))), 1e-8);
}

TEST(LoadCurrent, AZipLoadLetsGoBelowItsCutOff) {
  const LoadData zip{.zip = {0, 0, 1, 0, 0, 1, 0.98}};
  EXPECT_LT(std::abs(drawn(LoadModel::zip, 0.96, zip)), 1e-8 * std::abs(power));
  EXPECT_LT(std::abs(drawn(LoadModel::zip, 0.98, zip) - 0.5 * power), 1e-8);
  EXPECT_LT(std::abs(drawn(LoadModel::zip, 1.0, zip) - power), 1e-8 * std::abs(power));
}

}  // namespace
}  // namespace gridfed
