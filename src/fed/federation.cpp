#include "fed/federation.hpp"

#include "fed/compression.hpp"
#include "fed/masked_exchange.hpp"
#include "fed/participation.hpp"
#include "fed/robust.hpp"
#include "privacy/adaptive_clip.hpp"
#include "privacy/calibration.hpp"
#include "privacy/clip.hpp"
#include "privacy/noise.hpp"
#include "runtime/error.hpp"
#include "runtime/random.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <iterator>
#include <limits>
#include <numeric>

namespace gridfed {

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

double total(std::span<const double> values) {
  return std::accumulate(values.begin(), values.end(), 0.0);
}

void require_compatible(const FederationOptions& options, const PrivacyOptions& privacy, std::size_t weights) {
  validate(options);
  validate(privacy);
  if (weights != static_cast<std::size_t>(options.num_clients)) {
    throw Error("the federation has {} client weights (fed.num_clients is {}): give one for each client", weights, options.num_clients);
  }
  if (privacy.unit == PrivacyUnit::client && options.aggregation == Aggregation::none) {
    throw Error("privacy.unit = client protects what is exchanged (fed.aggregation = none exchanges nothing): set privacy.unit = none");
  }
  if (privacy.unit == PrivacyUnit::client && options.secure_aggregation != SecureAggregation::none) {
    if (options.participation < 1) {
      throw Error("privacy.unit = client counts on a secret draw (masked clients know who takes part): set fed.participation = 1");
    }
    if (options.bits < 32) {
      throw Error("fed.bits = {} rounds more than the noise of masked sums allows for (privacy.unit = client): set fed.bits = 32",
                  options.bits);
    }
  }
  const bool mean = options.aggregation == Aggregation::fedavg || options.aggregation == Aggregation::fedprox ||
                    has_server_optimiser(options.aggregation);
  if (privacy.unit == PrivacyUnit::client && !mean) {
    throw Error(
        "privacy.unit = client covers a mean of clipped changes (fed.aggregation = {} is none, or sends more): choose fedavg, fedprox, "
        "fedavgm, fedadam, fedyogi or fedadagrad",
        name(options.aggregation));
  }
}

/// What clients weigh in the mean: equally under client-level privacy, where sample counts would weigh the noise and be revealed.
std::vector<double> checked_weights(std::vector<double> weights, PrivacyUnit unit) {
  if (!std::all_of(weights.begin(), weights.end(), [](double weight) { return std::isfinite(weight) && weight >= 0; })) {
    throw Error("a client's weight is negative or not finite: give its number of samples");
  }
  if (unit == PrivacyUnit::client) std::fill(weights.begin(), weights.end(), 1.0);
  if (total(weights) <= 0) throw Error("no client has samples: give the datasets of at least one");
  return weights;
}

}  // namespace

Federation::Federation(const Communicator& comm, FederationOptions options, PrivacyOptions privacy, std::vector<float> parameters,
                       std::size_t moment_count, std::vector<double> weights, std::uint64_t seed)
    : comm_(comm), options_(options), privacy_(privacy), seed_(seed), model_(std::move(parameters)), moments_(moment_count) {
  agreed(comm, [&] {
    require_compatible(options_, privacy_, weights.size());
    weights_ = checked_weights(std::move(weights), privacy_.unit);
    if (client_private() && privacy_.noise_multiplier == 0) {
      privacy_.noise_multiplier = noise_multiplier_for(privacy_.privacy_budget, privacy_.delta, options_.participation, options_.rounds);
    }
    clip_norm_ = privacy_.clip_norm;
    const bool counts = client_private() && privacy_.clip_quantile > 0;
    change_multiplier_ = counts ? multiplier_beside_count(privacy_.noise_multiplier, count_noise()) : privacy_.noise_multiplier;
    hosted_ = block_range(options_.num_clients, comm_);
  });
  comm.broadcast(std::span<float>(model_), 0);
  parameters_ = model_;
  if (has_server_optimiser(options_.aggregation)) server_.emplace(options_, parameters_.size());
  if (has_control()) control_.assign(parameters_.size(), 0.0f);
  for (const int client : hosted_) {
    ClientState& own = clients_.emplace_back();
    own.client = client;
    if (!aggregated()) own.parameters = model_;
    if (!averages_moments()) own.moments.assign(moment_count, 0.0f);
    if (aggregated() && compressed() && options_.error_feedback) own.residual.assign(parameters_.size(), 0.0f);
    own.control = control_;
  }
  if (options_.secure_aggregation == SecureAggregation::paillier) encryption_.emplace(comm);
  rows_.emplace(comm, comm.split_by_host(), clients_.size(), message_length() + control_.size());
}

