#include "secure/key_agreement.hpp"

#include "secure/openssl.hpp"

#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include <algorithm>
#include <string>

namespace gridfed {

namespace {

using PrivateKey = Owned<EVP_PKEY, EVP_PKEY_free>;
using KeyContext = Owned<EVP_PKEY_CTX, EVP_PKEY_CTX_free>;

PrivateKey private_key(const Key& secret) {
  PrivateKey key(EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, nullptr, secret.data(), secret.size()));
  require(key != nullptr, "X25519 is not available");
  return key;
}

}  // namespace

Key random_key() {
  Key key;
  require(RAND_priv_bytes(key.data(), static_cast<int>(key.size())) == 1, "the operating system gave no entropy");
  return key;
}

Key sha256(const Key& data) {
  Key digest;
  SHA256(data.data(), data.size(), digest.data());
  return digest;
}

Key derive_key(const Key& secret, std::string_view purpose) {
  static const Owned<EVP_KDF, EVP_KDF_free> hkdf(EVP_KDF_fetch(nullptr, "HKDF", nullptr));
  const Owned<EVP_KDF_CTX, EVP_KDF_CTX_free> context(EVP_KDF_CTX_new(hkdf.get()));
  std::string digest = "SHA256", info(purpose);
  Key input = secret, key;
  const std::array<OSSL_PARAM, 4> parameters{OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest.data(), 0),
                                             OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, input.data(), input.size()),
                                             OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info.data(), info.size()),
                                             OSSL_PARAM_construct_end()};
  require(context && EVP_KDF_derive(context.get(), key.data(), key.size(), parameters.data()) == 1, "HKDF is not available");
  return key;
}

KeyPair::KeyPair(const Key& secret) : secret_(secret) {
  std::size_t length = public_.size();
  require(EVP_PKEY_get_raw_public_key(private_key(secret).get(), public_.data(), &length) == 1, "X25519 gave no public key");
}

Key KeyPair::agree(const Key& other_public, std::string_view purpose) const {
  const PrivateKey own = private_key(secret_);
  const PrivateKey other(EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, nullptr, other_public.data(), other_public.size()));
  const KeyContext context(EVP_PKEY_CTX_new(own.get(), nullptr));
  Key shared;
  std::size_t length = shared.size();
  if (!other || !context || EVP_PKEY_derive_init(context.get()) != 1 || EVP_PKEY_derive_set_peer(context.get(), other.get()) != 1 ||
      EVP_PKEY_derive(context.get(), shared.data(), &length) != 1) {
    throw Error("a public key is no point to agree with (X25519 refuses it): its owner is broken or hostile, leave it out");
  }
  const auto& [low, high] = std::minmax(public_, other_public);
  std::string info(purpose);
  info.append(low.begin(), low.end()).append(high.begin(), high.end());
  return derive_key(shared, info);
}

}  // namespace gridfed
