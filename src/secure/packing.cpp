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

std::vector<Plaintext> SlotPacking::pack(std::span<const std::int64_t> sums, int clients) const {
  if (clients > clients_) throw Error("levels of {} clients were to be packed for {}", clients, clients_);
  std::vector<Plaintext> plaintexts((sums.size() + slots_ - 1) / slots_, Plaintext{});
  const std::int64_t top = top_ * clients;
  for (std::size_t i = 0; i < sums.size(); ++i) {
    if (sums[i] < -top || sums[i] > top) throw Error("the level {} does not lie within {}: clip the update", sums[i], top);
    const auto slot = static_cast<std::uint64_t>(sums[i] + top);
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
  const auto read = [&](const Plaintext& text, std::size_t at, std::size_t bits) {
    std::uint64_t slot = 0;
    for (std::size_t bit = 0; bit < bits;) {
      const std::size_t shift = (at + bit) % 8;
      slot |= static_cast<std::uint64_t>(text[(at + bit) / 8] >> shift) << bit;
      bit += 8 - shift;
    }
    return slot & ((std::uint64_t{1} << bits) - 1);
  };
  const auto bits = static_cast<std::size_t>(bits_);
  const std::uint64_t largest = 2 * static_cast<std::uint64_t>(top_) * static_cast<std::uint64_t>(clients);
  std::vector<std::int64_t> levels(count);
  bool possible = true;
  for (std::size_t i = 0; i < sums.size() * slots_; ++i) {
    const std::uint64_t slot = read(sums[i / slots_], i % slots_ * bits, bits);
    possible &= slot <= (i < count ? largest : 0);
    if (i < count) levels[i] = static_cast<std::int64_t>(slot) - clients * top_;
  }
  for (const Plaintext& text : sums) {  // above the slots
    for (std::size_t bit = slots_ * bits; bit < 8 * text.size(); ++bit) possible &= (text[bit / 8] >> (bit % 8) & 1) == 0;
  }
  if (!possible) throw Error("a decrypted sum is none that {} clients can make (a ciphertext was damaged): repeat the round", clients);
  return levels;
}

}  // namespace gridfed
