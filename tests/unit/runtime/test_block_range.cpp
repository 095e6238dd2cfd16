#include "runtime/communicator.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace gridfed {
namespace {

TEST(BlockRange, DealsSevenItemsToThreeRanks) {
  EXPECT_EQ(block_range(7, 0, 3), (Range{0, 3}));
  EXPECT_EQ(block_range(7, 1, 3), (Range{3, 5}));
  EXPECT_EQ(block_range(7, 2, 3), (Range{5, 7}));
}

TEST(BlockRange, CoversEveryItemOnceAndOwnerAgrees) {
  for (int count = 0; count <= 20; ++count) {
    for (int ranks = 1; ranks <= 8; ++ranks) {
      std::vector<int> seen;
      for (int rank = 0; rank < ranks; ++rank) {
        const Range range = block_range(count, rank, ranks);
        EXPECT_LE(range.size(), count / ranks + 1);
        for (const int item : range) {
          EXPECT_TRUE(range.contains(item));
          EXPECT_EQ(owner(item, count, ranks), rank);
          seen.push_back(item);
        }
      }
      for (int item = 0; item < count; ++item) EXPECT_EQ(seen.at(static_cast<std::size_t>(item)), item);
      EXPECT_EQ(seen.size(), static_cast<std::size_t>(count));
    }
  }
}

}  // namespace
}  // namespace gridfed
