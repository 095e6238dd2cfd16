#pragma once

#include "fed/encrypted_exchange.hpp"
#include "fed/local_round.hpp"
#include "fed/options.hpp"
#include "fed/row_exchange.hpp"
#include "fed/server_optimiser.hpp"
#include "privacy/accountant.hpp"
#include "privacy/options.hpp"
#include "privacy/statement.hpp"
#include "runtime/communicator.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

namespace gridfed {

struct MaskedParties;
class SecureNoise;
class SlotPacking;

/// Of one round, over all clients, the same on every rank; seconds are the slowest rank's. No privacy promise covers them: norms are
/// those of the clients' own changes, for the eyes of whoever runs the job.
struct RoundMetrics {
  int round = 0;                  ///< counted from 1
  std::uint64_t bytes_sent = 0;   ///< payload that the clients handed over
  std::uint64_t dense_bytes = 0;  ///< what the same updates take as plain float32
  double update_norm = 0;         ///< Euclidean norm of a client's change before clipping, mean over participants
  double clipped_fraction = 0;    ///< share of the participants whose change was clipped
  double max_residual = 0;        ///< largest norm that error feedback holds back for a client
  int participants = 0;           ///< clients drawn for the round
  std::vector<int> dropped;       ///< clients that trained and did not deliver
  std::vector<int> excluded;      ///< clients left out, as what they returned was not finite
  double seconds_local = 0;
  double seconds_exchange = 0;
};

/// What a client owns between rounds; empty where the options do not need it.
struct ClientState {
  int client = 0;
  std::vector<float> parameters;  ///< its own model, where nothing is aggregated
  std::vector<float> moments;     ///< its own optimiser moments, where they are not averaged
  std::vector<float> residual;    ///< of error feedback
  std::vector<float> control;     ///< SCAFFOLD's: mean gradient of its last local round
};

/// All that a resumed run needs to go on with the same bits.
struct FederationState {
  int round = 0;
  std::vector<float> parameters, moments;  ///< shared, the same on every rank
  std::vector<float> server_moments;       ///< of ServerOptimiser
  std::vector<float> control;              ///< SCAFFOLD's: weighted mean of the clients'
  std::vector<ClientState> clients;        ///< in state() those hosted here
  std::vector<PrivacyEvent> ledger;
  double clip_norm = 0;  ///< of the next round
};

/// Many owners, one model. Knows flat vectors alone: what they mean is the caller's business.
///
/// A round draws its participants; what they make of the shared model is combined by the strategy. A client that returns a value that is
/// not finite is left out and named; with privacy.unit = client it counts as one that changed nothing.
///
/// With privacy.unit = client each round is one step of the Gaussian mechanism on the clients' clipped changes, sampled at rate
/// fed.participation, with equal weights; optimiser moments stay at home. Uncompressed and with everybody taking part, each client adds its
/// share of the noise itself. Compressed, what is sent depends on the data in ways that noise on the sender's side does not cover, so
/// receivers clip the decoded contributions and add the whole noise from a key that they share. Either way the promise is towards those who
/// see the models and not single messages: the ranks of a job trust each other. Record-level noise is the learner's business, as is its
/// ledger.
class Federation {
 public:
  /// Trains one client, in place: parameters and optimiser moments in, updated ones out. It must not communicate.
  using LocalUpdate = std::function<void(LocalRound& turn)>;

  /// Collective on comm, which must outlive this object. Starts from rank 0's parameters (of one length on every rank) and moments of
  /// zero. weights: samples of every client, hosted here or not. Throws AgreedError if an option is out of range.
  Federation(const Communicator& comm, FederationOptions options, PrivacyOptions privacy, std::vector<float> parameters,
             std::size_t moment_count, std::vector<double> weights, std::uint64_t seed);

  /// Collective. Trains the participants hosted here and exchanges what they learned. Throws AgreedError if local_update throws on any
  /// rank, if no participant returned finite values, if too few deliver for the strategy, or if the round would exceed the privacy
  /// budget. After a throw, restore() or discard.
  RoundMetrics run_round(const LocalUpdate& local_update);

  int round() const { return round_; }
  /// Whether the privacy budget covers another round.
  bool affords_round() const;
  /// Clients hosted by this rank.
  Range hosted() const { return hosted_; }
  /// The shared model, or where nothing is aggregated that of a client hosted here; until the next round.
  std::span<const float> parameters(int client) const;
  /// What the rounds so far promise at client level; learners state what they promise for records.
  PrivacyStatement statement() const;

