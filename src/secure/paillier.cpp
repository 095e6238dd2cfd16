#include "secure/paillier.hpp"

#include "secure/fixed_base.hpp"

#include <openssl/rand.h>

#include <optional>

// Key holder: with p and q prime, c modulo n^2 follows from c modulo p^2 and q^2, where h has order p - 1 and q - 1 at most, and
//   m mod p = L_p(c^(p-1) mod p^2) / L_p((1 + n)^(p-1) mod p^2) mod p, L_p(u) = (u - 1) / p     (Paillier, 1999, section 7).

namespace gridfed {

namespace {

constexpr std::size_t exponent_bytes = 128;

NumberContext context() {
  NumberContext result(BN_CTX_new());
  require(result != nullptr, "no memory for numbers");
  return result;
}

std::array<unsigned char, exponent_bytes> random_exponent() {
  std::array<unsigned char, exponent_bytes> bytes;
  require(RAND_priv_bytes(bytes.data(), static_cast<int>(bytes.size())) == 1, "the operating system gave no entropy");
  return bytes;
}

Number message(const Plaintext& plaintext) {
  if (plaintext.back() >= 128) throw Error("a plaintext has 2048 bits (2047 are safe below any modulus): pack fewer slots");
  return number(plaintext);
}

/// 1 + m n, an encryption without randomness.
Number exposed(const BIGNUM* m, const BIGNUM* n, BN_CTX* context) {
  Number value = product(m, n, context);
  require(BN_add_word(value.get(), 1) == 1, "a sum failed");
  return value;
}

Number checked(const Ciphertext& ciphertext, const BIGNUM* square) {
  Number value = number(ciphertext);
  if (BN_cmp(value.get(), square) >= 0 || BN_is_zero(value.get()) == 1) {
    throw Error("a ciphertext is not below the square of the modulus: its sender has another key or it was damaged");
  }
  return value;
}

/// What the key holder knows of one prime.
struct Prime {
  Number p, square, exponent, scale;  ///< scale = 1 / L_p((1 + n)^(p - 1)) mod p
  std::optional<FixedBase> base;

