#pragma once

#include "evaluation/off_policy.hpp"

#include <boost/program_options/options_description.hpp>

#include <optional>

namespace gridfed {

/// How gridfed_evaluate judges, and what it demands.
struct JudgementOptions {
  OffPolicyEstimator estimator = OffPolicyEstimator::fitted_q;  ///< of what is judged from data alone
  double deviation = 0.1;                                       ///< of the policy's actions, where an estimator needs their density
  double confidence = 0.95;                                     ///< of the lower bound
  double worst_share = 0.1;                                     ///< of days or episodes that the conditional value at risk is the mean of
  int fits = 8;                                                 ///< of fitted Q evaluation to samples of the episodes
  std::optional<double> required_bound, required_value_at_risk;
};

void declare(boost::program_options::options_description& deck, JudgementOptions& options);
void validate(const JudgementOptions& options);

}  // namespace gridfed
