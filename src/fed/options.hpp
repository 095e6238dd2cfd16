#pragma once

#include <boost/program_options/options_description.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace gridfed {

/// How clients' models become one (docs/federation.md has the formulas); none leaves each client alone with its own.
enum class Aggregation {
  fedavg,
  fedavgm,
  fedprox,
  fedadam,
  fedyogi,
  fedadagrad,
  scaffold,
  fednova,
  fedora,
  median,
  trimmed_mean,
  krum,
  multi_krum,
  none
};
/// Which coordinates of an update are sent.
enum class Sparsification { none, top_k };

/// What the ranks see of one client's update: all of it, a masked vector that only the sum unmasks, or a ciphertext of which rank 0 reads
/// the sum.
enum class SecureAggregation { none, masks, paillier };

struct FederationOptions {
  int num_clients = 4;
  int rounds = 40;
  Aggregation aggregation = Aggregation::fedavg;
  double participation = 1.0;  ///< share of the clients drawn for a round
  double dropout = 0.0;        ///< probability that a client that trained does not deliver
  double proximal = 0.01;
  double server_learning_rate = 0.0;  ///< 0: 1, or 0.01 where the server's steps are adaptive
  double server_momentum = 0.9;
  double server_second_momentum = 0.99;
  double server_adaptivity = 1e-3;
  double fedora_temperature = 1.0;
  int byzantine = 1;
  SecureAggregation secure_aggregation = SecureAggregation::none;
  int modulus_bits = 32;         ///< of secure sums: 32 or 64
  double mask_threshold = 0.67;  ///< share of the participants that must deliver
  Sparsification compression = Sparsification::none;
  double compression_ratio = 0.1;
  bool error_feedback = true;  ///< delays a coordinate by about 1 / compression_ratio rounds: local change must be slow against that
  int bits = 32;
  bool stochastic = true;
  int local_epochs = 1;
  int local_sgd_steps = 0;
  bool average_moments = true;
};

std::string_view name(Aggregation aggregation);
std::string_view name(SecureAggregation aggregation);
/// Throws Error naming the choices.
Aggregation aggregation(std::string_view name);

/// Whether the rule withstands clients that send anything, so that it is no mean of all.
bool is_robust(Aggregation aggregation);
/// Participants that must deliver, at least: of those that are drawn.
int mask_threshold(const FederationOptions& options, int participants);
/// Whether the server steps along the mean change in a way of its own.
bool has_server_optimiser(Aggregation aggregation);

void declare(boost::program_options::options_description& deck, FederationOptions& options);

/// Throws Error naming the first key that is out of range.
void validate(const FederationOptions& options);

/// Updates of a client with so many samples between two rounds: local_sgd_steps, or where that is 0 local_epochs passes over its data.
std::int64_t local_updates(const FederationOptions& options, std::int64_t samples, std::int64_t batch_size);

}  // namespace gridfed
