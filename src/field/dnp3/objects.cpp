#include "field/dnp3/objects.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>
#include <limits>

namespace gridfed::dnp3 {

namespace {

using enum Number;

constexpr std::size_t number_bytes(Number number) {
  switch (number) {
    case none:
      return 0;
    case u16:
    case i16:
      return 2;
    case u32:
    case i32:
    case f32:
      return 4;
    case f64:
      return 8;
  }
  return 0;
}

constexpr ObjectFormat packed(int group, int variation, int bits) {
  return {static_cast<std::uint8_t>(group), static_cast<std::uint8_t>(variation), Shape::packed, static_cast<std::uint8_t>(bits)};
}
constexpr ObjectFormat flagged(int group, int variation, Number number, Stamp stamp = Stamp::none) {
  return {static_cast<std::uint8_t>(group), static_cast<std::uint8_t>(variation), Shape::point, 0, true, number, stamp};
}
constexpr ObjectFormat bare(int group, int variation, Number number) {
  return {static_cast<std::uint8_t>(group), static_cast<std::uint8_t>(variation), Shape::point, 0, false, number};
}
constexpr ObjectFormat other(int group, int variation, Shape shape, Number number = none) {
  return {static_cast<std::uint8_t>(group), static_cast<std::uint8_t>(variation), shape, 0, false, number};
}

constexpr auto absolute = Stamp::absolute, relative = Stamp::relative;

// Sorted by group and variation.
constexpr auto table = std::to_array<ObjectFormat>({
    packed(1, 1, 1),
    flagged(1, 2, none),
    flagged(2, 1, none),
    flagged(2, 2, none, absolute),
    flagged(2, 3, none, relative),
    packed(3, 1, 2),
    flagged(3, 2, none),
    flagged(4, 1, none),
    flagged(4, 2, none, absolute),
    flagged(4, 3, none, relative),
    packed(10, 1, 1),
    flagged(10, 2, none),
    flagged(11, 1, none),
    flagged(11, 2, none, absolute),
    other(12, 1, Shape::command),
    flagged(20, 1, u32),
    flagged(20, 2, u16),
    bare(20, 5, u32),
    bare(20, 6, u16),
    flagged(21, 1, u32),
    flagged(21, 2, u16),
    flagged(21, 5, u32, absolute),
    flagged(21, 6, u16, absolute),
    bare(21, 9, u32),
    bare(21, 10, u16),
    flagged(22, 1, u32),
    flagged(22, 2, u16),
    flagged(22, 5, u32, absolute),
    flagged(22, 6, u16, absolute),
    flagged(23, 1, u32),
    flagged(23, 2, u16),
    flagged(23, 5, u32, absolute),
    flagged(23, 6, u16, absolute),
    flagged(30, 1, i32),
    flagged(30, 2, i16),
    bare(30, 3, i32),
    bare(30, 4, i16),
    flagged(30, 5, f32),
    flagged(30, 6, f64),
    flagged(31, 1, i32),
    flagged(31, 2, i16),
    flagged(31, 3, i32, absolute),
    flagged(31, 4, i16, absolute),
    bare(31, 5, i32),
    bare(31, 6, i16),
    flagged(31, 7, f32),
    flagged(31, 8, f64),
    flagged(32, 1, i32),
    flagged(32, 2, i16),
    flagged(32, 3, i32, absolute),
    flagged(32, 4, i16, absolute),
    flagged(32, 5, f32),
    flagged(32, 6, f64),
    flagged(32, 7, f32, absolute),
    flagged(32, 8, f64, absolute),
    flagged(40, 1, i32),
    flagged(40, 2, i16),
    flagged(40, 3, f32),
    flagged(40, 4, f64),
    other(41, 1, Shape::command, i32),
    other(41, 2, Shape::command, i16),
    other(41, 3, Shape::command, f32),
    other(41, 4, Shape::command, f64),
    flagged(42, 1, i32),
    flagged(42, 2, i16),
    flagged(42, 3, i32, absolute),
    flagged(42, 4, i16, absolute),
    flagged(42, 5, f32),
    flagged(42, 6, f64),
    flagged(42, 7, f32, absolute),
    flagged(42, 8, f64, absolute),
    flagged(43, 1, i32),
    flagged(43, 2, i16),
    flagged(43, 3, i32, absolute),
    flagged(43, 4, i16, absolute),
    flagged(43, 5, f32),
    flagged(43, 6, f64),
    flagged(43, 7, f32, absolute),
    flagged(43, 8, f64, absolute),
    other(50, 1, Shape::time),
    other(50, 3, Shape::time),
    other(50, 4, Shape::interval),
    other(51, 1, Shape::time),
    other(51, 2, Shape::time),
    other(52, 1, Shape::delay, u16),
    other(52, 2, Shape::delay, u16),
    other(60, 1, Shape::empty),
    other(60, 2, Shape::empty),
    other(60, 3, Shape::empty),
    other(60, 4, Shape::empty),
    packed(80, 1, 1),
});

constexpr std::uint8_t text_group = 110;
constexpr std::size_t crob_bytes = 11, time_bytes = 6, relative_bytes = 2, interval_bytes = 11;

constexpr std::array<TypeGroups, point_types> types{{
    {PointType::binary_input, "binary_input", 1, 2, 2, 2},
    {PointType::double_bit_input, "double_bit_input", 3, 4, 2, 2},
    {PointType::binary_output, "binary_output", 10, 11, 2, 2},
    {PointType::counter, "counter", 20, 22, 1, 5},
    {PointType::frozen_counter, "frozen_counter", 21, 23, 1, 5},
    {PointType::analog_input, "analog_input", 30, 32, 5, 7},
    {PointType::frozen_analog_input, "frozen_analog_input", 31, 0, 7, 0},
    {PointType::analog_output, "analog_output", 40, 42, 3, 7},
    {PointType::octet_string, "octet_string", text_group, 0, 0, 0},
    {PointType::analog_command, "analog_command", 0, 43, 0, 7},
}};

// The state of binary values lives in the top bits of their flags.
int state_bits(std::uint8_t group) {
  switch (group) {
    case 1:
    case 2:
    case 10:
    case 11:
      return 1;
    case 3:
    case 4:
      return 2;
    default:
      return 0;
  }
}

std::pair<double, double> limits_of(Number number) {
  switch (number) {
    case none:
    case f64:
      break;
    case u16:
      return {0, std::numeric_limits<std::uint16_t>::max()};
    case u32:
      return {0, std::numeric_limits<std::uint32_t>::max()};
    case i16:
      return {std::numeric_limits<std::int16_t>::min(), std::numeric_limits<std::int16_t>::max()};
    case i32:
      return {std::numeric_limits<std::int32_t>::min(), std::numeric_limits<std::int32_t>::max()};
    case f32:
      return {std::numeric_limits<float>::lowest(), std::numeric_limits<float>::max()};
  }
  return {std::numeric_limits<double>::lowest(), std::numeric_limits<double>::max()};
}

}  // namespace

std::size_t ObjectFormat::bytes() const {
  switch (shape) {
    case Shape::point:
      return (flags ? 1 : 0) + number_bytes(number) + (stamp == absolute ? time_bytes : stamp == relative ? relative_bytes : 0);
    case Shape::text:
      return variation;
    case Shape::command:
      return number == none ? crob_bytes : number_bytes(number) + 1;
    case Shape::time:
      return time_bytes;
    case Shape::delay:
      return number_bytes(number);
    case Shape::interval:
      return interval_bytes;
    case Shape::packed:
    case Shape::empty:
      break;
  }
  return 0;
}

std::optional<ObjectFormat> find_format(std::uint8_t group, std::uint8_t variation) {
  if (group == text_group && variation > 0) return ObjectFormat{group, variation, Shape::text};
  const auto key = [](const ObjectFormat& format) { return format.group << 8 | format.variation; };
  static_assert(std::ranges::is_sorted(table, {}, [](const ObjectFormat& format) { return format.group << 8 | format.variation; }));
  const auto found = std::ranges::lower_bound(table, group << 8 | variation, {}, key);
  if (found == table.end() || key(*found) != (group << 8 | variation)) return std::nullopt;
  return *found;
}

const TypeGroups& groups_of(PointType type) {
  return types[static_cast<std::size_t>(type)];
}

namespace {

template <class Property, class Value>
std::optional<PointType> type_where(Property property, const Value& value) {
  const auto found = std::ranges::find(types, value, property);
  if (found == types.end()) return std::nullopt;
  return found->type;
}

}  // namespace

std::optional<PointType> type_of_static(std::uint8_t group) {
  return group == 0 ? std::nullopt : type_where(&TypeGroups::static_group, group);
}
std::optional<PointType> type_of_event(std::uint8_t group) {
  return group == 0 ? std::nullopt : type_where(&TypeGroups::event_group, group);
}
std::optional<PointType> type_of_name(std::string_view name) {
  return type_where(&TypeGroups::name, name);
}

bool fits(Number number, double value) {
  const auto [low, high] = limits_of(number);
  return value >= low && value <= high;
}

void put_number(Bytes& out, Number number, double value) {
  assert(fits(number, value));
  switch (number) {
    case none:
      return;
    case f32:
      put(out, std::bit_cast<std::uint32_t>(static_cast<float>(value)), 4);
      return;
    case f64:
      put(out, std::bit_cast<std::uint64_t>(value), 8);
      return;
    default:
      put(out, static_cast<std::uint64_t>(std::llround(value)), static_cast<int>(number_bytes(number)));
  }
}

double read_number(ByteReader& reader, Number number) {
  switch (number) {
    case none:
      return 0;
    case u16:
      return reader.u16();
    case u32:
      return reader.u32();
    case i16:
      return static_cast<std::int16_t>(reader.u16());
    case i32:
      return static_cast<std::int32_t>(reader.u32());
    case f32:
      return std::bit_cast<float>(reader.u32());
    case f64:
      return std::bit_cast<double>(reader.unsigned_number(8));
  }
  return 0;
}

void put_point(Bytes& out, const ObjectFormat& format, PointValue value, UtcMilliseconds common_time) {
  assert(format.shape == Shape::point);
  const bool analog_command = format.group == 43;
  if (format.number != none) {
    if (std::isnan(value.value)) {
      value.value = 0;
      if (!analog_command) value.flags |= flag::reference_error;
    } else if (!fits(format.number, value.value)) {
      const auto [low, high] = limits_of(format.number);
      value.value = std::clamp(value.value, low, high);
      if (!analog_command) value.flags |= flag::chatter_or_range;
    }
  } else if (const int bits = state_bits(format.group)) {
    const auto state = value.value > 0 ? static_cast<unsigned>(std::min(value.value, bits == 1 ? 1.0 : 3.0)) : 0;
    value.flags = static_cast<std::uint8_t>((value.flags & (0xFFU >> bits)) | state << (8 - bits));
  }
  if (format.flags) put(out, value.flags, 1);
  put_number(out, format.number, value.value);
  const auto time = value.time.value_or(0);
  if (format.stamp == absolute) put(out, time, time_bytes);
  if (format.stamp == relative) put(out, time - common_time, relative_bytes);
}

PointValue read_point(ByteReader& reader, const ObjectFormat& format, UtcMilliseconds common_time) {
  PointValue value;
  if (format.flags) value.flags = reader.u8();
  value.value = read_number(reader, format.number);
  if (const int bits = state_bits(format.group)) {
    value.value = value.flags >> (8 - bits);
    value.flags &= static_cast<std::uint8_t>(0xFF >> bits);
  }
  if (format.stamp == absolute) value.time = reader.unsigned_number(time_bytes);
  if (format.stamp == relative) value.time = (common_time + reader.u16()) & latest_time;
  return value;
}

PointValue packed_point(unsigned state) {
  return {.value = static_cast<double>(state)};
}

}  // namespace gridfed::dnp3
