#include "study/training.hpp"

#include "data/dataset_file.hpp"
#include "evaluation/day_score.hpp"
#include "privacy/calibration.hpp"
#include "privacy/noise.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>
#include <tuple>

namespace gridfed {

namespace {

/// Layer by layer, weights before biases.
std::vector<float> flatten(const PolicyNetwork& network) {
  std::vector<float> flat;
  for (const auto& layer : network.layers()) {
    flat.insert(flat.end(), layer.weights.begin(), layer.weights.end());
    flat.insert(flat.end(), layer.biases.begin(), layer.biases.end());
  }
  return flat;
}

/// A dataset and the environment of its client must speak of the same feeder and the same spaces.
void require_match(const Dataset& data, const GridEnvironment& environment, const StudyOptions& options, int client,
                   const std::filesystem::path& path) {
  constexpr const char* remedy = "generate the data with this deck";
  if (static_cast<int>(data.observation_size) != environment.observation_size() ||
      static_cast<int>(data.action_size) != environment.action_size()) {
    throw Error("'{}' holds {} observations and {} actions for client {}, the deck's environment has {} and {}: {}", path.string(),
                data.observation_size, data.action_size, client, environment.observation_size(), environment.action_size(), remedy);
  }
  const DatasetNotes notes = read_notes(path, client);  // a file of another program may have none
  const auto feeder = std::filesystem::path(options.feeder(client)).filename();
  if (!notes.feeder.empty() && std::filesystem::path(notes.feeder).filename() != feeder) {
    throw Error("'{}' holds data of feeder '{}' for client {}, the deck names '{}': {}", path.string(), notes.feeder, client,
                options.feeder(client), remedy);
  }
  const auto require_names = [&](const std::vector<std::string>& found, const std::vector<std::string>& wanted, const char* kind) {
    const auto [other, name] = std::mismatch(found.begin(), found.end(), wanted.begin(), wanted.end());
    if (found.empty() || (other == found.end() && name == wanted.end())) return;
    throw Error("'{}' holds {} '{}' for client {} where the deck's environment has '{}': {}", path.string(), kind,
                other == found.end() ? "nothing" : *other, client, name == wanted.end() ? "nothing" : *name, remedy);
  };
  require_names(notes.observation_names, environment.observation_names(), "observation");
  require_names(notes.action_names, environment.action_names(), "action");
}

/// Means over all of the data, in batches.
Losses validation_losses(Learner& learner, const Dataset& data) {
  constexpr std::size_t batch = 1024;
  Losses mean;
  BatchBuffer buffer;
  for (std::size_t first = 0; first < data.size(); first += batch) {
    std::vector<std::size_t> rows(std::min(batch, data.size() - first));
    std::iota(rows.begin(), rows.end(), first);
    const Losses part = learner.losses(data.gather(rows, buffer));
    const double share = static_cast<double>(rows.size()) / static_cast<double>(data.size());
    mean.critic += share * part.critic;
    mean.actor += share * part.actor;
  }
  return mean;
}

std::string name_of(const std::filesystem::path& dataset, int client, const StudyOptions& options) {
  return options.fed.num_clients == 1 ? fmt::format("'{}'", dataset.string()) : fmt::format("client {} of '{}'", client, dataset.string());
}

/// Standard deviation, 1 of what does not vary.
double deviation(const std::vector<float>& values) {
  double mean = 0, squares = 0;
  const auto n = static_cast<double>(values.size());
  for (const float value : values) mean += value / n;
  for (const float value : values) squares += (value - mean) * (value - mean) / n;
  return squares > 0 ? std::sqrt(squares) : 1.0;
}

double reward_scale(const Dataset& data, const StudyOptions& options, const Variant& variant) {
  if (options.reward_scale > 0) return options.reward_scale;
  if (variant.privacy.unit == PrivacyUnit::record) return 0.02;  // public: of the order of what a step can earn
  return deviation(data.rewards);
}

/// A safety critic sees costs in units of their deviation, so that one set of gains and weights serves all data. Record-level privacy may
/// not measure it.
double cost_scale(const Dataset& data, const Variant& variant) {
  return variant.rl.safety_critic && variant.privacy.unit != PrivacyUnit::record ? deviation(data.costs) : 1.0;
}

std::uint64_t training_seed_of(std::uint64_t seed, int training_seed) {
  return seed + 7919ull * static_cast<std::uint64_t>(training_seed);
}

}  // namespace

std::vector<std::string> training_column_names() {
  return {"round",
          "updates",
          "value_loss",
          "critic_loss",
          "actor_loss",
          "q",
          "update_norm",
          "clipped_fraction",
          "bytes_sent",
          "dense_bytes",
          "epsilon",
          "validation_return",
          "seconds_local",
          "seconds_exchange",
          "seconds_validation",
          "validation_critic_loss",
          "validation_actor_loss",
          "cost",
          "multiplier"};
}

TrainingRun::TrainingRun(const Communicator& comm, const StudyOptions& options, const Variant& variant,
                         const std::filesystem::path& dataset, int training_seed, std::uint64_t seed)
    : comm_(comm),
      options_(options),
      variant_(variant),
      training_seed_(training_seed),
      seed_(training_seed_of(seed, training_seed)),
      sampling_seed_(seed_) {
  const int all = options.fed.num_clients, learners = variant.fed.num_clients;
  std::vector<double> samples(learners, 0.0);
  agreed(comm, [&] {
    if (variant.privacy.unit == PrivacyUnit::record && variant.fed.aggregation == Aggregation::fedora) {
      throw Error(
          "fed.aggregation = fedora reveals what clients expect of their raw data (privacy.unit = record): choose another strategy");
    }
    load(dataset);
    for (const auto& [client, c] : clients_) samples[client] = static_cast<double>(c.data.size());
  });
  comm.all_reduce_sum(std::span<double>(samples));  // exact: each is set on one rank

  // All clients make equally many updates, as many as the mean client has data for; FedNova is made for those that do not.
  const double mean_samples = std::accumulate(samples.begin(), samples.end(), 0.0) / learners / (variant.pooled ? all : 1);
  const std::int64_t per_round = local_updates(variant.fed, static_cast<std::int64_t>(mean_samples), variant.rl.batch_size);
  const bool equal = variant.fed.aggregation != Aggregation::fednova || variant.privacy.unit == PrivacyUnit::record;
  for (auto& [client, c] : clients_) {
    c.updates =
        static_cast<int>(equal ? per_round : local_updates(variant.fed, static_cast<std::int64_t>(c.data.size()), variant.rl.batch_size));
  }
  variant_.rl.updates = per_round * variant.fed.rounds;
  variant_.fed.local_sgd_steps = static_cast<int>(per_round);

  if (variant.privacy.unit == PrivacyUnit::record) {
    const double fewest = *std::min_element(samples.begin(), samples.end());
    record_rate_ = std::min(1.0, static_cast<double>(variant.rl.batch_size) / fewest);
    record_noise_ = variant.privacy.noise_multiplier > 0
                        ? variant.privacy.noise_multiplier
                        : noise_multiplier_for(variant.privacy.privacy_budget, variant.privacy.delta, record_rate_, variant_.rl.updates);
    if (!variant.privacy.seeded) {  // amplification by sampling needs samples that nobody can predict
      const auto key = SecureNoise::fresh_key();
      std::memcpy(&sampling_seed_, key.data(), sizeof sampling_seed_);
    }
  }
  std::vector<float> initial;
  std::size_t moments = 0;
  agreed(comm, [&] {
    // A rank without clients still needs the length of what is exchanged.
    const Dataset first = clients_.empty() ? read_dataset(dataset, 0, 1) : Dataset();
    const Dataset& sizes = clients_.empty() ? first : clients_.begin()->second.data;
    const auto make = [&](const RlOptions& rl) { return std::make_unique<Learner>(rl, sizes.observation_size, sizes.action_size, seed_); };
    for (auto& [client, c] : clients_) {
      RlOptions own = variant_.rl;
      own.cost_limit /= c.cost_unit;
      if (own.safety_critic) own.cost_horizon = c.horizon = discounted_horizon(c.data, own.cost_discount);
      c.learner = make(own);
    }
    auto sample = make(variant_.rl);
    initial.assign(sample->shared_parameters().begin(), sample->shared_parameters().end());
    moments = sample->shared_moments().size();
  });
  PrivacyOptions federation_privacy = variant.privacy;
  if (federation_privacy.unit == PrivacyUnit::record) federation_privacy.unit = PrivacyUnit::none;  // the learner's business
  federation_ = std::make_unique<Federation>(comm, variant_.fed, federation_privacy, std::move(initial), moments, samples, seed_);
}

/// Data and judges of the clients hosted here.
void TrainingRun::load(const std::filesystem::path& dataset) {
  const int all = options_.fed.num_clients;
  const Range hosted = block_range(variant_.fed.num_clients, comm_);
  if (const int available = dataset_clients(dataset); available < all)
    throw Error("'{}' holds {} clients, the deck names {}: generate it with this deck", dataset.string(), available, all);
  for (const int client : hosted) {
    Client& c = clients_[client];
    // Judged clients: a pooled learner is judged by every client, on the rank that hosts it.
    for (const int owner : variant_.pooled ? Range{0, all} : Range{client, client + 1}) {
      Judge& judge = judges_[owner];
      best_.emplace(owner, Best{});
      if (!options_.gridless()) judge.environment.emplace(make_environment(options_, owner));
      const Dataset part = read_client(dataset, owner);
      c.data.observation_size = part.observation_size;
      c.data.action_size = part.action_size;
      append_rows(c.data, part, {0, part.size()});
    }
    c.coverage = coverage(c.data);
    if (options_.augment_safety_violations > 0) {
      c.violations = augment_safety_violations(c.data, options_.augment_safety_violations, name_of(dataset, client, options_));
    }
    c.reward_unit = reward_scale(c.data, options_, variant_);
    c.cost_unit = cost_scale(c.data, variant_);
    if (options_.normalise_observations) c.scale = observation_scale(c.data);
    const auto scaled = [&](Dataset& data) {
      for (float& reward : data.rewards) reward = static_cast<float>(reward / c.reward_unit);
      for (float& cost : data.costs) cost = static_cast<float>(cost / c.cost_unit);
      if (options_.normalise_observations && data.size() > 0) normalise(data, c.scale);
    };
    scaled(c.data);
    for (auto& [owner, judge] : judges_) {
      if (variant_.pooled || owner == client) scaled(judge.validation);
    }
    for (const float cost : c.data.costs) c.largest_cost = std::max<double>(c.largest_cost, std::abs(cost));
    for (std::size_t i = 0; i < c.data.size(); ++i) {
      c.largest_reward = std::max(c.largest_reward, std::abs(c.data.rewards[i]) + variant_.rl.safety_weight * std::abs(c.data.costs[i]));
    }
  }
}

/// What a client's learner may learn from; the episodes held out go to its judge.
Dataset TrainingRun::read_client(const std::filesystem::path& dataset, int client) {
  Judge& judge = judges_.at(client);
  const std::int64_t rows = options_.train_days > 0 ? options_.train_days * static_cast<std::int64_t>(options_.scenario.steps()) : 0;
  Dataset data = read_dataset(dataset, client, options_.gridless() ? 0 : rows);
  if (!options_.gridless()) {
    require_match(data, *judge.environment, options_, client, dataset);
    if (data.size() == 0) throw Error("'{}' holds no transition for client {}: generate it again", dataset.string(), client);
    return data;
  }
  require_learnable(data, name_of(dataset, client, options_));
  Split split = split_by_episode(data, options_.validation_share, seed_);
  judge.validation = std::move(split.validation);
  return std::move(split.training);
}

std::vector<Coverage> TrainingRun::coverages() const {
  static_assert(sizeof(Coverage) % sizeof(double) == 0);
  std::vector<Coverage> all(static_cast<std::size_t>(variant_.fed.num_clients));
  for (const auto& [client, c] : clients_) all[static_cast<std::size_t>(client)] = c.coverage;
  comm_.all_reduce_sum(
      std::span<double>(&all.front().transitions, all.size() * sizeof(Coverage) / sizeof(double)));  // each is set on one rank
  return all;
}

const std::map<int, FittedValue>& TrainingRun::judge(int fits) {
  agreed(comm_, [&] {
    for (const auto& [client, c] : clients_) {
      policy(client);  // the learner has the shared parameters of the last round then
      FittedValue value = fitted_value(
          variant_.rl, c.data,
          [policy = c.learner->policy()](std::span<const float> observation, std::span<float> action) { policy.act(observation, action); },
          fits, seed_);
      for (double* number : {&value.recorded, &value.estimate, &value.deviation, &value.lower}) *number *= c.reward_unit;
      fitted_[client] = value;
    }
  });
  return fitted_;
}

/// False once a loss or weight is not finite, or values are far beyond what any sum of discounted rewards can be.
bool TrainingRun::bounded(const Client& c) const {
  const double horizon = variant_.rl.discount < 1 ? 1 / (1 - variant_.rl.discount) : 1e6;
  const auto& parameters = c.learner->state().parameters;
  return std::isfinite(c.losses.value + c.losses.critic + c.losses.actor + c.losses.cost_critic) &&
         std::abs(c.losses.q) <= 100 * (1 + c.largest_reward) * horizon &&
         std::abs(c.losses.cost) <= 100 * (1 + c.largest_cost) / (1 - variant_.rl.cost_discount) &&
         std::all_of(parameters.begin(), parameters.end(), [](float x) { return std::isfinite(x); });
}

void TrainingRun::train(LocalRound& turn) {
  const auto [client, parameters, moments] = std::tuple(turn.client, turn.parameters, turn.moments);
  Client& c = clients_.at(client);
  Learner& learner = *c.learner;
  learner.guide_shared_gradient([&](std::span<const float> at, std::span<float> gradient) { turn.guide(at, gradient); });
  std::copy(parameters.begin(), parameters.end(), learner.shared_parameters().begin());
  std::copy(moments.begin(), moments.end(), learner.shared_moments().begin());
  RandomStream stream(sampling_seed_, Draw::minibatch, static_cast<std::uint64_t>(client),
                      static_cast<std::uint64_t>(federation_->round()));
  const LearnerState before = learner.state();
  c.losses = {};
  c.trained = true;
  const int updates = c.updates;
  SecureNoise noise = variant_.privacy.seeded
                          ? SecureNoise::seeded(seed_, static_cast<std::uint64_t>(client), static_cast<std::uint64_t>(federation_->round()))
                          : SecureNoise();
  const PrivateUpdate privacy{.clip_norm = variant_.privacy.clip_norm,
                              .noise_multiplier = record_noise_,
                              .expected_batch_size = record_rate_ * static_cast<double>(c.data.size()),
                              .add_gaussian = [&](std::span<float> values, double deviation) { noise.add_to(values, deviation); }};
  for (int i = 0; i < updates; ++i) {
    if (variant_.privacy.unit == PrivacyUnit::record) {
      learner.update(c.data.sample_poisson(stream, record_rate_, c.buffer), privacy);
    } else {
      const Losses l = learner.update(c.data.sample(stream, static_cast<std::size_t>(variant_.rl.batch_size), c.buffer, c.violations));
      c.losses.value += l.value / updates;
      c.losses.critic += l.critic / updates;
      c.losses.actor += l.actor / updates;
      c.losses.q += l.q / updates;
      c.losses.cost_critic += l.cost_critic / updates;
      c.losses.cost += l.cost / updates;
      c.losses.multiplier = l.multiplier;
    }
  }
  turn.value = c.losses.q;
  learner.guide_shared_gradient({});
  c.diverged = !bounded(c);
  if (c.diverged) {
    learner.restore(before);
    c.losses = {};
  }
  std::copy(learner.shared_parameters().begin(), learner.shared_parameters().end(), parameters.begin());
  std::copy(learner.shared_moments().begin(), learner.shared_moments().end(), moments.begin());
  // The federation leaves out whoever returns what is not a number, and names it.
  if (c.diverged && others_go_on()) std::fill(parameters.begin(), parameters.end(), std::numeric_limits<float>::quiet_NaN());
}

/// The client's policy with what the federation last agreed on, acting on plain observations.
PolicyNetwork TrainingRun::policy(int client) const {
  const Client& c = clients_.at(client);
  const auto shared = federation_->parameters(client);
  std::copy(shared.begin(), shared.end(), c.learner->shared_parameters().begin());
  const PolicyNetwork policy = c.learner->policy();
  return c.scale.mean.empty() ? policy : policy.of_plain_observations(c.scale.mean, c.scale.deviation);
}

void TrainingRun::validate() {
  constexpr std::size_t columns = 3;
  std::vector<double> results(columns * static_cast<std::size_t>(options_.fed.num_clients), 0.0);
  agreed(comm_, [&] {
    for (auto& [client, judge] : judges_) {
      const int learner = variant_.pooled ? 0 : client;
      PolicyNetwork network = policy(learner);
      auto weights = flatten(network);
      Best& best = best_.at(client);
      double* result = &results[columns * static_cast<std::size_t>(client)];
      if (judge.environment) {
        LearnedPolicy played(std::move(network));
        Best now{.round = federation_->round(), .weights = std::move(weights)};
        for (int day = 0; day < options_.validation_days; ++day) {
          const DayScore score = score_day(*judge.environment, played, seed_, client, first_validation_day + day);
          now.score += score.scaled_return / options_.validation_days;
          now.cost += score.cost / options_.validation_days;
        }
        result[0] = now.score;
        const double limit = variant_.rl.cost_limit >= 0 ? variant_.rl.cost_limit : std::numeric_limits<double>::infinity();
        const double beyond = std::max(0.0, now.cost - limit), best_beyond = std::max(0.0, best.cost - limit);
        if (best.round < 0 || beyond < best_beyond || (beyond == best_beyond && now.score > best.score)) best = std::move(now);
      } else {
        const Losses losses = validation_losses(*clients_.at(learner).learner, judge.validation);
        result[1] = losses.critic;
        result[2] = losses.actor;
        best = {.round = federation_->round(), .weights = std::move(weights)};
      }
    }
  });
  comm_.all_reduce_sum(std::span<double>(results));  // each is set on one rank
  std::array<double, columns> mean{};
  for (std::size_t i = 0; i < results.size(); ++i) mean[i % columns] += results[i];
  for (double& m : mean) m /= options_.fed.num_clients;
  last_validation_ = {mean[0], mean[1], mean[2]};
}

const TrainingRow& TrainingRun::run_round() {
  for (auto& [client, c] : clients_) {
    c.losses = {};
    c.trained = c.diverged = false;
  }
  const RoundMetrics metrics = federation_->run_round([&](LocalRound& turn) { train(turn); });
  excluded_ = metrics.excluded;
  std::array<std::int64_t, 1> intact{
      std::numeric_limits<std::int64_t>::max()};  // number of clients before the first that diverged, negated
  for (const auto& [client, c] : clients_) {
    if (c.diverged && !others_go_on()) intact[0] = std::min<std::int64_t>(intact[0], client);
  }
  intact[0] = -intact[0];
  comm_.all_reduce_max(std::span<std::int64_t>(intact));
  if (intact[0] > -std::numeric_limits<std::int64_t>::max()) diverged_ = static_cast<int>(-intact[0]);
  double seconds_validation = 0;
  if (metrics.round % options_.validate_every == 0 || done() || (diverged_ && rows_.empty())) {
    const auto start = std::chrono::steady_clock::now();
    validate();
    seconds_validation = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  }
  std::vector<double> mine;
  for (const auto& [client, c] : clients_) {
    if (!c.trained) continue;
    const double cost = c.horizon > 0 ? c.losses.cost / c.horizon * c.cost_unit : 0;
    mine.insert(mine.end(), {c.losses.value, c.losses.critic, c.losses.actor, c.losses.q, cost, c.losses.multiplier});
  }
  constexpr std::size_t kinds = 6;
  const auto losses = comm_.all_gather_v<double>(mine);
  const double learners = static_cast<double>(losses.size()) / kinds;
  std::array<double, kinds> mean{};
  for (std::size_t i = 0; i < losses.size(); ++i) mean[i % kinds] += losses[i] / learners;
  rows_.push_back({.round = static_cast<double>(metrics.round),
                   .updates = static_cast<double>(metrics.round) * variant_.fed.local_sgd_steps,
                   .value_loss = mean[0],
                   .critic_loss = mean[1],
                   .actor_loss = mean[2],
                   .q = mean[3],
                   .update_norm = metrics.update_norm,
                   .clipped_fraction = metrics.clipped_fraction,
                   .bytes_sent = static_cast<double>(metrics.bytes_sent),
                   .dense_bytes = static_cast<double>(metrics.dense_bytes),
                   .epsilon = statement().epsilon,
                   .validation_return = last_validation_.score,
                   .seconds_local = metrics.seconds_local,
                   .seconds_exchange = metrics.seconds_exchange,
                   .seconds_validation = seconds_validation,
                   .validation_critic_loss = last_validation_.critic_loss,
                   .validation_actor_loss = last_validation_.actor_loss,
                   .cost = mean[4],
                   .multiplier = mean[5]});
  return rows_.back();
}

bool TrainingRun::affords_round() const {
  if (variant_.privacy.unit != PrivacyUnit::record) return federation_->affords_round();
  RenyiAccountant next;
  next.add(record_rate_, record_noise_, static_cast<std::int64_t>(round() + 1) * variant_.fed.local_sgd_steps);
  return next.epsilon(variant_.privacy.delta) <= variant_.privacy.privacy_budget;
}

PrivacyStatement TrainingRun::statement() const {
  if (variant_.privacy.unit != PrivacyUnit::record) return federation_->statement();
  const std::int64_t steps = static_cast<std::int64_t>(federation_->round()) * variant_.fed.local_sgd_steps;
  PrivacyStatement s{.unit = PrivacyUnit::record,
                     .delta = variant_.privacy.delta,
                     .noise_multiplier = record_noise_,
                     .clip_norm = variant_.privacy.clip_norm,
                     .steps = steps,
                     .sampling_rate = record_rate_,
                     .noise_private = !variant_.privacy.seeded};
  if (steps > 0) {
    RenyiAccountant accountant;
    accountant.add(record_rate_, record_noise_, steps);
    s.epsilon = accountant.epsilon(variant_.privacy.delta);
  }
  return s;
}

}  // namespace gridfed
