#include "fed/message.hpp"

#include "runtime/error.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

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

std::size_t words_for(std::size_t size) {
  return (size + 63) / 64;
}
std::size_t scales_for(std::size_t k) {
  return (k + values_per_scale - 1) / values_per_scale;
}
std::size_t value_bytes(std::size_t k, int bits) {
  return (k * static_cast<std::size_t>(bits) + 7) / 8 + (bits == 32 ? 0 : scales_for(k) * sizeof(float));
}

/// Calls work(index) for every bit that is set, ascending.
template <class Work>
void for_each_chosen(std::span<const std::uint64_t> words, std::size_t first, Work work) {
  for (const std::uint64_t word : words) {
    for (std::uint64_t rest = word; rest != 0; rest &= rest - 1) work(first + static_cast<std::size_t>(std::countr_zero(rest)));
    first += 64;
  }
}

template <class T>
void append(EncodedUpdate& message, std::span<const T> values) {
  const auto bytes = std::as_bytes(values);
  message.insert(message.end(), bytes.begin(), bytes.end());
}

EncodedUpdate gaps_of(const SparseUpdate& update) {
  EncodedUpdate bytes;
  bytes.reserve(update.values.size() + update.values.size() / 8);
  std::size_t next = 0;
  for_each_chosen(update.chosen, 0, [&](std::size_t index) {
    std::size_t gap = index - next;
    for (; gap >= 128; gap >>= 7) bytes.push_back(static_cast<std::byte>(gap | 128));
    bytes.push_back(static_cast<std::byte>(gap));
    next = index + 1;
  });
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
  std::size_t left() const { return rest_.size(); }

 private:
  std::span<const std::byte> rest_;
};

[[noreturn]] void reject(const char* why) {
  throw Error("an update is malformed ({}): check that all ranks run the same version", why);
}

std::vector<std::uint64_t> read_gaps(Reader& reader, const Header& header) {
  if (reader.left() < header.k) reject("indices are missing");  // before the allocation: a forged count must not exhaust memory
  std::vector<std::uint64_t> chosen(words_for(header.size), 0);
  std::uint64_t next = 0;
  for (std::uint32_t i = 0; i < header.k; ++i) {
    std::uint64_t gap = 0;
    for (int shift = 0;; shift += 7) {
      if (shift > 28) reject("an index is too long");
      const auto group = reader.take<std::uint8_t>();
      gap |= static_cast<std::uint64_t>(group & 127) << shift;
      if (group < 128) break;
    }
    next += gap;
    if (next >= header.size) reject("an index is out of range");
    chosen[next / 64] |= std::uint64_t{1} << (next % 64);
    ++next;
  }
  return chosen;
}

std::vector<std::uint64_t> read_bitmap(Reader& reader, const Header& header) {
  const auto bytes = reader.take((static_cast<std::size_t>(header.size) + 7) / 8);
  std::vector<std::uint64_t> chosen(words_for(header.size), 0);
  std::memcpy(chosen.data(), bytes.data(), bytes.size());
  const unsigned used = header.size % 64;
  if (used != 0 && chosen.back() >> used != 0) reject("the bitmap is longer than the vector");
  return chosen;
}

/// Levels of up to values_per_scale values that share a scale, from 0 to 2 top.
void to_levels(std::span<const float> values, float scale, int top, Rounding rounding, RandomStream& stream, std::span<int> levels) {
  std::array<double, values_per_scale> shift;  // what is added before rounding down
  if (rounding == Rounding::stochastic) {
    for (std::size_t i = 0; i < values.size(); i += 2) {  // two numbers of 32 bits a draw
      const std::uint64_t bits = stream.bits();
      shift[i] = static_cast<double>(bits >> 32) * 0x1.0p-32;
      if (i + 1 < values.size()) shift[i + 1] = static_cast<double>(bits & 0xFFFFFFFF) * 0x1.0p-32;
    }
  } else {
    shift.fill(0.5);
  }
  const double levels_a_unit = scale > 0 ? top / static_cast<double>(scale) : 0.0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    levels[i] = std::clamp(static_cast<int>(std::floor(values[i] * levels_a_unit + shift[i])), -top, top) + top;
  }
}

float largest_magnitude(std::span<const float> values) {
  std::uint32_t largest = 0;  // of finite numbers the bits order the magnitudes
  for (const float value : values) largest = std::max(largest, std::bit_cast<std::uint32_t>(value) & 0x7FFFFFFFu);
  return std::bit_cast<float>(largest);
}

