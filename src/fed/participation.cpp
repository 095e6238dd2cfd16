#include "fed/participation.hpp"

#include "runtime/random.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace gridfed {

int participant_count(int clients, double share) {
  return std::clamp(static_cast<int>(std::lround(share * clients)), 1, clients);
}

std::vector<int> draw_participants(std::uint64_t seed, int round, int clients, double share) {
  std::vector<int> drawn(clients);
  std::iota(drawn.begin(), drawn.end(), 0);
  const int count = participant_count(clients, share);
  if (count == clients) return drawn;
  RandomStream stream(seed, Draw::participation, 0, static_cast<std::uint64_t>(round));
  for (int i = 0; i < count; ++i) {  // Fisher and Yates, as far as needed
    std::swap(drawn[i], drawn[i + static_cast<int>(stream.below(static_cast<std::uint64_t>(clients - i)))]);
  }
  drawn.resize(count);
  std::sort(drawn.begin(), drawn.end());
  return drawn;
}

std::vector<int> draw_independently(std::uint64_t seed, int round, int clients, double share) {
  std::vector<int> drawn;
  RandomStream stream(seed, Draw::participation, 1, static_cast<std::uint64_t>(round));
  for (int client = 0; client < clients; ++client) {
    if (stream.uniform() < share) drawn.push_back(client);
  }
  return drawn;
}

bool drops_out(std::uint64_t seed, int round, int client, double probability) {
  if (probability == 0) return false;
  RandomStream stream(seed, Draw::dropout, static_cast<std::uint64_t>(client), static_cast<std::uint64_t>(round));
  return stream.uniform() < probability;
}

}  // namespace gridfed
