#pragma once

#include <cstdint>
#include <vector>

namespace gridfed {

/// Clients of a round when a share of them takes part: at least one.
int participant_count(int clients, double share);

/// The clients drawn for a round, ascending: participant_count of them, each set equally likely, named by (seed, round).
std::vector<int> draw_participants(std::uint64_t seed, int round, int clients, double share);

/// Poisson sampling: every client on its own with probability share, so possibly none. What privacy amplification is proven for, if
/// nobody can predict the seed.
std::vector<int> draw_independently(std::uint64_t seed, int round, int clients, double share);

/// Whether a client that trained fails to deliver.
bool drops_out(std::uint64_t seed, int round, int client, double probability);

}  // namespace gridfed
