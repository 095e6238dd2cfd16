#pragma once

#include "runtime/random.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace gridfed {

/// Some coordinates of a vector of `size` numbers; the others are zero.
struct SparseUpdate {
  std::size_t size = 0;
  std::vector<std::uint32_t> indices;  ///< ascending
  std::vector<float> values;           ///< one for each index
};

/// The k coordinates of largest magnitude; of equal ones the first.
SparseUpdate largest(std::span<const float> vector, std::size_t k);

enum class Rounding { nearest, stochastic };

/// What the message of a client looks like.
struct Compression {
  double ratio = 1.0;  ///< share of the coordinates sent, at least one
  int bits = 32;       ///< of a value: 32 float, 2 to 8 levels between -scale and scale, a scale for every 1024 values sent
  Rounding rounding = Rounding::stochastic;
};

/// A message: header, indices (gaps or bitmap, whichever is shorter), scales, values.
using EncodedUpdate = std::vector<std::byte>;

/// Values are finite. Stochastic rounding is right on average; stream is what it draws from.
EncodedUpdate encode(const SparseUpdate& update, int bits, Rounding rounding, RandomStream& stream);

/// Throws Error unless the message is whole, consistent, finite and for a vector of this size.
SparseUpdate decode(std::span<const std::byte> message, std::size_t size);

/// The message for an update. With error feedback (Seide et al., 2014; Karimireddy et al., 2019) residual has the update's size, joins
/// the update, and keeps what the message leaves out: the coordinates not sent and the error of rounding to nearest. The error of
/// stochastic rounding is zero on average but can exceed the value, so feeding it back could grow without bound; it is let go.
/// An empty residual means no error feedback.
EncodedUpdate compress(std::span<const float> update, const Compression& compression, std::span<float> residual, RandomStream& stream);

}  // namespace gridfed
