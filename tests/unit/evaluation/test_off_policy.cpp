#include "evaluation/off_policy.hpp"

#include "refusals.hpp"
#include "runtime/random.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstdio>
#include <vector>

namespace gridfed {
namespace {

using Estimator = OffPolicyEstimator;
constexpr std::array estimators{Estimator::fitted_q, Estimator::per_decision, Estimator::weighted, Estimator::doubly_robust};

// Two episodes of two steps, discount 0.5. Per decision: (2 * 1 + 0.5 * 2 * 0.5 * 4 = 4, 0.5 * 2 + 0.5 * 0.5 * 1 * 2 = 1.5), mean 2.75.
// Weighted: step 0 has rho 2 and 0.5: (2 * 1 + 0.5 * 2) / 2.5 = 1.2; step 1 has 1 and 0.5: 0.5 * (1 * 4 + 0.5 * 2) / 1.5 = 1.6667.
// Doubly robust, with q = 1 and v = 2 throughout: 2 * 0 + 2 + 0.5 * (1 * 3 + 2 * 2) = 5.5 and 0.5 * 1 + 2 + 0.5 * (0.5 * 1 + 0.5 * 2)
// = 3.25.
const std::vector<RecordedEpisode> two{{.ratio = {2, 0.5}, .reward = {1, 4}, .q = {1, 1}, .value = {2, 2}},
                                       {.ratio = {0.5, 1}, .reward = {2, 2}, .q = {1, 1}, .value = {2, 2}}};

TEST(OffPolicy, EstimatesByHand) {
  EXPECT_NEAR(off_policy_return(Estimator::fitted_q, two, 0.5), 2, 1e-12);
  EXPECT_NEAR(off_policy_return(Estimator::per_decision, two, 0.5), 2.75, 1e-12);
  EXPECT_NEAR(off_policy_return(Estimator::weighted, two, 0.5), 1.2 + 5.0 / 3, 1e-12);
  EXPECT_NEAR(off_policy_return(Estimator::doubly_robust, two, 0.5), (5.5 + 3.25) / 2, 1e-12);
}

// Returns 1 + 0.5 * 4 = 3 and 2 + 0.5 * 2 = 3 with products 1 and 0.5; with the second's first reward 0 it is 1, of weight 1 / 3.
TEST(OffPolicy, ValueAtRiskByHand) {
  auto episodes = two;
  EXPECT_NEAR(off_policy_value_at_risk(episodes, 0.5, 0.2), 3, 1e-12);
  episodes[1].reward[0] = 0;
  EXPECT_NEAR(off_policy_value_at_risk(episodes, 0.5, 1.0 / 3), 1, 1e-12);
  EXPECT_NEAR(off_policy_value_at_risk(episodes, 0.5, 2.0 / 3), 2, 1e-12);
  EXPECT_NEAR(off_policy_value_at_risk(episodes, 0.5, 1), 3 - 2.0 / 3, 1e-12);
}

TEST(OffPolicy, RefusesWhatItCannotEstimate) {
  EXPECT_TRUE(refuses([] { off_policy_return(Estimator::weighted, {}, 1); }, "of no episode"));
  std::vector<RecordedEpisode> bare{{.ratio = {1}, .reward = {1}}};
  EXPECT_NO_THROW(off_policy_return(Estimator::weighted, bare, 1));
  EXPECT_TRUE(refuses([&] { off_policy_return(Estimator::doubly_robust, bare, 1); }, "episode 0 has 1 rewards, 1 ratios, 0 critic"));
  EXPECT_TRUE(refuses([&] { off_policy_interval(Estimator::weighted, bare, 1, 1.5, 100, 1); }, "confidence"));
  bare[0].ratio[0] = 0;
  EXPECT_TRUE(refuses([&] { off_policy_value_at_risk(bare, 1, 0.1); }, "could come from the policy"));
}

/// A chain of four states and two actions, horizon 8, discount 0.9: action 1 moves on with probability 0.8 and else back, action 0 the
/// other way round; the reward is the state reached, with noise. Behaviour takes action 1 with probability 0.5.
struct Chain {
  static constexpr int states = 4, horizon = 8;
  static constexpr double discount = 0.9;
  double share;  ///< probability of action 1 of the policy in question

