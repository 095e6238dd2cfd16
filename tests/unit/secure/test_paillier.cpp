#include "secure/paillier.hpp"

#include "runtime/error.hpp"
#include "secure/packing.hpp"

#include <gtest/gtest.h>

namespace gridfed {
namespace {

class Paillier : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    holder = new PaillierKeyHolder;
    key = new PaillierPublicKey(holder->public_parts());
  }
  static void TearDownTestSuite() {
    delete key;
    delete holder;
  }
  inline static PaillierKeyHolder* holder = nullptr;
  inline static PaillierPublicKey* key = nullptr;
};

Plaintext plain(std::initializer_list<std::pair<int, int>> bytes) {
  Plaintext text{};
  for (const auto& [at, value] : bytes) text[at] = static_cast<unsigned char>(value);
  return text;
}

TEST_F(Paillier, DecryptsWhatEitherSideEncrypts) {
  Plaintext largest;
  largest.fill(255);
  largest.back() = 127;
  for (const Plaintext& text : {Plaintext{}, plain({{0, 1}}), plain({{17, 200}, {255, 127}}), largest}) {
    EXPECT_EQ(holder->decrypt(key->encrypt(text)), text);
    EXPECT_EQ(holder->decrypt(holder->encrypt(text)), text);
  }
}

TEST_F(Paillier, TheSameTextEncryptsDifferently) {
  EXPECT_NE(key->encrypt(Plaintext{}), key->encrypt(Plaintext{}));
  EXPECT_NE(holder->encrypt(Plaintext{}), holder->encrypt(Plaintext{}));
}

TEST_F(Paillier, AProductDecryptsToTheSum) {
  Ciphertext sum = key->encrypt(plain({{0, 250}, {200, 9}}));
  key->add(sum, holder->encrypt(plain({{0, 10}, {200, 8}})));
  EXPECT_EQ(holder->decrypt(sum), plain({{0, 4}, {1, 1}, {200, 17}}));
}

// All clients at either end of the range: slots are full to the last bit that the headroom allows.
TEST_F(Paillier, SumsAtTheBoundaryOfASlotDoNotOverflow) {
  for (const int clients : {1, 2, 3, 8, 16}) {
    for (const std::int64_t top : {1, 127, 128}) {
      const SlotPacking packing(top, clients);
      std::vector<std::int64_t> levels, expected;
      for (std::size_t i = 0; i < packing.slots() + 3; ++i) levels.push_back(i % 3 == 0 ? top : i % 3 == 1 ? -top : 0);
      for (const std::int64_t level : levels) expected.push_back(clients * level);
      std::vector<Plaintext> sums;
      for (const Plaintext& text : packing.pack(levels)) {
        Ciphertext sum = key->encrypt(text);
        for (int client = 1; client < clients; ++client) key->add(sum, holder->encrypt(text));
        sums.push_back(holder->decrypt(sum));
      }
      EXPECT_EQ(sums.size(), 2u);
      EXPECT_EQ(packing.unpack(sums, levels.size(), clients), expected) << clients << ' ' << top;
    }
  }
}

TEST(SlotPacking, HoldsAsMuchAsThePublishedLayout) {
  const SlotPacking packing(127, 16);  // 16 * 254 = 4064 < 2^12
  EXPECT_EQ(packing.slot_bits(), 12);
  EXPECT_EQ(packing.slots(), 170u);
  EXPECT_EQ(packing.pack(std::vector<std::int64_t>(200000)).size(), 1177u);
}

TEST(SlotPacking, RefusesWhatDoesNotFit) {
  const SlotPacking packing(10, 2);
  EXPECT_THROW(packing.pack(std::vector<std::int64_t>{11}), Error);
  EXPECT_THROW(packing.unpack({}, 0, 3), Error);
  EXPECT_THROW(SlotPacking(std::int64_t{1} << 59, 4), Error);
}

TEST_F(Paillier, RefusesWhatIsNoKeyAndNoCiphertext) {
  Plaintext long_text{};
  long_text.back() = 128;
  EXPECT_THROW(key->encrypt(long_text), Error);
  Ciphertext huge, zero{}, sum = key->encrypt(Plaintext{});
  huge.fill(255);
  EXPECT_THROW(key->add(sum, huge), Error);
  EXPECT_THROW(key->add(sum, zero), Error);
  EXPECT_THROW(holder->decrypt(huge), Error);
  Ciphertext factor{};  // n itself
  const auto parts = holder->public_parts();
  std::copy(parts.modulus.begin(), parts.modulus.end(), factor.begin());
  EXPECT_THROW(holder->decrypt(factor), Error);
  auto even = parts;
  even.modulus[0] &= 254;
  EXPECT_THROW(PaillierPublicKey{even}, Error);
}

// Who damages a ciphertext without knowing how leaves a number that no sum of packed levels is.
TEST_F(Paillier, ADamagedCiphertextDecryptsToNothingThatWasPacked) {
  const SlotPacking packing(127, 4);
  const Plaintext text = packing.pack(std::vector<std::int64_t>(packing.slots(), -5))[0];
  for (const int byte : {0, 17, 255, 300, 500}) {
    Ciphertext damaged = key->encrypt(text);
    damaged[byte] ^= 4;
    EXPECT_THROW(packing.unpack(std::vector<Plaintext>{holder->decrypt(damaged)}, packing.slots(), 1), Error) << byte;
  }
  EXPECT_EQ(packing.unpack(std::vector<Plaintext>{holder->decrypt(key->encrypt(text))}, packing.slots(), 1)[0], -5);
}

// A ciphertext can be changed without its key: whoever does shifts the sum and learns nothing of it.
TEST_F(Paillier, ATamperedCiphertextShiftsTheSum) {
  Ciphertext sum = key->encrypt(plain({{0, 5}}));
  key->add(sum, key->encrypt(plain({{0, 1}})));
  EXPECT_EQ(holder->decrypt(sum), plain({{0, 6}}));
}

}  // namespace
}  // namespace gridfed
