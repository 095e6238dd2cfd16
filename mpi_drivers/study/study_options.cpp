#include "study/study_options.hpp"

#include "grid/load_class.hpp"
#include "grid/opendss_reader.hpp"
#include "study/variant.hpp"

#include <boost/program_options.hpp>
#include <sstream>

namespace gridfed {

namespace {

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> words;
  std::istringstream in(text);
  for (std::string word; std::getline(in, word, ',');) {
    std::erase_if(word, [](char c) { return c == ' ' || c == '\t'; });
    if (!word.empty()) words.push_back(word);
  }
  return words;
}

std::string join(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : ",") + word;
  return text;
}

}  // namespace

void declare(po::options_description& deck, StudyOptions& o) {
  const auto value = [](auto& field) { return po::value(&field)->default_value(field); };
  const auto list = [](std::vector<std::string>& field) {
    return po::value<std::string>()->default_value(join(field))->notifier([&field](const std::string& text) { field = split(text); });
  };
  declare(deck, o.scenario);
  declare(deck, o.environment);
  declare(deck, o.behaviour);
  declare(deck, o.rl);
  declare(deck, o.fed);
  declare(deck, o.privacy);
  declare(deck, o.judgement);
  deck.add_options()("study.feeders", list(o.feeders),
                     "feeder files, one a client; used again from the start for more clients; none as the only word = no grid: train on "
                     "data.file of any origin")(
      "study.load_models", po::value(&o.load_models)->default_value(o.load_models),
      "feeder: loads depend on voltage as the feeder says; class: those of constant power as their class does (ZIP)")(
      "study.profiles", list(o.profiles),
      "CSV files of measured days, one a feeder (docs/environment.md); empty = days are drawn; none as a word = drawn for that client")(
      "data.file", value(o.dataset), "dataset; empty = dataset.h5 in the output folder")(
      "data.days", value(o.data_days), "days to simulate for each client")("train.days", value(o.train_days),
                                                                           "days of each client's data to learn from; 0 = all")(
      "train.variants", list(o.variants),
      "what to train: local, pooled, federated, federated_all, compressed, record_E and client_E (privacy at epsilon E)")(
      "train.seeds", value(o.train_seeds), "training runs of each variant, with different seeds")(
      "train.validation_days", value(o.validation_days), "days on which a checkpoint is chosen")(
      "train.validate_every", value(o.validate_every), "rounds between validations")("train.checkpoint_every", value(o.checkpoint_every),
                                                                                     "rounds between checkpoints of the run")(
      "train.validation_share", value(o.validation_share), "share of the episodes held out for validation losses where there is no grid")(
      "train.evaluation_fits", value(o.evaluation_fits),
      "fits to samples of the episodes by which fitted Q evaluation bounds the return of a policy trained without a grid; 0 = no "
      "evaluation")("train.normalise_observations", value(o.normalise_observations),
                    "learn from observations less their mean over their deviation, client by client")(
      "train.augment_safety_violations", value(o.augment_safety_violations),
      "share of each batch that transitions with a cost take at least, drawn more often where they are rare; 0 = as recorded")(
      "train.torchscript", value(o.torchscript),
      "write each client's policy as a TorchScript module, .._client_000.pt beside the file of policies, too")(
      "train.reward_scale", value(o.reward_scale),
      "rewards are divided by it before learning; 0 = the standard deviation of the client's own rewards, or 0.02 in record-private "
      "training, where "
      "nothing may tell of the data")("evaluate.days", value(o.evaluate_days), "unseen days on which policies are judged")(
      "evaluate.policies", value(o.evaluate_policies), "folder that holds the policies; empty = the output folder")(
      "evaluate.policy_of", value(o.evaluate_policy_of),
      "client whose policy plays on every feeder, such as feeders that no client owned; -1 = each client its own");
}

void validate(const StudyOptions& o) {
  validate(o.scenario);
  validate(o.behaviour);
  validate(o.rl);
  validate(o.fed);
  validate(o.privacy);
  validate(o.judgement);
  if (o.load_models != "feeder" && o.load_models != "class")
    throw Error("study.load_models is '{}': it must be feeder or class", o.load_models);
  if (!o.profiles.empty() && o.profiles.size() != o.feeders.size())
    throw Error("study.profiles names {} files and study.feeders {}: give one a feeder, or the word none", o.profiles.size(),
                o.feeders.size());
  if (o.feeders.empty()) throw Error("study.feeders is empty: name at least one feeder file");
  for (const auto& [key, number] : {std::pair{"data.days", o.data_days},
                                    {"train.seeds", o.train_seeds},
                                    {"train.validation_days", o.validation_days},
                                    {"train.validate_every", o.validate_every},
                                    {"train.checkpoint_every", o.checkpoint_every},
                                    {"evaluate.days", o.evaluate_days}}) {
    if (number < 1) throw Error("{} is {}: it must be at least 1", key, number);
  }
  if (o.train_days < 0 || o.train_days > o.data_days)
    throw Error("train.days is {}: it must lie between 0 and data.days, {}", o.train_days, o.data_days);
  if (o.evaluation_fits < 0 || o.evaluation_fits == 1)
    throw Error("train.evaluation_fits is {}: it must be 0, or at least 2 to tell a spread", o.evaluation_fits);
  if (!(o.validation_share >= 0 && o.validation_share < 1))
    throw Error("train.validation_share is {}: it must lie between 0 and 1", o.validation_share);
  if (!(o.augment_safety_violations >= 0 && o.augment_safety_violations < 1))
    throw Error("train.augment_safety_violations is {}: it must lie between 0 and 1", o.augment_safety_violations);
  if (o.gridless() && o.dataset.empty()) throw Error("study.feeders is none but data.file names no dataset: name the file to train on");
  if (o.evaluate_policy_of < -1) throw Error("evaluate.policy_of is {}: it must be a client, or -1", o.evaluate_policy_of);
  if (!(o.reward_scale >= 0)) throw Error("train.reward_scale is {}: it must not be negative", o.reward_scale);
}

bool parse_study(Session& session, const std::string& name, const std::string& summary, StudyOptions& options) {
  if (!session.parse(name, summary, [&](po::options_description& deck) { declare(deck, options); })) return false;
  agreed(session.world(), [&] {
    validate(options);
    make_variants(options);
  });
  return true;
}

GridEnvironment make_environment(const StudyOptions& options, int client) {
  if (options.gridless()) throw Error("study.feeders is none, and this driver plays on a grid: name a feeder file for each client");
  NetworkData data = read_feeder(options.feeder(client));
  if (options.load_models == "class") use_class_models(data);
  const auto network = make_network(std::move(data));
  std::shared_ptr<const History> history;
  if (!options.profiles.empty()) {
    const auto& file = options.profiles[static_cast<std::size_t>(client) % options.profiles.size()];
    if (file != "none") {
      history = std::make_shared<const History>(read_history(file, *network));
      for (const int last : {first_training_day + options.data_days, first_validation_day + options.validation_days,
                             first_test_day + options.evaluate_days}) {
        history_day(*history, last - 1);  // too short a history is said now, not after the training
      }
    }
  }
  return GridEnvironment(network, options.scenario, options.environment, history);
}

std::filesystem::path dataset_path(const StudyOptions& options, Session& session) {
  return options.dataset.empty() ? session.output() / "dataset.h5" : std::filesystem::path(options.dataset);
}

}  // namespace gridfed