RoundMetrics Federation::run_round(const LocalUpdate& local_update) {
  const auto start = Clock::now();
  const std::vector<int> drawn = draw();
  require_budget();
  std::optional<std::string> failure;
  std::vector<Report> mine;
  delivering_ = 0;
  try {
    for (const int client : drawn) {
      if (hosted_.contains(client)) mine.push_back(train_client(client, local_update));
    }
  } catch (const std::exception& error) {
    failure = error.what();
  }
  const double seconds_local = seconds_since(start);
  const auto exchange_start = Clock::now();
  std::vector<Report> reports = gather_reports(drawn, mine);
  // What failed here shows in the reports of all: only then is there anything to agree on.
  if (std::ranges::any_of(reports, [](const Report& report) { return report.fate == Fate::failed; })) comm_.agree(failure);
  if (aggregated()) exchange(reports);
  if (client_private()) {
    accountant_.add(options_.participation, privacy_.noise_multiplier);
    if (privacy_.clip_quantile > 0) adapt_clip_norm(reports);
  }
  ++round_;
  return measure(reports, seconds_local, seconds_since(exchange_start));
}

/// Collective. The clients of this round; amplification by sampling needs that nobody can predict them.
std::vector<int> Federation::draw() const {
  if (!aggregated()) return draw_participants(seed_, round_, options_.num_clients, 1.0);
  if (!client_private()) return draw_participants(seed_, round_, options_.num_clients, options_.participation);
  std::uint64_t secret = seed_;
  if (!privacy_.seeded) {
    const SecureNoise::Key key = shared_key();
    std::memcpy(&secret, key.data(), sizeof secret);
  }
  return draw_independently(secret, round_, options_.num_clients, options_.participation);
}

double Federation::epsilon_after_round() const {
  RenyiAccountant next = accountant_;
  next.add(options_.participation, privacy_.noise_multiplier);
  return next.epsilon(privacy_.delta);
}

bool Federation::affords_round() const {
  return !client_private() || epsilon_after_round() <= privacy_.privacy_budget;
}

/// The same on every rank.
void Federation::require_budget() const {
  if (affords_round()) return;
  throw AgreedError(
      "round {} would raise epsilon to {:.4g} (privacy.privacy_budget is {:.4g}): plan the rounds with fed.rounds or raise the noise",
      round_ + 1, epsilon_after_round(), privacy_.privacy_budget);
}

/// Collective. In client order; every rank knows how many to expect, and who is missing failed.
std::vector<Federation::Report> Federation::gather_reports(std::span<const int> drawn, std::span<const Report> mine) const {
  std::vector<int> counts;
  for (int rank = 0; rank < comm_.size(); ++rank) {
    const Range theirs = block_range(options_.num_clients, rank, comm_.size());
    counts.push_back(static_cast<int>(std::count_if(drawn.begin(), drawn.end(), [&](int client) { return theirs.contains(client); })));
  }
  std::vector<Report> own(mine.begin(), mine.end());
  own.resize(static_cast<std::size_t>(counts[comm_.rank()]), Report{.fate = Fate::failed});
  std::vector<Report> reports(drawn.size());
  comm_.all_gather_v<Report>(own, counts, reports);
  return reports;
}

Federation::Report Federation::train_client(int client, const LocalUpdate& local_update) {
  ClientState& own = clients_[client - hosted_.first];
  const auto before = aggregated() ? parameters_ : std::span<const float>(own.parameters);
  // Models that are handed over are trained where the others read them.
  const std::span<float> row = rows_->row(delivering_);
  std::copy(before.begin(), before.end(), row.begin());
  std::vector<float> own_moments = own.moments;
  LocalRound turn{.client = client, .parameters = row.first(before.size()), .moments = own_moments};
  if (averages_moments()) {
    turn.moments = row.subspan(before.size(), moments_.size());
    std::copy(moments_.begin(), moments_.end(), turn.moments.begin());
  }
  if (options_.aggregation == Aggregation::fedprox) {
    turn.proximal = options_.proximal;
    turn.anchor = before;
  }
  if (has_control()) {
    turn.control = own.control;
    turn.shared_control = control_;
  }
  local_update(turn);
  Report report{.client = client, .value = turn.value, .steps = static_cast<double>(turn.steps)};
  report.norm = euclidean_distance(turn.parameters, before);
  if (!std::isfinite(report.norm) || !std::isfinite(euclidean_norm(turn.moments)) || !std::isfinite(turn.value)) {
    report.fate = Fate::not_finite;
    report.value = report.norm = 0;
    std::copy(before.begin(), before.end(), turn.parameters.begin());
    own_moments = own.moments;
  } else if (aggregated() && drops_out(seed_, round_, client, options_.dropout)) {
    report.fate = Fate::dropped;
  }
  if (!averages_moments()) own.moments = std::move(own_moments);
  if (!aggregated()) std::copy(turn.parameters.begin(), turn.parameters.end(), own.parameters.begin());
  if (aggregated() && delivers(report)) deliver(own, before, turn, report);
  return report;
}

