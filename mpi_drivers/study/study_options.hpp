#pragma once

#include "control/behaviour.hpp"
#include "dynamics/scenario.hpp"
#include "env/grid_environment.hpp"
#include "fed/options.hpp"
#include "privacy/options.hpp"
#include "rl/options.hpp"
#include "runtime/session.hpp"
#include "study/judgement_options.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace gridfed {

/// One deck describes a study from simulation to table; dataset, train and evaluate read the same one.
struct StudyOptions {
  std::vector<std::string> feeders{"inputs/feeders/ieee13_der.dss", "inputs/feeders/ieee34_der.dss", "inputs/feeders/ieee37_der.dss",
                                   "inputs/feeders/ieee123_der.dss"};
  std::string load_models = "feeder";  ///< or class
  std::vector<std::string> profiles;   ///< history of each client (read_history); none = days are drawn
  ScenarioOptions scenario;
  EnvironmentOptions environment;
  BehaviourOptions behaviour;
  RlOptions rl;
  FederationOptions fed;
  PrivacyOptions privacy;

  std::string dataset;  ///< file; empty = dataset.h5 in the output folder
  int data_days = 120;  ///< simulated a client
  int train_days = 0;   ///< of them learned from, from the first; 0 = all
  std::vector<std::string> variants{"local", "pooled", "federated"};
  int train_seeds = 1;
  int validation_days = 8;
  int validate_every = 5;                ///< rounds
  int checkpoint_every = 5;              ///< rounds
  double validation_share = 0.1;         ///< of the episodes, held out where there is no grid to judge on
  int evaluation_fits = 0;               ///< bootstrap fits of fitted Q evaluation after training without a grid; 0 = none
  bool normalise_observations = false;   ///< learn from (observation - mean) / deviation of the client's own data
  double augment_safety_violations = 0;  ///< share of a batch that transitions with a cost take at least; 0 = as recorded
  bool torchscript = false;              ///< write each client\'s policy as a TorchScript module too
  double reward_scale = 0;               ///< rewards are divided by it before learning; 0 = the standard deviation of the client's own
  int evaluate_days = 40;
  std::string evaluate_policies;  ///< folder they are read from; empty = the output folder
  int evaluate_policy_of = -1;    ///< client whose policy plays everywhere; -1 = each its own
  JudgementOptions judgement;

  /// Data of any origin: study.feeders = none. Nothing is simulated, and policies are not judged by playing.
  bool gridless() const { return feeders == std::vector<std::string>{"none"}; }
  /// Feeder of a client: the list is used again from its start when there are more clients.
  const std::string& feeder(int client) const { return feeders[static_cast<std::size_t>(client) % feeders.size()]; }
};

void declare(po::options_description& deck, StudyOptions& options);
void validate(const StudyOptions& options);

/// Collective on the world. session.parse for the three study drivers; throws AgreedError if a value or a variant's name is wrong.
bool parse_study(Session& session, const std::string& name, const std::string& summary, StudyOptions& options);

/// The environment of a client.
GridEnvironment make_environment(const StudyOptions& options, int client);

/// Where the study's dataset is: the key, or the output folder.
std::filesystem::path dataset_path(const StudyOptions& options, Session& session);

}  // namespace gridfed
