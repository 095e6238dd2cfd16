#pragma once

#include <array>
#include <string_view>

namespace gridfed {

/// 256 bits: a secret, a key of AES-256 or X25519, or a SHA-256 digest.
using Key = std::array<unsigned char, 32>;

/// From the operating system's generator. Throws Error if it gives none.
Key random_key();

Key sha256(const Key& data);

/// HKDF with SHA-256 (RFC 5869), no salt.
Key derive_key(const Key& secret, std::string_view purpose);

/// A key pair of X25519 (RFC 7748), made for one round and then forgotten.
class KeyPair {
 public:
  KeyPair() : KeyPair(random_key()) {}
  explicit KeyPair(const Key& secret);

  const Key& secret() const { return secret_; }
  const Key& public_key() const { return public_; }
  /// The same key at both ends, for one purpose and these two public keys alone. Throws Error if the other key is of low order, with
  /// which anybody would know the result.
  Key agree(const Key& other_public, std::string_view purpose) const;

 private:
  Key secret_, public_;
};

}  // namespace gridfed
