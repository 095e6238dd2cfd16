#include "fed/federation.hpp"

#include "fed/exchange.hpp"
#include "privacy/calibration.hpp"
#include "privacy/clip.hpp"
#include "privacy/noise.hpp"
#include "runtime/error.hpp"
#include "runtime/random.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>

namespace gridfed {

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
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
}

/// Shares of the clients in the mean: equal under client-level privacy, where sample counts would weigh the noise and be revealed.
std::vector<double> shares(std::vector<double> weights, PrivacyUnit unit) {
  if (!std::all_of(weights.begin(), weights.end(), [](double weight) { return std::isfinite(weight) && weight >= 0; })) {
    throw Error("a client's weight is negative or not finite: give its number of samples");
  }
  if (unit == PrivacyUnit::client) std::fill(weights.begin(), weights.end(), 1.0);
  const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
  if (sum <= 0) throw Error("no client has samples: give the datasets of at least one");
  for (double& weight : weights) weight /= sum;
  return weights;
}

void require_finite(int client, int round, std::span<const float> values, const char* what) {
  if (!std::all_of(values.begin(), values.end(), [](float value) { return std::isfinite(value); })) {
    throw Error("client {} returned {} that are not finite in round {}: lower its learning rate or check its data", client, what, round);
  }
}

}  // namespace

Federation::Federation(const Communicator& comm, FederationOptions options, PrivacyOptions privacy, std::vector<float> parameters,
                       std::size_t moment_count, std::vector<double> weights, std::uint64_t seed)
    : comm_(comm), options_(options), privacy_(privacy), seed_(seed), parameters_(std::move(parameters)), moments_(moment_count) {
  agreed(comm, [&] {
    require_compatible(options_, privacy_, weights.size());
    weights_ = shares(std::move(weights), privacy_.unit);
    if (client_private() && privacy_.noise_multiplier == 0) {
      privacy_.noise_multiplier = noise_multiplier_for(privacy_.privacy_budget, privacy_.delta, 1.0, options_.rounds);
    }
    hosted_ = block_range(options_.num_clients, comm_);
  });
  comm.broadcast(std::span<float>(parameters_), 0);
  for (const int client : hosted_) {
    ClientState& own = clients_.emplace_back();
    own.client = client;
    if (!aggregated()) own.parameters = parameters_;
    if (!averages_moments()) own.moments.assign(moment_count, 0.0f);
    if (aggregated() && compressed() && options_.error_feedback) own.residual.assign(parameters_.size(), 0.0f);
  }
}

RoundMetrics Federation::run_round(const LocalUpdate& local_update) {
  const auto start = Clock::now();
  Contribution contribution;
  agreed(comm_, [&] {
    require_budget();
    for (const int client : hosted_) train_client(client, local_update, contribution);
  });
  const double seconds_local = seconds_since(start);
  const auto exchange_start = Clock::now();
  if (aggregated()) exchange(contribution);
  if (client_private()) accountant_.add(1.0, privacy_.noise_multiplier);
  ++round_;
  return measure(contribution, seconds_local, seconds_since(exchange_start));
}

void Federation::require_budget() const {
  if (!client_private()) return;
  RenyiAccountant next = accountant_;
  next.add(1.0, privacy_.noise_multiplier);
  const double epsilon = next.epsilon(privacy_.delta);
  if (epsilon > privacy_.privacy_budget) {
    throw Error(
        "round {} would raise epsilon to {:.4g} (privacy.privacy_budget is {:.4g}): plan the rounds with fed.rounds or raise the noise",
        round_ + 1, epsilon, privacy_.privacy_budget);
  }
}

void Federation::train_client(int client, const LocalUpdate& local_update, Contribution& contribution) {
  ClientState& own = clients_[client - hosted_.first];
  const std::vector<float>& before = aggregated() ? parameters_ : own.parameters;
  std::vector<float> after = before;
  std::vector<float> moments = averages_moments() ? moments_ : own.moments;
  local_update(client, after, moments);
  std::vector<float> delta(after.size());
  for (std::size_t i = 0; i < delta.size(); ++i) delta[i] = after[i] - before[i];
  require_finite(client, round_ + 1, delta, "parameters");
  require_finite(client, round_ + 1, moments, "optimiser moments");
  const double norm = euclidean_norm(delta);
  if (!aggregated()) own.parameters = std::move(after);
  const bool clipped = client_private() && clip_to_norm(delta, privacy_.clip_norm) < 1;
  std::size_t bytes = 0;
  if (aggregated() && compressed()) {
    RandomStream stream(seed_, Draw::quantisation, static_cast<std::uint64_t>(client), static_cast<std::uint64_t>(round_));
    const Compression compression{.ratio = options_.compression == Sparsification::top_k ? options_.compression_ratio : 1.0,
                                  .bits = options_.bits,
                                  .rounding = options_.stochastic ? Rounding::stochastic : Rounding::nearest};
    bytes = contribution.messages.emplace_back(compress(delta, compression, own.residual, stream)).size();
  } else if (aggregated()) {
    if (client_private()) {
      const double share = privacy_.noise_multiplier * privacy_.clip_norm / std::sqrt(options_.num_clients);
      noise(SecureNoise::fresh_key(), client).add_to(delta, share);
    }
    auto& dense = contribution.dense;
    dense.insert(dense.end(), delta.begin(), delta.end());
    if (averages_moments()) dense.insert(dense.end(), moments.begin(), moments.end());
    bytes = message_length() * sizeof(float);
  }
  if (!averages_moments()) own.moments = std::move(moments);
  contribution.facts.insert(contribution.facts.end(),
                            {norm, clipped ? 1.0 : 0.0, euclidean_norm(own.residual), static_cast<double>(bytes)});
}

