#pragma once

#include "privacy/discrete_noise.hpp"
#include "privacy/statement.hpp"

#include <boost/program_options/options_description.hpp>

namespace gridfed {

struct PrivacyOptions {
  PrivacyUnit unit = PrivacyUnit::none;
  double privacy_budget = 10.0;  ///< epsilon
  double delta = 1e-5;
  double clip_norm = 1.0;
  double noise_multiplier = 0.0;                                 ///< 0: the least that keeps the budget
  IntegerNoise integer_noise = IntegerNoise::discrete_gaussian;  ///< where sums are of integers
  double clip_quantile = 0.0;                                    ///< above 0: the clip norm follows this quantile of the clients' norms
  double count_noise = 0.0;                                      ///< deviation of the count that tells it; 0: a twentieth of the clients
  bool seeded = false;                                           ///< noise from the seed, for tests
};

void declare(boost::program_options::options_description& deck, PrivacyOptions& options);

/// Throws Error naming the first key that is out of range.
void validate(const PrivacyOptions& options);

}  // namespace gridfed
