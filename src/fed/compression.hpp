#pragma once

#include "fed/message.hpp"

#include <cstddef>
#include <span>

namespace gridfed {

/// The k coordinates of largest magnitude; of equal ones the first. Values are finite.
SparseUpdate largest(std::span<const float> vector, std::size_t k);

/// What the message of a client looks like.
struct Compression {
  double ratio = 1.0;  ///< share of the coordinates sent, at least one
  int bits = 32;       ///< of a value, see encode
  Rounding rounding = Rounding::stochastic;
};

/// The message for an update. With error feedback (Seide et al., 2014; Karimireddy et al., 2019) residual has the update's size, joins
/// the update, and keeps what the message leaves out: the coordinates not sent and the error of rounding to nearest. The error of
/// stochastic rounding is zero on average but can exceed the value, so feeding it back could grow without bound; it is let go.
/// An empty residual means no error feedback.
EncodedUpdate compress(std::span<const float> update, const Compression& compression, std::span<float> residual, RandomStream& stream);

}  // namespace gridfed
