#pragma once

#include <bit>
#include <chrono>
#include <cstdint>
#include <span>
#include <vector>

/// Bytes and clocks of the protocol.
namespace gridfed::dnp3 {

using Bytes = std::vector<std::uint8_t>;
using ByteSpan = std::span<const std::uint8_t>;

/// Monotonic time since any fixed origin. Every time-out counts on it, so a jump of the calendar clock moves none.
using Instant = std::chrono::microseconds;
using Duration = std::chrono::microseconds;

/// Calendar time as the protocol carries it: milliseconds since 1970 UTC, 48 bits.
using UtcMilliseconds = std::uint64_t;
constexpr UtcMilliseconds latest_time = (1ULL << 48) - 1;

/// Little-endian reading that cannot leave its bytes: past the end it yields zeros and ok() turns false.
class ByteReader {
 public:
  explicit ByteReader(ByteSpan bytes) : bytes_(bytes) {}

  bool ok() const { return ok_; }
  std::size_t left() const { return bytes_.size(); }
  ByteSpan rest() const { return bytes_; }

  ByteSpan take(std::size_t count) {
    if (count > bytes_.size()) {
      ok_ = false;
      count = 0;
    }
    const auto taken = bytes_.first(count);
    bytes_ = bytes_.subspan(count);
    return taken;
  }

  /// An unsigned number of up to eight bytes.
  std::uint64_t unsigned_number(int bytes) {
    std::uint64_t value = 0;
    int shift = 0;
    for (const auto byte : take(static_cast<std::size_t>(bytes))) {
      value |= static_cast<std::uint64_t>(byte) << shift;
      shift += 8;
    }
    return value;
  }
  std::uint8_t u8() { return static_cast<std::uint8_t>(unsigned_number(1)); }
  std::uint16_t u16() { return static_cast<std::uint16_t>(unsigned_number(2)); }
  std::uint32_t u32() { return static_cast<std::uint32_t>(unsigned_number(4)); }

 private:
  ByteSpan bytes_;
  bool ok_ = true;
};

/// Appends the low bytes of a value, lowest first.
inline void put(Bytes& out, std::uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) out.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
}

inline void put(Bytes& out, ByteSpan bytes) {
  out.insert(out.end(), bytes.begin(), bytes.end());
}

}  // namespace gridfed::dnp3
