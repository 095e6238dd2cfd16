// Hosts are simulated by splitting the ranks: what crosses them is sent, what does not is read in shared memory.
#include "fed/row_exchange.hpp"

#include "runtime/error.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace gridfed {
namespace {

constexpr std::size_t length = 5000;
constexpr int clients = 7;

float value(int client, std::size_t i) {
  return static_cast<float>(std::sin(0.37 * static_cast<double>(i) + client) * (1 + client));
}

class Rows : public testing::Test {
 protected:
  /// What calls on an exchange whose rows are filled return, with so many ranks a host.
  template <class Work>
  std::vector<float> of_hosts(int ranks_a_host, Work work) const {
    const Range mine = block_range(clients, comm);
    RowExchange rows(comm, comm.split(comm.rank() / ranks_a_host, comm.rank()), static_cast<std::size_t>(mine.size()), length);
    std::vector<int> counts;
    for (int rank = 0; rank < comm.size(); ++rank) counts.push_back(block_range(clients, rank, comm.size()).size());
    return work(rows, mine, counts);
  }
  static void fill(RowExchange& rows, Range mine) {
    for (const int client : mine) {
      for (std::size_t i = 0; i < length; ++i) rows.row(static_cast<std::size_t>(client - mine.first))[i] = value(client, i);
    }
  }
  /// Puts a message of each client and returns the lengths of all.
  std::vector<std::size_t> put_messages(RowExchange& rows, Range mine) const {
    std::vector<std::uint64_t> own;
    for (const int client : mine) {
      SparseUpdate update{.size = length, .chosen = std::vector<std::uint64_t>((length + 63) / 64, 0), .values = {}};
      for (std::size_t i = static_cast<std::size_t>(client); i < length; i += 5 + static_cast<std::size_t>(client)) {
        update.chosen[i / 64] |= std::uint64_t{1} << (i % 64);
        update.values.push_back(value(client, i));
      }
      RandomStream stream(1, Draw::quantisation, static_cast<std::uint64_t>(client));
      const EncodedUpdate message = encode(update, 8, Rounding::stochastic, stream);
      rows.put(static_cast<std::size_t>(client - mine.first), message);
      own.push_back(message.size());
    }
    const auto all = comm.all_gather_v<std::uint64_t>(own);
    return {all.begin(), all.end()};
  }
  const Communicator comm = Communicator::duplicate(MPI_COMM_WORLD);
};

std::vector<double> weights() {
  std::vector<double> all;
  for (int client = 0; client < clients; ++client) all.push_back(0.1 + 0.03 * client);
  return all;
}

std::vector<float> plain_sum() {
  std::vector<float> expected;
  for (std::size_t i = 0; i < length; ++i) {
    double sum = 0;
    for (int client = 0; client < clients; ++client) sum += weights()[client] * value(client, i);
    expected.push_back(static_cast<float>(1.0f + sum));
  }
  return expected;
}

TEST_F(Rows, SumsAreThePlainOnesInClientOrderForAnyHosts) {
  const auto expected = plain_sum();
  for (const int ranks_a_host : {1, 2, 3, 4}) {
    const auto sum = of_hosts(ranks_a_host, [&](RowExchange& rows, Range mine, const std::vector<int>& counts) {
      fill(rows, mine);
      comm.barrier();
      const auto first = rows.weighted_sum({0, 3000}, counts, weights(), std::vector<float>(3000, 1.0f));
      const auto second = rows.weighted_sum({3000, 2000}, counts, weights(), std::vector<float>(2000, 1.0f));
      std::vector<float> all(first.begin(), first.end());
      all.insert(all.end(), second.begin(), second.end());
      return all;
    });
    EXPECT_EQ(sum, expected) << ranks_a_host;
  }
}

TEST_F(Rows, AKeptResultOutlivesTheNext) {
  const auto kept = of_hosts(2, [&](RowExchange& rows, Range mine, const std::vector<int>& counts) {
    const std::vector<float> ones(length, 1.0f);
    fill(rows, mine);
    comm.barrier();
    const auto first = rows.weighted_sum({0, length}, counts, weights(), ones);
    rows.keep();
    comm.barrier();
    for (const int client : mine) rows.row(static_cast<std::size_t>(client - mine.first))[0] = 1e6f;
    comm.barrier();
    rows.weighted_sum({0, length}, counts, weights(), ones);
    return std::vector<float>(first.begin(), first.end());
  });
  EXPECT_EQ(kept, plain_sum());
}

TEST_F(Rows, MessagesAndRulesAgreeForAnyHosts) {
  std::vector<std::vector<float>> sums, medians, krums, of_messages;
  for (const int ranks_a_host : {1, 2, 3, 4}) {
    const auto combined = [&](Aggregation rule) {
      return of_hosts(ranks_a_host, [&](RowExchange& rows, Range mine, const std::vector<int>& counts) {
        fill(rows, mine);
        comm.barrier();
        const auto result = rows.combine(length, counts, {.rule = rule, .byzantine = 1, .judged = length});
        return std::vector<float>(result.begin(), result.end());
      });
    };
    medians.push_back(combined(Aggregation::median));
    krums.push_back(combined(Aggregation::krum));
    sums.push_back(of_hosts(ranks_a_host, [&](RowExchange& rows, Range mine, const std::vector<int>& counts) {
      const auto lengths = put_messages(rows, mine);
      const auto sum = rows.weighted_message_sum(counts, lengths, weights(), 3.0, std::vector<float>(length, 0.5f));
      return std::vector<float>(sum.begin(), sum.end());
    }));
    of_messages.push_back(of_hosts(ranks_a_host, [&](RowExchange& rows, Range mine, const std::vector<int>& counts) {
      const auto lengths = put_messages(rows, mine);
      const auto result = rows.combine_messages(counts, lengths, {.rule = Aggregation::multi_krum, .byzantine = 1, .judged = length});
      return std::vector<float>(result.begin(), result.end());
    }));
    for (const auto* all : {&sums, &medians, &krums, &of_messages}) EXPECT_EQ(all->back(), all->front()) << ranks_a_host;
  }
  EXPECT_NE(sums[0][1], 0.5f);
}

TEST_F(Rows, AMalformedMessageIsRefusedOnEveryRank) {
  of_hosts(2, [&](RowExchange& rows, Range mine, const std::vector<int>& counts) {
    auto lengths = put_messages(rows, mine);
    if (mine.contains(clients - 1)) rows.put(static_cast<std::size_t>(clients - 1 - mine.first), std::vector<std::byte>(12));
    lengths.back() = 12;
    comm.barrier();
    EXPECT_THROW(rows.weighted_message_sum(counts, lengths, weights(), 1.0, std::vector<float>(length)), AgreedError);
    return std::vector<float>();
  });
}

}  // namespace
}  // namespace gridfed
