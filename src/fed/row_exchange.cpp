#include "fed/row_exchange.hpp"

#include "fed/robust.hpp"
#include "privacy/clip.hpp"
#include "runtime/error.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

namespace gridfed {

namespace {

constexpr std::size_t line = 16;  // floats: rows begin where a line of the cache does

constexpr std::size_t chunk = 32;  // coordinates whose sums stay in registers
constexpr std::size_t places = 2;  // for results, before the rows

/// What one of some ranks works on: whole blocks.
Range slice_of(std::size_t length, int rank, int ranks) {
  const Range blocks = block_range(static_cast<int>((length + coordinate_block - 1) / coordinate_block), rank, ranks);
  const auto bounded = [&](int block) { return static_cast<int>(std::min(length, static_cast<std::size_t>(block) * coordinate_block)); };
  return {bounded(blocks.first), bounded(blocks.last)};
}

/// Floats from one row to the next: a row holds a vector or its longest message.
std::size_t stride_of(std::size_t length) {
  return (std::max(length, longest_message(length) / sizeof(float) + 1) + line - 1) / line * line;
}

std::span<float> floats(std::span<std::byte> memory) {
  return {reinterpret_cast<float*>(memory.data()), memory.size() / sizeof(float)};
}

void average_rows(std::span<const float> rows, std::span<const std::size_t> chosen, std::span<float> target) {
  std::vector<double> sum(target.size(), 0.0);
  for (const std::size_t row : chosen) {
    for (std::size_t i = 0; i < target.size(); ++i) sum[i] += rows[row * target.size() + i];
  }
  for (std::size_t i = 0; i < target.size(); ++i) target[i] = static_cast<float>(sum[i] / static_cast<double>(chosen.size()));
}

}  // namespace

RowExchange::RowExchange(const Communicator& comm, Communicator host, std::size_t rows, std::size_t length)
    : comm_(comm), length_(length), stride_(stride_of(length)), memory_(comm, std::move(host), (rows + places) * stride_ * sizeof(float)) {
  const std::array<int, 1> first{memory_.ranks().front()};
  first_ranks_ = comm.all_gather_v<int>(first);
}

/// Collective on comm. Room for the messages of other hosts.
void RowExchange::make_room() {
  const std::array<std::uint64_t, 1> own{memory_.own().size()};
  const auto all = comm_.all_gather_v<std::uint64_t>(own);
  const std::size_t slots = std::accumulate(all.begin(), all.end(), std::size_t{0}) / (stride_ * sizeof(float));
  const std::size_t ranks = memory_.ranks().size();
  remote_.emplace(comm_, memory_.host().split(0, memory_.host().rank()), (slots + ranks - 1) / ranks * stride_ * sizeof(float));
}

std::span<float> RowExchange::row(std::size_t i) const {
  return floats(memory_.own()).subspan((i + places) * stride_, length_);
}

void RowExchange::put(std::size_t i, std::span<const std::byte> message) {
  const auto place = memory_.own().subspan((i + places) * stride_ * sizeof(float), stride_ * sizeof(float));
  if (message.size() > place.size()) throw Error("a message of {} bytes does not fit a row of {}", message.size(), place.size());
  std::copy(message.begin(), message.end(), place.begin());
}

/// Of the host, in the part of its first rank.
std::span<float> RowExchange::result() const {
  return floats(memory_.part(0)).subspan(turn_ * stride_, length_);
}

bool RowExchange::one_host() const {
  return memory_.host().size() == comm_.size();
}

/// Ranks of comm on the host of a rank.
std::vector<int> RowExchange::neighbours(int rank) const {
  std::vector<int> all;
  for (int other = 0; other < comm_.size(); ++other) {
    if (first_ranks_[other] == first_ranks_[rank]) all.push_back(other);
  }
  return all;
}

/// Collective on comm. Where this rank's slice of every vector begins, in client order.
std::vector<const float*> RowExchange::gather_slices(Columns columns, std::span<const int> rows) {
  const int here = comm_.rank(), width = slice_of(columns.count, here, comm_.size()).size();
  memory_.sync();
  if (!one_host()) {
    std::vector<int> counts, received;
    sent_.clear();
    for (int rank = 0; rank < comm_.size(); ++rank) {
      const bool remote = first_ranks_[rank] != first_ranks_[here];
      const Range theirs = slice_of(columns.count, rank, comm_.size());
      for (int i = 0; remote && i < rows[here]; ++i) {
        const auto part = row(static_cast<std::size_t>(i)).subspan(columns.first + theirs.first, theirs.size());
        sent_.insert(sent_.end(), part.begin(), part.end());
      }
      counts.push_back(remote ? rows[here] * theirs.size() : 0);
      received.push_back(remote ? rows[rank] * width : 0);
    }
    received_.resize(static_cast<std::size_t>(std::accumulate(received.begin(), received.end(), 0)));
    comm_.all_to_all_v<float>(sent_, counts, received, std::span<float>(received_));
  }
  std::vector<const float*> begins;
  const float* received = received_.data();
  for (int rank = 0, k = 0; rank < comm_.size(); ++rank) {
    const bool near = first_ranks_[rank] == first_ranks_[here];
    for (std::size_t i = 0; i < static_cast<std::size_t>(rows[rank]); ++i) {
      begins.push_back(near ? floats(memory_.part(k)).data() + (i + places) * stride_ + columns.first +
                                  slice_of(columns.count, here, comm_.size()).first
                            : received);
      if (!near) received += width;
    }
    if (near) ++k;
  }
  return begins;
}

/// Collective on comm. What every rank made of its slice, to every host, where one of its ranks takes it in.
std::span<const float> RowExchange::share_results(Columns columns) {
  const auto target = result().subspan(columns.first, columns.count);
  if (!one_host()) {
    const int here = comm_.rank(), local = memory_.host().rank(), size = memory_.host().size();
    const Range mine = slice_of(columns.count, here, comm_.size());
    std::vector<int> counts(comm_.size(), 0), received(comm_.size(), 0);
    sent_.clear();
    for (int rank = 0; rank < comm_.size(); ++rank) {
      if (first_ranks_[rank] == first_ranks_[here]) continue;
      const auto theirs = neighbours(rank);
      if (theirs[static_cast<std::size_t>(here) % theirs.size()] == rank) {
        counts[rank] = mine.size();
        const auto part = target.subspan(mine.first, mine.size());
        sent_.insert(sent_.end(), part.begin(), part.end());
      }
      if (rank % size == local) received[rank] = slice_of(columns.count, rank, comm_.size()).size();
    }
    received_.resize(static_cast<std::size_t>(std::accumulate(received.begin(), received.end(), 0)));
    comm_.all_to_all_v<float>(sent_, counts, received, std::span<float>(received_));
    const float* next = received_.data();
    for (int rank = 0; rank < comm_.size(); ++rank) {
      std::copy_n(next, received[rank], target.begin() + slice_of(columns.count, rank, comm_.size()).first);
      next += received[rank];
    }
  }
  memory_.sync();
  comm_.barrier();
  memory_.sync();
  return target;
}

std::span<const float> RowExchange::weighted_sum(Columns columns, std::span<const int> rows, std::span<const double> weights,
                                                 std::span<const float> base) {
  const std::vector<const float*> vectors = gather_slices(columns, rows);
  const Range mine = slice_of(columns.count, comm_.rank(), comm_.size());
  float* target = result().data() + columns.first;
  for (int first = mine.first; first < mine.last; first += static_cast<int>(chunk)) {
    const auto count = std::min(chunk, static_cast<std::size_t>(mine.last - first));
    std::array<double, chunk> sum{};
    for (std::size_t vector = 0; vector < vectors.size(); ++vector) {
      const float* part = vectors[vector] + (first - mine.first);
      if (count == chunk) {
        for (std::size_t i = 0; i < chunk; ++i) sum[i] += weights[vector] * part[i];
      } else {
        for (std::size_t i = 0; i < count; ++i) sum[i] += weights[vector] * part[i];
      }
    }
    if (base.empty()) {
      for (std::size_t i = 0; i < count; ++i) target[first + i] = static_cast<float>(sum[i]);
    } else {
      for (std::size_t i = 0; i < count; ++i) target[first + i] = static_cast<float>(base[first + i] + sum[i]);
    }
  }
  return share_results(columns);
}

std::span<const float> RowExchange::combine(std::size_t count, std::span<const int> rows, const RobustRule& rule) {
  const Columns columns{0, count};
  const std::vector<const float*> vectors = gather_slices(columns, rows);
  const Range mine = slice_of(columns.count, comm_.rank(), comm_.size());
  std::vector<float> parts;  // [vectors, slice]
  for (const float* vector : vectors) parts.insert(parts.end(), vector, vector + mine.size());
  std::vector<double> distances;
  if (measures_distances(rule.rule)) {
    const int counted = std::clamp(static_cast<int>(rule.judged) - mine.first, 0, mine.size());
    distances = comm_.all_gather_v<double>(pair_distances(parts, vectors.size(), static_cast<std::size_t>(counted)));
  }
  combine_robustly(parts, vectors.size(), rule, distances, result().subspan(static_cast<std::size_t>(mine.first), mine.size()));
  return share_results(columns);
}

/// Collective on comm. The messages of all clients in client order; those of other hosts are taken in by the ranks of this one in turn.
std::vector<std::span<const std::byte>> RowExchange::gather_messages(std::span<const int> rows, std::span<const std::size_t> lengths) {
  const int here = comm_.rank(), hosted = memory_.host().size();
  const std::size_t bytes = stride_ * sizeof(float);
  if (!one_host() && !remote_) make_room();
  memory_.sync();
  std::vector<std::span<const std::byte>> messages;
  std::vector<std::vector<std::byte>> sent(comm_.size());
  std::vector<int> counts(comm_.size(), 0), received(comm_.size(), 0);
  std::vector<std::span<std::byte>> taken_in;
  for (int rank = 0, k = 0, message = 0; rank < comm_.size(); ++rank) {
    const bool near = first_ranks_[rank] == first_ranks_[here];
    for (int i = 0; i < rows[rank]; ++i, ++message) {
      const std::size_t length = lengths[message];
      if (near) {
        messages.push_back(memory_.part(k).subspan((static_cast<std::size_t>(i) + places) * bytes, length));
      } else {
        const auto place = remote_->part(message % hosted).subspan(static_cast<std::size_t>(message / hosted) * bytes, length);
        messages.push_back(place);
        if (message % hosted == memory_.host().rank()) {
          taken_in.push_back(place);
          received[rank] += static_cast<int>(length);
        }
      }
      for (int other = 0; rank == here && other < comm_.size(); ++other) {
        if (first_ranks_[other] == first_ranks_[here]) continue;
        const auto theirs = neighbours(other);
        if (theirs[static_cast<std::size_t>(message) % theirs.size()] != other) continue;
        sent[other].insert(sent[other].end(), messages.back().begin(), messages.back().end());
        counts[other] += static_cast<int>(length);
      }
    }
    if (near) ++k;
  }
  if (!one_host()) {
    std::vector<std::byte> outgoing, incoming(static_cast<std::size_t>(std::accumulate(received.begin(), received.end(), 0)));
    for (const auto& part : sent) outgoing.insert(outgoing.end(), part.begin(), part.end());
    comm_.all_to_all_v<std::byte>(outgoing, counts, received, std::span(incoming));
    std::span<const std::byte> rest(incoming);
    for (const auto place : taken_in) {
      std::copy_n(rest.begin(), place.size(), place.begin());
      rest = rest.subspan(place.size());
    }
    remote_->sync();
    comm_.barrier();
    remote_->sync();
  }
  return messages;
}

std::span<const float> RowExchange::weighted_message_sum(std::span<const int> rows, std::span<const std::size_t> lengths,
                                                         std::span<const double> weights, double clip_norm, std::span<const float> base) {
  static_assert(MessageView::block == coordinate_block);
  const auto received = gather_messages(rows, lengths);
  agreed(comm_, [&] {
    std::vector<MessageView> messages;
    for (const auto message : received) messages.emplace_back(message, length_);
    std::vector<double> factors(messages.size(), 1.0);
    for (std::size_t i = 0; i < messages.size() && std::isfinite(clip_norm); ++i) factors[i] = clip_factor(messages[i].norm(), clip_norm);
    const Range mine = slice_of(length_, memory_.host().rank(), memory_.host().size());
    float* target = result().data();
    for (int first = mine.first; first < mine.last; first += static_cast<int>(coordinate_block)) {
      const auto count = std::min(coordinate_block, static_cast<std::size_t>(mine.last - first));
      std::array<double, coordinate_block> sum{};
      for (std::size_t i = 0; i < messages.size(); ++i) {
        messages[i].add(static_cast<std::size_t>(first) / coordinate_block, factors[i], weights[i], sum);
      }
      for (std::size_t i = 0; i < count; ++i) target[first + i] = static_cast<float>(base[first + i] + sum[i]);
    }
    memory_.sync();
  });
  memory_.sync();
  return result();
}

std::span<const float> RowExchange::combine_messages(std::span<const int> rows, std::span<const std::size_t> lengths,
                                                     const RobustRule& rule) {
  const auto messages = gather_messages(rows, lengths);
  agreed(comm_, [&] {
    if (memory_.host().rank() == 0) {
      std::vector<float> decoded(messages.size() * length_, 0.0f);
      for (std::size_t i = 0; i < messages.size(); ++i) {
        const SparseUpdate update = decode(messages[i], length_);
        std::size_t next = 0;
        for (const std::uint32_t index : update.indices()) decoded[i * length_ + index] = update.values[next++];
      }
      const auto distances = measures_distances(rule.rule) ? pair_distances(decoded, messages.size(), rule.judged) : std::vector<double>{};
      combine_robustly(decoded, messages.size(), rule, distances, result());
    }
    memory_.sync();
  });
  memory_.sync();
  return result();
}

bool measures_distances(Aggregation rule) {
  return rule == Aggregation::krum || rule == Aggregation::multi_krum;
}

void combine_robustly(std::span<const float> rows, std::size_t vectors, const RobustRule& rule, std::span<const double> block_distances,
                      std::span<float> target) {
  if (rule.rule == Aggregation::median) return coordinate_median(rows, vectors, target);
  if (rule.rule == Aggregation::trimmed_mean) return trimmed_mean(rows, vectors, rule.byzantine, target);
  std::vector<double> distances(vectors * (vectors - 1) / 2, 0.0);
  for (std::size_t i = 0; i < block_distances.size(); ++i) distances[i % distances.size()] += block_distances[i];
  const std::size_t kept = rule.rule == Aggregation::krum ? 1 : vectors - static_cast<std::size_t>(rule.byzantine);
  average_rows(rows, krum_choice(distances, vectors, rule.byzantine, kept), target);
}

}  // namespace gridfed
