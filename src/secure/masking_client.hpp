#pragma once

#include "secure/key_agreement.hpp"
#include "secure/shamir.hpp"

#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace gridfed {

// One round of secure aggregation (Bonawitz et al., 2017, with both masks) among clients that are numbered from 0:
//   1. each advertises two public keys and a digest of its seed;
//   2. each deals shares of its masking secret and its seed to all, sealed for their receivers;
//   3. those who deliver send their vectors plus a stream of their seed, plus one stream for each higher and minus one for each lower
//      client, keyed by what the two agreed on: in the sum over all the latter cancel;
//   4. told who delivered, each discloses of every client one share: of the seed if it delivered, else of the masking secret;
//   5. anybody joins the shares and takes the remaining masks off the sum.
// All secrets are drawn for the round and never stored, so that no stream is used twice, after a restart neither.

struct Advertisement {
  Key sealing, masking;  ///< public keys
  Key seed_digest;       ///< SHA-256
};

/// Two shares under AES-256-GCM with a key that serves this message alone.
struct SealedShares {
  std::array<unsigned char, 64> text;
  std::array<unsigned char, 16> tag;
};

/// What a client discloses of another one.
struct DisclosedShare {
  Key values;
};

class MaskingClient {
 public:
  /// threshold: clients that must deliver.
  MaskingClient(int client, int threshold);

  Advertisement advertisement() const;
  /// For every client in order, itself included. Throws Error if there are fewer than the threshold.
  std::vector<SealedShares> deal(std::span<const Advertisement> all);
  /// From every client in order. Throws Error naming the sender of one that was tampered with.
  void receive(std::span<const SealedShares> from);
  /// Adds the masks of this client.
  void mask(std::span<std::uint32_t> values) const;
  void mask(std::span<std::uint64_t> values) const;
  /// One share of every client. Throws Error if fewer than the threshold delivered, or if it disclosed before: both of a client's shares
  /// would unmask its vector.
  std::vector<DisclosedShare> disclose(const std::vector<bool>& delivered);

 private:
  template <class Word>
  void add_masks(std::span<Word> values) const;

  int client_, threshold_;
  KeyPair sealing_, masking_;
  Key seed_ = random_key();
  std::vector<Advertisement> all_;
  std::vector<Key> sealing_keys_;                 ///< agreed on with every client
  std::vector<Key> seed_shares_, secret_shares_;  ///< held of every client, at the point client + 1
  bool disclosed_ = false;
};

/// Takes the masks off the sum of the delivered vectors. disclosed: what every client of `by` disclosed, one row each. Throws Error if
/// there are fewer rows than the threshold, and naming the client whose secret does not join to what it advertised.
void unmask(std::span<std::uint32_t> sum, std::span<const Advertisement> all, const std::vector<bool>& delivered, std::span<const int> by,
            std::span<const DisclosedShare> disclosed, int threshold);
void unmask(std::span<std::uint64_t> sum, std::span<const Advertisement> all, const std::vector<bool>& delivered, std::span<const int> by,
            std::span<const DisclosedShare> disclosed, int threshold);

}  // namespace gridfed
