#include "fed/compression.hpp"

#include "runtime/error.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>

// Message, little-endian:  u32 size | u32 k | u8 bits | u8 index coding | u16 values per scale | indices | f32 scales | values
//   indices: all - nothing; gaps - (index - previous - 1) in groups of 7 bits, high bit = more follow; bitmap - ceil(size / 8) bytes
//   values:  32 bits - f32; else level + 2^(bits-1) - 1 in `bits` bits, lowest bit first, level = value / scale * (2^(bits-1) - 1)

namespace gridfed {

namespace {

static_assert(std::endian::native == std::endian::little);

constexpr std::size_t values_per_scale = 1024;
enum class IndexCoding : std::uint8_t { all, gaps, bitmap };

struct Header {
  std::uint32_t size;
  std::uint32_t k;
  std::uint8_t bits;
  IndexCoding coding;
  std::uint16_t values_per_scale;
};
static_assert(sizeof(Header) == 12);

int top_level(int bits) {
  return (1 << (bits - 1)) - 1;
}

template <class T>
void append(EncodedUpdate& message, std::span<const T> values) {
  const std::size_t end = message.size();
  message.resize(end + values.size_bytes());
  if (!values.empty()) std::memcpy(message.data() + end, values.data(), values.size_bytes());
}

EncodedUpdate gaps_of(std::span<const std::uint32_t> indices) {
  EncodedUpdate bytes;
  bytes.reserve(indices.size() + indices.size() / 8);
  std::uint32_t next = 0;
  for (const std::uint32_t index : indices) {
    std::uint32_t gap = index - next;
    for (; gap >= 128; gap >>= 7) bytes.push_back(static_cast<std::byte>(gap | 128));
    bytes.push_back(static_cast<std::byte>(gap));
    next = index + 1;
  }
  return bytes;
}

EncodedUpdate bitmap_of(std::span<const std::uint32_t> indices, std::size_t size) {
  EncodedUpdate bytes((size + 7) / 8);
  for (const std::uint32_t index : indices) bytes[index / 8] |= std::byte{1} << (index % 8);
  return bytes;
}

/// Appends numbers of `width` bits, lowest bit first.
class BitWriter {
 public:
  BitWriter(EncodedUpdate& bytes, int width) : bytes_(bytes), width_(width) {}
  ~BitWriter() {
    if (held_ > 0) bytes_.push_back(static_cast<std::byte>(pending_));
  }
  void write(unsigned number) {
    pending_ |= number << held_;
    for (held_ += width_; held_ >= 8; held_ -= 8, pending_ >>= 8) bytes_.push_back(static_cast<std::byte>(pending_));
  }

 private:
  EncodedUpdate& bytes_;
  int width_, held_ = 0;
  unsigned pending_ = 0;
};

/// Takes a message apart, front to back.
class Reader {
 public:
  explicit Reader(std::span<const std::byte> bytes) : rest_(bytes) {}

  std::span<const std::byte> take(std::size_t count) {
    if (count > rest_.size())
      throw Error("an update is malformed ({} of {} bytes are missing): the sender was cut off", count - rest_.size(), count);
    const auto front = rest_.first(count);
    rest_ = rest_.subspan(count);
    return front;
  }
  template <class T>
  T take() {
    T value;
    std::memcpy(&value, take(sizeof(T)).data(), sizeof(T));
    return value;
  }
  template <class T>
  std::vector<T> take_all(std::size_t count) {
    const auto bytes = take(count * sizeof(T));  // before the allocation: a forged count must not exhaust memory
    std::vector<T> values(count);
    if (count > 0) std::memcpy(values.data(), bytes.data(), bytes.size());
    return values;
  }
  bool empty() const { return rest_.empty(); }

