#include "fed/encrypted_exchange.hpp"
#include "fed/federation.hpp"
#include "fed/masked_exchange.hpp"

#include "runtime/error.hpp"
#include "runtime/random.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace gridfed {
namespace {

constexpr std::size_t size = 1200;
constexpr int clients = 5;

void train(LocalRound& turn) {
  RandomStream stream(3, Draw::test, static_cast<std::uint64_t>(turn.client));
  for (float& x : turn.parameters) x += 0.1f * (static_cast<float>(stream.normal() + turn.client) - x);
}

class Secure : public testing::Test {
 protected:
  Federation make(const Communicator& on, const FederationOptions& options, const PrivacyOptions& privacy = {}) const {
    std::vector<double> weights;
    for (int client = 0; client < options.num_clients; ++client) weights.push_back(100 + 40 * client);
    return Federation(on, options, privacy, std::vector<float>(size, 0.5f), 0, weights, 11);
  }
  template <class Work>
  std::string agreed_error_of(Work work) const {
    std::string text = "no agreed error";
    try {
      work();
    } catch (const AgreedError& error) {
      text = error.what();
    }
    EXPECT_EQ(comm.broadcast(text, 0), text);
    return text;
  }
  const Communicator comm = Communicator::duplicate(MPI_COMM_WORLD);
  const Communicator alone = Communicator::duplicate(MPI_COMM_SELF);
};

template <class Word>
void expect_plain_sum(const Communicator& comm, unsigned dropped) {
  MaskedParties parties{.participants = {0, 2, 3, 4}, .delivered = {}, .hosted = block_range(clients, comm), .threshold = 3};
  std::vector<Word> mine, plain(20, 0);
  for (std::size_t i = 0; i < 4; ++i) {
    parties.delivered.push_back((dropped >> i & 1u) == 0);
    if (!parties.delivered[i]) continue;
    for (std::size_t k = 0; k < plain.size(); ++k) {
      const auto word = static_cast<Word>(0) - static_cast<Word>((i + 3) * (k * k * 77777 + 1));
      plain[k] += word;
      if (parties.hosted.contains(parties.participants[i])) mine.push_back(word);
    }
  }
  EXPECT_EQ(masked_sum(comm, parties, std::span<Word>(mine), plain.size()), plain);
}

TEST_F(Secure, MaskedSumIsThePlainOneOnEveryRank) {
  for (const unsigned dropped : {0u, 1u, 2u, 4u, 8u}) {
    expect_plain_sum<std::uint32_t>(comm, dropped);
    expect_plain_sum<std::uint64_t>(comm, dropped);
  }
}

TEST_F(Secure, TooFewDeliveriesAreRefusedOnEveryRank) {
  MaskedParties parties{
      .participants = {0, 1, 2, 3}, .delivered = {true, false, true, false}, .hosted = block_range(4, comm), .threshold = 3};
  std::vector<std::uint32_t> mine;
  for (const int client : parties.hosted) mine.resize(mine.size() + (parties.delivered[client] ? 8 : 0));
  const std::string text = agreed_error_of([&] { masked_sum(comm, parties, std::span<std::uint32_t>(mine), 8); });
  EXPECT_NE(text.find("2 clients delivered, 3 must"), std::string::npos) << text;
}

std::vector<FederationOptions> masked_runs() {
  const FederationOptions base{.num_clients = clients, .secure_aggregation = SecureAggregation::masks};
  std::vector<FederationOptions> all(7, base);
  all[1].modulus_bits = 64;
  all[2].bits = 8;
  all[3].bits = 4;
  all[3].stochastic = false;
  all[4].dropout = 0.1;
  all[4].mask_threshold = 0.51;
  all[5].aggregation = Aggregation::fedora;
  all[5].participation = 0.6;
  all[6].aggregation = Aggregation::fedadam;
  return all;
}

// Masks are drawn anew in every run, so equal bits show that they cancel.
TEST_F(Secure, RankCountAndMasksDoNotMatter) {
  for (const FederationOptions& options : masked_runs()) {
    Federation together = make(comm, options), single = make(alone, options);
    for (int round = 0; round < 3; ++round) {
      const RoundMetrics a = together.run_round(train), b = single.run_round(train);
      EXPECT_EQ(a.bytes_sent, b.bytes_sent);
      EXPECT_EQ(a.dropped, b.dropped);
      EXPECT_EQ(a.max_residual, b.max_residual);
    }
    EXPECT_EQ(together.state().parameters, single.state().parameters);
  }
}

TEST_F(Secure, FollowsTheRoundsWithoutMasks) {
  for (FederationOptions options : masked_runs()) {
    Federation masked = make(comm, options);
    options.secure_aggregation = SecureAggregation::none;
    Federation plain = make(comm, options);
    for (int round = 0; round < 3; ++round) {
      masked.run_round(train);
      plain.run_round(train);
    }
    const double tolerance = options.bits == 32 ? 2e-6 : options.bits == 8 ? 0.02 : 0.3;
    double worst = 0;
    for (std::size_t i = 0; i < size; ++i) {
      worst = std::max(worst, std::abs(static_cast<double>(masked.parameters(0)[i]) - plain.parameters(0)[i]));
    }
    EXPECT_LT(worst, tolerance) << options.bits;
  }
}

TEST_F(Secure, AResumedRunEndsWithTheSameBits) {
  for (const FederationOptions& options : masked_runs()) {
    Federation whole = make(comm, options), first = make(comm, options), second = make(comm, options);
    for (int round = 0; round < 4; ++round) whole.run_round(train);
    for (int round = 0; round < 2; ++round) first.run_round(train);
    second.restore(first.state());
    for (int round = 0; round < 2; ++round) second.run_round(train);
    EXPECT_EQ(second.state().parameters, whole.state().parameters);
  }
}

TEST_F(Secure, SeededNoiseOfEitherLawIsTheSameOnAnyNumberOfRanks) {
  FederationOptions options = masked_runs()[0];
  for (const IntegerNoise law : {IntegerNoise::discrete_gaussian, IntegerNoise::skellam}) {
    options.modulus_bits = options.modulus_bits == 32 ? 64 : 32;
    const PrivacyOptions privacy{
        .unit = PrivacyUnit::client, .clip_norm = 2.0, .noise_multiplier = 8.0, .integer_noise = law, .seeded = true};
    Federation together = make(comm, options, privacy), single = make(alone, options, privacy);
    for (int round = 0; round < 2; ++round) {
      together.run_round(train);
      single.run_round(train);
    }
    EXPECT_EQ(together.state().parameters, single.state().parameters);
    EXPECT_EQ(together.statement().describe(), single.statement().describe());
  }
}

// With changes of zero what is left is the noise: of all five, of whom four must deliver.
TEST_F(Secure, EveryClientAddsItsShareOfTheNoise) {
  for (const IntegerNoise law : {IntegerNoise::discrete_gaussian, IntegerNoise::skellam}) {
    const PrivacyOptions privacy{.unit = PrivacyUnit::client, .clip_norm = 2.0, .noise_multiplier = 30.0, .integer_noise = law};
    const FederationOptions options = masked_runs()[0];
    Federation federation(comm, options, privacy, std::vector<float>(20000, 0.0f), 0, std::vector<double>(clients, 1.0), 11);
    federation.run_round([](LocalRound&) {});
    double squares = 0;
    for (const float value : federation.parameters(0)) squares += static_cast<double>(value) * value;
    const double expected = 30.0 * 2.0 / clients * std::sqrt(5.0 / 4.0);
    EXPECT_NEAR(std::sqrt(squares / 20000), expected, 0.02 * expected);
    std::vector<float> first(federation.parameters(0).begin(), federation.parameters(0).end());
    const auto own = first;
    comm.broadcast(std::span(first), 0);
    EXPECT_EQ(first, own);
  }
}

TEST_F(Secure, OneClientMovesTheMaskedMeanByItsClipNormAtMost) {
  std::vector<std::vector<float>> with_and_without;
  for (const bool active : {true, false}) {
    const PrivacyOptions privacy{.unit = PrivacyUnit::client, .clip_norm = 1.0, .noise_multiplier = 20.0, .seeded = true};
    Federation federation = make(comm, masked_runs()[0], privacy);
    federation.run_round([&](LocalRound& turn) {
      if (turn.client == 1 && active) std::fill(turn.parameters.begin(), turn.parameters.end(), 50.0f);
    });
    with_and_without.emplace_back(federation.parameters(0).begin(), federation.parameters(0).end());
  }
  double squares = 0;
  for (std::size_t i = 0; i < size; ++i) squares += std::pow(static_cast<double>(with_and_without[0][i]) - with_and_without[1][i], 2.0);
  EXPECT_LE(std::sqrt(squares), (1.0 + 1e-4) / clients);
  EXPECT_GT(std::sqrt(squares), 0.98 / clients);
}

TEST_F(Secure, AFailingRankEndsTheRoundOnEveryRank) {
  Federation federation = make(comm, masked_runs()[0]);
  const std::string text = agreed_error_of([&] {
    federation.run_round([](LocalRound& turn) {
      if (turn.client == clients - 1) throw Error("its data are gone");
      train(turn);
    });
  });
  EXPECT_NE(text.find("its data are gone"), std::string::npos) << text;
}

TEST_F(Secure, AClientThatIsNotFiniteIsRecoveredLikeOneThatDropped) {
  Federation federation = make(comm, masked_runs()[0]);
  const RoundMetrics metrics = federation.run_round([](LocalRound& turn) {
    train(turn);
    if (turn.client == 1) turn.parameters[0] = std::numeric_limits<float>::infinity();
  });
  EXPECT_EQ(metrics.excluded, std::vector<int>{1});
}

std::vector<FederationOptions> encrypted_runs() {
  const FederationOptions base{.num_clients = clients, .secure_aggregation = SecureAggregation::paillier};
  std::vector<FederationOptions> all(4, base);
  all[1].bits = 8;
  all[2].dropout = 0.1;
  all[2].mask_threshold = 0.51;
  all[2].modulus_bits = 64;
  all[3].aggregation = Aggregation::fedora;
  all[3].participation = 0.6;
  all[3].bits = 2;
  all[3].stochastic = false;
  return all;
}

// Keys and ciphertexts are drawn anew in every run; masks and Paillier sum the same levels.
TEST_F(Secure, EncryptedSumsAreTheMaskedOnesForAnyNumberOfRanks) {
  for (FederationOptions options : encrypted_runs()) {
    Federation together = make(comm, options), single = make(alone, options);
    options.secure_aggregation = SecureAggregation::masks;
    Federation masked = make(comm, options);
    for (int round = 0; round < 2; ++round) {
      const RoundMetrics a = together.run_round(train), b = single.run_round(train), c = masked.run_round(train);
      EXPECT_EQ(a.bytes_sent, b.bytes_sent);
      EXPECT_GT(a.bytes_sent, 0u);
      EXPECT_EQ(a.dropped, c.dropped);
    }
    EXPECT_EQ(together.state().parameters, single.state().parameters) << options.bits;
    EXPECT_EQ(together.state().parameters, masked.state().parameters) << options.bits;
  }
}

TEST_F(Secure, EncryptedSumsComposeWithClientLevelNoise) {
  FederationOptions options = encrypted_runs()[0];
  std::vector<std::vector<float>> results;
  for (const Communicator* on : {&comm, &alone}) {
    for (const SecureAggregation how : {SecureAggregation::paillier, SecureAggregation::masks}) {
      options.secure_aggregation = how;
      Federation federation = make(*on, options, {.unit = PrivacyUnit::client, .clip_norm = 2.0, .noise_multiplier = 8.0, .seeded = true});
      federation.run_round(train);
      results.push_back(federation.state().parameters);
    }
  }
  for (const auto& result : results) EXPECT_EQ(result, results[0]);
}

// All clients at either end of the range, however many a rank hosts: slots are full to the last bit.
TEST_F(Secure, EncryptedSumsAtTheBoundaryOfASlotDoNotOverflow) {
  const EncryptedExchange exchange(comm);
  for (const std::int64_t top : {std::int64_t{1}, std::int64_t{127}, (std::int64_t{1} << 31) / clients}) {
    const SlotPacking packing(top, clients);
    const int hosted = block_range(clients, comm).size();
    std::vector<std::int64_t> own, expected;
    for (std::size_t i = 0; i < packing.slots() + 3; ++i) {
      const std::int64_t level = i % 3 == 0 ? top : i % 3 == 1 ? -top : 0;
      own.push_back(hosted * level);
      expected.push_back(clients * level);
    }
    EXPECT_EQ(exchange.sum(packing, own, hosted, clients), expected) << top;
  }
}

// More than the range that the packing was planned for, as of a ciphertext that somebody multiplied by another.
TEST_F(Secure, AnEncryptedSumThatNobodyCanHaveMadeIsRefusedOnEveryRank) {
  const EncryptedExchange exchange(comm);
  const SlotPacking packing(100, 2 * clients);
  const int hosted = block_range(clients, comm).size();
  const std::vector<std::int64_t> own(10, 100 * hosted);
  const std::string text = agreed_error_of([&] { exchange.sum(packing, own, hosted, clients - 1); });
  EXPECT_NE(text.find("a decrypted sum is none that 4 clients can make"), std::string::npos) << text;
  const std::vector<std::int64_t> wide(10, 100 * clients + 1);
  const std::string refused = agreed_error_of([&] { exchange.sum(packing, wide, hosted, clients); });
  EXPECT_NE(refused.find("does not lie within"), std::string::npos) << refused;
}

TEST_F(Secure, AFailingRankEndsAnEncryptedRoundOnEveryRank) {
  Federation federation = make(comm, encrypted_runs()[0]);
  const std::string text = agreed_error_of([&] {
    federation.run_round([](LocalRound& turn) {
      if (turn.client == clients - 1) throw Error("its data are gone");
      train(turn);
    });
  });
  EXPECT_NE(text.find("its data are gone"), std::string::npos) << text;
}

TEST_F(Secure, TooFewDeliveriesAreNotDecrypted) {
  Federation federation = make(comm, encrypted_runs()[0]);
  const std::string text = agreed_error_of([&] {
    federation.run_round([](LocalRound& turn) {
      train(turn);
      if (turn.client < 2) turn.parameters[0] = std::nanf("");
    });
  });
  EXPECT_NE(text.find("3 clients delivered, 4 must"), std::string::npos) << text;
}

TEST_F(Secure, WhatCannotBeMaskedIsRefusedWithTheReason) {
  const auto refused = [&](FederationOptions options) {
    options.num_clients = clients;
    options.secure_aggregation = SecureAggregation::masks;
    return agreed_error_of([&] { make(comm, options); });
  };
  EXPECT_NE(refused({.compression = Sparsification::top_k}).find("fed.compression = top_k cannot be masked"), std::string::npos);
  const std::string encrypted = agreed_error_of([&] {
    make(comm, {.num_clients = clients, .secure_aggregation = SecureAggregation::paillier, .compression = Sparsification::top_k});
  });
  EXPECT_NE(encrypted.find("fed.compression = top_k cannot be encrypted"), std::string::npos);
  EXPECT_NE(refused({.aggregation = Aggregation::median}).find("compares single clients"), std::string::npos);
  EXPECT_NE(refused({.aggregation = Aggregation::scaffold}).find("no weighted mean"), std::string::npos);
  FederationOptions low = masked_runs()[2], some = masked_runs()[5];
  some.aggregation = Aggregation::fedavg;
  const auto refused_private = [&](const FederationOptions& options) {
    return agreed_error_of([&] { make(comm, options, {.unit = PrivacyUnit::client}); });
  };
  EXPECT_NE(refused_private(low).find("set fed.bits = 32"), std::string::npos);
  EXPECT_NE(refused_private(some).find("set fed.participation = 1"), std::string::npos);
  EXPECT_NE(refused({.modulus_bits = 16}).find("fed.modulus_bits"), std::string::npos);
  EXPECT_NE(refused({.mask_threshold = 0.5}).find("fed.mask_threshold"), std::string::npos);
}

}  // namespace
}  // namespace gridfed
