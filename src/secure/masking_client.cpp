#include "secure/masking_client.hpp"

#include "secure/mask.hpp"
#include "secure/openssl.hpp"

#include <algorithm>
#include <cstring>

namespace gridfed {

namespace {

using Cipher = Owned<EVP_CIPHER_CTX, EVP_CIPHER_CTX_free>;

constexpr std::string_view mask_purpose = "gridfed pairwise mask";

std::string sealing_purpose(int from, int to) {
  return fmt::format("{} to {}", from, to);
}

SealedShares seal(const Key& key, const Key& first, const Key& second) {
  SealedShares sealed;
  std::array<unsigned char, 64> text;
  std::copy(first.begin(), first.end(), text.begin());
  std::copy(second.begin(), second.end(), text.begin() + 32);
  const std::array<unsigned char, 12> nonce{};  // the key is used once
  const Cipher cipher(EVP_CIPHER_CTX_new());
  int written = 0;
  require(cipher && EVP_EncryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, key.data(), nonce.data()) == 1 &&
              EVP_EncryptUpdate(cipher.get(), sealed.text.data(), &written, text.data(), static_cast<int>(text.size())) == 1 &&
              EVP_EncryptFinal_ex(cipher.get(), sealed.text.data() + written, &written) == 1 &&
              EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_GET_TAG, static_cast<int>(sealed.tag.size()), sealed.tag.data()) == 1,
          "AES-256-GCM is not available");
  return sealed;
}

/// False if the text is not what was sealed under this key.
bool open(const Key& key, SealedShares sealed, Key& first, Key& second) {
  std::array<unsigned char, 64> text;
  const std::array<unsigned char, 12> nonce{};
  const Cipher cipher(EVP_CIPHER_CTX_new());
  int written = 0;
  require(cipher && EVP_DecryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, key.data(), nonce.data()) == 1 &&
              EVP_DecryptUpdate(cipher.get(), text.data(), &written, sealed.text.data(), static_cast<int>(text.size())) == 1 &&
              EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_SET_TAG, static_cast<int>(sealed.tag.size()), sealed.tag.data()) == 1,
          "AES-256-GCM is not available");
  if (EVP_DecryptFinal_ex(cipher.get(), text.data() + written, &written) != 1) return false;
  std::copy_n(text.begin(), 32, first.begin());
  std::copy_n(text.begin() + 32, 32, second.begin());
  return true;
}

/// What the lower of two clients adds the higher one subtracts.
Sign sign_of(int own, int other) {
  return own < other ? Sign::plus : Sign::minus;
}

Key joined(int client, std::span<const int> by, std::span<const DisclosedShare> disclosed, std::size_t clients, int threshold) {
  std::vector<SecretShare> shares;
  for (int i = 0; i < threshold; ++i) {
    shares.push_back({.point = static_cast<unsigned char>(by[i] + 1), .values = disclosed[i * clients + client].values});
  }
  return join_secret(shares);
}

template <class Word>
void take_masks_off(std::span<Word> sum, std::span<const Advertisement> all, const std::vector<bool>& delivered, std::span<const int> by,
                    std::span<const DisclosedShare> disclosed, int threshold) {
  if (static_cast<int>(by.size()) < threshold) {
    throw Error("the masks cannot be taken off the sum ({} clients disclosed their shares, {} are needed): repeat the round", by.size(),
                threshold);
  }
  const int clients = static_cast<int>(all.size());
  for (int client = 0; client < clients; ++client) {
    const Key secret = joined(client, by, disclosed, all.size(), threshold);
    if (delivered[client]) {
      if (sha256(secret) != all[client].seed_digest) {
        throw Error("the shares of client {}'s seed do not join (one was tampered with): repeat the round without whoever disclosed it",
                    client);
      }
      add_mask(sum, secret, Sign::minus);
      continue;
    }
    const KeyPair masking(secret);
    if (masking.public_key() != all[client].masking) {
      throw Error("the shares of client {}'s key do not join (one was tampered with): repeat the round without whoever disclosed it",
                  client);
    }
    for (int other = 0; other < clients; ++other) {  // as if it had sent nothing but its masks
      if (delivered[other]) add_mask(sum, masking.agree(all[other].masking, mask_purpose), sign_of(client, other));
    }
  }
}

}  // namespace

