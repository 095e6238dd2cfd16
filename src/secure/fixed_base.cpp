#include "secure/fixed_base.hpp"

namespace gridfed {

Number number() {
  Number value(BN_new());
  require(value != nullptr, "no memory for a number");
  return value;
}

Number number(std::span<const unsigned char> bytes) {
  Number value(BN_lebin2bn(bytes.data(), static_cast<int>(bytes.size()), nullptr));
  require(value != nullptr, "no memory for a number");
  return value;
}

void write(const BIGNUM* value, std::span<unsigned char> bytes) {
  require(BN_bn2lebinpad(value, bytes.data(), static_cast<int>(bytes.size())) > 0, "a number is too long");
}

Number product(const BIGNUM* a, const BIGNUM* b, BN_CTX* context) {
  Number result = number();
  require(BN_mul(result.get(), a, b, context) == 1, "a product failed");
  return result;
}

Number product(const BIGNUM* a, const BIGNUM* b, const BIGNUM* modulus, BN_CTX* context) {
  Number result = number();
  require(BN_mod_mul(result.get(), a, b, modulus, context) == 1, "a product failed");
  return result;
}

FixedBase::FixedBase(const BIGNUM* base, const BIGNUM* modulus, std::size_t exponent_bytes, BN_CTX* context)
    : montgomery_(BN_MONT_CTX_new()) {
  require(montgomery_ && BN_MONT_CTX_set(montgomery_.get(), modulus, context) == 1, "the modulus is even");
  Number step = number();
  require(BN_nnmod(step.get(), base, modulus, context) == 1 && BN_to_montgomery(step.get(), step.get(), montgomery_.get(), context) == 1,
          "a product failed");
  powers_.reserve(exponent_bytes * 256);
  for (std::size_t byte = 0; byte < exponent_bytes; ++byte) {
    Number next = number();
    require(BN_to_montgomery(next.get(), BN_value_one(), montgomery_.get(), context) == 1, "a product failed");
    for (int value = 0; value < 256; ++value) {
      powers_.push_back(std::move(next));
      next = number();
      require(BN_mod_mul_montgomery(next.get(), powers_.back().get(), step.get(), montgomery_.get(), context) == 1, "a product failed");
    }
    step = std::move(next);
  }
}

Number FixedBase::power(std::span<const unsigned char> exponent, BN_CTX* context) const {
  Number result = number();
  require(BN_copy(result.get(), powers_[exponent[0]].get()) != nullptr, "no memory for a number");
  for (std::size_t byte = 1; byte < exponent.size(); ++byte) {
    require(BN_mod_mul_montgomery(result.get(), result.get(), powers_[byte * 256 + exponent[byte]].get(), montgomery_.get(), context) == 1,
            "a product failed");
  }
  require(BN_from_montgomery(result.get(), result.get(), montgomery_.get(), context) == 1, "a product failed");
  return result;
}

}  // namespace gridfed
