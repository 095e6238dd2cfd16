#pragma once

#include "data/dataset.hpp"

#include <string>
#include <vector>

namespace gridfed {

/// Rows [first, last) of one episode, which ends where a row is terminal or timed out, or with the data.
struct Episode {
  std::size_t first = 0, last = 0;
};
std::vector<Episode> episodes(const Dataset& data);
/// Appends those rows of `from`; a last row that ends nothing is marked as a timeout.
void append_rows(Dataset& to, const Dataset& from, Episode rows);

struct Split {
  Dataset training, validation;
};
/// Puts the share of the episodes, at least one and not all, into validation; which ones depends on the seed alone. A share of 0 leaves
/// validation empty.
Split split_by_episode(const Dataset& data, double validation_share, std::uint64_t seed);

/// Throws Error if nothing can be learned from data of unknown origin: a single episode, an observation that never changes, an action
/// outside
/// [-1, 1]. `name` is that of the file and client.
void require_learnable(const Dataset& data, const std::string& name);

/// For batches in which a transition with a positive cost is that of a share of draws, at least; fewer of them in the data are drawn the
/// more often. They are chosen by what happened, so where chance had a hand costs are overrated. Throws Error if there is none; `name` is
/// that of the file and client.
Emphasis augment_safety_violations(const Dataset& data, double share, const std::string& name);

/// Mean and standard deviation of each observation.
struct ObservationScale {
  std::vector<float> mean, deviation;
};
ObservationScale observation_scale(const Dataset& data);
/// observation -> (observation - mean) / deviation, in both columns; a deviation of 0 counts as 1.
void normalise(Dataset& data, const ObservationScale& scale);

/// Discounted number of steps to come after a transition that ends nothing, mean over those: 1 / (1 - discount) where no episode truly
/// ends, as a cut one would have gone on. 1 for data without one.
double discounted_horizon(const Dataset& data, double discount);

/// What the data covers, to be looked at before training.
struct Coverage {
  double transitions = 0, episodes = 0;
  double return_mean = 0, return_deviation = 0, return_lowest = 0, return_highest = 0;  ///< undiscounted sums of an episode's rewards
  double action_entropy = 0;   ///< mean over actions of the entropy of a histogram of 20 bins over [-1, 1], as a share of log 20
  double saturated_share = 0;  ///< of action components within 0.001 of -1 or 1
  double violation_share = 0;  ///< of transitions with a positive cost
  double cost_mean = 0;        ///< of a transition
};
Coverage coverage(const Dataset& data);
std::string describe(const Coverage& coverage);

}  // namespace gridfed