 private:
  std::span<const std::byte> rest_;
};

[[noreturn]] void reject(const char* why) {
  throw Error("an update is malformed ({}): check that all ranks run the same version", why);
}

std::vector<std::uint32_t> read_gaps(Reader& reader, const Header& header) {
  std::vector<std::uint32_t> indices;
  std::uint64_t next = 0;
  while (indices.size() < header.k) {
    std::uint64_t gap = 0;
    for (int shift = 0;; shift += 7) {
      if (shift > 28) reject("an index is too long");
      const auto group = reader.take<std::uint8_t>();
      gap |= static_cast<std::uint64_t>(group & 127) << shift;
      if (group < 128) break;
    }
    if (next + gap >= header.size) reject("an index is out of range");
    indices.push_back(static_cast<std::uint32_t>(next + gap));
    next += gap + 1;
  }
  return indices;
}

std::vector<std::uint32_t> read_bitmap(Reader& reader, const Header& header) {
  const auto bitmap = reader.take((static_cast<std::size_t>(header.size) + 7) / 8);
  std::vector<std::uint32_t> indices;
  for (std::size_t byte = 0; byte < bitmap.size(); ++byte) {
    for (auto bits = std::to_integer<unsigned>(bitmap[byte]); bits != 0; bits &= bits - 1) {
      indices.push_back(static_cast<std::uint32_t>(8 * byte + std::countr_zero(bits)));
    }
  }
  if (indices.size() != header.k || (!indices.empty() && indices.back() >= header.size)) reject("the bitmap disagrees with the header");
  return indices;
}

std::vector<std::uint32_t> read_indices(Reader& reader, const Header& header) {
  switch (header.coding) {
    case IndexCoding::gaps:
      return read_gaps(reader, header);
    case IndexCoding::bitmap:
      return read_bitmap(reader, header);
    case IndexCoding::all:
      if (header.k != header.size) reject("indices are missing");
      std::vector<std::uint32_t> indices(header.k);
      std::iota(indices.begin(), indices.end(), 0u);
      return indices;
  }
  reject("the index coding is unknown");
}

void write_levels(EncodedUpdate& message, std::span<const float> values, int bits, Rounding rounding, RandomStream& stream) {
  const int top = top_level(bits);
  std::vector<float> scales;
  for (std::size_t first = 0; first < values.size(); first += values_per_scale) {
    float scale = 0;
    for (const float value : values.subspan(first, std::min(values_per_scale, values.size() - first)))
      scale = std::max(scale, std::abs(value));
    scales.push_back(scale);
  }
  append<float>(message, scales);
  BitWriter writer(message, bits);
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double scale = scales[i / values_per_scale];
    const double exact = scale > 0 ? values[i] / scale * top : 0.0;
    const double level = rounding == Rounding::stochastic ? std::floor(exact + stream.uniform()) : std::round(exact);
    writer.write(static_cast<unsigned>(std::clamp(static_cast<int>(level), -top, top) + top));
  }
}

std::vector<float> read_levels(Reader& reader, const Header& header) {
  const int top = top_level(header.bits);
  const std::size_t k = header.k;
  if (header.values_per_scale == 0) reject("no values share a scale");
  const auto scales = reader.take_all<float>((k + header.values_per_scale - 1) / header.values_per_scale);
  const auto bytes = reader.take((k * header.bits + 7) / 8);
  std::vector<float> values(k);
  const unsigned mask = (1u << header.bits) - 1;
  unsigned pending = 0;
  int held = 0;
  for (std::size_t i = 0, byte = 0; i < k; ++i, pending >>= header.bits, held -= header.bits) {
    for (; held < header.bits; held += 8) pending |= std::to_integer<unsigned>(bytes[byte++]) << held;
    const int level = static_cast<int>(pending & mask) - top;
    if (level > top) reject("a level is out of range");
    values[i] = static_cast<float>(static_cast<double>(scales[i / header.values_per_scale]) * level / top);
  }
  if (pending != 0) reject("bits are left over");
  return values;
}

}  // namespace

