#pragma once

#include "runtime/communicator.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace gridfed {

/// Who takes part in a secure sum; the same on every rank.
struct MaskedParties {
  std::vector<int> participants;  ///< clients, ascending
  std::vector<bool> delivered;    ///< which of them hand over a vector
  Range hosted;                   ///< clients of this rank
  int threshold = 1;              ///< least number that must deliver
};

/// Collective on comm. Sum modulo 2^32 or 2^64 of the delivered vectors of `length` words, by pairwise masks: only masked vectors leave a
/// client. rows: those of the clients hosted here, one after the other; they are masked in place. Throws AgreedError if fewer than the
/// threshold deliver, or if a message was tampered with.
std::vector<std::uint32_t> masked_sum(const Communicator& comm, const MaskedParties& parties, std::span<std::uint32_t> rows,
                                      std::size_t length);
std::vector<std::uint64_t> masked_sum(const Communicator& comm, const MaskedParties& parties, std::span<std::uint64_t> rows,
                                      std::size_t length);

/// Bytes that a participant sends beside its vector, among so many.
std::size_t mask_overhead_bytes(std::size_t participants);

}  // namespace gridfed