void write_levels(EncodedUpdate& message, std::span<const float> values, int bits, Rounding rounding, RandomStream& stream) {
  const int top = top_level(bits);
  std::vector<float> scales;
  for (std::size_t first = 0; first < values.size(); first += values_per_scale) {
    scales.push_back(largest_magnitude(values.subspan(first, std::min(values_per_scale, values.size() - first))));
  }
  append<float>(message, scales);
  std::array<int, values_per_scale> levels;
  BitWriter writer(message, bits);
  for (std::size_t group = 0; group < scales.size(); ++group) {
    const auto part = values.subspan(group * values_per_scale, std::min(values_per_scale, values.size() - group * values_per_scale));
    to_levels(part, scales[group], top, rounding, stream, levels);
    if (bits == 8) {
      const std::size_t end = message.size();
      message.resize(end + part.size());
      for (std::size_t i = 0; i < part.size(); ++i) message[end + i] = static_cast<std::byte>(levels[i]);
    } else {
      for (std::size_t i = 0; i < part.size(); ++i) writer.write(static_cast<unsigned>(levels[i]));
    }
  }
}

}  // namespace

std::vector<std::uint32_t> SparseUpdate::indices() const {
  std::vector<std::uint32_t> all;
  all.reserve(values.size());
  for_each_chosen(chosen, 0, [&](std::size_t index) { all.push_back(static_cast<std::uint32_t>(index)); });
  if (chosen.empty()) {
    for (std::uint32_t i = 0; i < size; ++i) all.push_back(i);
  }
  return all;
}

std::size_t longest_message(std::size_t size) {
  return sizeof(Header) + (size + 7) / 8 + std::max(value_bytes(size, 32), value_bytes(size, 8));
}

EncodedUpdate encode(const SparseUpdate& update, int bits, Rounding rounding, RandomStream& stream) {
  if (update.size > std::numeric_limits<std::uint32_t>::max())
    throw Error("an update of {} parameters is too long for a message", update.size);
  const std::size_t k = update.values.size(), bitmap = (update.size + 7) / 8;
  const std::size_t length = sizeof(Header) + bitmap + value_bytes(k, bits);
  Header header{.size = static_cast<std::uint32_t>(update.size),
                .k = static_cast<std::uint32_t>(k),
                .bits = static_cast<std::uint8_t>(bits),
                .coding = update.chosen.empty() ? IndexCoding::all : IndexCoding::bitmap,
                .values_per_scale = values_per_scale};
  EncodedUpdate gaps, message;
  const auto pays = [&](std::size_t index_bytes) { return index_bytes < bitmap && 8 * (bitmap - index_bytes) > length; };
  if (header.coding == IndexCoding::bitmap && pays(k)) {  // a gap takes a byte at least
    gaps = gaps_of(update);
    if (pays(gaps.size())) header.coding = IndexCoding::gaps;
  }
  message.reserve(length);
  append(message, std::span<const Header>(&header, 1));
  if (header.coding == IndexCoding::gaps) append<std::byte>(message, gaps);
  if (header.coding == IndexCoding::bitmap) append(message, std::as_bytes(std::span(update.chosen)).first(bitmap));
  if (bits == 32) {
    append<float>(message, update.values);
  } else {
    write_levels(message, update.values, bits, rounding, stream);
  }
  return message;
}

MessageView::MessageView(std::span<const std::byte> message, std::size_t size) : size_(size) {
  Reader reader(message);
  const auto header = reader.take<Header>();
  if (header.size != size)
    throw Error("an update is malformed (it is for {} parameters, the model has {}): train one model everywhere", header.size, size);
  if (header.k > header.size) reject("more values than parameters");
  if (header.bits != 32 && (header.bits < 2 || header.bits > 8)) reject("the number of bits is unknown");
  if (header.values_per_scale != values_per_scale) reject("another number of values shares a scale");
  count_ = header.k;
  bits_ = header.bits;
  if (header.coding == IndexCoding::gaps) chosen_ = read_gaps(reader, header);
  if (header.coding == IndexCoding::bitmap) chosen_ = read_bitmap(reader, header);
  if (header.coding == IndexCoding::all && header.k != header.size) reject("indices are missing");
  if (header.coding > IndexCoding::bitmap) reject("the index coding is unknown");
  if (bits_ != 32) scales_ = reader.take(scales_for(count_) * sizeof(float));
  values_ = reader.take((count_ * header.bits + 7) / 8);
  if (reader.left() > 0) reject("bytes are left over");
  if (count_ * header.bits % 8 != 0 && std::to_integer<unsigned>(values_.back()) >> (count_ * header.bits % 8) != 0)
    reject("bits are left over");
  std::uint32_t begin = 0;
  for (std::size_t first = 0; first < size_ && !chosen_.empty(); first += block) {
    begins_.push_back(begin);
    const std::size_t last = std::min(chosen_.size(), (first + block) / 64);
    for (std::size_t word = first / 64; word < last; ++word) begin += static_cast<std::uint32_t>(std::popcount(chosen_[word]));
  }
  begins_.push_back(begin);
  if (!chosen_.empty() && begin != count_) reject("the bitmap disagrees with the header");
}

