#include "fed/federation.hpp"

#include "fed/compression.hpp"
#include "fed/participation.hpp"
#include "privacy/adaptive_clip.hpp"
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
  // What secure sums hide must not lie in memory that others read.
  const bool open = aggregated() && !hidden();
  rows_.emplace(comm, open ? comm.split_by_host() : comm.split(comm.rank(), 0), clients_.size(), message_length() + control_.size());
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

}  // namespace gridfed
