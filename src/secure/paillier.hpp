#pragma once

#include <array>
#include <cstddef>
#include <memory>

namespace gridfed {

// Paillier's additive encryption modulo n^2 in the variant of Damgard, Jurik and Nielsen (2010, section 4.2): c = (1 + m n) h^r, h the n-th
// power of minus a square, r of 1024 random bits. n has 2048 bits. Numbers are little-endian.

using PaillierModulus = std::array<unsigned char, 256>;
using Plaintext = std::array<unsigned char, 256>;   ///< below 2^2047, so below n
using Ciphertext = std::array<unsigned char, 512>;  ///< below n^2

struct PaillierPublicParts {
  PaillierModulus modulus;
  Ciphertext base;  ///< h
};

/// Powers of h, 8 bits of the exponent at a time, are kept in a table of 17 MB.
class PaillierPublicKey {
 public:
  /// Throws Error unless the modulus is odd and of 2048 bits and the base below its square.
  explicit PaillierPublicKey(const PaillierPublicParts& parts);
  PaillierPublicKey(PaillierPublicKey&&) noexcept;
  ~PaillierPublicKey();

  /// Throws Error if the plaintext has 2048 bits.
  Ciphertext encrypt(const Plaintext& plaintext) const;
  /// sum becomes an encryption of the sum of both plaintexts modulo n. Throws Error unless both are below n^2.
  void add(Ciphertext& sum, const Ciphertext& other) const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

/// Owner of the primes.
class PaillierKeyHolder {
 public:
  /// Draws a key: about half a second.
  PaillierKeyHolder();
  PaillierKeyHolder(PaillierKeyHolder&&) noexcept;
  ~PaillierKeyHolder();

  PaillierPublicParts public_parts() const;
  /// As the public key does, modulo the squares of both primes: in half the time.
  Ciphertext encrypt(const Plaintext& plaintext) const;
  /// Modulo n. Throws Error unless the ciphertext is below n^2 and has no factor in common with n.
  Plaintext decrypt(const Ciphertext& ciphertext) const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace gridfed