  FederationState state() const;
  /// Takes the shared part and the clients hosted here; others are ignored, so a run may resume on another number of ranks if it is given
  /// the states of all. Throws Error if something is missing or of another size.
  void restore(FederationState state);

 private:
  bool client_private() const { return privacy_.unit == PrivacyUnit::client; }
  bool aggregated() const { return options_.aggregation != Aggregation::none; }
  bool compressed() const { return options_.compression != Sparsification::none || options_.bits != 32; }
  bool averages_moments() const { return aggregated() && options_.average_moments && !compressed() && !client_private() && !hidden(); }
  bool hidden() const { return aggregated() && options_.secure_aggregation != SecureAggregation::none; }
  bool has_control() const { return options_.aggregation == Aggregation::scaffold; }
  /// Whether clients hand over their models rather than the change: then the mean of one model is that model, bit for bit.
  bool sends_models() const { return !compressed() && !client_private() && !hidden() && options_.aggregation != Aggregation::fednova; }
  /// Whether every client adds its share of the noise; a share that may be missing protects nobody.
  bool shares_noise() const { return !compressed() && options_.participation == 1 && options_.dropout == 0; }
  std::size_t message_length() const { return parameters_.size() + (averages_moments() ? moments_.size() : 0); }

  enum class Fate : std::int32_t { delivered, dropped, not_finite, failed };
  /// What everybody learns of a participant.
  struct Report {
    std::int32_t client = 0;
    Fate fate = Fate::delivered;
    double norm = 0, clipped = 0, residual = 0, value = 0, steps = 0;
    std::uint64_t bytes = 0;   ///< handed over
    std::uint64_t length = 0;  ///< of the encoded message among them
  };
  std::vector<int> draw() const;
  double epsilon_after_round() const;
  void require_budget() const;
  Report train_client(int client, const LocalUpdate& local_update);
  void deliver(ClientState& own, std::span<const float> before, const LocalRound& turn, Report& report);
  std::vector<int> rows_of_ranks(std::span<const Report> delivered) const;
  std::vector<Report> gather_reports(std::span<const int> drawn, std::span<const Report> mine) const;
  bool delivers(const Report& report) const {
    return report.fate == Fate::delivered || (report.fate == Fate::not_finite && client_private());
  }
  std::vector<double> round_weights(std::span<const Report> reports) const;
  void exchange(std::span<Report> reports);
  std::span<float> proposed(std::span<const float> result);
  std::span<const float> exchange_dense(std::span<const Report> delivered);
  std::span<const float> exchange_encoded(std::span<const Report> delivered);
  std::span<const float> exchange_hidden(std::span<Report> reports);
  std::vector<std::int64_t> encrypted_sum(const MaskedParties& parties, std::span<const std::int64_t> levels, const SlotPacking& packing);
  /// What the levels of a secure sum stand for and how large one may be.
  struct LevelGrid {
    double step = 1;
    std::int64_t top = 0;
  };
  LevelGrid public_grid(double range, int participants) const;
  LevelGrid private_grid(int threshold) const;
  double rounding_norm(double step) const;
  std::vector<std::int64_t> levels_of(int client, std::span<const float> change, double weight, const LevelGrid& grid);
  RoundMetrics measure(std::span<const Report> reports, double seconds_local, double seconds_exchange) const;
  SecureNoise noise(const std::array<unsigned char, 32>& key, int client) const;
  std::array<unsigned char, 32> shared_key() const;
  SecureNoise shared_noise() const;
  double mean_noise() const;
  double count_noise() const;
  void adapt_clip_norm(std::span<const Report> reports);

  const Communicator& comm_;
  FederationOptions options_;
  PrivacyOptions privacy_;
  std::uint64_t seed_;
  Range hosted_;
  std::vector<double> weights_;        ///< of the clients, not normalised
  std::span<const float> parameters_;  ///< in model_, or in the memory that the ranks of a host share
  std::vector<float> model_, proposal_, moments_, control_;
  std::optional<ServerOptimiser> server_;
  std::optional<EncryptedExchange> encryption_;
  std::vector<ClientState> clients_;
  std::optional<RowExchange> rows_;  ///< of the clients hosted here that deliver: [parameters | moments | change of the control variate]
  std::size_t delivering_ = 0;       ///< how many rows are full
  RenyiAccountant accountant_;
  double clip_norm_ = 0;          ///< of the next round
  double change_multiplier_ = 0;  ///< deviation of the noise on the sum of changes over clip_norm_
  int round_ = 0;
};

}  // namespace gridfed