/// Makes what is handed over of the next row, which holds the trained model.
void Federation::deliver(ClientState& own, std::span<const float> before, const LocalRound& turn, Report& report) {
  if ((has_control() || options_.aggregation == Aggregation::fednova) && turn.steps == 0) {
    throw Error("client {} counted no step (fed.aggregation = {} needs them): call guide with every gradient", own.client,
                name(options_.aggregation));
  }
  report.bytes = message_length() * sizeof(float);
  if (!sends_models()) {
    for (std::size_t i = 0; i < before.size(); ++i) turn.parameters[i] -= before[i];
  }
  if (client_private() && clip_to_norm(turn.parameters, clip_norm_) < 1) report.clipped = 1;
  if (hidden()) {
    report.residual = euclidean_norm(own.residual);
  } else if (compressed()) {
    RandomStream stream(seed_, Draw::quantisation, static_cast<std::uint64_t>(own.client), static_cast<std::uint64_t>(round_));
    const Compression compression{.ratio = options_.compression == Sparsification::top_k ? options_.compression_ratio : 1.0,
                                  .bits = options_.bits,
                                  .rounding = options_.stochastic ? Rounding::stochastic : Rounding::nearest};
    const EncodedUpdate message = compress(turn.parameters, compression, own.residual, stream);
    rows_->put(delivering_, message);
    report.bytes = report.length = message.size();
    report.residual = euclidean_norm(own.residual);
  } else if (client_private() && shares_noise()) {
    const double share = change_multiplier_ * clip_norm_ / std::sqrt(options_.num_clients);
    noise(SecureNoise::fresh_key(), own.client).add_to(turn.parameters, share);
  } else if (options_.aggregation == Aggregation::fednova) {
    for (float& value : turn.parameters) value = static_cast<float>(value / report.steps);
  }
  if (has_control()) {
    const auto changes = rows_->row(delivering_).subspan(message_length());
    for (std::size_t i = 0; i < own.control.size(); ++i) {
      changes[i] = static_cast<float>(turn.gradient_sum[i] / report.steps - own.control[i]);
      own.control[i] += changes[i];  // rounded as the shared one is: of one client they stay equal
    }
    report.bytes += own.control.size() * sizeof(float);
  }
  ++delivering_;
}

/// How many of the clients that deliver each rank hosts.
std::vector<int> Federation::rows_of_ranks(std::span<const Report> delivered) const {
  std::vector<int> rows(comm_.size(), 0);
  for (const Report& report : delivered) ++rows[owner(report.client, options_.num_clients, comm_.size())];
  return rows;
}

/// Of the clients that deliver, in the mean: shares by samples that sum to 1, for FEDORA times exp(temperature * value); fixed under
/// client-level privacy, where the number of those who deliver would tell who does.
std::vector<double> Federation::round_weights(std::span<const Report> reports) const {
  std::vector<double> weights;
  double highest = -std::numeric_limits<double>::infinity();
  for (const Report& report : reports) highest = std::max(highest, report.value);
  for (const Report& report : reports) {
    double weight = weights_[report.client];
    if (options_.aggregation == Aggregation::fedora) weight *= std::exp(options_.fedora_temperature * (report.value - highest));
    weights.push_back(weight);
  }
  const double sum = client_private() ? options_.num_clients * options_.participation : total(weights);
  for (double& weight : weights) weight = sum > 0 ? weight / sum : 1.0 / static_cast<double>(weights.size());
  return weights;
}

void Federation::exchange(std::span<Report> reports) {
  std::vector<Report> delivered;
  std::copy_if(reports.begin(), reports.end(), std::back_inserter(delivered), [&](const Report& report) { return delivers(report); });
  const auto lost = [](const Report& report) { return report.fate == Fate::not_finite; };
  if (!reports.empty() && std::all_of(reports.begin(), reports.end(), lost)) {  // on every rank, as all have the reports
    throw AgreedError("no client returned finite values in round {} (client {} first): lower the learning rate or check the data",
                      round_ + 1, reports.front().client);
  }
  if (is_robust(options_.aggregation)) {
    agreed(comm_, [&] { require_enough(options_.aggregation, options_.byzantine, static_cast<int>(delivered.size())); });
  }
  if (delivered.empty() && !client_private() && !hidden()) return;  // nobody delivered: the model stays
  const auto next = hidden() ? exchange_hidden(reports) : compressed() ? exchange_encoded(delivered) : exchange_dense(delivered);
  if (server_) server_->step(parameters_, proposed(next));
  if (next.data() == proposal_.data() || server_) {
    std::swap(model_, proposal_);
    parameters_ = model_;
  } else {
    parameters_ = next;
    rows_->keep();
  }
}