  static double advance(int action) { return action == 1 ? 0.8 : 0.2; }
  static int next(int s, bool forward) { return forward ? std::min(s + 1, states - 1) : std::max(s - 1, 0); }
  /// [step][state][action], exact by going backwards.
  std::vector<std::array<std::array<double, 2>, states>> q() const {
    std::vector<std::array<std::array<double, 2>, states>> values(horizon + 1);
    for (int t = horizon - 1; t >= 0; --t) {
      for (int s = 0; s < states; ++s) {
        for (int a : {0, 1}) {
          for (const bool forward : {false, true}) {
            const int to = next(s, forward);
            const double p = forward ? advance(a) : 1 - advance(a);
            values[t][s][a] += p * (to + discount * mean(values[t + 1][to]));
          }
        }
      }
    }
    return values;
  }
  double mean(const std::array<double, 2>& q) const { return (1 - share) * q[0] + share * q[1]; }

  /// Episodes of the behaviour; the critic is the exact one with an error, as a learned one has.
  std::vector<RecordedEpisode> record(int episodes, std::uint64_t seed, double critic_error) const {
    const auto exact = q();
    RandomStream stream(seed, Draw::test);
    std::vector<RecordedEpisode> recorded(static_cast<std::size_t>(episodes));
    for (RecordedEpisode& e : recorded) {
      int s = 0;
      for (int t = 0; t < horizon; ++t) {
        const int a = stream.uniform() < 0.5;
        const int to = next(s, stream.uniform() < advance(a));
        e.ratio.push_back((a == 1 ? share : 1 - share) / 0.5);
        e.reward.push_back(to + 0.5 * stream.normal());
        e.q.push_back(exact[t][s][a] * (1 + critic_error));
        e.value.push_back(mean(exact[t][s]) * (1 + critic_error));
        s = to;
      }
    }
    return recorded;
  }
  double value() const { return mean(q()[0][0]); }
};

double correlation(const std::vector<double>& x, const std::vector<double>& y) {
  const auto n = static_cast<double>(x.size());
  double mx = 0, my = 0, xy = 0, xx = 0, yy = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    mx += x[i] / n;
    my += y[i] / n;
  }
  for (std::size_t i = 0; i < x.size(); ++i) {
    xy += (x[i] - mx) * (y[i] - my);
    xx += (x[i] - mx) * (x[i] - mx);
    yy += (y[i] - my) * (y[i] - my);
  }
  return xy / std::sqrt(xx * yy);
}

TEST(OffPolicy, EstimatesFollowTheTrueReturnOfTenPolicies) {
  for (const Estimator estimator : estimators) {
    std::vector<double> truth, estimates;
    for (int i = 0; i < 10; ++i) {
      const Chain chain{.share = 0.1 + 0.08 * i};
      truth.push_back(chain.value());
      estimates.push_back(off_policy_return(estimator, chain.record(400, 7, 0.1), Chain::discount));
    }
    const double r = correlation(truth, estimates);
    EXPECT_GT(r, 0.8);
    std::printf("estimator %d: correlation %.3f over ten policies\n", static_cast<int>(estimator), r);
  }
}

TEST(OffPolicy, TheLowerBoundCoversInNineTrialsOfTen) {
  const Chain chain{.share = 0.7};
  const double truth = chain.value();
  for (const Estimator estimator : {Estimator::per_decision, Estimator::weighted, Estimator::doubly_robust}) {
    int covered = 0;
    double width = 0;
    for (std::uint64_t trial = 0; trial < 100; ++trial) {
      const auto episodes = chain.record(200, 1000 + trial, 0.1);
      const OffPolicyInterval interval = off_policy_interval(estimator, episodes, Chain::discount, 0.95, 300, trial);
      EXPECT_LE(interval.lower, interval.estimate);
      EXPECT_GE(interval.upper, interval.estimate);
      covered += interval.lower <= truth;
      width += (interval.estimate - interval.lower) / 100;
    }
    EXPECT_GE(covered, 90);
    EXPECT_LT(width, 0.25 * truth) << "a bound that is always far below says nothing";
    std::printf("estimator %d: the 95 %% lower bound covers in %d of 100 trials, %.2f below the estimate, true return %.2f\n",
                static_cast<int>(estimator), covered, width, truth);
  }
}

}  // namespace
}  // namespace gridfed
