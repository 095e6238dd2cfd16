#include "fed/compression.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <vector>

namespace gridfed {

namespace {

/// Of finite numbers the bits order the magnitudes.
std::uint32_t magnitude(float value) {
  return std::bit_cast<std::uint32_t>(value) & 0x7FFFFFFFu;
}

constexpr std::array<std::uint32_t, 32> single_bits = [] {
  std::array<std::uint32_t, 32> all{};
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = 1u << i;
  return all;
}();

/// A bit for every value whose magnitude is `least` or more; 32 of them are one loop over vectors.
std::vector<std::uint64_t> chosen_from(std::span<const float> vector, std::uint32_t least) {
  std::vector<std::uint64_t> chosen((vector.size() + 63) / 64, 0);
  std::size_t first = 0;
  for (; first + 32 <= vector.size(); first += 32) {
    std::uint32_t bits = 0;
    for (std::size_t i = 0; i < 32; ++i) bits |= magnitude(vector[first + i]) >= least ? single_bits[i] : 0;
    chosen[first / 64] |= static_cast<std::uint64_t>(bits) << (first % 64);
  }
  for (; first < vector.size(); ++first) {
    if (magnitude(vector[first]) >= least) chosen[first / 64] |= std::uint64_t{1} << (first % 64);
  }
  return chosen;
}

std::vector<float> values_of(std::span<const float> vector, std::span<const std::uint64_t> chosen) {
  std::size_t count = 0;
  for (const std::uint64_t word : chosen) count += static_cast<std::size_t>(std::popcount(word));
  std::vector<float> values(count);
  std::size_t next = 0;
  for (std::size_t word = 0; word < chosen.size(); ++word) {
    for (std::uint64_t rest = chosen[word]; rest != 0; rest &= rest - 1) {
      values[next++] = vector[64 * word + static_cast<std::size_t>(std::countr_zero(rest))];
    }
  }
  return values;
}

/// The k-th largest magnitude, k from 1: counts them in a thousand bins, then those of one bin in a thousand, until a bin is one number.
std::uint32_t kth_magnitude(std::span<const float> values, std::size_t k) {
  std::uint32_t low = 0x7FFFFFFFu, high = 0;
  for (const float value : values) {
    low = std::min(low, magnitude(value));
    high = std::max(high, magnitude(value));
  }
  for (;;) {
    const std::uint32_t width = high - low;
    const int shift = std::max(0, static_cast<int>(std::bit_width(width)) - 10);
    std::array<std::uint32_t, 1024> counts{};
    for (const float value : values) {
      const std::uint32_t above = magnitude(value) - low;
      if (above <= width) ++counts[above >> shift];
    }
    std::uint32_t bin = width >> shift;
    for (; counts[bin] < k; --bin) k -= counts[bin];
    low += bin << shift;
    if (shift == 0) return low;
    high = std::min(high, low + (1u << shift) - 1);
  }
}

/// A magnitude that is hardly ever above the k-th largest of many and not far below it: from a sample.
std::uint32_t probably_below(std::span<const float> vector, std::size_t k) {
  constexpr std::size_t samples = 2048;
  if (vector.size() < 4 * samples) return 0;
  std::array<float, samples> some;
  for (std::size_t i = 0; i < samples; ++i) some[i] = vector[i * vector.size() / samples];
  const double share = static_cast<double>(k) / static_cast<double>(vector.size());
  const double rank = share * samples + 4 * std::sqrt(samples * share * (1 - share)) + 2;
  return rank < samples ? kth_magnitude(some, static_cast<std::size_t>(rank)) : 0;
}

}  // namespace

SparseUpdate largest(std::span<const float> vector, std::size_t k) {
  SparseUpdate update{.size = vector.size(), .chosen = {}, .values = {}};
  if (k == vector.size()) {
    update.values.assign(vector.begin(), vector.end());
    return update;
  }
  if (k == 0) {
    update.chosen.assign((vector.size() + 63) / 64, 0);
    return update;
  }
  const auto candidates = values_of(vector, chosen_from(vector, probably_below(vector, k)));
  const std::uint32_t least = candidates.size() >= k ? kth_magnitude(candidates, k) : kth_magnitude(vector, k);
  update.chosen = chosen_from(vector, least);
  update.values = values_of(vector, update.chosen);
  std::size_t surplus = update.values.size() - k;  // of those as large as the k-th the last are left out
  if (surplus == 0) return update;
  const auto larger = chosen_from(vector, least + 1);
  for (std::size_t word = update.chosen.size(); word-- > 0 && surplus > 0;) {
    std::uint64_t equal = update.chosen[word] & ~larger[word];
    for (; equal != 0 && surplus > 0; --surplus) {
      const std::uint64_t last = std::bit_floor(equal);
      equal ^= last;
      update.chosen[word] ^= last;
    }
  }
  update.values = values_of(vector, update.chosen);
  return update;
}

EncodedUpdate compress(std::span<const float> update, const Compression& compression, std::span<float> residual, RandomStream& stream) {
  const auto wanted = static_cast<std::size_t>(std::llround(compression.ratio * static_cast<double>(update.size())));
  const std::size_t k = std::clamp<std::size_t>(wanted, std::min<std::size_t>(1, update.size()), update.size());
  if (residual.empty()) return encode(largest(update, k), compression.bits, compression.rounding, stream);

  for (std::size_t i = 0; i < update.size(); ++i) residual[i] += update[i];
  const SparseUpdate sent = largest(residual, k);
  EncodedUpdate message = encode(sent, compression.bits, compression.rounding, stream);
  if (compression.bits != 32 && compression.rounding == Rounding::nearest) {
    const SparseUpdate received = decode(message, update.size());
    std::size_t next = 0;
    for (const std::uint32_t index : received.indices()) residual[index] -= received.values[next++];
  } else if (sent.chosen.empty()) {
    std::fill(residual.begin(), residual.end(), 0.0f);
  } else {
    for (std::size_t word = 0; word < sent.chosen.size(); ++word) {
      for (std::uint64_t rest = sent.chosen[word]; rest != 0; rest &= rest - 1) {
        residual[64 * word + static_cast<std::size_t>(std::countr_zero(rest))] = 0;
      }
    }
  }
  return message;
}

}  // namespace gridfed
