#include "grid/name_index.hpp"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <deque>
#include <string>

namespace gridfed {
namespace {

struct Named {
  std::string name;
};

TEST(NameIndex, FindsEveryNameWhileTheSequenceGrowsAndMoves) {
  std::vector<Named> elements;
  NameIndex index;
  EXPECT_EQ(index.find("e0", elements), -1);
  for (int i = 0; i < 10000; ++i) {
    elements.push_back({fmt::format("e{}", i)});
    EXPECT_EQ(index.add(i, elements), -1);
  }
  const std::vector<Named> moved = std::move(elements);
  for (int i = 0; i < 10000; ++i) ASSERT_EQ(index.find(fmt::format("e{}", i), moved), i);
  EXPECT_EQ(index.find("e10000", moved), -1);
  EXPECT_EQ(index.find("", moved), -1);
}

TEST(NameIndex, KeepsTheFirstOfEqualNames) {
  const std::deque<Named> elements = {{"a"}, {"b"}, {"a"}, {""}};
  NameIndex index = index_of(elements);
  EXPECT_EQ(index.find("a", elements), 0);
  EXPECT_EQ(index.find("", elements), 3);
  EXPECT_EQ(index.add(2, elements), 0);
  EXPECT_EQ(index.find("a", elements), 0);
}

}  // namespace
}  // namespace gridfed
