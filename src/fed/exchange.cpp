#include "fed/exchange.hpp"

#include "fed/robust.hpp"
#include "privacy/clip.hpp"

#include <algorithm>
#include <cmath>

namespace gridfed {

namespace {

/// The coordinates that a rank works on: whole blocks.
Range slice_of(std::size_t length, int rank, int ranks) {
  const Range blocks = block_range(static_cast<int>((length + coordinate_block - 1) / coordinate_block), rank, ranks);
  const auto bounded = [&](int block) { return static_cast<int>(std::min(length, static_cast<std::size_t>(block) * coordinate_block)); };
  return {bounded(blocks.first), bounded(blocks.last)};
}

/// Collective on comm. This rank's slice of every vector, [vectors, slice].
std::vector<float> exchange_slices(const Communicator& comm, std::span<const float> mine, std::size_t length) {
  const int hosted = length > 0 ? static_cast<int>(mine.size() / length) : 0;
  std::vector<float> outgoing;
  outgoing.reserve(mine.size());
  std::vector<int> counts;
  for (int rank = 0; rank < comm.size(); ++rank) {
    const Range theirs = slice_of(length, rank, comm.size());
    for (int i = 0; i < hosted; ++i) {
      const auto part = mine.subspan(static_cast<std::size_t>(i) * length + theirs.first, theirs.size());
      outgoing.insert(outgoing.end(), part.begin(), part.end());
    }
    counts.push_back(hosted * theirs.size());
  }
  return comm.all_to_all_v<float>(outgoing, counts);
}

/// Collective on comm.
void gather_slices(const Communicator& comm, std::span<const float> slice, std::span<float> target) {
  const std::vector<float> whole = comm.all_gather_v<float>(slice);
  std::copy(whole.begin(), whole.end(), target.begin());
}

void average_rows(std::span<const float> rows, std::span<const std::size_t> chosen, std::span<float> target) {
  std::vector<double> sum(target.size(), 0.0);
  for (const std::size_t row : chosen) {
    for (std::size_t i = 0; i < target.size(); ++i) sum[i] += rows[row * target.size() + i];
  }
  for (std::size_t i = 0; i < target.size(); ++i) target[i] = static_cast<float>(sum[i] / static_cast<double>(chosen.size()));
}

/// block_distances: as pair_distances returns them, of all blocks in order.
void combine(std::span<const float> rows, std::size_t vectors, const RobustRule& rule, std::span<const double> block_distances,
             std::span<float> target) {
  if (rule.rule == Aggregation::median) return coordinate_median(rows, vectors, target);
  if (rule.rule == Aggregation::trimmed_mean) return trimmed_mean(rows, vectors, rule.byzantine, target);
  std::vector<double> distances(vectors * (vectors - 1) / 2, 0.0);
  for (std::size_t i = 0; i < block_distances.size(); ++i) distances[i % distances.size()] += block_distances[i];
  const std::size_t kept = rule.rule == Aggregation::krum ? 1 : vectors - static_cast<std::size_t>(rule.byzantine);
  average_rows(rows, krum_choice(distances, vectors, rule.byzantine, kept), target);
}

bool measures_distances(Aggregation rule) {
  return rule == Aggregation::krum || rule == Aggregation::multi_krum;
}

/// Collective on comm. The bytes of all messages and the length of each.
EncodedUpdate gather_messages(const Communicator& comm, std::span<const EncodedUpdate> mine, std::vector<std::uint64_t>& lengths) {
  EncodedUpdate outgoing;
  for (const EncodedUpdate& message : mine) {
    lengths.push_back(message.size());
    outgoing.insert(outgoing.end(), message.begin(), message.end());
  }
  lengths = comm.all_gather_v<std::uint64_t>(lengths);
  return comm.all_gather_v<std::byte>(outgoing);
}

}  // namespace

void add_weighted_sum(const Communicator& comm, std::span<const float> mine, std::span<const double> weights, std::span<float> target) {
  const Range slice = slice_of(target.size(), comm.rank(), comm.size());
  const std::vector<float> parts = exchange_slices(comm, mine, target.size());
  std::vector<double> sum(slice.size(), 0.0);
  const float* part = parts.data();
  for (const double weight : weights) {
    for (double& value : sum) value += weight * *part++;
  }
  std::vector<float> updated(slice.size());
  for (int i = 0; i < slice.size(); ++i) updated[i] = static_cast<float>(target[slice.first + i] + sum[i]);
  gather_slices(comm, updated, target);
}

void combine_robustly(const Communicator& comm, std::span<const float> mine, std::size_t vectors, const RobustRule& rule,
                      std::span<float> target) {
  const Range slice = slice_of(target.size(), comm.rank(), comm.size());
  const std::vector<float> rows = exchange_slices(comm, mine, target.size());
  std::vector<double> distances;
  if (measures_distances(rule.rule)) {
    const int counted = std::clamp(static_cast<int>(rule.judged) - slice.first, 0, slice.size());
    distances = comm.all_gather_v<double>(pair_distances(rows, vectors, static_cast<std::size_t>(counted)));
  }
  std::vector<float> combined(slice.size());
  combine(rows, vectors, rule, distances, combined);
  gather_slices(comm, combined, target);
}

void combine_robustly(std::span<const float> rows, std::size_t vectors, const RobustRule& rule, std::span<float> target) {
  combine(rows, vectors, rule, measures_distances(rule.rule) ? pair_distances(rows, vectors, rule.judged) : std::vector<double>{}, target);
}

void add_encoded_sum(const Communicator& comm, std::span<const EncodedUpdate> mine, std::span<const double> weights,
                     const Protection& protection, std::span<float> target) {
  std::vector<std::uint64_t> lengths;
  const EncodedUpdate messages = gather_messages(comm, mine, lengths);
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

std::vector<float> gather_decoded(const Communicator& comm, std::span<const EncodedUpdate> mine, std::size_t size) {
  std::vector<std::uint64_t> lengths;
  const EncodedUpdate messages = gather_messages(comm, mine, lengths);
  return agreed(comm, [&] {
    std::vector<float> rows(lengths.size() * size, 0.0f);
    std::span<const std::byte> rest(messages);
    for (std::size_t client = 0; client < lengths.size(); ++client) {
      const SparseUpdate update = decode(rest.first(lengths[client]), size);
      rest = rest.subspan(lengths[client]);
      for (std::size_t i = 0; i < update.indices.size(); ++i) rows[client * size + update.indices[i]] = update.values[i];
    }
    return rows;
  });
}

}  // namespace gridfed
