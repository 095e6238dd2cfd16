#include "secure/key_agreement.hpp"

#include "runtime/error.hpp"

#include <gtest/gtest.h>

#include <string_view>

namespace gridfed {
namespace {

Key from_hex(std::string_view text) {
  Key key;
  for (std::size_t i = 0; i < key.size(); ++i)
    key[i] = static_cast<unsigned char>(std::stoi(std::string(text.substr(2 * i, 2)), nullptr, 16));
  return key;
}

// RFC 7748, section 5.2: the first step of the iteration that starts from 9.
TEST(KeyPair, HasThePublicKeyOfTheStandard) {
  Key nine{};
  nine[0] = 9;
  EXPECT_EQ(KeyPair(nine).public_key(), from_hex("422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079"));
}

TEST(KeyPair, BothEndsAgreeAndOnlyForOnePurpose) {
  const KeyPair a, b, c;
  const Key ab = a.agree(b.public_key(), "masks");
  EXPECT_EQ(ab, b.agree(a.public_key(), "masks"));
  EXPECT_NE(ab, a.agree(b.public_key(), "shares"));
  EXPECT_NE(ab, a.agree(c.public_key(), "masks"));
}

TEST(KeyPair, RefusesAPointOfLowOrder) {
  const KeyPair a;
  EXPECT_THROW(a.agree(Key{}, "masks"), Error);
}

// The first 32 bytes for a secret of 32 bytes 0x0b without salt, info 'gridfed', worked out with Python's hmac: HMAC(HMAC(0, secret), info
// 0x01).
TEST(DeriveKey, IsHkdfWithSha256) {
  Key secret;
  secret.fill(0x0b);
  EXPECT_EQ(derive_key(secret, "gridfed"), from_hex("61395d640f8c45f6f7b369e318cb9a6d8856213ce51b543a9d3beeb870f28b37"));
  EXPECT_NE(derive_key(secret, "gridfed"), derive_key(secret, "other"));
}

TEST(Sha256, IsTheStandardDigest) {
  EXPECT_EQ(sha256(Key{}), from_hex("66687aadf862bd776c8fc18b8e9f8e20089714856ee233b3902a591d0d5f2925"));
}

TEST(RandomKey, DoesNotRepeat) {
  EXPECT_NE(random_key(), random_key());
}

}  // namespace
}  // namespace gridfed
