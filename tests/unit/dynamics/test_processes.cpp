#include "dynamics/clearness.hpp"
#include "dynamics/load_process.hpp"
#include "dynamics/outages.hpp"
#include "dynamics/scenario.hpp"
#include "dynamics/weather.hpp"
#include "feeders.hpp"
#include "refusals.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

namespace gridfed {
namespace {

/// Largest distance between the distribution of a sample and its law (Kolmogorov); below 1.63 / sqrt(n) with probability 0.99.
template <class Law>
double distance_from(std::vector<double> sample, Law&& law) {
  std::sort(sample.begin(), sample.end());
  double largest = 0;
  const auto n = static_cast<double>(sample.size());
  for (std::size_t i = 0; i < sample.size(); ++i) {
    const double f = law(sample[i]);
    largest = std::max({largest, std::abs(f - static_cast<double>(i) / n), std::abs(f - static_cast<double>(i + 1) / n)});
  }
  return largest;
}
double normal_law(double x) {
  return 0.5 * std::erfc(-x / std::numbers::sqrt2);
}

TEST(LoadNoise, IsNormalAndCorrelatedInTimeAndAlongTheFeeder) {
  const auto network = test::script(
      "new circuit.c basekv=12.47 bus1=a\nnew line.1 bus1=a bus2=b length=1\nnew line.2 bus1=b bus2=c length=1\n"
      "new line.3 bus1=b bus2=d length=1\n");
  constexpr int days = 3000, steps = 3;
  constexpr double in_time = 0.8, neighbours = 0.7;
  const int a = network->find_bus("a"), b = network->find_bus("b"), c = network->find_bus("c"), d = network->find_bus("d");
  std::vector<double> last;
  double ab = 0, ac = 0, cd = 0, lag1 = 0, lag2 = 0;
  for (int day = 0; day < days; ++day) {
    RandomStream stream(3, Draw::test, 0, static_cast<std::uint64_t>(day));
    const auto x = bus_noise(*network, steps, in_time, neighbours, stream);
    const auto at = [&](int t, int bus) { return static_cast<double>(x[static_cast<std::size_t>(t) * 4 + bus]); };
    last.push_back(at(2, c));
    ab += at(2, a) * at(2, b) / days;
    ac += at(2, a) * at(2, c) / days;
    cd += at(1, c) * at(1, d) / days;
    lag1 += at(0, d) * at(1, d) / days;
    lag2 += at(0, d) * at(2, d) / days;
  }
  EXPECT_LT(distance_from(last, normal_law), 1.63 / std::sqrt(days));
  const double four_sigma = 4 * std::sqrt(2.0 / days);
  EXPECT_NEAR(ab, neighbours, four_sigma);
  EXPECT_NEAR(ac, neighbours * neighbours, four_sigma);
  EXPECT_NEAR(cd, neighbours * neighbours, four_sigma);
  EXPECT_NEAR(lag1, in_time, four_sigma);
  EXPECT_NEAR(lag2, in_time * in_time, four_sigma);
}

TEST(LoadNoise, LoadsOfOneBusAreTwoStepsApart) {
  const auto network = test::script(
      "new circuit.c basekv=12.47 bus1=a\nnew line.1 bus1=a bus2=b length=1\nnew load.1 bus1=b kv=12.47 kw=1\nnew load.2 bus1=b kv=12.47 "
      "kw=1\n");
  const ScenarioOptions options{.load_noise_common = 0, .load_noise_local = 0.05, .load_neighbours = 0.9};
  constexpr int days = 2000;
  double product = 0, variance = 0;
  for (int day = 0; day < days; ++day) {
    const auto s = draw_scenario(*network, options, 5, 0, day);
    const auto plain = draw_scenario(*network, {.stochastic_loads = false}, 5, 0, day);
    const double x = s.load_factor(10, 0) / plain.load_factor(10, 0) - 1, y = s.load_factor(10, 1) / plain.load_factor(10, 1) - 1;
    product += x * y / days;
    variance += x * x / days;
  }
  EXPECT_NEAR(std::sqrt(variance), 0.05, 0.05 * 4 / std::sqrt(2.0 * days));
  EXPECT_NEAR(product / (0.05 * 0.05), 0.81, 4 * std::sqrt(2.0 / days));
}

TEST(ClassProfiles, HaveTheSystemsMeanAndTheirOwnHours) {
  for (const auto load_class : {LoadClass::residential, LoadClass::commercial, LoadClass::industrial}) {
    double sum = 0;
    for (int hour = 0; hour < 24; ++hour) sum += class_profile(load_class, 2, hour + 0.5);
    EXPECT_NEAR(sum / 24, 1, 1e-12);
    EXPECT_EQ(class_profile(load_class, 6, 12), 1);
    EXPECT_NEAR(class_profile(load_class, 2, 0.0), class_profile(load_class, 2, 24.0 - 1e-9), 1e-6);
  }
  EXPECT_GT(class_profile(LoadClass::residential, 1, 20.5), class_profile(LoadClass::residential, 1, 12.5));
  EXPECT_GT(class_profile(LoadClass::commercial, 1, 12.5), 1.8 * class_profile(LoadClass::commercial, 1, 3.5));
}

TEST(ClassModels, ReplaceConstantPowerAlone) {
  NetworkData data = test::script_data(
      "new circuit.c basekv=12.47 bus1=a\nnew loadshape.commercial npts=1 interval=1 mult=(1)\n"
      "new load.1 bus1=a kv=12.47 kw=1\nnew load.2 bus1=a kv=12.47 kw=1 model=2\nnew load.3 bus1=a kv=12.47 kw=1 daily=commercial\n");
  use_class_models(data);
  EXPECT_EQ(data.loads[0].model, LoadModel::zip);
  EXPECT_EQ(data.loads[1].model, LoadModel::constant_impedance);
  EXPECT_NEAR(data.loads[0].zip[0], 1.18, 1e-12);
  EXPECT_NEAR(data.loads[2].zip[0], 0.76, 1e-12);
  for (const int i : {0, 2}) EXPECT_NEAR(data.loads[i].zip[0] + data.loads[i].zip[1] + data.loads[i].zip[2], 1, 1e-12);
}

TEST(Clearness, DaysHaveTheLawOfBendtAndTheirMean) {
  for (const double mean : {0.3, 0.45, 0.55, 0.7}) {
    constexpr int days = 20000;
    RandomStream stream(8, Draw::test);
    double sum = 0, smallest = 1, largest = 0;
    for (int day = 0; day < days; ++day) {
      const double k = daily_clearness(mean, stream.uniform());
      sum += k;
      smallest = std::min(smallest, k);
      largest = std::max(largest, k);
    }
    EXPECT_NEAR(sum / days, mean, 4 * 0.2 / std::sqrt(days)) << mean;
    EXPECT_GE(smallest, 0.05);
    EXPECT_LE(largest, largest_daily_clearness(mean));
    // The density is exponential: the quantiles at a quarter, a half and three quarters fix its rate twice.
    const double a = 0.05, q1 = daily_clearness(mean, 0.25), q2 = daily_clearness(mean, 0.5), q3 = daily_clearness(mean, 0.75);
    const double b = daily_clearness(mean, 1);
    EXPECT_NEAR(b, largest_daily_clearness(mean), 1e-9);
    double low = -200, high = 201;  // of (e^gq2 - e^ga) = (e^gb - e^ga) / 2
    for (int i = 0; i < 200; ++i) {
      const double g = (low + high) / 2;
      (std::expm1(g * (q2 - a)) / std::expm1(g * (b - a)) > 0.5 ? low : high) = g;
    }
    EXPECT_NEAR(std::expm1(low * (q1 - a)) / std::expm1(low * (b - a)), 0.25, 1e-6);
    EXPECT_NEAR(std::expm1(low * (q3 - a)) / std::expm1(low * (b - a)), 0.75, 1e-6);
  }
}

TEST(Clearness, TheIndexOfTheStudiesHasItsThreeRegimes) {
  constexpr int days = 20000, steps = 2;
  constexpr double correlation = 0.96;
  double mean = 0, lag = 0, variance = 0;
  int broken = 0;
  std::vector<double> shares(3, 0.0);
  for (int day = 0; day < days; ++day) {
    RandomStream stream(4, Draw::test, 0, static_cast<std::uint64_t>(day));
    const SkyRegime regime = sky_regime(stream.uniform());
    shares[regime.mean == 0.92 ? 0 : regime.mean == 0.65 ? 1 : 2] += 1.0 / days;
    const auto x = unit_ar1(stream, steps, correlation);
    const double now = clear_sky_index(regime, x[0]), next = clear_sky_index(regime, x[1]);
    EXPECT_TRUE(now >= 0.05 && now <= 1.05);
    if (regime.mean != 0.30) continue;  // its index hardly ever meets a bound
    ++broken;
    mean += now;
    variance += (now - 0.30) * (now - 0.30);
    lag += (now - 0.30) * (next - 0.30);
  }
  EXPECT_NEAR(shares[0], 0.45, 4 * std::sqrt(0.45 * 0.55 / days));
  EXPECT_NEAR(shares[1], 0.35, 4 * std::sqrt(0.35 * 0.65 / days));
  EXPECT_NEAR(mean / broken, 0.30, 4 * 0.12 / std::sqrt(broken) + 0.002);
  EXPECT_NEAR(std::sqrt(variance / broken), 0.12, 0.005);
  EXPECT_NEAR(lag / variance, correlation, 0.02);
}

TEST(LoadNoise, OfTheStudiesHasItsDeviationAndCorrelation) {
  const auto network =
      test::script("new circuit.c basekv=12.47 bus1=a\nnew load.1 bus1=a kv=12.47 kw=1\nnew load.2 bus1=a kv=12.47 kw=1\n");
  constexpr int days = 3000;
  double variance = 0, lag = 0, between = 0;
  for (int day = 0; day < days; ++day) {
    const auto s = draw_scenario(*network, {}, 6, 0, day), plain = draw_scenario(*network, {.stochastic_loads = false}, 6, 0, day);
    const auto noise = [&](int t, int load) { return s.load_factor(t, load) / plain.load_factor(t, load) - 1; };
    variance += noise(40, 0) * noise(40, 0) / days;
    lag += noise(40, 0) * noise(41, 0) / days;
    between += noise(40, 0) * noise(40, 1) / days;
  }
  const double wanted = 0.04 * 0.04 + 0.10 * 0.10, four_sigma = 4 * std::sqrt(2.0 / days);
  EXPECT_NEAR(variance / wanted, 1, four_sigma);
  EXPECT_NEAR(lag / wanted, 0.95, four_sigma);
  EXPECT_NEAR(between / wanted, 0.04 * 0.04 / wanted, four_sigma);
}

TEST(Clearness, TagHasItsPublishedShape) {
  EXPECT_NEAR(hourly_clearness_correlation(0.5), 0.38 + 0.06 * std::cos(1.2), 1e-12);
  EXPECT_LT(hourly_clearness(0.2, 0.5).mean, hourly_clearness(0.6, 0.5).mean);
  EXPECT_LT(hourly_clearness(0.6, 0.1).mean, hourly_clearness(0.6, 0.9).mean);
  EXPECT_GT(hourly_clearness(0.4, 0.5).deviation, hourly_clearness(0.75, 0.9).deviation);
  // The mean of an hour is near that of its day.
  for (const double k : {0.3, 0.5, 0.65}) EXPECT_NEAR(hourly_clearness(k, 0.7).mean, k, 0.06) << k;
  EXPECT_NEAR(extraterrestrial_irradiance(3, 1), 1361 * 1.033, 1);
}

TEST(Clearness, IrradianceOfTheScenarioFollowsTag) {
  const auto network =
      test::script("new circuit.c basekv=12.47 bus1=a\nnew load.l bus1=a kv=12.47 kw=1\nnew pvsystem.p bus1=a kv=12.47 kva=10 pmpp=10\n");
  const ScenarioOptions options{.timestep = 3600, .sky = "tag", .mean_clearness = 0.5};
  constexpr int days = 2000;
  double output = 0, plain = 0;
  for (int day = 0; day < days; ++day) {
    const auto s = draw_scenario(*network, options, 5, 0, day);
    output += std::accumulate(s.solar.begin(), s.solar.end(), 0.0) / days;
    const auto clear = draw_scenario(*network, {.timestep = 3600, .sky = "tag", .mean_clearness = 0.7}, 5, 0, day);
    plain += std::accumulate(clear.solar.begin(), clear.solar.end(), 0.0) / days;
    EXPECT_TRUE(std::all_of(s.solar.begin(), s.solar.end(), [](float x) { return x >= 0 && x <= 1.2f; }));
  }
  EXPECT_GT(output, 3);  // hours of full sun a day at clearness 0.5
  EXPECT_LT(output, 5.5);
  EXPECT_NEAR(plain / output, 1.4, 0.12);  // energy goes with clearness
}

TEST(Outages, ComeAndGoAtTheirRates) {
  const auto network = test::script(
      "new circuit.c basekv=12.47 bus1=a\nnew line.1 bus1=a bus2=b length=2 units=km\nnew line.2 bus1=b bus2=c length=1 units=km\n"
      "new line.s bus1=c bus2=d switch=y\n");
  const OutageOptions options{.rate = 40, .repair = 6};  // so often that a few thousand days tell
  constexpr int days = 4000;
  constexpr double day_length = 86400;
  double down = 0, failures = 0;
  std::vector<double> whole;
  for (int day = 0; day < days; ++day) {
    RandomStream stream(2, Draw::test, 0, static_cast<std::uint64_t>(day));
    for (const auto& outage : draw_outages(*network, options, day_length, stream)) {
      ASSERT_LT(outage.line, 2);  // a switch does not fail
      ASSERT_LT(outage.begin, outage.end);
      if (outage.line != 0) continue;
      down += (outage.end - outage.begin) / (days * day_length);
      failures += outage.begin > 0;
      // Those that begin early are rarely cut off by midnight.
      if (outage.begin > 0 && outage.begin < 4 * 3600 && outage.end < day_length) whole.push_back(outage.end - outage.begin);
    }
  }
  const double fails = 80 / 8760.0, repaired = 1 / 6.0;  // [1/h] of two kilometres
  const double share = fails / (fails + repaired);
  EXPECT_NEAR(down, share, 0.1 * share);
  const double wanted = days * 24 * (1 - share) * fails;
  EXPECT_NEAR(failures, wanted, 4 * std::sqrt(wanted));
  const double mean = std::accumulate(whole.begin(), whole.end(), 0.0) / static_cast<double>(whole.size());
  EXPECT_NEAR(mean / 3600, 6, 4 * 6 / std::sqrt(static_cast<double>(whole.size())) + 0.4);
  EXPECT_LT(distance_from(whole, [](double t) { return 1 - std::exp(-t / (6 * 3600)); }),
            1.63 / std::sqrt(static_cast<double>(whole.size())) + 0.04);
}

TEST(Outages, DarkenWhatHangsBehind) {
  const auto network = test::script(
      "new circuit.c basekv=12.47 bus1=a\nnew line.1 bus1=a bus2=b length=1\nnew line.2 bus1=b bus2=c length=1\n"
      "new line.3 bus1=a bus2=d length=1\n");
  const auto dark = dark_buses(*network, initial_state(*network), {1});
  const auto is_dark = [&](const char* bus) { return dark[network->find_bus(bus)] != 0; };
  EXPECT_FALSE(is_dark("a") || is_dark("b") || is_dark("d"));
  EXPECT_TRUE(is_dark("c"));
}

TEST(Processes, KeysAreChecked) {
  const auto refused = [](ScenarioOptions o, const char* text) { return refuses([&] { validate(o); }, text); };
  EXPECT_TRUE(refused({.load_profile = "x"}, "env.load_profile is 'x': it must be system or classes"));
  EXPECT_TRUE(refused({.load_neighbours = 1}, "env.load_neighbours is 1: it must lie in [0, 1)"));
  EXPECT_TRUE(refused({.sky = "blue"}, "env.sky is 'blue': it must be regimes or tag"));
  EXPECT_TRUE(refused({.mean_clearness = 0.9}, "env.mean_clearness is 0.9"));
  EXPECT_TRUE(refused({.outage = {.rate = 0}}, "both must be positive"));
}

TEST(Processes, NewOnesLeaveTheOldDaysAsTheyAre) {
  const auto network = test::feeder("ieee13_der");
  const auto plain = draw_scenario(*network, {}, 4, 1, 7);
  const auto with = draw_scenario(*network, {.outages = true}, 4, 1, 7);
  EXPECT_EQ(plain.load, with.load);
  EXPECT_EQ(plain.solar, with.solar);
  EXPECT_EQ(plain.price, with.price);
  const auto correlated = draw_scenario(*network, {.load_neighbours = 0.5}, 4, 1, 7);
  EXPECT_NE(plain.load, correlated.load);
  EXPECT_EQ(plain.solar, correlated.solar);
}

}  // namespace
}  // namespace gridfed
