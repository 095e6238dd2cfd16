#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace gridfed {

/// One recorded episode as estimators of another policy's return see it; by step.
struct RecordedEpisode {
  std::vector<double> ratio;  ///< density of the action under the policy in question over that under the policy that acted
  std::vector<double> reward;
  std::vector<double> q;      ///< a critic of the policy in question at (s, a); doubly robust and fitted Q only
  std::vector<double> value;  ///< its mean over that policy's actions in s; doubly robust and fitted Q only
};

/// How the policy's discounted return is told from episodes of another; with rho the product of the ratios so far.
enum class OffPolicyEstimator {
  fitted_q,      ///< mean over episodes of the critic's value at the start (Le, Voloshin, Yue, 2019)
  per_decision,  ///< mean of sum_t discount^t rho_t r_t (Precup, Sutton, Singh, 2000); unbiased
  weighted,      ///< the same with rho_t over its mean in step t (ibid.); biased, less spread
  doubly_robust  ///< mean of sum_t discount^t (rho_t (r_t - q_t) + rho_{t-1} v_t) (Jiang and Li, 2016, eq. 10); unbiased for any critic
};

/// Throws Error if there is no episode, or one lacks what the estimator needs.
double off_policy_return(OffPolicyEstimator estimator, std::span<const RecordedEpisode> episodes, double discount);

/// From bootstrap samples of the episodes (Efron, 1979): an estimate is too high with a chance of 1 - confidence at most where its lower
/// bound is taken, if there are enough episodes.
struct OffPolicyInterval {
  double estimate = 0;
  double lower = 0, upper = 0;  ///< each one-sided at the confidence, from the bootstrap's percentiles
};
OffPolicyInterval off_policy_interval(OffPolicyEstimator estimator, std::span<const RecordedEpisode> episodes, double discount,
                                      double confidence, int resamples, std::uint64_t seed);

/// Mean discounted return of the worst `share` of episodes under the policy in question, each weighed by its ratios' product (conditional
/// value at risk, Rockafellar and Uryasev, 2000). Weights sum to one, so it is biased as the weighted estimator is.
double off_policy_value_at_risk(std::span<const RecordedEpisode> episodes, double discount, double share);

}  // namespace gridfed
