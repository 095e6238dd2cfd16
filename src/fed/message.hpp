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
  std::vector<std::uint64_t> chosen;  ///< a bit for each coordinate, lowest first, none past size; empty means all
  std::vector<float> values;          ///< one for each that is chosen, ascending

  std::vector<std::uint32_t> indices() const;
};

enum class Rounding { nearest, stochastic };

/// Header, indices, scales, values. Indices are a bitmap, or where that makes the message shorter by more than an eighth gaps: a bitmap is
/// read faster, and from any place.
using EncodedUpdate = std::vector<std::byte>;

/// Values are finite. bits of a value: 32 float, 2 to 8 levels between -scale and scale, a scale for every 1024 values sent. Stochastic
/// rounding is right on average; stream is what it draws from.
EncodedUpdate encode(const SparseUpdate& update, int bits, Rounding rounding, RandomStream& stream);

/// Longest message for a vector of this size.
std::size_t longest_message(std::size_t size);

/// A message whose frame was checked, to be read in parts; the bytes must outlive it.
class MessageView {
 public:
  static constexpr std::size_t block = 1024;  ///< coordinates that are read together

  /// Throws Error unless the message is whole, consistent and for a vector of this size.
  MessageView(std::span<const std::byte> message, std::size_t size);

  /// sum[i] += weight * value of the i-th coordinate of a block, values scaled by factor first; sum has a place for each coordinate of it.
  /// Throws Error if a value is not finite or no level.
  void add(std::size_t which, double factor, double weight, std::span<double> sum) const;
  /// Euclidean norm of all values; throws as add does.
  double norm() const;
  SparseUpdate decoded() const;

 private:
  std::size_t read_values(std::size_t which, std::span<float> values) const;

  std::size_t size_, count_;
  int bits_;
  std::vector<std::uint64_t> chosen_;  ///< empty means all
  std::vector<std::uint32_t> begins_;  ///< of every block among the values, and their number
  std::span<const std::byte> scales_, values_;
};

/// Throws Error unless the message is whole, consistent, finite and for a vector of this size.
SparseUpdate decode(std::span<const std::byte> message, std::size_t size);

}  // namespace gridfed
