#include "powerflow/sensitivities.hpp"

#include "feeders.hpp"
#include "powerflow/newton_raphson.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace gridfed {
namespace {

/// What is judged at a solution: measured voltages, then loadings of lines and transformers.
std::vector<double> judged(const NewtonRaphson& flow) {
  std::vector<double> all;
  const auto& v = flow.solution().bus_voltages;
  const auto at = [&](int node) { return node == ground ? Complex{} : v[static_cast<std::size_t>(node)]; };
  for (const auto& m : flow.network().measured_voltages()) all.push_back(std::abs(at(m.node) - at(m.reference)) / m.base);
  std::vector<double> lines(flow.network().data().lines.size()), transformers(flow.network().data().transformers.size());
  flow.loadings(lines, transformers);
  all.insert(all.end(), lines.begin(), lines.end());
  all.insert(all.end(), transformers.begin(), transformers.end());
  return all;
}

std::vector<double> foreseen(Sensitivities& sensitivities, const NewtonRaphson& flow, const LoadingConditions& change) {
  std::vector<double> all;
  const auto& v = flow.solution().bus_voltages;
  const auto dv = sensitivities.voltages(flow.model(), change);
  for (const auto& m : flow.network().measured_voltages()) all.push_back(voltage_change(m, v, dv));
  for (std::size_t i = 0; i < flow.network().data().lines.size(); ++i)
    all.push_back(line_loading_change(flow.model(), static_cast<int>(i), v, dv));
  for (std::size_t i = 0; i < flow.network().data().transformers.size(); ++i)
    all.push_back(transformer_loading_change(flow.model(), static_cast<int>(i), v, dv));
  return all;
}

/// Central differences over +-1 % of a device's rating against the sensitivities; returns the largest quantity that moved.
double expect_agreement(const std::string& name, const std::function<void(LoadingConditions&, double)>& move) {
  const auto network = test::feeder(name);
  NewtonRaphson flow(network, {.tolerance = 1e-12});
  auto base = rated_conditions(*network, 0.8);
  for (std::size_t i = 0; i < base.solar_power.size(); ++i) base.solar_power[i] = 0.6 * network->data().solar[i].capacity;
  for (std::size_t i = 0; i < base.wind_power.size(); ++i) base.wind_power[i] = 0.3 * network->data().wind[i].capacity;
  Sensitivities sensitivities(flow.model());
  EXPECT_TRUE(flow.solve(base).converged);
  sensitivities.linearise(flow.model(), base, flow.solution().bus_voltages);
  auto change = base;
  for (auto* powers : {&change.load_power, &change.solar_power, &change.wind_power, &change.battery_power, &change.generator_power})
    std::fill(powers->begin(), powers->end(), Complex{});
  move(change, 1);
  const auto expected = foreseen(sensitivities, flow, change);
  const auto solved_at = [&](double sign) {
    auto moved = base;
    move(moved, sign);
    EXPECT_TRUE(flow.solve(moved).converged);
    return judged(flow);
  };
  const auto above = solved_at(1), below = solved_at(-1);
  double largest = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) largest = std::max(largest, std::abs(expected[i]));
  for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(expected[i], (above[i] - below[i]) / 2, 2e-3 * largest) << name << " " << i;
  return largest;
}

TEST(Sensitivities, AgreeWithFiniteDifferences) {
  for (const char* name : {"ieee13_der", "ieee34_der", "ieee123_der"}) {
    const double battery = expect_agreement(name, [](LoadingConditions& c, double sign) { c.battery_power[0] += sign * Complex(2e3, 0); });
    EXPECT_GT(battery, 1e-5);
    expect_agreement(name, [](LoadingConditions& c, double sign) { c.solar_power[0] += sign * Complex(0, 2e3); });
    expect_agreement(name, [](LoadingConditions& c, double sign) { c.load_power[1] += sign * Complex(1e3, 5e2); });
  }
}

TEST(Sensitivities, OfTwoBusesIsTheTextbookDrop) {
  // A single-phase line: with |v| near nominal, d|v| / dp = -r / |v| where the drop itself is small.
  const auto network = test::script(
      "clear\nnew circuit.c bus1=a basekv=7.2 phases=1 pu=1 mvasc1=1e9 mvasc3=1e9\n"
      "new line.l bus1=a.1 bus2=b.1 phases=1 rmatrix=(1) xmatrix=(1e-6) cmatrix=(0) length=1 normamps=100\n"
      "new load.d bus1=b.1 phases=1 kv=7.2 kw=10 kvar=0 model=1\nset voltagebases=[12.47]\ncalcvoltagebases\n");
  NewtonRaphson flow(network, {.tolerance = 1e-12});
  const auto base = rated_conditions(*network);
  ASSERT_TRUE(flow.solve(base).converged);
  Sensitivities sensitivities(flow.model());
  sensitivities.linearise(flow.model(), base, flow.solution().bus_voltages);
  LoadingConditions change = base;
  change.load_power[0] = 1000;
  const auto& v = flow.solution().bus_voltages;
  const auto dv = sensitivities.voltages(flow.model(), change);
  const double magnitude = std::abs(v.back());
  // v = v0 - r p / v: dv = -r dp / v / (1 - r p / v^2)
  EXPECT_NEAR(std::abs(v.back() + dv.back()) - magnitude, -1000 / magnitude / (1 - 1e4 / (magnitude * magnitude)), 1e-3 * 1000 / magnitude);
}

}  // namespace
}  // namespace gridfed
