#pragma once

#include "runtime/communicator.hpp"
#include "secure/packing.hpp"
#include "secure/paillier.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace gridfed {

/// Sums that only their key holder, rank 0, can read, and no vector that they are made of. The key holder stays off the reduction: the
/// other ranks multiply the ciphertexts among themselves, and with the key holder's own, and hand it nothing but the product of all.
class EncryptedExchange {
 public:
  /// Collective on comm, which must outlive this object. Draws a key, of which no copy leaves rank 0 or goes into a file.
  explicit EncryptedExchange(const Communicator& comm);

  /// Collective on comm. Sum over all ranks of vectors of one length: `own` is that of `clients` of them, `total` are summed over the
  /// ranks. Every rank gets the result. Throws AgreedError if a number does not fit the packing, or if the product does not decrypt to what
  /// so many clients can make, as a damaged ciphertext would.
  std::vector<std::int64_t> sum(const SlotPacking& packing, std::span<const std::int64_t> own, int clients, int total) const;

 private:
  void multiply(std::vector<Ciphertext>& product) const;

  const Communicator& comm_;
  Communicator side_;  ///< the key holder alone, or the others
  std::optional<PaillierKeyHolder> holder_;
  std::optional<PaillierPublicKey> key_;
};

}  // namespace gridfed
