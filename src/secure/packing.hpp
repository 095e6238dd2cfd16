#pragma once

#include "secure/paillier.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace gridfed {

/// Many small integers in one plaintext. Slots hold level + top, from 0 to 2 top, so sums of up to `clients` of them stay below
/// 2^slot_bits > clients * 2 top: no slot can carry into the next, and all slots together stay below 2^2047.
class SlotPacking {
 public:
  /// Levels from -top to top. Throws Error if a slot would take more than 62 bits.
  SlotPacking(std::int64_t top, int clients);

  int slot_bits() const { return bits_; }
  std::size_t slots() const { return slots_; }
  /// Each number is the sum of the levels of so many clients. Throws Error if one is out of range.
  std::vector<Plaintext> pack(std::span<const std::int64_t> sums, int clients = 1) const;
  /// The `count` sums that plaintexts of that many clients make when they are added up. Throws Error if there are more clients than planned
  /// or a sum is out of their range: nothing that was packed decrypts to that.
  std::vector<std::int64_t> unpack(std::span<const Plaintext> sums, std::size_t count, int clients) const;

 private:
  std::int64_t top_;
  int clients_, bits_;
  std::size_t slots_;
};

}  // namespace gridfed
