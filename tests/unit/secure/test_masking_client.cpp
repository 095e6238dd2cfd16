#include "secure/masking_client.hpp"

#include "runtime/error.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <memory>
#include <numeric>

namespace gridfed {
namespace {

constexpr std::size_t size = 37;

/// A round in which all messages can be tampered with.
template <class Word>
struct Round {
  std::vector<std::unique_ptr<MaskingClient>> clients;
  std::vector<Advertisement> advertisements;
  std::vector<std::vector<SealedShares>> dealt;  // [from][to]
  int threshold;

  Round(int count, int least) : threshold(least) {
    for (int i = 0; i < count; ++i) {
      clients.push_back(std::make_unique<MaskingClient>(i, least));
      advertisements.push_back(clients.back()->advertisement());
    }
    for (auto& client : clients) dealt.push_back(client->deal(advertisements));
  }
  void deliver_shares() {
    for (std::size_t to = 0; to < clients.size(); ++to) {
      std::vector<SealedShares> received;
      for (const auto& row : dealt) received.push_back(row[to]);
      clients[to]->receive(received);
    }
  }
  static std::vector<Word> vector_of(int client) {
    std::vector<Word> values(size);
    for (std::size_t i = 0; i < size; ++i) values[i] = static_cast<Word>(-1000 + 77 * client) * static_cast<Word>(i * i + 1);
    return values;
  }
  std::vector<Word> masked(int client) const {
    auto values = vector_of(client);
    clients[client]->mask(values);
    return values;
  }
  std::vector<Word> plain_sum(const std::vector<bool>& delivered) const {
    std::vector<Word> sum(size);
    for (std::size_t c = 0; c < delivered.size(); ++c) {
      if (!delivered[c]) continue;
      const auto values = vector_of(static_cast<int>(c));
      for (std::size_t i = 0; i < size; ++i) sum[i] += values[i];
    }
    return sum;
  }
  std::vector<Word> masked_sum(const std::vector<bool>& delivered) const {
    std::vector<Word> sum(size);
    for (std::size_t c = 0; c < delivered.size(); ++c) {
      if (!delivered[c]) continue;
      const auto values = masked(static_cast<int>(c));
      for (std::size_t i = 0; i < size; ++i) sum[i] += values[i];
    }
    return sum;
  }
  std::vector<DisclosedShare> disclose(const std::vector<bool>& delivered, std::vector<int>& by) {
    std::vector<DisclosedShare> rows;
    for (std::size_t c = 0; c < delivered.size(); ++c) {
      if (!delivered[c]) continue;
      const auto row = clients[c]->disclose(delivered);
      rows.insert(rows.end(), row.begin(), row.end());
      by.push_back(static_cast<int>(c));
    }
    return rows;
  }
};

template <class Word>
void every_set_of_dropped_clients(int count) {
  const int threshold = 2 * count / 3 + 1;
  for (unsigned set = 0; set < 1u << count; ++set) {
    std::vector<bool> delivered;
    for (int i = 0; i < count; ++i) delivered.push_back((set >> i & 1u) != 0);
    Round<Word> round(count, threshold);
    round.deliver_shares();
    std::vector<int> by;
    if (std::popcount(set) < threshold) {
      if (set == 0) continue;  // nobody is there to ask
      EXPECT_THROW(round.disclose(delivered, by), Error);
      continue;
    }
    auto sum = round.masked_sum(delivered);
    const auto plain = round.plain_sum(delivered);
    EXPECT_NE(sum, plain);
    const auto rows = round.disclose(delivered, by);
    unmask(sum, round.advertisements, delivered, by, rows, threshold);
    EXPECT_EQ(sum, plain) << count << " clients, set " << set;
  }
}

TEST(MaskedSum, EqualsThePlainSumForEverySetOfDroppedClientsAboveTheThreshold) {
  for (int count = 1; count <= 8; ++count) every_set_of_dropped_clients<std::uint32_t>(count);
  for (int count = 1; count <= 4; ++count) every_set_of_dropped_clients<std::uint64_t>(count);
}

TEST(MaskedSum, AMaskedVectorDiffersInEveryRoundThoughTheClientIsTheSame) {
  std::vector<std::vector<std::uint32_t>> sent;
  for (int restart = 0; restart < 3; ++restart) {
    Round<std::uint32_t> round(3, 3);
    round.deliver_shares();
    sent.push_back(round.masked(0));
  }
  EXPECT_NE(sent[0], sent[1]);
  EXPECT_NE(sent[1], sent[2]);
}

template <class Work>
std::string error_of(Work work) {
  try {
    work();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(MaskedSum, ASealedShareThatWasTamperedWithNamesItsSender) {
  for (const bool tag : {false, true}) {
    Round<std::uint32_t> round(4, 3);
    (tag ? round.dealt[2][1].tag[3] : round.dealt[2][1].text[40]) ^= 1;
    EXPECT_NE(error_of([&] { round.deliver_shares(); }).find("the shares of client 2 for client 1 were tampered with"), std::string::npos);
  }
  Round<std::uint32_t> round(4, 3);  // a message to another client, or of another round, is no better
  round.dealt[2][1] = round.dealt[2][3];
  EXPECT_NE(error_of([&] { round.deliver_shares(); }), "no error");
  Round<std::uint32_t> first(4, 3), second(4, 3);
  second.dealt[2][1] = first.dealt[2][1];
  EXPECT_NE(error_of([&] { second.deliver_shares(); }), "no error");
}

TEST(MaskedSum, ADisclosedShareThatWasTamperedWithIsDetected) {
  for (const int victim : {0, 3}) {  // of a seed, and of a dropped client's key
    Round<std::uint32_t> round(4, 3);
    round.deliver_shares();
    const std::vector<bool> delivered{true, true, true, false};
    std::vector<int> by;
    auto sum = round.masked_sum(delivered);
    auto rows = round.disclose(delivered, by);
    rows[1 * 4 + victim].values[9] ^= 0x10;
    const std::string text = error_of([&] { unmask(sum, round.advertisements, delivered, by, rows, 3); });
    EXPECT_NE(text.find(fmt::format("client {}", victim)), std::string::npos) << text;
  }
}

// Whoever changes a masked vector adds a difference to the sum and learns nothing: harmless for secrecy, not for the sum.
TEST(MaskedSum, AMaskedVectorThatWasTamperedWithShiftsTheSumByAsMuch) {
  Round<std::uint32_t> round(3, 3);
  round.deliver_shares();
  const std::vector<bool> delivered(3, true);
  std::vector<int> by;
  auto sum = round.masked_sum(delivered), expected = round.plain_sum(delivered);
  sum[5] += 1234;
  expected[5] += 1234;
  const auto rows = round.disclose(delivered, by);
  unmask(sum, round.advertisements, delivered, by, rows, 3);
  EXPECT_EQ(sum, expected);
}

TEST(MaskedSum, NobodyDisclosesTwice) {
  Round<std::uint32_t> round(4, 3);
  round.deliver_shares();
  std::vector<int> by;
  round.disclose({true, true, true, true}, by);
  EXPECT_NE(error_of([&] { round.clients[1]->disclose({true, true, true, false}); }).find("it did before"), std::string::npos);
}

}  // namespace
}  // namespace gridfed
