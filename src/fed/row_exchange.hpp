#pragma once

#include "fed/message.hpp"
#include "fed/options.hpp"
#include "runtime/communicator.hpp"
#include "runtime/host_memory.hpp"

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace gridfed {

/// A rule of fed/robust.hpp and what it needs.
struct RobustRule {
  Aggregation rule = Aggregation::median;
  int byzantine = 0;
  std::size_t judged = 0;  ///< leading coordinates in which Krum measures distances
};

/// The vectors or messages that clients hand over in a round, a row each, and what is made of them. A rank works on a slice of the
/// coordinates, on whole blocks of them, in client order and in double: every rank ends with the same bits, for any number of ranks and
/// hosts. Rows lie in memory that the ranks of a host share, so only what other hosts need is sent: of a vector to each rank its slice, and
/// every result once to each host; a message once to each host, where its ranks share out the coordinates.
///
/// A round: every rank writes its rows, the ranks meet (any collective call that ends nowhere before all have written), and all ask for
/// one result or several, of columns of their own. What was returned holds until the ranks have met again, or where it was kept until the
/// next is.
class RowExchange {
 public:
  struct Columns {
    std::size_t first = 0, count = 0;
  };

  /// Collective on comm, which must outlive this object. rows: the most that this rank hands over; length of one. host: see HostMemory.
  RowExchange(const Communicator& comm, Communicator host, std::size_t rows, std::size_t length);

  /// The last result stays as it is until another is kept.
  void keep() { turn_ = 1 - turn_; }
  /// Of this rank; its values are what was left there.
  std::span<float> row(std::size_t i) const;
  /// Puts a message where the row is.
  void put(std::size_t i, std::span<const std::byte> message);

  /// Collective on comm. base + sum of weight * row in some columns, weights for each delivered row in client order; an empty base counts
  /// as zeros. rows says how many each rank hands over.
  std::span<const float> weighted_sum(Columns columns, std::span<const int> rows, std::span<const double> weights,
                                      std::span<const float> base);
  /// Collective on comm. What the rule makes of the rows in the first columns.
  std::span<const float> combine(std::size_t columns, std::span<const int> rows, const RobustRule& rule);

  /// Collective on comm. base + sum of weight * decoded message, each scaled down to clip_norm first; lengths and weights for each message
  /// in client order. Throws AgreedError if a message is malformed.
  std::span<const float> weighted_message_sum(std::span<const int> rows, std::span<const std::size_t> lengths,
                                              std::span<const double> weights, double clip_norm, std::span<const float> base);
  /// Collective on comm. What the rule makes of the decoded messages.
  std::span<const float> combine_messages(std::span<const int> rows, std::span<const std::size_t> lengths, const RobustRule& rule);

 private:
  std::span<float> result() const;
  bool one_host() const;
  void make_room();
  std::vector<int> neighbours(int rank) const;
  std::vector<const float*> gather_slices(Columns columns, std::span<const int> rows);
  std::span<const float> share_results(Columns columns);
  std::vector<std::span<const std::byte>> gather_messages(std::span<const int> rows, std::span<const std::size_t> lengths);

  const Communicator& comm_;
  std::size_t length_, stride_;       ///< floats of a row, and from one to the next
  HostMemory memory_;                 ///< of each rank places for two results, of which those of the host's first count, and its rows
  std::size_t turn_ = 0;              ///< which place is for the next result
  std::vector<int> first_ranks_;      ///< of the host of every rank of comm
  std::optional<HostMemory> remote_;  ///< where there are several hosts: of each rank the messages that it takes in for its host
  std::vector<float> sent_, received_;
};

/// What the rule makes of vectors, one after the other. block_distances: as pair_distances returns them, of all blocks in order.
void combine_robustly(std::span<const float> rows, std::size_t vectors, const RobustRule& rule, std::span<const double> block_distances,
                      std::span<float> target);
bool measures_distances(Aggregation rule);

}  // namespace gridfed
