#include "runtime/random.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace gridfed {
namespace {

TEST(RandomStream, DependsOnlyOnItsName) {
  RandomStream a(7, Draw::load, 3, 11), b(7, Draw::load, 3, 11), other(7, Draw::load, 3, 12);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(a.bits(), b.bits());
  EXPECT_NE(a.bits(), other.bits());
}

TEST(RandomStream, NormalHasUnitVarianceAndThinTails) {
  RandomStream stream(1, Draw::test);
  const int n = 200000;
  double sum = 0, squares = 0, beyond_two = 0;
  for (int i = 0; i < n; ++i) {
    const double x = stream.normal();
    sum += x;
    squares += x * x;
    beyond_two += std::abs(x) > 2;
  }
  EXPECT_NEAR(sum / n, 0, 4 / std::sqrt(n));
  EXPECT_NEAR(squares / n, 1, 4 * std::sqrt(2.0 / n));
  EXPECT_NEAR(beyond_two / n, 0.0455, 0.002);
}

TEST(RandomStream, BelowIsUniform) {
  RandomStream stream(2, Draw::test);
  std::array<int, 6> counts{};
  for (int i = 0; i < 60000; ++i) ++counts[stream.below(6)];
  for (const int count : counts) EXPECT_NEAR(count, 10000, 400);
}

TEST(RandomStream, RestoredStateContinuesTheSequence) {
  RandomStream stream(3, Draw::test);
  stream.normal();
  const auto state = stream.state();
  const double next = stream.normal();
  RandomStream other(0, Draw::load);
  other.restore(state);
  EXPECT_EQ(other.normal(), next);
}

}  // namespace
}  // namespace gridfed