/// Of a block, into as many places as it has coordinates; returns how many there are.
std::size_t MessageView::read_values(std::size_t which, std::span<float> values) const {
  const std::size_t first = chosen_.empty() ? which * block : begins_[which];
  const std::size_t count = chosen_.empty() ? std::min(block, size_ - first) : begins_[which + 1] - first;
  if (bits_ == 32) {
    if (count > 0) std::memcpy(values.data(), values_.data() + first * sizeof(float), count * sizeof(float));
  } else {
    const int top = top_level(bits_);
    std::array<int, block> levels;
    bool within = true;
    if (bits_ == 8) {
      for (std::size_t i = 0; i < count; ++i) levels[i] = std::to_integer<int>(values_[first + i]) - top;
    } else {
      for (std::size_t i = 0; i < count; ++i) {
        const std::size_t bit = (first + i) * static_cast<std::size_t>(bits_);
        unsigned held = std::to_integer<unsigned>(values_[bit / 8]);
        if (bit % 8 + static_cast<std::size_t>(bits_) > 8) held |= std::to_integer<unsigned>(values_[bit / 8 + 1]) << 8;
        levels[i] = static_cast<int>(held >> (bit % 8) & ((1u << bits_) - 1)) - top;
      }
    }
    for (std::size_t i = 0; i < count; ++i) within &= levels[i] <= top;
    if (!within) reject("a level is out of range");
    for (std::size_t i = 0; i < count;) {
      float scale = 0;
      const std::size_t group = (first + i) / values_per_scale, end = std::min(count, (group + 1) * values_per_scale - first);
      std::memcpy(&scale, scales_.data() + group * sizeof(float), sizeof scale);
      const double step = static_cast<double>(scale) / top;
      for (; i < end; ++i) values[i] = static_cast<float>(step * levels[i]);
    }
  }
  std::uint32_t largest = 0;
  for (std::size_t i = 0; i < count; ++i) largest = std::max(largest, std::bit_cast<std::uint32_t>(values[i]) & 0x7FFFFFFFu);
  if (largest >= 0x7F800000u) reject("a value is not finite");
  return count;
}

void MessageView::add(std::size_t which, double factor, double weight, std::span<double> sum) const {
  std::array<float, block> values;
  const std::size_t count = read_values(which, values);
  for (std::size_t i = 0; i < count && factor != 1; ++i) values[i] = static_cast<float>(values[i] * factor);
  if (chosen_.empty()) {
    for (std::size_t i = 0; i < count; ++i) sum[i] += weight * values[i];
    return;
  }
  const float* value = values.data();
  const auto words = std::span(chosen_).subspan(which * (block / 64), std::min(block / 64, chosen_.size() - which * (block / 64)));
  for_each_chosen(words, 0, [&](std::size_t i) { sum[i] += weight * *value++; });
}

double MessageView::norm() const {
  std::array<float, block> values;
  double squares = 0;
  for (std::size_t which = 0; which * block < size_; ++which) {
    const std::size_t count = read_values(which, values);
    for (std::size_t i = 0; i < count; ++i) squares += static_cast<double>(values[i]) * values[i];
  }
  return std::sqrt(squares);
}

SparseUpdate MessageView::decoded() const {
  SparseUpdate update{.size = size_, .chosen = chosen_, .values = {}};
  update.values.reserve(count_);
  std::array<float, block> values;
  for (std::size_t which = 0; which * block < size_; ++which) {
    const std::size_t count = read_values(which, values);
    update.values.insert(update.values.end(), values.begin(), values.begin() + static_cast<std::ptrdiff_t>(count));
  }
  return update;
}

SparseUpdate decode(std::span<const std::byte> message, std::size_t size) {
  return MessageView(message, size).decoded();
}

}  // namespace gridfed
