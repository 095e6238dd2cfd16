// Strategies on f_i(x) = h_i / 2 |x - a_i|^2, where K steps of rate r take a client from x to a_i + (1 - r h_i)^K (x - a_i), so that what
// each strategy ends at is known in closed form.
#include "fed/federation.hpp"

#include "runtime/error.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

namespace gridfed {
namespace {

constexpr std::size_t size = 1500;  // two blocks of coordinates
constexpr std::uint64_t seed = 5;
constexpr int clients = 7;
constexpr double rate = 0.1;

double curvature(int client) {
  return 1.0 + 0.5 * client;
}
double optimum(int client, std::size_t i) {
  static const std::vector<double> table = [] {
    std::vector<double> all;
    for (int c = 0; c < clients; ++c) {
      for (std::size_t k = 0; k < size; ++k) all.push_back(std::sin(0.1 * static_cast<double>(k) + c) + 0.3 * c);
    }
    return all;
  }();
  return table[static_cast<std::size_t>(client) * size + i];
}
double weight(int client) {
  return 100.0 + 37.0 * client;
}
double value(int client, std::span<const float> x) {  // minus the loss of the first coordinates
  double sum = 0;
  for (std::size_t i = 0; i < 4; ++i) sum -= curvature(client) / 2 * std::pow(x[i] - optimum(client, i), 2.0);
  return sum;
}

/// Gradient descent in so many steps.
Federation::LocalUpdate descend(std::function<int(int client)> steps, double step = rate) {
  return [=](LocalRound& turn) {
    turn.value = value(turn.client, turn.parameters);
    std::vector<float> gradient(turn.parameters.size());
    for (int k = 0; k < steps(turn.client); ++k) {
      for (std::size_t i = 0; i < gradient.size(); ++i) {
        gradient[i] = static_cast<float>(curvature(turn.client) * (turn.parameters[i] - optimum(turn.client, i)));
        if (!turn.moments.empty()) turn.moments[i] = 0.5f * turn.moments[i] + gradient[i];
      }
      turn.guide(turn.parameters, gradient);
      for (std::size_t i = 0; i < gradient.size(); ++i) turn.parameters[i] -= static_cast<float>(step) * gradient[i];
    }
  };
}
Federation::LocalUpdate descend(int steps, double step = rate) {
  return descend([=](int) { return steps; }, step);
}

/// Coordinate i of sum share(client) a_client / sum share(client).
template <class Share>
double balance(std::size_t i, Share share) {
  double pull = 0, sum = 0;
  for (int client = 0; client < clients; ++client) {
    pull += share(client) * optimum(client, i);
    sum += share(client);
  }
  return pull / sum;
}
template <class Share>
double distance(std::span<const float> x, Share share) {
  double squares = 0;
  for (std::size_t i = 0; i < x.size(); ++i) squares += std::pow(x[i] - balance(i, share), 2.0);
  return std::sqrt(squares / static_cast<double>(x.size()));
}
double to_optimum(std::span<const float> x) {
  return distance(x, [](int client) { return weight(client) * curvature(client); });
}
/// How far K steps go towards the client's own optimum.
double reach(int client, int steps, double extra = 0) {
  const double h = curvature(client), all = h + extra;
  return (1 - std::pow(1 - rate * all, steps)) * h / all;
}

class Strategies : public testing::Test {
 protected:
  Federation make(const Communicator& on, FederationOptions options, std::size_t moments = 0) const {
    std::vector<double> weights;
    for (int client = 0; client < options.num_clients; ++client) weights.push_back(weight(client));
    return Federation(on, options, {}, std::vector<float>(size, 1.0f), moments, weights, seed);
  }
  std::vector<float> run(FederationOptions options, int rounds, const Federation::LocalUpdate& update) const {
    options.num_clients = clients;
    Federation federation = make(comm, options);
    for (int round = 0; round < rounds; ++round) federation.run_round(update);
    const auto x = federation.parameters(0);
    return {x.begin(), x.end()};
  }
  const Communicator comm = Communicator::duplicate(MPI_COMM_WORLD);
  const Communicator alone = Communicator::duplicate(MPI_COMM_SELF);
};

TEST_F(Strategies, FedAvgHasTheBiasOfClientDriftUnlessItsRateDecays) {
  const auto x = run({}, 200, descend(10));
  EXPECT_LT(distance(x, [](int client) { return weight(client) * reach(client, 10); }), 1e-5);
  const double bias = to_optimum(x);
  EXPECT_GT(bias, 0.05);
  Federation decaying = make(comm, {.num_clients = clients});
  for (int round = 0; round < 600; ++round) decaying.run_round(descend(10, rate / (1 + round / 10.0)));
  EXPECT_LT(to_optimum(decaying.parameters(0)), 0.05 * bias);
}

TEST_F(Strategies, ScaffoldIsImmuneToDriftWithAllClientsAndWithSome) {
  EXPECT_LT(to_optimum(run({.aggregation = Aggregation::scaffold}, 200, descend(10))), 1e-5);
  EXPECT_LT(to_optimum(run({.aggregation = Aggregation::scaffold, .participation = 0.6}, 600, descend(10))), 1e-4);
}

TEST_F(Strategies, FedProxPullsTheFixedPointOfFedAvgTowardsTheOptimum) {
  const auto x = run({.aggregation = Aggregation::fedprox, .proximal = 2.0}, 400, descend(10));
  EXPECT_LT(distance(x, [](int client) { return weight(client) * reach(client, 10, 2.0); }), 1e-5);
  EXPECT_LT(to_optimum(x), to_optimum(run({}, 200, descend(10))));
}

TEST_F(Strategies, ServerOptimisersReachTheOptimum) {
  EXPECT_LT(to_optimum(run({.aggregation = Aggregation::fedavgm, .server_momentum = 0.5}, 200, descend(1))), 1e-5);
  for (const Aggregation strategy : {Aggregation::fedadam, Aggregation::fedyogi}) {
    EXPECT_LT(to_optimum(run({.aggregation = strategy, .server_learning_rate = 0.01}, 800, descend(1))), 1e-3) << name(strategy);
  }
  EXPECT_LT(to_optimum(run({.aggregation = Aggregation::fedadagrad, .server_learning_rate = 0.3}, 800, descend(1))), 1e-3);
}

TEST_F(Strategies, FedNovaDoesNotFavourTheClientThatMakesMoreSteps) {
  const auto steps = [](int client) { return 1 + 2 * (clients - client); };
  const auto averaged = run({}, 200, descend(steps)), normalised = run({.aggregation = Aggregation::fednova}, 200, descend(steps));
  EXPECT_LT(distance(averaged, [&](int client) { return weight(client) * reach(client, steps(client)); }), 1e-5);
  EXPECT_LT(distance(normalised, [&](int client) { return weight(client) * reach(client, steps(client)) / steps(client); }), 1e-5);
  const auto slow = run({.aggregation = Aggregation::fednova}, 2000, descend(steps, rate / 50));
  EXPECT_LT(to_optimum(slow), 0.05 * to_optimum(averaged));
}

TEST_F(Strategies, FedoraEndsWhereItsOwnWeightsBalance) {
  const double temperature = 0.2;
  const auto x = run({.aggregation = Aggregation::fedora, .fedora_temperature = temperature}, 400, descend(1, 0.05));
  const auto share = [&](int client) { return weight(client) * std::exp(temperature * value(client, x)) * curvature(client); };
  EXPECT_LT(distance(x, share), 1e-4);
  EXPECT_GT(to_optimum(x), 0.1);
  EXPECT_EQ(run({.aggregation = Aggregation::fedora, .fedora_temperature = 0}, 5, descend(3)), run({}, 5, descend(3)));
  const auto huge = run({.aggregation = Aggregation::fedora, .fedora_temperature = 1e6}, 50, descend(1));  // exp would overflow
  EXPECT_TRUE(std::all_of(huge.begin(), huge.end(), [](float v) { return std::isfinite(v); }));
}

TEST_F(Strategies, AByzantineClientDefeatsTheMeanAndNotTheRobustRules) {
  const auto attack = [](LocalRound& turn) {
    descend(3)(turn);
    if (turn.client == 4) std::fill(turn.parameters.begin(), turn.parameters.end(), -1e6f);
  };
  EXPECT_GT(to_optimum(run({}, 20, attack)), 1e4);
  for (const Aggregation rule : {Aggregation::median, Aggregation::trimmed_mean, Aggregation::krum, Aggregation::multi_krum}) {
    for (const int bits : {32, 8}) {
      EXPECT_LT(to_optimum(run({.aggregation = rule, .bits = bits}, 60, attack)), 1.5) << name(rule);  // honest optima lie 1.2 apart
    }
  }
}

std::vector<FederationOptions> every_strategy() {
  std::vector<FederationOptions> all;
  for (int i = 0; i < static_cast<int>(Aggregation::none); ++i) {
    all.push_back({.num_clients = clients, .aggregation = static_cast<Aggregation>(i), .proximal = 0.5});
  }
  all.push_back({.num_clients = clients, .participation = 0.5});
  all.push_back({.num_clients = clients, .aggregation = Aggregation::scaffold, .participation = 0.7, .dropout = 0.3});
  all.push_back({.num_clients = clients, .aggregation = Aggregation::fedadam, .dropout = 0.3, .bits = 8});
  all.push_back({.num_clients = clients, .aggregation = Aggregation::multi_krum, .compression = Sparsification::top_k});
  all.push_back({.num_clients = clients, .aggregation = Aggregation::fednova, .compression = Sparsification::top_k});
  return all;
}
const Federation::LocalUpdate uneven = descend([](int client) { return 1 + client % 3; });

TEST_F(Strategies, RankCountDoesNotMatter) {
  for (const FederationOptions& options : every_strategy()) {
    Federation together = make(comm, options, size), single = make(alone, options, size);
    for (int round = 0; round < 4; ++round) {
      const RoundMetrics a = together.run_round(uneven), b = single.run_round(uneven);
      EXPECT_EQ(a.dropped, b.dropped);
      EXPECT_EQ(a.bytes_sent, b.bytes_sent);
    }
    const FederationState a = together.state(), b = single.state();
    EXPECT_EQ(a.parameters, b.parameters) << name(options.aggregation);
    EXPECT_EQ(a.moments, b.moments);
    EXPECT_EQ(a.server_moments, b.server_moments);
    EXPECT_EQ(a.control, b.control);
  }
}

TEST_F(Strategies, AResumedRunEndsWithTheSameBits) {
  for (const FederationOptions& options : every_strategy()) {
    Federation whole = make(comm, options, size), first = make(comm, options, size), second = make(comm, options, size);
    for (int round = 0; round < 5; ++round) whole.run_round(uneven);
    for (int round = 0; round < 2; ++round) first.run_round(uneven);
    second.restore(first.state());
    for (int round = 2; round < 5; ++round) second.run_round(uneven);
    EXPECT_EQ(second.state().parameters, whole.state().parameters) << name(options.aggregation);
    EXPECT_EQ(second.state().server_moments, whole.state().server_moments);
    EXPECT_EQ(second.state().control, whole.state().control);
  }
}

TEST_F(Strategies, AFailingRankEndsTheRoundOnEveryRank) {
  for (const FederationOptions& options : every_strategy()) {
    Federation federation = make(comm, options, size);
    int rounds = 0;
    EXPECT_THROW(
        {
          for (; rounds < 10; ++rounds) {
            federation.run_round([&](LocalRound& turn) {
              if (turn.client == clients - 1) throw Error("its data are gone");
              uneven(turn);
            });
          }
        },
        AgreedError);
    EXPECT_LT(rounds, 10);
  }
}

TEST_F(Strategies, OneClientIsCentralTrainingBitForBit) {
  for (const Aggregation strategy :
       {Aggregation::fedavg, Aggregation::scaffold, Aggregation::fedora, Aggregation::median, Aggregation::trimmed_mean}) {
    Federation federation = make(comm, {.num_clients = 1, .aggregation = strategy, .byzantine = 0}, size);
    std::vector<float> x(size, 1.0f), moments(size);
    for (int round = 0; round < 5; ++round) {
      federation.run_round(descend(7));
      LocalRound central{.client = 0, .parameters = x, .moments = moments};
      descend(7)(central);
    }
    const auto federated = federation.parameters(0);
    EXPECT_EQ(std::vector<float>(federated.begin(), federated.end()), x) << name(strategy);
    EXPECT_EQ(federation.state().moments, moments);
  }
}

TEST_F(Strategies, TooFewDeliveriesForTheRuleAreSaid) {
  Federation federation = make(comm, {.num_clients = 5, .aggregation = Aggregation::krum});
  std::string text;
  try {
    federation.run_round([](LocalRound& turn) {
      descend(1)(turn);
      if (turn.client == 2) turn.parameters[0] = std::nanf("");
    });
  } catch (const AgreedError& error) {
    text = error.what();
  }
  EXPECT_NE(text.find("fed.aggregation = krum withstands 1 bad clients among 5 at least (4 deliver)"), std::string::npos) << text;
}

}  // namespace
}  // namespace gridfed
