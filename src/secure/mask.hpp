#pragma once

#include "secure/key_agreement.hpp"

#include <cstdint>
#include <span>

namespace gridfed {

enum class Sign { plus, minus };

/// values +- the stream of AES-256 in counter mode under this key, modulo 2^32 or 2^64. A key makes one stream, whose counter starts at
/// zero: keys are never used for two vectors.
void add_mask(std::span<std::uint32_t> values, const Key& key, Sign sign);
void add_mask(std::span<std::uint64_t> values, const Key& key, Sign sign);

}  // namespace gridfed
