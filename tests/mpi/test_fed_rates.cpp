// How fast strategies approach the optimum of f(x) = sum w_i h_i / 2 |x - a_i|^2, against what their papers prove.
#include "fed/federation.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace gridfed {
namespace {

constexpr std::size_t size = 40;
constexpr int clients = 7, steps = 5;
constexpr double mu = 1.0, smoothness = 4.0;  // least and largest curvature

double curvature(int client) {
  return mu + (smoothness - mu) * client / (clients - 1);
}
double own_optimum(int client, std::size_t i) {
  return std::sin(0.7 * static_cast<double>(i) + client) + 0.3 * client;
}
double optimum(std::size_t i) {
  double pull = 0, sum = 0;
  for (int client = 0; client < clients; ++client) {
    pull += curvature(client) * own_optimum(client, i);
    sum += curvature(client);
  }
  return pull / sum;
}
double mean_curvature() {
  return (mu + smoothness) / 2;
}
double squared_distance(std::span<const float> x) {
  double squares = 0;
  for (std::size_t i = 0; i < size; ++i) squares += std::pow(x[i] - optimum(i), 2.0);
  return squares;
}
/// Of f(x) - f(optimum), which is quadratic.
double gap(std::span<const float> x) {
  return mean_curvature() / 2 * squared_distance(x);
}
double value(int client, std::span<const float> x) {
  double sum = 0;
  for (std::size_t i = 0; i < size; ++i) sum -= curvature(client) / 2 * std::pow(x[i] - own_optimum(client, i), 2.0);
  return sum;
}

Federation::LocalUpdate descend(double rate) {
  return [=](LocalRound& turn) {
    turn.value = value(turn.client, turn.parameters);
    std::vector<float> gradient(size);
    for (int k = 0; k < steps; ++k) {
      for (std::size_t i = 0; i < size; ++i) {
        gradient[i] = static_cast<float>(curvature(turn.client) * (turn.parameters[i] - own_optimum(turn.client, i)));
      }
      turn.guide(turn.parameters, gradient);
      for (std::size_t i = 0; i < size; ++i) turn.parameters[i] -= static_cast<float>(rate * gradient[i]);
    }
  };
}

class Rates : public testing::Test {
 protected:
  Federation make(FederationOptions options) const {
    options.num_clients = clients;
    return Federation(comm, options, {}, std::vector<float>(size, 3.0f), 0, std::vector<double>(clients, 1.0), 5);
  }
  const Communicator comm = Communicator::duplicate(MPI_COMM_WORLD);
};

// With steps of 2 / (mu (gamma + t)), gamma = max(8 kappa, steps): O(1 / T) (Li et al., 2020, theorem 1).
TEST_F(Rates, FedAvgWithDecayingStepsGainsAtLeastAsOneOverTheRounds) {
  Federation federation = make({});
  const double gamma = std::max(8 * smoothness / mu, static_cast<double>(steps));
  std::vector<double> gaps;
  for (int round = 0; round < 1600; ++round) {
    federation.run_round(descend(2 / (mu * (gamma + static_cast<double>(round * steps)))));
    if (round == 99 || round == 399 || round == 1599) gaps.push_back(gap(federation.parameters(0)));
  }
  EXPECT_LT(gaps[1], gaps[0] / 4);
  EXPECT_LT(gaps[2], gaps[1] / 4);
}

// Held back by drift at a constant rate: the fixed point is off by O(rate).
TEST_F(Rates, FedAvgAtAConstantRateEndsAsFarOffAsTheRateIsLarge) {
  std::vector<double> ends;
  for (const double rate : {0.02, 0.01, 0.005}) {
    Federation federation = make({});
    for (int round = 0; round < 1500; ++round) federation.run_round(descend(rate));
    ends.push_back(std::sqrt(squared_distance(federation.parameters(0))));
  }
  EXPECT_NEAR(ends[0] / ends[1], 2.0, 0.15);
  EXPECT_NEAR(ends[1] / ends[2], 2.0, 0.1);
}

// Strongly convex, no noise, all take part: the gap falls as exp(-min(1 / 30, mu / (162 L)) T) or faster at rates of 1 / (81 L steps)
// (Karimireddy et al., 2020, theorem III), for far larger rates linearly, too.
TEST_F(Rates, ScaffoldConvergesLinearlyInSpiteOfDrift) {
  Federation careful = make({.aggregation = Aggregation::scaffold}), bold = make({.aggregation = Aggregation::scaffold});
  const double begin = squared_distance(careful.parameters(0));
  for (int round = 1; round <= 300; ++round) {
    careful.run_round(descend(1 / (81 * smoothness * steps)));
    const double bound = mu * begin * std::exp(-std::min(1.0 / 30, mu / (162 * smoothness)) * round);
    EXPECT_LE(gap(careful.parameters(0)), 3 * bound) << round;  // the theorem holds up to a constant
  }
  std::vector<double> logs;
  for (int round = 1; round <= 30; ++round) {
    bold.run_round(descend(0.02));
    if (round % 10 == 0) logs.push_back(std::log(squared_distance(bold.parameters(0))));
  }
  EXPECT_LT(logs[2], logs[0] - 2);  // by a factor of seven at least in twenty rounds
  EXPECT_NEAR(logs[2] - logs[1], logs[1] - logs[0], 0.25 * std::abs(logs[1] - logs[0]));
}

// Local rates of 1 / (L steps sqrt(T)), server rate sqrt(steps m), adaptivity G / L: the least squared gradient is O(1 / sqrt(T)) (Reddi et
// al., 2021, corollary 1).
TEST_F(Rates, FedAdamGainsAtLeastAsOneOverTheRootOfTheRounds) {
  std::vector<double> least;
  for (const int rounds : {100, 400, 1600}) {
    Federation federation = make({.aggregation = Aggregation::fedadam,
                                  .server_learning_rate = std::sqrt(static_cast<double>(steps * clients)),
                                  .server_momentum = 0.0,
                                  .server_adaptivity = 2.5});
    double lowest = 1e300;
    for (int round = 0; round < rounds; ++round) {
      federation.run_round(descend(1 / (smoothness * steps * std::sqrt(rounds))));
      lowest = std::min(lowest, std::pow(mean_curvature(), 2.0) * squared_distance(federation.parameters(0)));
    }
    least.push_back(lowest);
  }
  EXPECT_LT(least[1], least[0] / 2);
  EXPECT_LT(least[2], least[1] / 2);
}

// Weights by value pull away from the optimum in proportion to the temperature: cold enough, FEDORA reaches it.
TEST_F(Rates, FedoraReachesTheOptimumAsItCools) {
  std::vector<double> ends;
  for (const double temperature : {4e-3, 2e-3, 0.0}) {
    Federation federation = make({.aggregation = Aggregation::fedora, .fedora_temperature = temperature});
    for (int round = 0; round < 1500; ++round) federation.run_round(descend(0.3 / (1 + round)));
    ends.push_back(std::sqrt(squared_distance(federation.parameters(0))));
  }
  EXPECT_NEAR(ends[0] / ends[1], 2.0, 0.2);
  EXPECT_LT(ends[2], 0.1 * ends[1]);
}

}  // namespace
}  // namespace gridfed
