#include "secure/mask.hpp"

#include "secure/openssl.hpp"

#include <algorithm>
#include <vector>

namespace gridfed {

namespace {

template <class Word>
void add(std::span<Word> values, const Key& key, Sign sign) {
  constexpr std::size_t chunk = 16384 / sizeof(Word);  // stays in the first-level cache
  static const std::vector<unsigned char> zeros(16384, 0);
  const std::array<unsigned char, 16> counter{};
  const Owned<EVP_CIPHER_CTX, EVP_CIPHER_CTX_free> cipher(EVP_CIPHER_CTX_new());
  require(cipher && EVP_EncryptInit_ex(cipher.get(), EVP_aes_256_ctr(), nullptr, key.data(), counter.data()) == 1,
          "AES-256-CTR is not available");
  std::array<Word, chunk> stream;
  for (std::size_t first = 0; first < values.size(); first += chunk) {
    const std::size_t count = std::min(chunk, values.size() - first);
    const int bytes = static_cast<int>(count * sizeof(Word));
    int written = 0;
    require(EVP_EncryptUpdate(cipher.get(), reinterpret_cast<unsigned char*>(stream.data()), &written, zeros.data(), bytes) == 1,
            "a mask could not be drawn");
    const auto part = values.subspan(first, count);
    if (sign == Sign::plus) {
      for (std::size_t i = 0; i < count; ++i) part[i] += stream[i];
    } else {
      for (std::size_t i = 0; i < count; ++i) part[i] -= stream[i];
    }
  }
}

}  // namespace

void add_mask(std::span<std::uint32_t> values, const Key& key, Sign sign) {
  add(values, key, sign);
}

void add_mask(std::span<std::uint64_t> values, const Key& key, Sign sign) {
  add(values, key, sign);
}

}  // namespace gridfed
