#include "fed/participation.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

namespace gridfed {
namespace {

TEST(DrawParticipants, DrawsEverySetEquallyOften) {
  std::map<std::vector<int>, int> seen;
  const int rounds = 30000;
  for (int round = 0; round < rounds; ++round) ++seen[draw_participants(3, round, 5, 0.4)];
  EXPECT_EQ(seen.size(), 10u);
  double chi = 0;
  for (const auto& [set, count] : seen) {
    EXPECT_TRUE(std::is_sorted(set.begin(), set.end()) && set.size() == 2);
    chi += (count - rounds / 10.0) * (count - rounds / 10.0) / (rounds / 10.0);
  }
  EXPECT_LT(chi, 27.9);  // 9 degrees of freedom, 0.1 %
}

TEST(DrawParticipants, DrawsAtLeastOneAndAtMostAll) {
  EXPECT_EQ(draw_participants(3, 0, 4, 1.0), (std::vector<int>{0, 1, 2, 3}));
  EXPECT_EQ(draw_participants(3, 0, 4, 0.01).size(), 1u);
}

TEST(DrawIndependently, DrawsEachClientAtTheRate) {
  int drawn = 0, empty = 0;
  for (int round = 0; round < 20000; ++round) {
    const auto clients = draw_independently(9, round, 3, 0.25);
    drawn += static_cast<int>(clients.size());
    empty += clients.empty();
  }
  EXPECT_NEAR(drawn / 60000.0, 0.25, 0.01);
  EXPECT_NEAR(empty / 20000.0, 0.421875, 0.015);
}

TEST(DropsOut, HappensAtTheRate) {
  int dropped = 0;
  for (int round = 0; round < 20000; ++round) dropped += drops_out(9, round, 2, 0.1);
  EXPECT_NEAR(dropped / 20000.0, 0.1, 0.01);
  EXPECT_FALSE(drops_out(9, 0, 0, 0.0));
}

}  // namespace
}  // namespace gridfed
