#pragma once

#include "field/dnp3/bytes.hpp"

namespace gridfed::dnp3 {

/// CRC-16/DNP of IEEE 1815 clause 9: polynomial 0x3D65, reflected, start 0, complemented; 0xEA82 for "123456789".
std::uint16_t crc(ByteSpan bytes);

}  // namespace gridfed::dnp3
