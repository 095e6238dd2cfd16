#pragma once

#include "study/comparison.hpp"

#include <optional>
#include <string>
#include <vector>

namespace gridfed {

/// What is known of a policy's return: in the report's unit a day, or discounted from the starts of recorded episodes.
struct Judgement {
  std::string policy;
  double estimate = 0, lower = 0;
  std::optional<double> value_at_risk;  ///< fitted Q evaluation tells none
};
std::string describe(const Judgement& judgement, const JudgementOptions& options);

/// Of the trained policies that were played, days as the independent samples.
std::vector<Judgement> judge_played(const Comparison& comparison, const JudgementOptions& options, std::uint64_t seed);

/// Collective on comm. Of the trained policies from the recorded episodes alone, client by client.
std::vector<Judgement> judge_recorded(const Communicator& comm, const StudyOptions& study, const std::vector<TrainedPolicies>& policies,
                                      const std::filesystem::path& dataset, std::uint64_t seed);

/// One sentence for each demand that a policy misses.
std::vector<std::string> missed_demands(const std::vector<Judgement>& judgements, const JudgementOptions& options);

}  // namespace gridfed
