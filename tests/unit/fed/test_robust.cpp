#include "fed/robust.hpp"

#include "runtime/error.hpp"

#include <gtest/gtest.h>

namespace gridfed {
namespace {

const std::vector<float> rows{1, 10, 0,   //
                              2, 20, 0,   //
                              9, -5, 0,   //
                              3, 30, 7};  // [4, 3]

TEST(CoordinateMedian, IsTheMiddleOrTheMeanOfTheTwoMiddleOnes) {
  std::vector<float> x(3);
  coordinate_median(rows, 4, x);
  EXPECT_EQ(x, (std::vector<float>{2.5, 15, 0}));
  coordinate_median(std::span(rows).first(9), 3, x);
  EXPECT_EQ(x, (std::vector<float>{2, 10, 0}));
}

TEST(TrimmedMean, LeavesOutBothEnds) {
  std::vector<float> x(3);
  trimmed_mean(rows, 4, 1, x);
  EXPECT_EQ(x, (std::vector<float>{2.5, 15, 0}));
  trimmed_mean(rows, 4, 0, x);
  EXPECT_EQ(x, (std::vector<float>{3.75, 13.75, 1.75}));
}

// On a line at 0, 1, 2, 3 and 100: with one bad client a score sums the two nearest distances.
TEST(Krum, ChoosesWhoHasTheNearestNeighbours) {
  const std::vector<float> line{0, 1, 2, 3, 100};
  const auto distances = pair_distances(line, 5, 1);
  EXPECT_EQ(distances, (std::vector<double>{0 + 1, 4, 9, 10000, 1, 4, 9801, 1, 9604, 9409}));
  EXPECT_EQ(krum_choice(distances, 5, 1, 1), (std::vector<std::size_t>{1}));  // scores 5, 2, 2, 5, 19013
  EXPECT_EQ(krum_choice(distances, 5, 1, 4), (std::vector<std::size_t>{0, 1, 2, 3}));
}

TEST(Krum, CountsLeadingCoordinatesInBlocks) {
  std::vector<float> two(2 * 1500, 0.0f);
  std::fill(two.begin(), two.begin() + 1500, 2.0f);
  EXPECT_EQ(pair_distances(two, 2, 1500), (std::vector<double>{4 * 1024, 4 * 476}));
  EXPECT_EQ(pair_distances(two, 2, 10), (std::vector<double>{40}));
}

TEST(RequireEnough, KnowsTheBoundsOfThePapers) {
  EXPECT_NO_THROW(require_enough(Aggregation::krum, 1, 5));
  EXPECT_THROW(require_enough(Aggregation::krum, 1, 4), Error);
  EXPECT_NO_THROW(require_enough(Aggregation::trimmed_mean, 2, 5));
  EXPECT_THROW(require_enough(Aggregation::trimmed_mean, 2, 4), Error);
  EXPECT_THROW(require_enough(Aggregation::median, 0, 0), Error);
}

}  // namespace
}  // namespace gridfed