void Federation::exchange(const Contribution& contribution) {
  if (!compressed()) {
    std::vector<float> target = parameters_;
    target.resize(message_length(), 0.0f);  // moments are replaced by their mean, parameters move by the mean change
    add_weighted_sum(comm_, contribution.dense, weights_, target);
    std::copy_n(target.begin(), parameters_.size(), parameters_.begin());
    if (averages_moments()) std::copy(target.begin() + static_cast<std::ptrdiff_t>(parameters_.size()), target.end(), moments_.begin());
    return;
  }
  if (!client_private()) {
    add_encoded_sum(comm_, contribution.messages, weights_, {}, parameters_);
    return;
  }
  SecureNoise::Key key{};
  agreed(comm_, [&] {
    if (comm_.rank() == 0) key = SecureNoise::fresh_key();
  });
  comm_.broadcast(std::span<unsigned char>(key), 0);
  SecureNoise shared = noise(key, options_.num_clients);
  const double scale = privacy_.noise_multiplier * privacy_.clip_norm / options_.num_clients;
  add_encoded_sum(comm_, contribution.messages, weights_, {.clip_norm = privacy_.clip_norm, .noise_scale = scale, .noise = &shared},
                  parameters_);
}

/// The source of this round's noise: of a client, or of all together where client is num_clients.
SecureNoise Federation::noise(const SecureNoise::Key& key, int client) const {
  if (!privacy_.seeded) return SecureNoise(key);
  return SecureNoise::seeded(seed_, static_cast<std::uint64_t>(client), static_cast<std::uint64_t>(round_));
}

RoundMetrics Federation::measure(const Contribution& contribution, double seconds_local, double seconds_exchange) const {
  const std::vector<double> facts = comm_.all_gather_v<double>(contribution.facts);
  std::array<double, 2> seconds{seconds_local, seconds_exchange};
  comm_.all_reduce_max(std::span<double>(seconds));
  RoundMetrics metrics{.round = round_, .seconds_local = seconds[0], .seconds_exchange = seconds[1]};
  metrics.dense_bytes = static_cast<std::uint64_t>(options_.num_clients) * message_length() * sizeof(float);
  for (std::size_t i = 0; i < facts.size(); i += 4) {
    metrics.update_norm += facts[i] / options_.num_clients;
    metrics.clipped_fraction += facts[i + 1] / options_.num_clients;
    metrics.max_residual = std::max(metrics.max_residual, facts[i + 2]);
    metrics.bytes_sent += static_cast<std::uint64_t>(facts[i + 3]);
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
          .clip_norm = privacy_.clip_norm,
          .steps = round_,
          .sampling_rate = 1.0,
          .noise_private = !privacy_.seeded};
}

FederationState Federation::state() const {
  const auto events = accountant_.events();
  return {.round = round_, .parameters = parameters_, .moments = moments_, .clients = clients_, .ledger = {events.begin(), events.end()}};
}

void Federation::restore(FederationState state) {
  if (state.parameters.size() != parameters_.size() || state.moments.size() != moments_.size()) {
    throw Error("the checkpoint holds {} parameters and {} moments (the model has {} and {}): resume with the deck that wrote it",
                state.parameters.size(), state.moments.size(), parameters_.size(), moments_.size());
  }
  std::vector<ClientState> restored;
  for (const ClientState& own : clients_) {
    const auto saved =
        std::find_if(state.clients.begin(), state.clients.end(), [&](const ClientState& c) { return c.client == own.client; });
    if (saved == state.clients.end())
      throw Error("the checkpoint holds nothing of client {}: resume with the deck that wrote it", own.client);
    if (saved->parameters.size() != own.parameters.size() || saved->moments.size() != own.moments.size() ||
        saved->residual.size() != own.residual.size()) {
      throw Error("the checkpoint's client {} was federated in another way: resume with the deck that wrote it", own.client);
    }
    restored.push_back(std::move(*saved));
  }
  RenyiAccountant ledger;
  for (const PrivacyEvent& event : state.ledger) ledger.add(event.sampling_rate, event.noise_multiplier, event.steps);
  clients_ = std::move(restored);
  accountant_ = std::move(ledger);
  parameters_ = std::move(state.parameters);
  moments_ = std::move(state.moments);
  round_ = state.round;
}

}  // namespace gridfed
