#include "grid/network.hpp"
#include "grid/synthetic_distributions.hpp"
#include "grid/synthetic_network.hpp"
#include "runtime/error.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

using namespace gridfed;
using namespace gridfed::synthetic;

namespace {

/// How far draws of a discrete law are from it [nat]; of n draws of k classes about k / 2n is chance.
double measured_divergence(const DiscreteLaw& law) {
  constexpr int draws = 200000;
  RandomStream random(1, Draw::test);
  std::vector<double> observed(law.last() + 1), expected(law.last() + 1);
  for (int i = 0; i < draws; ++i) ++observed[law.draw(random)];
  for (int k = law.first(); k <= law.last(); ++k) expected[k] = law.probability(k);
  return divergence(observed, expected);
}

TEST(SyntheticDistributions, DiscreteLawsAreDrawnAsTheySay) {
  EXPECT_LT(measured_divergence(hop_law()), 5e-4);
  EXPECT_LT(measured_divergence(degree_law(3)), 5e-4);
  EXPECT_LT(measured_divergence(no_load_hop_law()), 5e-4);
}

TEST(SyntheticDistributions, HopsAreNegativeBinomialBeyondTheBusbar) {
  // P(2) = C p^r (1 - p)^2 r (r + 1) / 2 and P(3) / P(2) = (1 - p) (r + 2) / 3
  EXPECT_NEAR(hop_law().probability(3) / hop_law().probability(2), 0.59 * 5.14 / 3, 1e-12);
  EXPECT_EQ(hop_law().probability(1), 0);
  EXPECT_EQ(degree_law(2).last(), 7);   // 10.58 2^-0.75 = 6.3
  EXPECT_EQ(degree_law(10).last(), 2);  // 10.58 10^-0.75 = 1.9
}

TEST(SyntheticDistributions, ContinuousLawsAreDrawnAsTheySay) {
  constexpr int draws = 100000;
  RandomStream random(2, Draw::test);
  int light = 0, near = 0;
  double loading = 0, share = 0, share_squared = 0;
  for (int i = 0; i < draws; ++i) {
    const double l = draw_loading(random), s = draw_no_load_share(random);
    EXPECT_LE(l, 1);
    loading += l / draws;
    light += l < 0.31;
    near += draw_length(4, random) < 119;
    share += s / draws;
    share_squared += s * s / draws;
    EXPECT_GT(draw_relative_load(300, 4, random), 0);
  }
  EXPECT_NEAR(static_cast<double>(light) / draws, loading_probability(0, 0.31), 5e-3);
  EXPECT_NEAR(loading, 0.31 - 1 / (std::exp(1 / 0.31) - 1), 5e-3);  // mean of an exponential cut at 1
  EXPECT_NEAR(static_cast<double>(near) / draws, length_probability(4, 0, 119), 5e-3);
  const double a = 1.64, b = 15.77, mean = a / (a + b);
  EXPECT_NEAR(share, mean, 1e-3);
  EXPECT_NEAR(share_squared - share * share, mean * (1 - mean) / (a + b + 1), 2e-4);
}

class SyntheticNetwork : public testing::TestWithParam<Style> {};

TEST_P(SyntheticNetwork, HasAsManyBusesAsAskedForAndIsValid) {
  for (const std::int64_t buses : {100, 257, 5001}) {
    const Plan plan({.buses = buses, .seed = 3, .style = GetParam()});
    std::set<std::string> names;
    for (int i = 0; i < plan.substations(); ++i) {
      const auto network = make_network(synthesize(plan, i).data);
      EXPECT_EQ(static_cast<int>(network->buses().size()), plan.buses(i));
      for (const auto& bus : network->buses()) {
        EXPECT_TRUE(names.insert(bus.name).second) << bus.name;
        EXPECT_TRUE(bus.position.has_value());
      }
    }
    EXPECT_EQ(static_cast<std::int64_t>(names.size()), buses);
  }
}

TEST_P(SyntheticNetwork, FollowsItsLaws) {
  const Plan plan({.buses = 40000, .seed = 1, .style = GetParam()});
  Statistics statistics;
  for (int i = 0; i < plan.substations(); ++i) statistics += synthesize(plan, i).statistics;
  for (const auto& c : statistics.compare()) {
    if (c.quantity == "hop" || c.quantity == "length_m") {
      EXPECT_LT(c.divergence(), 0.02) << c.quantity;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Styles, SyntheticNetwork, testing::Values(Style::eu, Style::us));

TEST(SyntheticPlan, RefusesSizesThatItCannotMake) {
  EXPECT_THROW(Plan({.buses = 99}), Error);
  EXPECT_THROW(Plan({.buses = 10'000'001}), Error);
}

}  // namespace
