#include "runtime/communicator.hpp"
#include "runtime/stage_timer.hpp"

#include <gtest/gtest.h>

#include <numeric>

namespace gridfed {
namespace {

class CommunicatorTest : public testing::Test {
 protected:
  const Communicator comm = Communicator::duplicate(MPI_COMM_WORLD);
  const int rank = comm.rank(), ranks = comm.size();

  template <class Work>
  std::string agreed_error_of(Work work) const {
    try {
      work();
    } catch (const AgreedError& error) {
      return error.what();
    }
    return "no agreed error";
  }
  /// Every rank must have seen the same text, and the communicator must still work.
  void expect_same_everywhere(const std::string& text) const {
    EXPECT_EQ(comm.broadcast(text, 0), text);
    comm.barrier();
  }
};

TEST_F(CommunicatorTest, Reduces) {
  std::vector<double> sum{1.0, static_cast<double>(rank)};
  comm.all_reduce_sum(std::span(sum));
  EXPECT_EQ(sum, (std::vector<double>{static_cast<double>(ranks), ranks * (ranks - 1) / 2.0}));
  std::int64_t most = rank;
  comm.all_reduce_max(std::span(&most, 1));
  EXPECT_EQ(most, ranks - 1);
  std::uint8_t least = static_cast<std::uint8_t>(rank + 3);
  comm.all_reduce_min(std::span(&least, 1));
  EXPECT_EQ(least, 3);
}

struct Reading {
  int bus;
  double volts;
};

TEST_F(CommunicatorTest, GathersPartsOfAnyLengthInRankOrder) {
  const std::vector<Reading> mine(static_cast<std::size_t>(rank), Reading{rank, 0.5 * rank});  // none on rank 0
  std::vector<int> counts;
  const auto all = comm.all_gather_v(std::span<const Reading>(mine), &counts);
  EXPECT_EQ(all.size(), static_cast<std::size_t>(ranks * (ranks - 1) / 2));
  std::size_t at = 0;
  for (int r = 0; r < ranks; ++r) {
    EXPECT_EQ(counts.at(static_cast<std::size_t>(r)), r);
    for (int i = 0; i < r; ++i, ++at) {
      EXPECT_EQ(all.at(at).bus, r);
      EXPECT_EQ(all.at(at).volts, 0.5 * r);
    }
  }
}

TEST_F(CommunicatorTest, Broadcasts) {
  const int root = ranks - 1;
  std::vector<int> values(3, rank == root ? 7 : 0);
  comm.broadcast(std::span(values), root);
  EXPECT_EQ(values, std::vector<int>(3, 7));
  EXPECT_EQ(comm.broadcast(rank == root ? "from the root" : "x", root), "from the root");
  EXPECT_EQ(comm.broadcast(std::string(), root), "");
}

TEST_F(CommunicatorTest, ExchangesPersonalParts) {
  std::vector<int> send, counts;  // r elements "100 rank + r" to each rank r
  for (int r = 0; r < ranks; ++r) {
    counts.push_back(r);
    send.insert(send.end(), static_cast<std::size_t>(r), 100 * rank + r);
  }
  std::vector<int> received_counts;
  const auto received = comm.all_to_all_v(std::span<const int>(send), std::span<const int>(counts), &received_counts);
  EXPECT_EQ(received_counts, std::vector<int>(static_cast<std::size_t>(ranks), rank));
  std::vector<int> expected;
  for (int r = 0; r < ranks; ++r) expected.insert(expected.end(), static_cast<std::size_t>(rank), 100 * r + rank);
  EXPECT_EQ(received, expected);
}

TEST_F(CommunicatorTest, ExchangeWithBadCountsOnOneRankThrowsEverywhere) {
  std::vector<int> counts(static_cast<std::size_t>(ranks), 1), send(static_cast<std::size_t>(ranks));
  if (rank == ranks - 1) counts[0] = 2;
  const std::string text = agreed_error_of([&] { comm.all_to_all_v(std::span<const int>(send), std::span<const int>(counts), nullptr); });
  EXPECT_NE(text.find("do not add up"), std::string::npos) << text;
  expect_same_everywhere(text);
}

TEST_F(CommunicatorTest, SplitsByColour) {
  const Communicator part = comm.split(rank % 2, -rank);
  EXPECT_EQ(part.size(), rank % 2 == 0 ? (ranks + 1) / 2 : ranks / 2);
  int highest = rank;
  part.broadcast(std::span(&highest, 1), 0);  // the lowest key is that of the highest rank
  EXPECT_EQ(highest, (ranks - 1) % 2 == rank % 2 ? ranks - 1 : ranks - 2);
}

TEST_F(CommunicatorTest, AgreedReturnsTheValueOfEachRank) {
  EXPECT_EQ(agreed(comm, [&] { return std::vector<int>{rank}; }), std::vector<int>{rank});
  agreed(comm, [] {});
}

TEST_F(CommunicatorTest, AgreedThrowsTheLowestFailingRankEverywhere) {
  const int lowest = ranks / 2;
  const std::string text = agreed_error_of([&] {
    agreed(comm, [&]() -> int {
      if (rank >= lowest) throw Error("no feeder {}", rank);
      return rank;
    });
  });
  EXPECT_EQ(text, ranks == 1 ? "no feeder 0" : "rank " + std::to_string(lowest) + ": no feeder " + std::to_string(lowest));
  expect_same_everywhere(text);
}

TEST_F(CommunicatorTest, AgreedNamesNoRankIfAllFailAlike) {
  EXPECT_EQ(agreed_error_of([&] { agreed(comm, [] { throw std::runtime_error("no deck"); }); }), "no deck");
}

TEST_F(CommunicatorTest, MpiErrorsAreExceptions) {
  EXPECT_THROW(comm.broadcast(std::string("x"), ranks + 5), Error);
  comm.barrier();
}

TEST_F(CommunicatorTest, TimesAreSummarisedOverRanksEvenForStagesOfOneRank) {
  StageTimes times;
  { const auto scope = times.stage("all"); }
  if (rank == ranks - 1) const auto scope = times.stage("last rank only");
  const TimingSummary summary = times.summary(comm);
  EXPECT_EQ(summary.stages.size(), 2u);
  EXPECT_EQ(summary.stages.front().name, "all");
  for (const auto& stage : summary.stages) {
    EXPECT_LE(stage.min, stage.mean);
    EXPECT_LE(stage.mean, stage.max);
    EXPECT_GT(stage.max, 0);
  }
  EXPECT_GT(summary.peak_memory_mb, 1);
}

}  // namespace
}  // namespace gridfed
