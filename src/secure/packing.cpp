#include "secure/packing.hpp"

#include "runtime/error.hpp"

#include <bit>

namespace gridfed {

SlotPacking::SlotPacking(std::int64_t top, int clients) : top_(top), clients_(clients) {
  if (top < 1 || clients < 1 || top > (std::int64_t{1} << 60) / clients) {
    throw Error("levels up to {} of {} clients do not fit a slot of 62 bits: lower fed.bits", top, clients);
  }
  bits_ = std::bit_width(static_cast<std::uint64_t>(clients) * 2 * static_cast<std::uint64_t>(top));
  slots_ = static_cast<std::size_t>(2047 / bits_);
}

std::vector<Plaintext> SlotPacking::pack(std::span<const std::int64_t> levels) const {
  std::vector<Plaintext> plaintexts((levels.size() + slots_ - 1) / slots_, Plaintext{});
  for (std::size_t i = 0; i < levels.size(); ++i) {
    if (levels[i] < -top_ || levels[i] > top_) throw Error("the level {} does not lie within {}: clip the update", levels[i], top_);
    const auto slot = static_cast<std::uint64_t>(levels[i] + top_);
    const std::size_t at = i % slots_ * static_cast<std::size_t>(bits_);
    for (std::size_t bit = 0; bit < static_cast<std::size_t>(bits_);) {  // a byte's part at a time
      const std::size_t shift = (at + bit) % 8;
      plaintexts[i / slots_][(at + bit) / 8] |= static_cast<unsigned char>(slot >> bit << shift);
      bit += 8 - shift;
    }
  }
  return plaintexts;
}

std::vector<std::int64_t> SlotPacking::unpack(std::span<const Plaintext> sums, std::size_t count, int clients) const {
  if (clients > clients_) throw Error("sums of {} clients were packed for {}", clients, clients_);
  std::vector<std::int64_t> levels(count);
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t at = i % slots_ * static_cast<std::size_t>(bits_);
    std::uint64_t slot = 0;
    for (std::size_t bit = 0; bit < static_cast<std::size_t>(bits_);) {
      const std::size_t shift = (at + bit) % 8;
      slot |= static_cast<std::uint64_t>(sums[i / slots_][(at + bit) / 8] >> shift) << bit;
      bit += 8 - shift;
    }
    slot &= (std::uint64_t{1} << bits_) - 1;
    levels[i] = static_cast<std::int64_t>(slot) - clients * top_;
  }
  return levels;
}

}  // namespace gridfed