SparseUpdate largest(std::span<const float> vector, std::size_t k) {
  SparseUpdate update{.size = vector.size(), .indices = {}, .values = {}};
  k = std::min(k, vector.size());
  // Without their sign, floats are ordered as their bits are; two counts of 16 bits each find the k-th largest.
  const auto magnitude = [&](std::size_t i) { return std::bit_cast<std::uint32_t>(vector[i]) & 0x7fffffffu; };
  std::size_t above = 0;  // coordinates whose upper half is larger than that of the k-th
  const auto find = [&](auto counted, auto key) {
    std::vector<std::uint32_t> counts(65536, 0);
    for (std::size_t i = 0; i < vector.size(); ++i) {
      if (counted(i)) ++counts[key(i)];
    }
    std::uint32_t last = 65535;
    while (last > 0 && above + counts[last] < k) above += counts[last--];
    return last;
  };
  const std::uint32_t upper = find([](std::size_t) { return true; }, [&](std::size_t i) { return magnitude(i) >> 16; });
  const std::uint32_t lower =
      find([&](std::size_t i) { return magnitude(i) >> 16 == upper; }, [&](std::size_t i) { return magnitude(i) & 65535; });
  const std::uint32_t least = upper << 16 | lower;
  std::size_t equal = k - above;  // of those as large as the k-th the first are taken
  update.indices.reserve(k);
  update.values.reserve(k);
  for (std::size_t i = 0; i < vector.size(); ++i) {
    if (magnitude(i) < least) continue;
    if (magnitude(i) == least) {
      if (equal == 0) continue;
      --equal;
    }
    update.indices.push_back(static_cast<std::uint32_t>(i));
    update.values.push_back(vector[i]);
  }
  return update;
}

EncodedUpdate encode(const SparseUpdate& update, int bits, Rounding rounding, RandomStream& stream) {
  if (update.size > std::numeric_limits<std::uint32_t>::max())
    throw Error("an update of {} parameters is too long for a message", update.size);
  Header header{.size = static_cast<std::uint32_t>(update.size),
                .k = static_cast<std::uint32_t>(update.indices.size()),
                .bits = static_cast<std::uint8_t>(bits),
                .coding = IndexCoding::all,
                .values_per_scale = values_per_scale};
  EncodedUpdate indices;
  if (header.k < header.size) {
    indices = gaps_of(update.indices);
    header.coding = IndexCoding::gaps;
    if ((update.size + 7) / 8 < indices.size()) {
      indices = bitmap_of(update.indices, update.size);
      header.coding = IndexCoding::bitmap;
    }
  }
  EncodedUpdate message;
  append(message, std::span<const Header>(&header, 1));
  append<std::byte>(message, indices);
  if (bits == 32) {
    append<float>(message, update.values);
  } else {
    write_levels(message, update.values, bits, rounding, stream);
  }
  return message;
}

SparseUpdate decode(std::span<const std::byte> message, std::size_t size) {
  Reader reader(message);
  const auto header = reader.take<Header>();
  if (header.size != size)
    throw Error("an update is malformed (it is for {} parameters, the model has {}): train one model everywhere", header.size, size);
  if (header.k > header.size) reject("more values than parameters");
  if (header.bits != 32 && (header.bits < 2 || header.bits > 8)) reject("the number of bits is unknown");
  SparseUpdate update{.size = size, .indices = read_indices(reader, header), .values = {}};
  update.values = header.bits == 32 ? reader.take_all<float>(header.k) : read_levels(reader, header);
  if (!reader.empty()) reject("bytes are left over");
  if (!std::all_of(update.values.begin(), update.values.end(), [](float value) { return std::isfinite(value); }))
    reject("a value is not finite");
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
    for (std::size_t i = 0; i < k; ++i) residual[received.indices[i]] -= received.values[i];
  } else {
    for (const std::uint32_t index : sent.indices) residual[index] = 0;
  }
  return message;
}

}  // namespace gridfed
