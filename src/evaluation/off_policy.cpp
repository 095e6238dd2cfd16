#include "evaluation/off_policy.hpp"

#include "runtime/error.hpp"
#include "runtime/random.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace gridfed {

namespace {

void require_complete(OffPolicyEstimator estimator, std::span<const RecordedEpisode> episodes) {
  if (episodes.empty()) throw Error("an off-policy estimate was asked of no episode: give it recorded ones");
  const bool critic = estimator == OffPolicyEstimator::fitted_q || estimator == OffPolicyEstimator::doubly_robust;
  for (std::size_t i = 0; i < episodes.size(); ++i) {
    const RecordedEpisode& e = episodes[i];
    const std::size_t steps = e.reward.size();
    const bool whole = steps > 0 && (estimator == OffPolicyEstimator::fitted_q || e.ratio.size() == steps) &&
                       (!critic || (e.q.size() == steps && e.value.size() == steps));
    if (!whole) {
      throw Error("episode {} has {} rewards, {} ratios, {} critic and {} state values, and the estimator needs one a step: complete it", i,
                  steps, e.ratio.size(), e.q.size(), e.value.size());
    }
  }
}

/// Estimates from a choice of the episodes, which may repeat them.
double chosen_return(OffPolicyEstimator estimator, std::span<const RecordedEpisode> episodes, std::span<const std::size_t> chosen,
                     double discount) {
  const auto n = static_cast<double>(chosen.size());
  double sum = 0;
  if (estimator == OffPolicyEstimator::fitted_q) {
    for (const std::size_t i : chosen) sum += episodes[i].value.front();
    return sum / n;
  }
  if (estimator == OffPolicyEstimator::weighted) {
    // An episode that has ended keeps its weight and earns nothing more.
    std::size_t longest = 0;
    for (const std::size_t i : chosen) longest = std::max(longest, episodes[i].reward.size());
    std::vector<double> rho(chosen.size(), 1.0);
    double factor = 1;
    for (std::size_t t = 0; t < longest; ++t, factor *= discount) {
      double weights = 0, rewards = 0;
      for (std::size_t k = 0; k < chosen.size(); ++k) {
        const RecordedEpisode& e = episodes[chosen[k]];
        if (t < e.reward.size()) {
          rho[k] *= e.ratio[t];
          rewards += rho[k] * e.reward[t];
        }
        weights += rho[k];
      }
      if (weights > 0) sum += factor * rewards / weights;
    }
    return sum;
  }
  for (const std::size_t i : chosen) {
    const RecordedEpisode& e = episodes[i];
    double rho = 1, factor = 1;
    for (std::size_t t = 0; t < e.reward.size(); ++t, factor *= discount) {
      const double before = rho;
      rho *= e.ratio[t];
      sum += factor *
             (estimator == OffPolicyEstimator::doubly_robust ? rho * (e.reward[t] - e.q[t]) + before * e.value[t] : rho * e.reward[t]);
    }
  }
  return sum / n;
}

}  // namespace

double off_policy_return(OffPolicyEstimator estimator, std::span<const RecordedEpisode> episodes, double discount) {
  require_complete(estimator, episodes);
  std::vector<std::size_t> all(episodes.size());
  std::iota(all.begin(), all.end(), 0);
  return chosen_return(estimator, episodes, all, discount);
}

OffPolicyInterval off_policy_interval(OffPolicyEstimator estimator, std::span<const RecordedEpisode> episodes, double discount,
                                      double confidence, int resamples, std::uint64_t seed) {
  if (!(confidence > 0 && confidence < 1) || resamples < 2) {
    throw Error("a bootstrap of {} samples at confidence {} has no meaning: take at least 2, and a confidence between 0 and 1", resamples,
                confidence);
  }
  const double estimate = off_policy_return(estimator, episodes, discount);
  std::vector<double> values(static_cast<std::size_t>(resamples));
  std::vector<std::size_t> chosen(episodes.size());
  RandomStream stream(seed, Draw::evaluation);
  for (double& value : values) {
    for (std::size_t& i : chosen) i = stream.below(episodes.size());
    value = chosen_return(estimator, episodes, chosen, discount);
  }
  std::ranges::sort(values);
  const auto at = [&](double share) { return values[static_cast<std::size_t>(std::lround(share * (resamples - 1)))]; };
  return {estimate, at(1 - confidence), at(confidence)};
}

double off_policy_value_at_risk(std::span<const RecordedEpisode> episodes, double discount, double share) {
  require_complete(OffPolicyEstimator::per_decision, episodes);
  if (!(share > 0 && share <= 1)) throw Error("the share of worst episodes is {}: it must lie in (0, 1]", share);
  struct Outcome {
    double value, weight;
  };
  std::vector<Outcome> outcomes;
  double total = 0;
  for (const RecordedEpisode& e : episodes) {
    Outcome outcome{0, 1};
    double factor = 1;
    for (std::size_t t = 0; t < e.reward.size(); ++t, factor *= discount) {
      outcome.value += factor * e.reward[t];
      outcome.weight *= e.ratio[t];
    }
    total += outcome.weight;
    outcomes.push_back(outcome);
  }
  if (!(total > 0))
    throw Error("no recorded episode could come from the policy in question (all ratios vanish): judge one nearer to the data");
  std::ranges::sort(outcomes, {}, &Outcome::value);
  double left = share, sum = 0;
  for (const Outcome& outcome : outcomes) {
    const double part = std::min(left, outcome.weight / total);
    sum += part * outcome.value;
    left -= part;
  }
  return sum / (share - std::max(0.0, left));
}

}  // namespace gridfed
