#include "secure/shamir.hpp"

#include "runtime/error.hpp"

#include <utility>

namespace gridfed {

namespace {

using Byte = unsigned char;

/// Without branches or tables, so that its time does not tell the factors.
Byte product(Byte a, Byte b) {
  unsigned result = 0, factor = a;
  for (int bit = 0; bit < 8; ++bit) {
    result ^= factor & (0u - ((static_cast<unsigned>(b) >> bit) & 1u));
    factor = (factor << 1) ^ (0x11bu & (0u - (factor >> 7)));
  }
  return static_cast<Byte>(result);
}

Byte inverse(Byte a) {  // a^254
  Byte result = 1;
  for (int i = 0; i < 7; ++i) {
    a = product(a, a);
    result = product(result, a);
  }
  return result;
}

}  // namespace

std::vector<SecretShare> split_secret(const Key& secret, int shares, int threshold) {
  if (!(threshold >= 1 && threshold <= shares && shares <= 255)) {
    throw Error("a secret cannot be split into {} shares of which {} are needed: use 1 to 255 shares and a threshold among them", shares,
                threshold);
  }
  std::vector<Key> coefficients{secret};
  while (static_cast<int>(coefficients.size()) < threshold) coefficients.push_back(random_key());
  std::vector<SecretShare> result;
  for (int point = 1; point <= shares; ++point) {
    SecretShare& share = result.emplace_back(SecretShare{.point = static_cast<Byte>(point)});
    for (auto coefficient = coefficients.rbegin(); coefficient != coefficients.rend(); ++coefficient) {  // Horner
      for (std::size_t i = 0; i < share.values.size(); ++i) {
        share.values[i] = static_cast<Byte>(product(share.values[i], share.point) ^ (*coefficient)[i]);
      }
    }
  }
  return result;
}

Key join_secret(std::span<const SecretShare> shares) {
  if (shares.empty()) throw Error("a secret cannot be joined from no shares");
  Key secret{};
  for (const SecretShare& share : shares) {
    Byte weight = 1;  // Lagrange at 0: product of x_j / (x_j - x_i)
    for (const SecretShare& other : shares) {
      if (&other == &share) continue;
      if (other.point == share.point) throw Error("two shares of a secret lie at the point {}: one of them is forged", share.point);
      weight = product(weight, product(other.point, inverse(static_cast<Byte>(other.point ^ share.point))));
    }
    for (std::size_t i = 0; i < secret.size(); ++i) secret[i] = static_cast<Byte>(secret[i] ^ product(weight, share.values[i]));
  }
  return secret;
}

}  // namespace gridfed
