#include "fed/exchange.hpp"

#include "fed/robust.hpp"
#include "privacy/clip.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <numeric>

namespace gridfed {

namespace {

/// The coordinates that a rank works on: whole blocks.
Range slice_of(std::size_t length, int rank, int ranks) {
  const Range blocks = block_range(static_cast<int>((length + coordinate_block - 1) / coordinate_block), rank, ranks);
  const auto bounded = [&](int block) { return static_cast<int>(std::min(length, static_cast<std::size_t>(block) * coordinate_block)); };
  return {bounded(blocks.first), bounded(blocks.last)};
}

/// Memory that is written before it is read.
struct Buffer {
  explicit Buffer(std::size_t count) : size(count), memory(std::make_unique_for_overwrite<float[]>(count)) {}
  std::span<float> all() const { return {memory.get(), size}; }
  std::size_t size;
  std::unique_ptr<float[]> memory;
};

/// Collective on comm. This rank's slice of every vector, [vectors, slice].
Buffer exchange_slices(const Communicator& comm, std::span<const float> mine, std::span<const int> rows, std::size_t length) {
  const int hosted = rows[comm.rank()], width = slice_of(length, comm.rank(), comm.size()).size();
  std::vector<int> counts, received;
  std::vector<float> dealt;  // slice by slice; a single vector lies that way already
  for (int rank = 0; rank < comm.size(); ++rank) {
    const Range theirs = slice_of(length, rank, comm.size());
    for (int i = 0; i < hosted && hosted > 1; ++i) {
      const auto part = mine.subspan(static_cast<std::size_t>(i) * length + theirs.first, theirs.size());
      dealt.insert(dealt.end(), part.begin(), part.end());
    }
    counts.push_back(hosted * theirs.size());
    received.push_back(rows[rank] * width);
  }
  Buffer parts(static_cast<std::size_t>(std::accumulate(received.begin(), received.end(), 0)));
  comm.all_to_all_v<float>(hosted > 1 ? std::span<const float>(dealt) : mine, counts, received, parts.all());
  return parts;
}

/// Collective on comm.
void gather_slices(const Communicator& comm, std::span<const float> slice, std::span<float> target) {
  std::vector<int> counts;
  for (int rank = 0; rank < comm.size(); ++rank) counts.push_back(slice_of(target.size(), rank, comm.size()).size());
  comm.all_gather_v<float>(slice, counts, target);
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

void add_weighted_sum(const Communicator& comm, std::span<const float> mine, std::span<const int> rows, std::span<const double> weights,
                      std::span<float> target) {
  const Range slice = slice_of(target.size(), comm.rank(), comm.size());
  const auto width = static_cast<std::size_t>(slice.size());
  const Buffer parts = exchange_slices(comm, mine, rows, target.size()), updated(width);
  for (std::size_t first = 0; first < width; first += coordinate_block) {  // a block stays in the cache
    const std::size_t count = std::min(coordinate_block, width - first);
    std::array<double, coordinate_block> sum{};
    for (std::size_t vector = 0; vector < weights.size(); ++vector) {
      const float* part = parts.memory.get() + vector * width + first;
      for (std::size_t i = 0; i < count; ++i) sum[i] += weights[vector] * part[i];
    }
    for (std::size_t i = 0; i < count; ++i) {
      updated.all()[first + i] = static_cast<float>(target[static_cast<std::size_t>(slice.first) + first + i] + sum[i]);
    }
  }
  gather_slices(comm, updated.all(), target);
}

void combine_robustly(const Communicator& comm, std::span<const float> mine, std::span<const int> rows, const RobustRule& rule,
                      std::span<float> target) {
  const Range slice = slice_of(target.size(), comm.rank(), comm.size());
  const auto vectors = static_cast<std::size_t>(std::accumulate(rows.begin(), rows.end(), 0));
  const Buffer parts = exchange_slices(comm, mine, rows, target.size());
  std::vector<double> distances;
  if (measures_distances(rule.rule)) {
    const int counted = std::clamp(static_cast<int>(rule.judged) - slice.first, 0, slice.size());
    distances = comm.all_gather_v<double>(pair_distances(parts.all(), vectors, static_cast<std::size_t>(counted)));
  }
  std::vector<float> combined(slice.size());
  combine(parts.all(), vectors, rule, distances, combined);
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
