#include "fed/federation.hpp"

#include "runtime/error.hpp"
#include "runtime/random.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>

namespace gridfed {
namespace {

constexpr std::size_t size = 1003;
constexpr std::uint64_t seed = 17;

/// Minimum of client's loss curvature(client) / 2 * |x - optimum(client)|^2.
float optimum(int client, std::size_t i) {
  return std::sin(static_cast<float>(i) * 0.1f + static_cast<float>(client)) + 0.3f * static_cast<float>(client);
}

/// A few heavy-ball steps on the client's loss: m is kept in the first moment, a running square of the gradient in the second.
void train(int client, std::span<float> x, std::span<float> moments) {
  for (int step = 0; step < 3; ++step) {
    for (std::size_t i = 0; i < x.size(); ++i) {
      const float gradient = (1.0f + 0.2f * static_cast<float>(client)) * (x[i] - optimum(client, i));
      float velocity = gradient;
      if (!moments.empty()) {
        velocity = moments[i] = 0.5f * moments[i] + gradient;
        moments[size + i] = 0.9f * moments[size + i] + 0.1f * gradient * gradient;
      }
      x[i] -= 0.1f * velocity;
    }
  }
}

void train(LocalRound& turn) {
  train(turn.client, turn.parameters, turn.moments);
}

std::vector<float> start() {
  std::vector<float> x(size);
  RandomStream stream(seed, Draw::initial_weights);
  for (float& value : x) value = static_cast<float>(stream.normal());
  return x;
}

std::vector<double> samples(int clients) {
  std::vector<double> weights(clients);
  for (int client = 0; client < clients; ++client) weights[client] = 100.0 + 37.0 * client;
  return weights;
}

std::vector<float> copy(std::span<const float> values) {
  return {values.begin(), values.end()};
}

class FederationTest : public testing::Test {
 protected:
  Federation make(const Communicator& on, FederationOptions options, PrivacyOptions privacy = {}, std::size_t moments = 2 * size) const {
    return Federation(on, options, privacy, start(), moments, samples(options.num_clients), seed);
  }
  /// The models after some rounds, the shared one or those of the clients hosted by a rank.
  std::vector<std::vector<float>> models(Federation& federation, int rounds) const {
    for (int round = 0; round < rounds; ++round) metrics.push_back(federation.run_round([](LocalRound& turn) { train(turn); }));
    std::vector<std::vector<float>> all;
    for (const int client : federation.hosted()) all.push_back(copy(federation.parameters(client)));
    return all;
  }
  /// The same run on all ranks and on this one alone must end with the same bits, metrics included.
  void expect_rank_count_does_not_matter(const FederationOptions& options, const PrivacyOptions& privacy = {}) const {
    const int rounds = 4;
    Federation together = make(comm, options, privacy), single = make(alone, options, privacy);
    const auto shared = models(together, rounds), serial = models(single, rounds);
    for (int i = 0; i < together.hosted().size(); ++i) EXPECT_EQ(shared[i], serial[together.hosted().first + i]);
    for (int round = 0; round < rounds; ++round) {
      const RoundMetrics &a = metrics[round], &b = metrics[rounds + round];
      EXPECT_EQ(a.round, round + 1);
      EXPECT_EQ(a.bytes_sent, b.bytes_sent);
      EXPECT_EQ(a.dense_bytes, b.dense_bytes);
      EXPECT_EQ(a.update_norm, b.update_norm);
      EXPECT_EQ(a.clipped_fraction, b.clipped_fraction);
      EXPECT_EQ(a.max_residual, b.max_residual);
    }
    metrics.clear();
    const FederationState state = together.state();
    std::vector<float> first = state.parameters;
    comm.broadcast(std::span(first), 0);
    EXPECT_EQ(first, state.parameters);  // ranks without clients hold the model too
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
  mutable std::vector<RoundMetrics> metrics;
};

class FederationOf : public FederationTest, public testing::WithParamInterface<int> {};

// More clients than ranks, as many, and fewer, for one, two and four ranks.
INSTANTIATE_TEST_SUITE_P(Clients, FederationOf, testing::Values(1, 3, 4, 7));

TEST_P(FederationOf, DenseRoundsEqualTheFormulaBitForBit) {
  const int clients = GetParam();
  Federation federation = make(comm, {.num_clients = clients});
  std::vector<float> x = start(), moments(2 * size);
  const auto weights = samples(clients);
  const double total = std::accumulate(weights.begin(), weights.end(), 0.0);
  for (int round = 0; round < 3; ++round) {
    const RoundMetrics of_round = federation.run_round([](LocalRound& turn) { train(turn); });
    std::vector<double> model(size), mean(2 * size);
    for (int client = 0; client < clients; ++client) {
      std::vector<float> own = x, own_moments = moments;
      train(client, own, own_moments);
      for (std::size_t i = 0; i < size; ++i) model[i] += weights[client] / total * own[i];
      for (std::size_t i = 0; i < 2 * size; ++i) mean[i] += weights[client] / total * own_moments[i];
    }
    for (std::size_t i = 0; i < size; ++i) x[i] = static_cast<float>(model[i]);
    for (std::size_t i = 0; i < 2 * size; ++i) moments[i] = static_cast<float>(mean[i]);
    EXPECT_EQ(copy(federation.parameters(0)), x);
    EXPECT_EQ(federation.state().moments, moments);
    EXPECT_EQ(of_round.bytes_sent, clients * 3 * size * sizeof(float));
    EXPECT_EQ(of_round.dense_bytes, of_round.bytes_sent);
  }
}

TEST_P(FederationOf, RankCountDoesNotMatter) {
  const int clients = GetParam();
  expect_rank_count_does_not_matter({.num_clients = clients});
  expect_rank_count_does_not_matter({.num_clients = clients, .average_moments = false});
  expect_rank_count_does_not_matter({.num_clients = clients, .aggregation = Aggregation::none});
  expect_rank_count_does_not_matter({.num_clients = clients, .bits = 8});
  expect_rank_count_does_not_matter({.num_clients = clients, .bits = 4, .stochastic = false});
  expect_rank_count_does_not_matter({.num_clients = clients, .compression = Sparsification::top_k});
  expect_rank_count_does_not_matter({.num_clients = clients, .compression = Sparsification::top_k, .error_feedback = false, .bits = 8});
  const PrivacyOptions seeded{.unit = PrivacyUnit::client, .seeded = true};
  expect_rank_count_does_not_matter({.num_clients = clients}, seeded);
  expect_rank_count_does_not_matter({.num_clients = clients, .compression = Sparsification::top_k, .bits = 8}, seeded);
}

/// A round's local update that makes the federation a gradient descent on the weighted loss.
Federation::LocalUpdate gradient_step(float rate) {
  return [rate](LocalRound& turn) {
    const auto [client, x] = std::pair(turn.client, turn.parameters);
    for (std::size_t i = 0; i < x.size(); ++i) x[i] -= rate * (1.0f + 0.2f * static_cast<float>(client)) * (x[i] - optimum(client, i));
  };
}

/// Root mean square distance to the minimum of the loss weighted by samples.
double distance_to_optimum(std::span<const float> x, int clients) {
  const std::vector<double> weights = samples(clients);
  double squares = 0;
  for (std::size_t i = 0; i < size; ++i) {
    double pull = 0, curvature = 0;
    for (int client = 0; client < clients; ++client) {
      const double h = weights[client] * (1.0 + 0.2 * client);
      pull += h * optimum(client, i);
      curvature += h;
    }
    squares += std::pow(x[i] - pull / curvature, 2.0);
  }
  return std::sqrt(squares / size);
}

TEST_P(FederationOf, FedAvgReachesTheWeightedOptimum) {
  Federation federation = make(comm, {.num_clients = GetParam()}, {}, 0);
  for (int round = 0; round < 100; ++round) federation.run_round(gradient_step(0.2f));
  EXPECT_LT(distance_to_optimum(federation.parameters(0), GetParam()), 1e-6);
}

// Error feedback delays a coordinate by about 1 / ratio rounds, so the rate stays well below the ratio.
TEST_P(FederationOf, ATenthOfTheUpdateInEightBitsReachesTheOptimumToo) {
  Federation federation = make(comm, {.num_clients = GetParam(), .compression = Sparsification::top_k, .bits = 8}, {}, 0);
  for (int round = 0; round < 400; ++round) {
    const RoundMetrics of_round = federation.run_round(gradient_step(0.02f));
    EXPECT_LT(of_round.bytes_sent, 0.061 * static_cast<double>(of_round.dense_bytes));  // a bit a value, a byte for every tenth
  }
  EXPECT_LT(distance_to_optimum(federation.parameters(0), GetParam()), 0.05);  // half of it at half the rate
}

TEST_P(FederationOf, WithoutAggregationEachClientLearnsAlone) {
  const int clients = GetParam();
  Federation federation = make(comm, {.num_clients = clients, .aggregation = Aggregation::none});
  for (int round = 0; round < 3; ++round) EXPECT_EQ(federation.run_round([](LocalRound& turn) { train(turn); }).bytes_sent, 0u);
  for (const int client : federation.hosted()) {
    std::vector<float> x = start(), moments(2 * size);
    for (int round = 0; round < 3; ++round) train(client, x, moments);
    EXPECT_EQ(copy(federation.parameters(client)), x);
  }
  EXPECT_THROW(federation.parameters(clients), Error);
}

TEST_P(FederationOf, AClientThatThrowsEndsTheRoundOnEveryRank) {
  const int clients = GetParam(), culprit = clients - 1;
  for (const int bits : {32, 8}) {
    Federation federation = make(comm, {.num_clients = clients, .bits = bits});
    federation.run_round([](LocalRound& turn) { train(turn); });
    const std::string text = agreed_error_of([&] {
      federation.run_round([&](LocalRound& turn) {
        if (turn.client == culprit) throw std::runtime_error("its data are gone");
        train(turn);
      });
    });
    EXPECT_NE(text.find("its data are gone"), std::string::npos) << text;
  }
}

TEST_P(FederationOf, AClientThatIsNotFiniteIsLeftOutNamedAndCounted) {
  const int clients = GetParam(), culprit = clients / 2;
  for (const int poisoned : {0, 1, 2}) {
    Federation federation = make(comm, {.num_clients = clients});
    const auto poison = [&](LocalRound& turn) {
      train(turn);
      if (turn.client != culprit) return;
      if (poisoned == 0) turn.parameters[5] = std::numeric_limits<float>::quiet_NaN();
      if (poisoned == 1) turn.moments[size] = std::numeric_limits<float>::infinity();
      if (poisoned == 2) turn.value = -std::numeric_limits<double>::infinity();
    };
    if (clients == 1) {
      const std::string text = agreed_error_of([&] { federation.run_round(poison); });
      EXPECT_NE(text.find("no client returned finite values in round 1"), std::string::npos) << text;
      continue;
    }
    // As if the others were all there is.
    std::vector<double> weights = samples(clients);
    weights[culprit] = 0;
    Federation others(comm, {.num_clients = clients}, {}, start(), 2 * size, weights, seed);
    for (int round = 0; round < 3; ++round) {
      EXPECT_EQ(federation.run_round(poison).excluded, std::vector<int>{culprit});
      EXPECT_TRUE(others.run_round([](LocalRound& turn) { train(turn); }).excluded.empty());
    }
    double squares = 0;  // the shares are rounded in another order
    for (std::size_t i = 0; i < size; ++i) squares += std::pow(federation.parameters(0)[i] - others.parameters(0)[i], 2.0);
    EXPECT_LT(std::sqrt(squares / size), 1e-6);
  }
}

TEST_P(FederationOf, AResumedRunEndsWithTheSameBits) {
  const int clients = GetParam();
  const PrivacyOptions seeded{.unit = PrivacyUnit::client, .seeded = true};
  const std::pair<FederationOptions, PrivacyOptions> runs[] = {
      {{.num_clients = clients}, {}},
      {{.num_clients = clients, .aggregation = Aggregation::none}, {}},
      {{.num_clients = clients, .compression = Sparsification::top_k, .bits = 8}, {}},
      {{.num_clients = clients, .compression = Sparsification::top_k}, seeded},
      {{.num_clients = clients}, seeded},
  };
  for (const auto& [options, privacy] : runs) {
    Federation whole = make(comm, options, privacy), first = make(comm, options, privacy), second = make(comm, options, privacy);
    for (int round = 0; round < 5; ++round) whole.run_round([](LocalRound& turn) { train(turn); });
    for (int round = 0; round < 2; ++round) first.run_round([](LocalRound& turn) { train(turn); });
    second.restore(first.state());
    EXPECT_EQ(second.round(), 2);
    while (second.round() < 5) second.run_round([](LocalRound& turn) { train(turn); });
    for (const int client : whole.hosted()) EXPECT_EQ(copy(second.parameters(client)), copy(whole.parameters(client)));
    EXPECT_EQ(second.statement().describe(), whole.statement().describe());
    EXPECT_EQ(second.statement().epsilon, whole.statement().epsilon);
  }
}

TEST_F(FederationTest, RefusesACheckpointOfAnotherModel) {
  Federation federation = make(comm, {.num_clients = comm.size()});
  FederationState state = federation.state();
  state.parameters.pop_back();
  EXPECT_THROW(federation.restore(state), Error);
  state = federation.state();
  state.clients.clear();
  EXPECT_THROW(federation.restore(state), Error);
  Federation sparse = make(comm, {.num_clients = comm.size(), .compression = Sparsification::top_k});
  EXPECT_THROW(sparse.restore(federation.state()), Error);
}

TEST_F(FederationTest, RefusesBadOptionsOnEveryRank) {
  const auto refused = [&](FederationOptions options, PrivacyOptions privacy) {
    return agreed_error_of([&] { make(comm, options, privacy); });
  };
  EXPECT_NE(refused({.num_clients = 3, .bits = 5000}, {}).find("fed.bits"), std::string::npos);
  EXPECT_NE(refused({.aggregation = Aggregation::none}, {.unit = PrivacyUnit::client}).find("fed.aggregation"), std::string::npos);
  EXPECT_NE(refused({}, {.unit = PrivacyUnit::client, .privacy_budget = -1}).find("privacy.privacy_budget"), std::string::npos);
}

// With a client change of zero what is left in the model is the noise.
TEST_F(FederationTest, NoiseOfTheMeanHasTheCalibratedScale) {
  const int clients = 5;
  for (const int bits : {32, 8}) {
    const PrivacyOptions privacy{.unit = PrivacyUnit::client, .clip_norm = 2.0, .noise_multiplier = 30.0};
    Federation federation(comm, {.num_clients = clients, .bits = bits}, privacy, std::vector<float>(20000, 0.0f), 0, samples(clients),
                          seed);
    federation.run_round([](LocalRound&) {});
    double squares = 0;
    for (const float value : federation.parameters(0)) squares += static_cast<double>(value) * value;
    EXPECT_NEAR(std::sqrt(squares / 20000), 30.0 * 2.0 / clients, 0.05 * 30.0 * 2.0 / clients);
    EXPECT_TRUE(federation.statement().noise_private);
    std::vector<float> first = copy(federation.parameters(0));
    comm.broadcast(std::span(first), 0);
    EXPECT_EQ(first, copy(federation.parameters(0)));  // secret noise, yet one model
  }
}

// However far a client moves, and whatever it held back before, it moves the sum by its clip norm at most.
TEST_F(FederationTest, OneClientMovesTheMeanByItsClipNormAtMost) {
  const int clients = 3;
  const PrivacyOptions privacy{.unit = PrivacyUnit::client, .clip_norm = 1.0, .noise_multiplier = 20.0, .seeded = true};
  for (const FederationOptions& options : {FederationOptions{.num_clients = clients},
                                           FederationOptions{.num_clients = clients, .compression = Sparsification::top_k, .bits = 2}}) {
    std::vector<std::vector<float>> with_and_without;
    for (const bool active : {true, false}) {
      Federation federation(comm, options, privacy, std::vector<float>(200, 0.0f), 0, samples(clients), seed);
      federation.run_round([&](LocalRound& turn) {
        if (turn.client == 1 && active) std::fill(turn.parameters.begin(), turn.parameters.end(), 50.0f);
      });
      with_and_without.push_back(copy(federation.parameters(0)));
    }
    double squares = 0;
    for (std::size_t i = 0; i < 200; ++i) squares += std::pow(with_and_without[0][i] - with_and_without[1][i], 2.0);
    EXPECT_LE(std::sqrt(squares), (1.0 + 1e-4) / clients);
    EXPECT_GT(std::sqrt(squares), 0.2 / clients);
  }
}

TEST_F(FederationTest, SpendsTheBudgetInThePlannedRoundsAndNotOneMore) {
  Federation federation = make(comm, {.num_clients = 2, .rounds = 6}, {.unit = PrivacyUnit::client, .privacy_budget = 8.0}, 0);
  double last = 0;
  for (int round = 0; round < 6; ++round) {
    const RoundMetrics of_round = federation.run_round([](LocalRound& turn) { train(turn); });
    EXPECT_EQ(of_round.clipped_fraction, 1.0);
    EXPECT_GT(federation.statement().epsilon, last);
    last = federation.statement().epsilon;
  }
  EXPECT_LE(last, 8.0);
  EXPECT_GT(last, 7.999);
  EXPECT_EQ(federation.statement().steps, 6);
  const std::string text = agreed_error_of([&] { federation.run_round([](LocalRound& turn) { train(turn); }); });
  EXPECT_NE(text.find("privacy.privacy_budget"), std::string::npos) << text;
  EXPECT_EQ(federation.round(), 6);
}

TEST_F(FederationTest, SampledClientsSpendLessAndAllNoiseIsAdded) {
  const PrivacyOptions privacy{.unit = PrivacyUnit::client, .clip_norm = 2.0, .noise_multiplier = 4.0};
  const FederationOptions some{.num_clients = 10, .participation = 0.3};
  Federation sampled(comm, some, privacy, std::vector<float>(20000, 0.0f), 0, samples(10), seed);
  Federation whole(comm, {.num_clients = 10}, privacy, std::vector<float>(20000, 0.0f), 0, samples(10), seed);
  int participants = 0;
  for (int round = 0; round < 30; ++round) {
    participants += sampled.run_round([](LocalRound&) {}).participants;
    whole.run_round([](LocalRound&) {});
  }
  EXPECT_GT(participants, 50);
  EXPECT_LT(participants, 140);
  EXPECT_LT(sampled.statement().epsilon, 0.6 * whole.statement().epsilon);
  EXPECT_EQ(sampled.statement().sampling_rate, 0.3);
  double squares = 0;
  for (const float value : sampled.parameters(0)) squares += static_cast<double>(value) * value;
  const double expected = 4.0 * 2.0 / 3.0 * std::sqrt(30.0);
  EXPECT_NEAR(std::sqrt(squares / 20000), expected, 0.03 * expected);
}

TEST_F(FederationTest, AdaptiveClippingFindsTheQuantileAndSurvivesARestart) {
  const int clients = 20;
  const PrivacyOptions privacy{
      .unit = PrivacyUnit::client, .clip_norm = 0.1, .noise_multiplier = 0.5, .clip_quantile = 0.5, .count_noise = 1.0, .seeded = true};
  const auto step = [](LocalRound& turn) { turn.parameters[0] += 1.0f + static_cast<float>(turn.client); };  // norms 1 to 20
  PrivacyOptions generous = privacy;
  generous.privacy_budget = 1e6;
  Federation federation(comm, {.num_clients = clients}, generous, std::vector<float>(3, 0.0f), 0, samples(clients), seed);
  Federation second(comm, {.num_clients = clients}, generous, std::vector<float>(3, 0.0f), 0, samples(clients), seed);
  double mean = 0;
  for (int round = 0; round < 100; ++round) {
    federation.run_round(step);
    if (round >= 80) mean += federation.statement().clip_norm / 20;
    if (round == 50) second.restore(federation.state());
    if (round > 50) second.run_round(step);
  }
  EXPECT_NEAR(mean, 10.5, 2.0);
  EXPECT_EQ(second.statement().clip_norm, federation.statement().clip_norm);
  EXPECT_EQ(copy(second.parameters(0)), copy(federation.parameters(0)));
}

}  // namespace
}  // namespace gridfed