  explicit Prime(Number prime, BN_CTX* context) : p(std::move(prime)), square(product(p.get(), p.get(), context)), exponent(number()) {
    require(BN_sub(exponent.get(), p.get(), BN_value_one()) == 1, "a difference failed");
    BN_set_flags(exponent.get(), BN_FLG_CONSTTIME);
  }
  Number logarithm(const BIGNUM* value, BN_CTX* context) const {
    Number power = number(), rest = number();
    require(BN_nnmod(power.get(), value, square.get(), context) == 1 &&
                BN_mod_exp_mont_consttime(power.get(), power.get(), exponent.get(), square.get(), context, nullptr) == 1 &&
                BN_sub_word(power.get(), 1) == 1 && BN_div(power.get(), rest.get(), power.get(), p.get(), context) == 1,
            "a power failed");
    return power;
  }
  void prepare(const BIGNUM* n, const BIGNUM* h, BN_CTX* context) {
    const Number one_plus_n = exposed(BN_value_one(), n, context);
    scale.reset(BN_mod_inverse(nullptr, logarithm(one_plus_n.get(), context).get(), p.get(), context));
    require(scale != nullptr, "an inverse failed");
    base.emplace(h, square.get(), exponent_bytes, context);
  }
  Number message(const BIGNUM* ciphertext, BN_CTX* context) const {
    return product(logarithm(ciphertext, context).get(), scale.get(), p.get(), context);
  }
};

/// The number below `first * second` that is a modulo first and b modulo second; inverse = 1 / first mod second.
Number combine(const BIGNUM* a, const BIGNUM* b, const BIGNUM* first, const BIGNUM* second, const BIGNUM* inverse, BN_CTX* context) {
  Number difference = number();
  require(BN_mod_sub(difference.get(), b, a, second, context) == 1, "a difference failed");
  Number result = product(product(difference.get(), inverse, second, context).get(), first, context);
  require(BN_add(result.get(), result.get(), a) == 1, "a sum failed");
  return result;
}

Number prime(BN_CTX* context) {
  Number four = number(), three = number(), result = number();
  require(BN_set_word(four.get(), 4) == 1 && BN_set_word(three.get(), 3) == 1 &&
              BN_generate_prime_ex2(result.get(), 1024, 0, four.get(), three.get(), nullptr, context) == 1,
          "no prime was found");
  return result;
}

}  // namespace

struct PaillierPublicKey::Parts {
  Number n, square;
  std::optional<FixedBase> base;
};

PaillierPublicKey::PaillierPublicKey(const PaillierPublicParts& parts) : parts_(std::make_unique<Parts>()) {
  const NumberContext numbers = context();
  parts_->n = number(parts.modulus);
  if (BN_num_bits(parts_->n.get()) != 2048 || BN_is_odd(parts_->n.get()) != 1) {
    throw Error("a Paillier modulus is not an odd number of 2048 bits: take the public key from its owner");
  }
  parts_->square = product(parts_->n.get(), parts_->n.get(), numbers.get());
  parts_->base.emplace(checked(parts.base, parts_->square.get()).get(), parts_->square.get(), exponent_bytes, numbers.get());
}

PaillierPublicKey::PaillierPublicKey(PaillierPublicKey&&) noexcept = default;
PaillierPublicKey::~PaillierPublicKey() = default;

Ciphertext PaillierPublicKey::encrypt(const Plaintext& plaintext) const {
  const NumberContext numbers = context();
  const Number hidden = parts_->base->power(random_exponent(), numbers.get());
  const Number open = exposed(message(plaintext).get(), parts_->n.get(), numbers.get());
  Ciphertext result;
  write(product(open.get(), hidden.get(), parts_->square.get(), numbers.get()).get(), result);
  return result;
}

void PaillierPublicKey::add(Ciphertext& sum, const Ciphertext& other) const {
  const NumberContext numbers = context();
  const Number a = checked(sum, parts_->square.get()), b = checked(other, parts_->square.get());
  write(product(a.get(), b.get(), parts_->square.get(), numbers.get()).get(), sum);
}

struct PaillierKeyHolder::Parts {
  Number n, square, h;
  std::optional<Prime> p, q;
  Number inverse, inverse_square;  ///< of p modulo q, of p^2 modulo q^2
};

PaillierKeyHolder::PaillierKeyHolder() : parts_(std::make_unique<Parts>()) {
  const NumberContext numbers = context();
  BN_CTX* c = numbers.get();
  Parts& k = *parts_;
  do {
    k.p.emplace(prime(c), c);
    k.q.emplace(prime(c), c);
    k.n = product(k.p->p.get(), k.q->p.get(), c);
  } while (BN_num_bits(k.n.get()) != 2048 || BN_cmp(k.p->p.get(), k.q->p.get()) == 0);
  k.square = product(k.n.get(), k.n.get(), c);
  Number x = number();
  require(BN_priv_rand_range(x.get(), k.n.get()) == 1, "the operating system gave no entropy");
  Number base = product(x.get(), x.get(), k.n.get(), c);
  k.h = number();
  require(BN_sub(base.get(), k.n.get(), base.get()) == 1 && BN_mod_exp(k.h.get(), base.get(), k.n.get(), k.square.get(), c) == 1,
          "a power failed");
  k.p->prepare(k.n.get(), k.h.get(), c);
  k.q->prepare(k.n.get(), k.h.get(), c);
  k.inverse.reset(BN_mod_inverse(nullptr, k.p->p.get(), k.q->p.get(), c));
  k.inverse_square.reset(BN_mod_inverse(nullptr, k.p->square.get(), k.q->square.get(), c));
  require(k.inverse && k.inverse_square, "an inverse failed");
}

PaillierKeyHolder::PaillierKeyHolder(PaillierKeyHolder&&) noexcept = default;
PaillierKeyHolder::~PaillierKeyHolder() = default;

PaillierPublicParts PaillierKeyHolder::public_parts() const {
  PaillierPublicParts parts;
  write(parts_->n.get(), parts.modulus);
  write(parts_->h.get(), parts.base);
  return parts;
}

Ciphertext PaillierKeyHolder::encrypt(const Plaintext& plaintext) const {
  const NumberContext numbers = context();
  const Parts& k = *parts_;
  const auto exponent = random_exponent();
  const Number p = k.p->base->power(exponent, numbers.get()), q = k.q->base->power(exponent, numbers.get());
  const Number hidden = combine(p.get(), q.get(), k.p->square.get(), k.q->square.get(), k.inverse_square.get(), numbers.get());
  const Number open = exposed(message(plaintext).get(), k.n.get(), numbers.get());
  Ciphertext result;
  write(product(open.get(), hidden.get(), k.square.get(), numbers.get()).get(), result);
  return result;
}

Plaintext PaillierKeyHolder::decrypt(const Ciphertext& ciphertext) const {
  const NumberContext numbers = context();
  const Parts& k = *parts_;
  const Number c = checked(ciphertext, k.square.get());
  Number common = number();
  require(BN_gcd(common.get(), c.get(), k.n.get(), numbers.get()) == 1, "a divisor failed");
  if (BN_is_one(common.get()) != 1) throw Error("a ciphertext shares a factor with the modulus: it was not made with this key");
  const Number p = k.p->message(c.get(), numbers.get()), q = k.q->message(c.get(), numbers.get());
  Plaintext result;
  write(combine(p.get(), q.get(), k.p->p.get(), k.q->p.get(), k.inverse.get(), numbers.get()).get(), result);
  return result;
}

}  // namespace gridfed