/// A result of this rank's own, to be changed.
std::span<float> Federation::proposed(std::span<const float> result) {
  if (result.data() != proposal_.data()) proposal_.assign(result.begin(), result.end());
  return proposal_;
}

/// The model that the clients' models or changes make, before the server's own step.
std::span<const float> Federation::exchange_dense(std::span<const Report> delivered) {
  const std::vector<double> weights = round_weights(delivered);
  const std::vector<int> rows = rows_of_ranks(delivered);
  const std::size_t length = parameters_.size();
  const auto base = client_private() ? std::span<const float>(parameters_) : std::span<const float>();
  const auto target =
      is_robust(options_.aggregation)
          ? rows_->combine(message_length(), rows, {.rule = options_.aggregation, .byzantine = options_.byzantine, .judged = length})
          : rows_->weighted_sum({0, message_length()}, rows, weights, base);
  if (averages_moments()) std::copy_n(target.begin() + static_cast<std::ptrdiff_t>(length), moments_.size(), moments_.begin());
  if (has_control()) {
    std::vector<double> shares;
    for (const Report& report : delivered) shares.push_back(weights_[report.client] / total(weights_));
    const auto control = rows_->weighted_sum({message_length(), length}, rows, shares, control_);
    std::copy(control.begin(), control.end(), control_.begin());
  }
  const auto model = target.first(length);
  if (options_.aggregation == Aggregation::fednova) {
    double steps = 0;  // effective ones: the mean
    for (std::size_t i = 0; i < delivered.size(); ++i) steps += weights[i] * delivered[i].steps;
    const auto change = proposed(model);
    for (std::size_t i = 0; i < length; ++i) change[i] = static_cast<float>(parameters_[i] + steps * change[i]);
    return change;
  }
  if (!client_private() || shares_noise()) return model;
  shared_noise().add_to(proposed(model), mean_noise());
  return proposal_;
}

std::span<const float> Federation::exchange_encoded(std::span<const Report> delivered) {
  const std::vector<int> rows = rows_of_ranks(delivered);
  std::vector<std::size_t> lengths;
  for (const Report& report : delivered) lengths.push_back(report.length);
  if (is_robust(options_.aggregation)) {
    const auto change = rows_->combine_messages(
        rows, lengths, {.rule = options_.aggregation, .byzantine = options_.byzantine, .judged = parameters_.size()});
    const auto model = proposed(change);
    for (std::size_t i = 0; i < model.size(); ++i) model[i] += parameters_[i];
    return model;
  }
  const double longest = client_private() ? clip_norm_ : std::numeric_limits<double>::infinity();
  const auto target = rows_->weighted_message_sum(rows, lengths, round_weights(delivered), longest, parameters_);
  if (!client_private()) return target;
  shared_noise().add_to(proposed(target), mean_noise());
  return proposal_;
}

/// Collective. A key that no other job knows.
SecureNoise::Key Federation::shared_key() const {
  SecureNoise::Key key{};
  agreed(comm_, [&] {
    if (comm_.rank() == 0) key = SecureNoise::fresh_key();
  });
  comm_.broadcast(std::span<unsigned char>(key), 0);
  return key;
}

/// Collective. The same on every rank.
SecureNoise Federation::shared_noise() const {
  return noise(shared_key(), options_.num_clients);
}

/// Standard deviation of the noise in the mean change.
double Federation::mean_noise() const {
  return change_multiplier_ * clip_norm_ / (options_.num_clients * options_.participation);
}

/// The source of this round's noise: of a client, or of all together where client is num_clients.
SecureNoise Federation::noise(const SecureNoise::Key& key, int client) const {
  if (!privacy_.seeded) return SecureNoise(key);
  return SecureNoise::seeded(seed_, static_cast<std::uint64_t>(client), static_cast<std::uint64_t>(round_));
}

double Federation::count_noise() const {
  return privacy_.count_noise > 0 ? privacy_.count_noise : options_.num_clients / 20.0;
}

