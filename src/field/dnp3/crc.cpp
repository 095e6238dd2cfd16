#include "field/dnp3/crc.hpp"

#include <array>

namespace gridfed::dnp3 {

namespace {

constexpr std::uint16_t reflected_polynomial = 0xA6BC;

constexpr auto table = [] {
  std::array<std::uint16_t, 256> entries{};
  for (unsigned byte = 0; byte < entries.size(); ++byte) {
    unsigned value = byte;
    for (int bit = 0; bit < 8; ++bit) value = value & 1 ? value >> 1 ^ reflected_polynomial : value >> 1;
    entries[byte] = static_cast<std::uint16_t>(value);
  }
  return entries;
}();

}  // namespace

std::uint16_t crc(ByteSpan bytes) {
  unsigned value = 0;
  for (const auto byte : bytes) value = value >> 8 ^ table[(value ^ byte) & 0xFF];
  return static_cast<std::uint16_t>(~value);
}

}  // namespace gridfed::dnp3
