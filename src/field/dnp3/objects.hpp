#pragma once

#include "field/dnp3/bytes.hpp"

#include <optional>
#include <string_view>

/// The object library (IEEE 1815 annex A) as one table: what each group and variation consists of, and one codec that follows the table.
namespace gridfed::dnp3 {

enum class PointType : std::uint8_t {
  binary_input,
  double_bit_input,
  binary_output,
  counter,
  frozen_counter,
  analog_input,
  frozen_analog_input,
  analog_output,
  octet_string,
  analog_command,  ///< what was commanded of an analog output: events only (g43)
};
constexpr int point_types = 10;

/// Quality and state of a value. `chatter_or_range` is chatter filter, rollover or over range, by type.
namespace flag {
constexpr std::uint8_t online = 0x01, restart = 0x02, comm_lost = 0x04, remote_forced = 0x08, local_forced = 0x10, chatter_or_range = 0x20,
                       reference_error = 0x40, state = 0x80;
constexpr std::uint8_t double_bit_state = 0xC0;
}  // namespace flag

/// A measured value. Binary values are 0 or 1, double-bit ones 0 (intermediate), 1 (off), 2 (on) or 3 (indeterminate), counters up to
/// 2^32 - 1; of an analog command the flags are its status.
struct PointValue {
  double value = 0;
  std::uint8_t flags = flag::online;
  std::optional<UtcMilliseconds> time;
  bool time_synchronised = true;  ///< false where the outstation says that nobody had set its clock

  bool operator==(const PointValue&) const = default;
};

enum class Number : std::uint8_t { none, u16, u32, i16, i32, f32, f64 };
enum class Stamp : std::uint8_t {
  none,
  absolute,
  relative,  ///< milliseconds since the common time of occurrence (g51) before it
};

/// What an object consists of. Points: [flags] [number] [time]; commands (g41): number and status; packed: so many bits a point.
enum class Shape : std::uint8_t {
  point,
  packed,
  text,      ///< as many bytes as the variation says
  empty,     ///< a name without content: classes
  command,   ///< the last byte is its status
  time,      ///< g50, g51: absolute time
  delay,     ///< g52: a number of seconds or milliseconds
  interval,  ///< g50v4: absolute time, a number and its unit; read past
};
struct ObjectFormat {
  std::uint8_t group, variation;
  Shape shape;
  std::uint8_t packed_bits = 0;
  bool flags = false;
  Number number = Number::none;
  Stamp stamp = Stamp::none;

  std::size_t bytes() const;
};

/// Nothing where group or variation are not spoken. Variation 0 ("any") has no format.
std::optional<ObjectFormat> find_format(std::uint8_t group, std::uint8_t variation);

/// The groups of a type of point and the variations sent where nobody asks for another.
struct TypeGroups {
  PointType type;
  std::string_view name;                   ///< as in point maps
  std::uint8_t static_group, event_group;  ///< 0 where there are none
  std::uint8_t static_variation, event_variation;
};
const TypeGroups& groups_of(PointType type);
std::optional<PointType> type_of_static(std::uint8_t group);
std::optional<PointType> type_of_event(std::uint8_t group);
std::optional<PointType> type_of_name(std::string_view name);

/// Appends a point; `common_time` is what relative stamps count from. What does not fit the number's width is held at its limit and
/// flagged over range; a value that is not a number becomes zero and a reference error.
void put_point(Bytes& out, const ObjectFormat& format, PointValue value, UtcMilliseconds common_time = 0);
/// Reads a point of Shape::point. Variations without flags are taken for online.
PointValue read_point(ByteReader& reader, const ObjectFormat& format, UtcMilliseconds common_time = 0);
/// A packed or flagged state byte as value and flags: `state` holds the bits of one point, lowest first.
PointValue packed_point(unsigned state);

/// True if the number's width can hold the value.
bool fits(Number number, double value);
/// Appends a value that fits; integers are rounded.
void put_number(Bytes& out, Number number, double value);
double read_number(ByteReader& reader, Number number);

}  // namespace gridfed::dnp3
