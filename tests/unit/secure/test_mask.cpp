#include "secure/mask.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace gridfed {
namespace {

// openssl enc -aes-256-ctr with the key 00 01 ... 1f and a counter of zero.
TEST(Mask, IsTheStreamOfAesInCounterMode) {
  Key key;
  for (std::size_t i = 0; i < key.size(); ++i) key[i] = static_cast<unsigned char>(i);
  std::vector<std::uint32_t> words(4, 10);
  add_mask(words, key, Sign::plus);
  EXPECT_EQ(words, (std::vector<std::uint32_t>{3053490428u, 3500099892u, 1788539827u, 2155294439u}));
  std::vector<std::uint64_t> longs(1, 0);
  add_mask(longs, key, Sign::plus);
  EXPECT_EQ(longs[0], 3500099882ull << 32 | 3053490418ull);
}

TEST(Mask, OfBothSignsCancelsAtEveryLength) {
  const Key key = random_key();
  for (const std::size_t size : {0u, 1u, 4095u, 4096u, 4097u, 20000u}) {
    std::vector<std::uint32_t> words(size, 0xfffffff0u);
    std::vector<std::uint64_t> longs(size, ~0ull);
    add_mask(words, key, Sign::plus);
    add_mask(words, key, Sign::minus);
    add_mask(longs, key, Sign::minus);
    add_mask(longs, key, Sign::plus);
    EXPECT_EQ(words, std::vector<std::uint32_t>(size, 0xfffffff0u));
    EXPECT_EQ(longs, std::vector<std::uint64_t>(size, ~0ull));
  }
}

TEST(Mask, LooksUniform) {
  std::vector<std::uint32_t> words(100000, 7);
  add_mask(words, random_key(), Sign::plus);
  std::vector<int> counts(256);
  for (const std::uint32_t word : words) ++counts[word >> 24];
  double chi = 0;
  const double expected = static_cast<double>(words.size()) / 256;
  for (const int count : counts) chi += (count - expected) * (count - expected) / expected;
  EXPECT_LT(chi, 400);  // 255 degrees of freedom: 6.4 standard deviations
}

}  // namespace
}  // namespace gridfed