MaskingClient::MaskingClient(int client, int threshold) : client_(client), threshold_(threshold) {}

Advertisement MaskingClient::advertisement() const {
  return {.sealing = sealing_.public_key(), .masking = masking_.public_key(), .seed_digest = sha256(seed_)};
}

std::vector<SealedShares> MaskingClient::deal(std::span<const Advertisement> all) {
  all_.assign(all.begin(), all.end());
  const auto seed = split_secret(seed_, static_cast<int>(all.size()), threshold_);
  const auto secret = split_secret(masking_.secret(), static_cast<int>(all.size()), threshold_);
  std::vector<SealedShares> sealed;
  for (std::size_t to = 0; to < all.size(); ++to) {
    sealing_keys_.push_back(sealing_.agree(all[to].sealing, "gridfed shares"));
    const Key key = derive_key(sealing_keys_[to], sealing_purpose(client_, static_cast<int>(to)));
    sealed.push_back(seal(key, seed[to].values, secret[to].values));
  }
  return sealed;
}

void MaskingClient::receive(std::span<const SealedShares> from) {
  seed_shares_.resize(from.size());
  secret_shares_.resize(from.size());
  for (std::size_t sender = 0; sender < from.size(); ++sender) {
    const Key key = derive_key(sealing_keys_[sender], sealing_purpose(static_cast<int>(sender), client_));
    if (!open(key, from[sender], seed_shares_[sender], secret_shares_[sender])) {
      throw Error("the shares of client {} for client {} were tampered with (their tag is wrong): repeat the round without it", sender,
                  client_);
    }
  }
}

template <class Word>
void MaskingClient::add_masks(std::span<Word> values) const {
  add_mask(values, seed_, Sign::plus);
  for (int other = 0; other < static_cast<int>(all_.size()); ++other) {
    if (other != client_) add_mask(values, masking_.agree(all_[other].masking, mask_purpose), sign_of(client_, other));
  }
}

void MaskingClient::mask(std::span<std::uint32_t> values) const {
  add_masks(values);
}

void MaskingClient::mask(std::span<std::uint64_t> values) const {
  add_masks(values);
}

std::vector<DisclosedShare> MaskingClient::disclose(const std::vector<bool>& delivered) {
  const auto count = std::count(delivered.begin(), delivered.end(), true);
  if (disclosed_ || count < threshold_) {
    throw Error("client {} discloses no shares ({}): {}", client_,
                disclosed_ ? std::string("it did before in this round") : fmt::format("{} clients delivered, {} must", count, threshold_),
                disclosed_ ? "start a new round" : "repeat the round when more clients are there, or lower fed.mask_threshold");
  }
  disclosed_ = true;
  std::vector<DisclosedShare> shares;
  for (std::size_t i = 0; i < delivered.size(); ++i) shares.push_back({delivered[i] ? seed_shares_[i] : secret_shares_[i]});
  return shares;
}

void unmask(std::span<std::uint32_t> sum, std::span<const Advertisement> all, const std::vector<bool>& delivered, std::span<const int> by,
            std::span<const DisclosedShare> disclosed, int threshold) {
  take_masks_off(sum, all, delivered, by, disclosed, threshold);
}

void unmask(std::span<std::uint64_t> sum, std::span<const Advertisement> all, const std::vector<bool>& delivered, std::span<const int> by,
            std::span<const DisclosedShare> disclosed, int threshold) {
  take_masks_off(sum, all, delivered, by, disclosed, threshold);
}

}  // namespace gridfed
