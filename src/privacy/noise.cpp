#include "privacy/noise.hpp"

#include "runtime/error.hpp"

#include <openssl/evp.h>
#include <sys/random.h>

#include <cerrno>
#include <cmath>
#include <cstring>
#include <numbers>
#include <utility>

namespace gridfed {

void SecureNoise::FreeCipher::operator()(evp_cipher_ctx_st* cipher) const noexcept {
  EVP_CIPHER_CTX_free(cipher);
}

SecureNoise::Key SecureNoise::fresh_key() {
  Key key;
  std::size_t filled = 0;
  while (filled < key.size()) {
    const ssize_t count = getrandom(key.data() + filled, key.size() - filled, 0);
    if (count < 0 && errno != EINTR)
      throw Error("the operating system gave no entropy (getrandom: {}): run on Linux 3.17 or later", std::strerror(errno));
    if (count > 0) filled += static_cast<std::size_t>(count);
  }
  return key;
}

SecureNoise SecureNoise::seeded(std::uint64_t seed, std::uint64_t client, std::uint64_t index) {
  const std::array<std::uint64_t, 4> name{seed, client, index, 0};
  Key key;
  static_assert(sizeof(name) == sizeof(key));
  std::memcpy(key.data(), name.data(), sizeof(key));
  return SecureNoise(key, false);
}

SecureNoise::SecureNoise(const Key& key, bool is_private) : cipher_(EVP_CIPHER_CTX_new()), is_private_(is_private) {
  const std::array<unsigned char, 16> counter{};  // a key serves one stream, so counting may start at zero
  if (!cipher_ || EVP_EncryptInit_ex(cipher_.get(), EVP_aes_256_ctr(), nullptr, key.data(), counter.data()) != 1) {
    throw Error("AES-256-CTR is not available (OpenSSL refused it): install an OpenSSL with its default provider");
  }
}

void SecureNoise::refill() {
  auto* bytes = reinterpret_cast<unsigned char*>(buffer_.data());
  int written = 0;
  buffer_.fill(0);
  if (EVP_EncryptUpdate(cipher_.get(), bytes, &written, bytes, sizeof(buffer_)) != 1 || written != sizeof(buffer_)) {
    throw Error("the noise stream ended (OpenSSL failed to encrypt): check the OpenSSL installation");
  }
  used_ = 0;
}

std::uint64_t SecureNoise::bits() {
  if (used_ == buffer_.size()) refill();
  return std::exchange(buffer_[used_++], 0);  // what was drawn is not left in memory
}

/// Uniform in (0, 1], 53 bits.
double SecureNoise::uniform() {
  return static_cast<double>((bits() >> 11) + 1) * 0x1.0p-53;
}

double SecureNoise::normal() {
  if (has_spare_) {
    has_spare_ = false;
    return spare_;
  }
  const double radius = std::sqrt(-2.0 * std::log(uniform()));
  const double angle = 2.0 * std::numbers::pi * uniform();
  spare_ = radius * std::sin(angle);
  has_spare_ = true;
  return radius * std::cos(angle);
}

void SecureNoise::add_to(std::span<float> values, double scale) {
  for (float& value : values) value = static_cast<float>(value + scale * normal());
}

}  // namespace gridfed
