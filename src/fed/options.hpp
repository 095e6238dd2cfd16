#pragma once

#include <boost/program_options/options_description.hpp>

#include <cstdint>
#include <string>

namespace gridfed {

/// How clients' updates become one model; none leaves each client alone with its own.
enum class Aggregation { fedavg, none };
/// Which coordinates of an update are sent.
enum class Sparsification { none, top_k };

struct FederationOptions {
  int num_clients = 4;
  int rounds = 40;
  Aggregation aggregation = Aggregation::fedavg;
  Sparsification compression = Sparsification::none;
  double compression_ratio = 0.1;
  bool error_feedback = true;  ///< delays a coordinate by about 1 / compression_ratio rounds: local change must be slow against that
  int bits = 32;
  bool stochastic = true;
  int local_epochs = 1;
  int local_sgd_steps = 0;
  bool average_moments = true;
};

void declare(boost::program_options::options_description& deck, FederationOptions& options);

/// Throws Error naming the first key that is out of range.
void validate(const FederationOptions& options);

/// Updates of a client with so many samples between two rounds: local_sgd_steps, or where that is 0 local_epochs passes over its data.
std::int64_t local_updates(const FederationOptions& options, std::int64_t samples, std::int64_t batch_size);

}  // namespace gridfed
