#pragma once

#include "data/episodes.hpp"
#include "env/rollout.hpp"
#include "fed/federation.hpp"
#include "rl/fitted_value.hpp"
#include "rl/learner.hpp"
#include "study/variant.hpp"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace gridfed {

/// A policy network at work in an environment.
class LearnedPolicy final : public Policy {
 public:
  explicit LearnedPolicy(PolicyNetwork network) : network_(std::move(network)) {}
  void act(std::span<const float> observation, std::span<float> action) override { network_.act(observation, action); }

 private:
  PolicyNetwork network_;
};

/// One row of the training curve, the same on every rank.
struct TrainingRow {
  double round = 0, updates = 0, value_loss = 0, critic_loss = 0, actor_loss = 0,
         q = 0;  ///< losses: means over clients; 0 in record-private runs
  double update_norm = 0, clipped_fraction = 0, bytes_sent = 0, dense_bytes = 0, epsilon = 0;
  double validation_return = 0;  ///< mean over clients at the last validation; 0 without a grid
  double seconds_local = 0, seconds_exchange = 0, seconds_validation = 0;
  double validation_critic_loss = 0, validation_actor_loss = 0;  ///< on held-out episodes at the last validation; 0 with a grid
  double cost = 0;        ///< mean cost of a step as the safety critics see the policies, mean over clients; 0 without
  double multiplier = 0;  ///< their weight against Q
};
inline constexpr int training_columns = 19;
std::vector<std::string> training_column_names();

/// Trains one variant with one training seed over the ranks of a communicator, round by round, and keeps for every client the policy that
/// did best on the validation days, under rl.cost_limit among those that kept it; without a grid the last one that was validated.
class TrainingRun {
 public:
  /// Collective on comm, which must outlive the run. Reads the clients' data from `dataset`.
  TrainingRun(const Communicator& comm, const StudyOptions& options, const Variant& variant, const std::filesystem::path& dataset,
              int training_seed, std::uint64_t seed);

  int round() const { return federation_->round(); }
  bool done() const { return round() == variant_.fed.rounds || !affords_round(); }
  /// Whether the privacy budget covers another round.
  bool affords_round() const;
  /// The first client, if any, whose losses left all bounds in the last round and whom no federation leaves out; its learner stands where
  /// the round found it.
  std::optional<int> diverged() const { return diverged_; }
  /// Collective on comm. Evaluates the last policies of the learners hosted here on their own data, with so many bootstrap fits each; what
  /// comes out is written beside the policies.
  const std::map<int, FittedValue>& judge(int fits);
  /// Collective on comm. What each learner's data covers, before any scaling.
  std::vector<Coverage> coverages() const;
  /// Collective on comm.
  const TrainingRow& run_round();
  const std::vector<TrainingRow>& rows() const { return rows_; }
  /// Clients left out of the last round, as what they returned was not finite.
  const std::vector<int>& excluded() const { return excluded_; }
  PrivacyStatement statement() const;
  std::int64_t total_updates() const { return variant_.rl.updates; }

  /// Collective on comm. All that continues the run bit for bit, as a checkpoint file.
  void write_checkpoint(const std::filesystem::path& path, const FileHeader& header, int variant_index) const;
  /// Collective on comm. Throws AgreedError if the file belongs to another run.
  void restore(const File& file);
  /// Collective on comm. The best policies of all clients with the training curve.
  void write_policies(const std::filesystem::path& path, const FileHeader& header) const;

 private:
  struct Client {
    Dataset data;
    std::unique_ptr<Learner> learner;
    BatchBuffer buffer;
    Emphasis violations;
    Losses losses;
    int updates = 0;       ///< in a round
    bool trained = false;  ///< in this round
    Coverage coverage;
    ObservationScale scale;                               // empty: observations are learned from as they are
    double cost_unit = 1, largest_cost = 0, horizon = 0;  // costs likewise; discounted steps to come, 0 without a safety critic
    double reward_unit = 1, largest_reward = 0;           // rewards are divided by the first, the second is what is left of the largest
    bool diverged = false;
  };
  /// What a client's policy is judged on: days on its grid, or episodes held out.
  struct Judge {
    std::optional<GridEnvironment> environment;
    Dataset validation;
  };
  struct Best {
    double score = 0, cost = 0;  ///< means over the validation days: return, and cost of a step
    std::int64_t round = -1;
    std::vector<float> weights;
  };
  void train(LocalRound& turn);
  /// Whether a round does without a client that diverged.
  bool others_go_on() const { return variant_.fed.num_clients > 1 && variant_.fed.aggregation != Aggregation::none; }
  void load(const std::filesystem::path& dataset);
  Dataset read_client(const std::filesystem::path& dataset, int client);
  bool bounded(const Client& client) const;
  void validate();
  PolicyNetwork policy(int client) const;

  const Communicator& comm_;
  const StudyOptions& options_;
  Variant variant_;
  int training_seed_;
  std::uint64_t seed_, sampling_seed_;
  double record_noise_ = 0, record_rate_ = 0;
  std::map<int, Client> clients_;      // learners hosted here
  std::map<int, Judge> judges_;        // of the clients judged here
  std::map<int, Best> best_;           // by judged client
  std::map<int, FittedValue> fitted_;  // of the learners hosted here, once judged
  std::unique_ptr<Federation> federation_;
  std::vector<TrainingRow> rows_;
  std::vector<int> excluded_;
  struct {
    double score = 0, critic_loss = 0, actor_loss = 0;
  } last_validation_;
  std::optional<int> diverged_;
};

/// Best policies in a file by client, as TrainingRun wrote them.
std::vector<PolicyNetwork> read_policies(const std::filesystem::path& path);

inline constexpr Version policy_version{1, 1}, checkpoint_version{3, 0};

}  // namespace gridfed
