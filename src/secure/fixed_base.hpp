#pragma once

#include "secure/openssl.hpp"

#include <openssl/bn.h>

#include <span>
#include <vector>

namespace gridfed {

using Number = Owned<BIGNUM, BN_clear_free>;
using NumberContext = Owned<BN_CTX, BN_CTX_free>;
using Montgomery = Owned<BN_MONT_CTX, BN_MONT_CTX_free>;

Number number();
/// From little-endian bytes.
Number number(std::span<const unsigned char> bytes);
void write(const BIGNUM* value, std::span<unsigned char> bytes);
Number product(const BIGNUM* a, const BIGNUM* b, BN_CTX* context);
Number product(const BIGNUM* a, const BIGNUM* b, const BIGNUM* modulus, BN_CTX* context);

/// Powers of one base modulo an odd number by a table of base^(d 256^i): a product for each byte of the exponent (Brickell et al., 1992).
class FixedBase {
 public:
  FixedBase(const BIGNUM* base, const BIGNUM* modulus, std::size_t exponent_bytes, BN_CTX* context);
  /// base^exponent for a little-endian exponent of exponent_bytes. Its bytes choose what is read, so that a process that shares the
  /// processor's caches could watch them.
  Number power(std::span<const unsigned char> exponent, BN_CTX* context) const;

 private:
  Montgomery montgomery_;
  std::vector<Number> powers_;  ///< [byte of the exponent, value], in Montgomery's form
};

}  // namespace gridfed
