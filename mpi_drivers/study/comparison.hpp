#pragma once

#include "evaluation/day_score.hpp"
#include "runtime/stage_timer.hpp"
#include "study/training.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace gridfed {

inline constexpr Version report_version{1, 0};

/// A trained policy of every client.
struct TrainedPolicies {
  std::string variant;
  int training_seed = 0;
  std::vector<PolicyNetwork> networks;  ///< by client
  std::string privacy;                  ///< its statement
};

/// Reads policy_<variant>_<seed>.h5 of every variant and seed of the deck from a folder; an empty folder gives none.
std::vector<TrainedPolicies> open_policies(const StudyOptions& options, const std::filesystem::path& folder);

/// A day of one policy on one feeder, step by step, for the picture.
struct ExampleDay {
  std::string policy;
  int client = 0;
  std::vector<double> rows;  ///< [steps, example_columns]
};
inline constexpr int example_columns = 7;
std::vector<std::string> example_column_names();

/// Scores of every policy on the same days; the same on every rank.
struct Comparison {
  std::vector<std::string> policies;  ///< rules, behaviour, reference, then the variants
  std::vector<int> seeds;             ///< training seeds behind each: 1 for those that were not trained
  std::vector<std::string> privacy;   ///< statement, empty for those that were not trained
  std::vector<std::string> feeders;   ///< by client
  int days = 0;
  std::vector<double> scores;        ///< [policy and seed, client, day, column], policies in order, their seeds in a row
  std::vector<ExampleDay> examples;  ///< of the clients in order
  double score(int policy, int seed, int client, int day, int column) const;
};
std::vector<std::string> score_column_names();

/// Collective on the world. Plays every policy on the test days of every client; each rank plays its clients.
Comparison compare(const Session& session, const StudyOptions& options, const std::vector<TrainedPolicies>& trained);

/// Means over clients, days and seeds; differences are taken day by day. Days are the independent samples, a training seed's spread stands
/// beside.
std::string table(const Comparison& comparison);

/// Collective on comm. Writes the comparison with the training curves and stage times found beside it in `folder`.
void write_report(const Communicator& comm, const std::filesystem::path& path, const FileHeader& header, const Comparison& comparison,
                  const std::filesystem::path& folder, const TimingSummary& times);

}  // namespace gridfed