/// Collective. Moves the clip norm towards the quantile; clients count by plus or minus a half, so that one moves the count by a half.
void Federation::adapt_clip_norm(std::span<const Report> reports) {
  double count = 0;
  for (const Report& report : reports) {
    if (delivers(report)) count += report.clipped > 0 ? -0.5 : 0.5;
  }
  count += count_noise() * noise(shared_key(), options_.num_clients + 1).normal();
  const double share = 0.5 + count / (options_.num_clients * options_.participation);
  constexpr double rate = 0.2;  // the paper's
  clip_norm_ = next_clip_norm(clip_norm_, share, privacy_.clip_quantile, rate);
}

RoundMetrics Federation::measure(std::span<const Report> reports, double seconds_local, double seconds_exchange) const {
  std::array<double, 2> seconds{seconds_local, seconds_exchange};
  comm_.all_reduce_max(std::span<double>(seconds));
  RoundMetrics metrics{.round = round_, .seconds_local = seconds[0], .seconds_exchange = seconds[1]};
  const auto participants = static_cast<double>(reports.size());
  metrics.participants = static_cast<int>(reports.size());
  metrics.dense_bytes = reports.size() * message_length() * sizeof(float);
  for (const Report& report : reports) {
    metrics.update_norm += report.norm / participants;
    metrics.clipped_fraction += report.clipped / participants;
    metrics.max_residual = std::max(metrics.max_residual, report.residual);
    metrics.bytes_sent += report.bytes;
    if (report.fate == Fate::dropped) metrics.dropped.push_back(report.client);
    if (report.fate == Fate::not_finite) metrics.excluded.push_back(report.client);
  }
  return metrics;
}

std::span<const float> Federation::parameters(int client) const {
  if (aggregated()) return parameters_;
  if (!hosted_.contains(client))
    throw Error("client {} keeps its model to itself (fed.aggregation = none): ask the rank that hosts it", client);
  return clients_[client - hosted_.first].parameters;
}

PrivacyStatement Federation::statement() const {
  if (!client_private()) return {};
  return {.unit = PrivacyUnit::client,
          .epsilon = accountant_.epsilon(privacy_.delta),
          .delta = privacy_.delta,
          .noise_multiplier = privacy_.noise_multiplier,
          .clip_norm = clip_norm_,
          .steps = round_,
          .sampling_rate = options_.participation,
          .noise_private = !privacy_.seeded};
}

FederationState Federation::state() const {
  const auto events = accountant_.events();
  return {.round = round_,
          .parameters = {parameters_.begin(), parameters_.end()},
          .moments = moments_,
          .server_moments = server_ ? server_->moments() : std::vector<float>{},
          .control = control_,
          .clients = clients_,
          .ledger = {events.begin(), events.end()},
          .clip_norm = clip_norm_};
}

void Federation::restore(FederationState state) {
  if (state.parameters.size() != parameters_.size() || state.moments.size() != moments_.size()) {
    throw Error("the checkpoint holds {} parameters and {} moments (the model has {} and {}): resume with the deck that wrote it",
                state.parameters.size(), state.moments.size(), parameters_.size(), moments_.size());
  }
  if (state.control.size() != control_.size() || state.server_moments.size() != (server_ ? server_->moments().size() : 0)) {
    throw Error("the checkpoint's server state is of another strategy (fed.aggregation = {}): resume with the deck that wrote it",
                name(options_.aggregation));
  }
  std::vector<ClientState> restored;
  for (const ClientState& own : clients_) {
    const auto saved =
        std::find_if(state.clients.begin(), state.clients.end(), [&](const ClientState& c) { return c.client == own.client; });
    if (saved == state.clients.end())
      throw Error("the checkpoint holds nothing of client {}: resume with the deck that wrote it", own.client);
    if (saved->parameters.size() != own.parameters.size() || saved->moments.size() != own.moments.size() ||
        saved->residual.size() != own.residual.size() || saved->control.size() != own.control.size()) {
      throw Error("the checkpoint's client {} was federated in another way: resume with the deck that wrote it", own.client);
    }
    restored.push_back(std::move(*saved));
  }
  RenyiAccountant ledger;
  for (const PrivacyEvent& event : state.ledger) ledger.add(event.sampling_rate, event.noise_multiplier, event.steps);
  clients_ = std::move(restored);
  accountant_ = std::move(ledger);
  model_ = std::move(state.parameters);
  parameters_ = model_;
  moments_ = std::move(state.moments);
  control_ = std::move(state.control);
  if (server_) server_->restore(std::move(state.server_moments));
  clip_norm_ = state.clip_norm;
  round_ = state.round;
}

}  // namespace gridfed
