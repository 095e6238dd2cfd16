#include "frames.hpp"

#include "field/dnp3/crc.hpp"

namespace gridfed::dnp3 {
namespace {

TEST(Crc, CheckValueOfTheStandard) {
  const std::string_view digits = "123456789";
  EXPECT_EQ(crc({reinterpret_cast<const std::uint8_t*>(digits.data()), digits.size()}), 0xEA82);
}

TEST(Crc, OfNothingIsTheComplementOfZero) {
  EXPECT_EQ(crc({}), 0xFFFF);
}

TEST(Crc, EverySingleFlippedBitOfAFullBlockIsSeen) {
  Bytes block(16);
  for (std::size_t i = 0; i < block.size(); ++i) block[i] = static_cast<std::uint8_t>(37 * i + 11);
  const auto right = crc(block);
  for (std::size_t bit = 0; bit < 8 * block.size(); ++bit) {
    block[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
    EXPECT_NE(crc(block), right) << bit;
    block[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
  }
}

}  // namespace
}  // namespace gridfed::dnp3
