#pragma once

#include "secure/key_agreement.hpp"

#include <span>
#include <vector>

namespace gridfed {

/// A point of the polynomials, one for each byte, whose values at 0 are a secret (Shamir, 1979), in GF(2^8) modulo x^8+x^4+x^3+x+1.
struct SecretShare {
  unsigned char point = 0;  ///< from 1
  Key values{};
};

/// Shares at the points 1 to shares, of which any `threshold` give the secret back and fewer say nothing of it. Throws Error unless
/// 1 <= threshold <= shares <= 255.
std::vector<SecretShare> split_secret(const Key& secret, int shares, int threshold);

/// The secret, if the shares are of it and at least as many as its threshold; other shares give other bytes, which the caller must be
/// able to tell. Throws Error if there are none or two lie at one point.
Key join_secret(std::span<const SecretShare> shares);

}  // namespace gridfed
