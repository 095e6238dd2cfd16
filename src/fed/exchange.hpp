#pragma once

#include "fed/compression.hpp"
#include "privacy/noise.hpp"
#include "runtime/communicator.hpp"

#include <limits>
#include <span>
#include <vector>

namespace gridfed {

// Clients are dealt to ranks by block_range, weights has one entry for each client, and every sum is taken in double in client order:
// target ends with the same bits on every rank, for any number of ranks.

/// Collective on comm. target += sum over clients of weight * vector, where `mine` holds the vectors of the clients hosted here, one
/// after the other. Each rank sums a slice of the coordinates, so a rank sends and receives what a reduce-scatter of one vector
/// per client and an all-gather would.
void add_weighted_sum(const Communicator& comm, std::span<const float> mine, std::span<const double> weights, std::span<float> target);

/// What a receiver does to contributions before it uses their sum.
struct Protection {
  double clip_norm = std::numeric_limits<double>::infinity();  ///< longest contribution accepted
  double noise_scale = 0;                                      ///< standard deviation added to every coordinate of the sum
  SecureNoise* noise = nullptr;                                ///< the same stream on every rank; needed where noise_scale > 0
};

/// Collective on comm. target += sum over clients of weight * decoded message + noise; `mine` holds the messages of the clients hosted
/// here. Every rank receives every message.
void add_encoded_sum(const Communicator& comm, std::span<const EncodedUpdate> mine, std::span<const double> weights,
                     const Protection& protection, std::span<float> target);

}  // namespace gridfed
