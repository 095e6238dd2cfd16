#include "secure/shamir.hpp"

#include "runtime/error.hpp"

#include <gtest/gtest.h>

#include <bit>

namespace gridfed {
namespace {

TEST(Shamir, EverySetOfEnoughSharesGivesTheSecret) {
  const Key secret = random_key();
  for (int shares = 1; shares <= 6; ++shares) {
    for (int threshold = 1; threshold <= shares; ++threshold) {
      const auto all = split_secret(secret, shares, threshold);
      for (unsigned set = 1; set < 1u << shares; ++set) {
        std::vector<SecretShare> chosen;
        for (int i = 0; i < shares; ++i) {
          if (set >> i & 1u) chosen.push_back(all[i]);
        }
        EXPECT_EQ(join_secret(chosen) == secret, std::popcount(set) >= threshold) << shares << ' ' << threshold << ' ' << set;
      }
    }
  }
}

// In GF(2^8), 0x57 * 0x83 = 0xc1 (FIPS 197, section 4.2): a line through 0x57 at 0 with slope 1 is 0x57 ^ x.
TEST(Shamir, JoinsPointsOfAKnownLine) {
  std::vector<SecretShare> shares{{.point = 2, .values = {}}, {.point = 0x83, .values = {}}};
  shares[0].values.fill(0x57 ^ 2);
  shares[1].values.fill(0x57 ^ 0x83);
  Key expected;
  expected.fill(0x57);
  EXPECT_EQ(join_secret(shares), expected);
}

TEST(Shamir, OneShareLessSaysNothing) {
  const Key zero{};  // a share of a known secret is as uniform as any
  std::vector<int> counts(256);
  for (int i = 0; i < 2000; ++i) {
    const Key values = split_secret(zero, 3, 2)[0].values;
    for (const unsigned char byte : values) ++counts[byte];
  }
  double chi = 0;
  for (const int count : counts) chi += (count - 250.0) * (count - 250.0) / 250.0;
  EXPECT_LT(chi, 400);
}

TEST(Shamir, RefusesImpossibleThresholdsAndForgedPoints) {
  EXPECT_THROW(split_secret(Key{}, 3, 4), Error);
  EXPECT_THROW(split_secret(Key{}, 256, 4), Error);
  EXPECT_THROW(split_secret(Key{}, 3, 0), Error);
  auto shares = split_secret(Key{}, 3, 2);
  shares[1].point = 1;
  EXPECT_THROW(join_secret(shares), Error);
  EXPECT_THROW(join_secret({}), Error);
}

}  // namespace
}  // namespace gridfed
