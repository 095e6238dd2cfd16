#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

struct evp_cipher_ctx_st;

namespace gridfed {

/// Standard normals for differential privacy: AES-256 in counter mode, keyed by the operating system, through Box and Muller (1958).
/// Noise is formed with 53 bits and added in double before the one rounding to float, so that the gaps between representable results
/// do not tell the value under the noise (Mironov, 2012).
class SecureNoise {
 public:
  using Key = std::array<unsigned char, 32>;

  /// Keyed by getrandom(2).
  SecureNoise() : SecureNoise(fresh_key()) {}
  /// Holders of one key draw the same noise; it is private towards everybody else.
  explicit SecureNoise(const Key& key) : SecureNoise(key, true) {}
  /// The same numbers for the same name: for tests alone, as whoever knows the seed can subtract the noise.
  static SecureNoise seeded(std::uint64_t seed, std::uint64_t client = 0, std::uint64_t index = 0);
  /// 32 bytes from getrandom(2).
  static Key fresh_key();

  double normal();
  /// 64 random bits.
  std::uint64_t bits();
  /// values[i] += scale * normal().
  void add_to(std::span<float> values, double scale);
  /// False for a seeded source: what it protects is not private.
  bool is_private() const { return is_private_; }

 private:
  struct FreeCipher {
    void operator()(evp_cipher_ctx_st* cipher) const noexcept;
  };

  SecureNoise(const Key& key, bool is_private);
  void refill();
  double uniform();

  std::unique_ptr<evp_cipher_ctx_st, FreeCipher> cipher_;
  std::array<std::uint64_t, 1024> buffer_{};
  std::size_t used_ = buffer_.size();
  double spare_ = 0;
  bool has_spare_ = false;
  bool is_private_;
};

}  // namespace gridfed
