#pragma once

#include "fed/compression.hpp"
#include "fed/options.hpp"
#include "privacy/noise.hpp"
#include "runtime/communicator.hpp"

#include <limits>
#include <span>
#include <vector>

namespace gridfed {

// Clients that hand something over are numbered in client order, the ranks' in rank order; rows says how many each rank hosts. weights has
// one entry for each, sums are taken in double in that order: target ends with the same bits on every rank, for any number of ranks.

/// Collective on comm. target += sum of weight * vector, where `mine` holds the vectors of the clients hosted here, one after the other.
/// Each rank sums a slice of the coordinates, so a rank sends and receives what a reduce-scatter of one vector per client and an
/// all-gather would.
void add_weighted_sum(const Communicator& comm, std::span<const float> mine, std::span<const int> rows, std::span<const double> weights,
                      std::span<float> target);

/// A rule of fed/robust.hpp and what it needs.
struct RobustRule {
  Aggregation rule = Aggregation::median;
  int byzantine = 0;
  std::size_t judged = 0;  ///< leading coordinates in which Krum measures distances
};

/// Collective on comm. target = what the rule makes of the vectors of all clients; slices as above.
void combine_robustly(const Communicator& comm, std::span<const float> mine, std::span<const int> rows, const RobustRule& rule,
                      std::span<float> target);

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

/// Collective on comm. The vectors of all messages, one after the other.
std::vector<float> gather_decoded(const Communicator& comm, std::span<const EncodedUpdate> mine, std::size_t size);

/// What the rule makes of vectors that a rank has all of, one after the other.
void combine_robustly(std::span<const float> rows, std::size_t vectors, const RobustRule& rule, std::span<float> target);

}  // namespace gridfed
