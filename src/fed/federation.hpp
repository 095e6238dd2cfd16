#pragma once

#include "fed/compression.hpp"
#include "fed/options.hpp"
#include "privacy/accountant.hpp"
#include "privacy/options.hpp"
#include "privacy/statement.hpp"
#include "runtime/communicator.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace gridfed {

class SecureNoise;

/// Of one round, over all clients, the same on every rank; seconds are the slowest rank's. No privacy promise covers them: norms are
/// those of the clients' own changes, for the eyes of whoever runs the job.
struct RoundMetrics {
  int round = 0;                  ///< counted from 1
  std::uint64_t bytes_sent = 0;   ///< payload that the clients handed over
  std::uint64_t dense_bytes = 0;  ///< what the same updates take as plain float32
  double update_norm = 0;         ///< Euclidean norm of a client's change before clipping, mean over clients
  double clipped_fraction = 0;    ///< share of the clients whose change was clipped
  double max_residual = 0;        ///< largest norm that error feedback holds back for a client
  double seconds_local = 0;
  double seconds_exchange = 0;
};

/// What a client owns between rounds; empty where the options do not need it.
struct ClientState {
  int client = 0;
  std::vector<float> parameters;  ///< its own model, where nothing is aggregated
  std::vector<float> moments;     ///< its own optimiser moments, where they are not averaged
  std::vector<float> residual;    ///< of error feedback
};

/// All that a resumed run needs to go on with the same bits.
struct FederationState {
  int round = 0;
  std::vector<float> parameters, moments;  ///< shared, the same on every rank
  std::vector<ClientState> clients;        ///< in state() those hosted here
  std::vector<PrivacyEvent> ledger;
};

/// Many owners, one model. Knows flat vectors alone: what they mean is the caller's business.
///
/// With privacy.unit = client each round is one step (sampling rate 1) of the Gaussian mechanism on the clients' clipped changes, with
/// equal weights; optimiser moments stay at home. Uncompressed, each client adds its share of the noise itself. Compressed, what is sent
/// depends on the data in ways that noise on the sender's side does not cover, so receivers clip the decoded contributions and add the
/// whole noise from a key that they share. Either way the promise is towards those who see the models and not single messages: the ranks of
/// a job trust each other. Record-level noise is the learner's business, as is its ledger.
class Federation {
 public:
  /// Trains one client, in place: parameters and optimiser moments in, updated ones out. It must not communicate.
  using LocalUpdate = std::function<void(int client, std::span<float> parameters, std::span<float> moments)>;

  /// Collective on comm, which must outlive this object. Starts from rank 0's parameters (of one length on every rank) and moments of
  /// zero. weights: samples of every client, hosted here or not. Throws AgreedError if an option is out of range.
  Federation(const Communicator& comm, FederationOptions options, PrivacyOptions privacy, std::vector<float> parameters,
             std::size_t moment_count, std::vector<double> weights, std::uint64_t seed);

  /// Collective. Trains the clients hosted here and exchanges what they learned. Throws AgreedError if local_update throws or returns a
  /// value that is not finite on any rank, or if the round would exceed the privacy budget. After a throw, restore() or discard.
  RoundMetrics run_round(const LocalUpdate& local_update);

  int round() const { return round_; }
  /// Clients hosted by this rank.
  Range hosted() const { return hosted_; }
  /// The shared model, or where nothing is aggregated that of a client hosted here.
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
  bool averages_moments() const { return aggregated() && options_.average_moments && !compressed() && !client_private(); }
  std::size_t message_length() const { return parameters_.size() + (averages_moments() ? moments_.size() : 0); }

  /// What the clients hosted here hand over in a round.
  struct Contribution {
    std::vector<float> dense;             ///< [hosted, parameters (+ moments)]
    std::vector<EncodedUpdate> messages;  ///< [hosted]
    std::vector<double> facts;            ///< [hosted, 4]: norm, clipped, residual norm, bytes
  };
  void require_budget() const;
  void train_client(int client, const LocalUpdate& local_update, Contribution& contribution);
  void exchange(const Contribution& contribution);
  RoundMetrics measure(const Contribution& contribution, double seconds_local, double seconds_exchange) const;
  SecureNoise noise(const std::array<unsigned char, 32>& key, int client) const;

  const Communicator& comm_;
  FederationOptions options_;
  PrivacyOptions privacy_;
  std::uint64_t seed_;
  Range hosted_;
  std::vector<double> weights_;  ///< sum to 1
  std::vector<float> parameters_, moments_;
  std::vector<ClientState> clients_;
  RenyiAccountant accountant_;
  int round_ = 0;
};

}  // namespace gridfed
