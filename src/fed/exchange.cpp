#include "fed/exchange.hpp"

#include "privacy/clip.hpp"

#include <algorithm>
#include <cmath>

namespace gridfed {

void add_weighted_sum(const Communicator& comm, std::span<const float> mine, std::span<const double> weights, std::span<float> target) {
  const int clients = static_cast<int>(weights.size());
  const int length = static_cast<int>(target.size());
  const int hosted = block_range(clients, comm).size();
  const Range slice = block_range(length, comm);

  std::vector<float> outgoing;
  outgoing.reserve(mine.size());
  std::vector<int> counts;
  for (int rank = 0; rank < comm.size(); ++rank) {
    const Range theirs = block_range(length, rank, comm.size());
    for (int i = 0; i < hosted; ++i) {
      const auto part = mine.subspan(static_cast<std::size_t>(i) * target.size() + theirs.first, theirs.size());
      outgoing.insert(outgoing.end(), part.begin(), part.end());
    }
    counts.push_back(hosted * theirs.size());
  }
  const std::vector<float> parts = comm.all_to_all_v<float>(outgoing, counts);  // [clients, slice]: ranks host clients in order

  std::vector<double> sum(slice.size(), 0.0);
  const float* part = parts.data();
  for (const double weight : weights) {
    for (double& value : sum) value += weight * *part++;
  }
  std::vector<float> updated(slice.size());
  for (int i = 0; i < slice.size(); ++i) updated[i] = static_cast<float>(target[slice.first + i] + sum[i]);
  const std::vector<float> whole = comm.all_gather_v<float>(updated);
  std::copy(whole.begin(), whole.end(), target.begin());
}

void add_encoded_sum(const Communicator& comm, std::span<const EncodedUpdate> mine, std::span<const double> weights,
                     const Protection& protection, std::span<float> target) {
  std::vector<std::uint64_t> lengths;
  EncodedUpdate outgoing;
  for (const EncodedUpdate& message : mine) {
    lengths.push_back(message.size());
    outgoing.insert(outgoing.end(), message.begin(), message.end());
  }
  lengths = comm.all_gather_v<std::uint64_t>(lengths);
  const EncodedUpdate messages = comm.all_gather_v<std::byte>(outgoing);

  agreed(comm, [&] {
    std::vector<double> sum(target.size(), 0.0);
    std::span<const std::byte> rest(messages);
    for (std::size_t client = 0; client < weights.size(); ++client) {
      SparseUpdate update = decode(rest.first(lengths[client]), target.size());
      rest = rest.subspan(lengths[client]);
      if (std::isfinite(protection.clip_norm)) clip_to_norm(update.values, protection.clip_norm);
      for (std::size_t i = 0; i < update.indices.size(); ++i) sum[update.indices[i]] += weights[client] * update.values[i];
    }
    if (protection.noise_scale > 0) {
      for (double& value : sum) value += protection.noise_scale * protection.noise->normal();
    }
    for (std::size_t i = 0; i < target.size(); ++i) target[i] = static_cast<float>(target[i] + sum[i]);
  });
}

}  // namespace gridfed
