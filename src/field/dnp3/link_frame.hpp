#pragma once

#include "field/dnp3/bytes.hpp"

#include <array>
#include <functional>

/// Link frames in format FT3 (IEEE 1815 clause 9): 05 64 LEN CTRL DESTINATION SOURCE CRC, then blocks of up to 16 bytes, each with its CRC.
namespace gridfed::dnp3 {

constexpr std::size_t largest_user_data = 250;
constexpr std::size_t largest_frame = 292;

/// Addresses with a meaning of their own; all from 0xFFF0 on are no station's.
constexpr std::uint16_t first_reserved_address = 0xFFF0;
constexpr std::uint16_t self_address = 0xFFFC;
constexpr std::uint16_t broadcast_no_confirm = 0xFFFD;    ///< the bit "broadcast received" is told once
constexpr std::uint16_t broadcast_must_confirm = 0xFFFE;  ///< it is told until a confirmation came
constexpr std::uint16_t broadcast_may_confirm = 0xFFFF;
constexpr bool is_broadcast(std::uint16_t address) {
  return address >= broadcast_no_confirm;
}

/// What the station that starts an exchange asks.
enum class PrimaryFunction : std::uint8_t {
  reset_link = 0,
  test_link = 2,
  confirmed_user_data = 3,
  unconfirmed_user_data = 4,
  request_link_status = 9,
};

/// What the other one answers.
enum class SecondaryFunction : std::uint8_t { ack = 0, nack = 1, link_status = 11, not_supported = 15 };

struct LinkControl {
  bool from_master = false;    ///< DIR
  bool primary = false;        ///< PRM
  bool frame_count = false;    ///< FCB, of a primary frame
  bool count_or_flow = false;  ///< FCV of a primary frame (the count bit counts), DFC of a secondary one (its buffers are full)
  std::uint8_t function = 0;

  static LinkControl of(std::uint8_t byte);
  static LinkControl primary_frame(bool from_master, PrimaryFunction function, bool frame_count = false);
  static LinkControl secondary_frame(bool from_master, SecondaryFunction function);
  std::uint8_t byte() const;
  bool is(PrimaryFunction f) const { return primary && function == static_cast<std::uint8_t>(f); }
  bool is(SecondaryFunction f) const { return !primary && function == static_cast<std::uint8_t>(f); }
  bool known_function() const;
};

struct LinkFrame {
  LinkControl control;
  std::uint16_t destination = 0, source = 0;
  ByteSpan user_data;
};

/// Appends the frame with its CRCs; user data of 250 bytes at most.
void put_frame(Bytes& out, const LinkFrame& frame);

struct FrameStatistics {
  std::uint64_t frames = 0;
  std::uint64_t header_crc_errors = 0, data_crc_errors = 0;
  std::uint64_t bad_lengths = 0;    ///< LEN below 5, or user data where the function has none or the other way round
  std::uint64_t skipped_bytes = 0;  ///< thrown away while looking for 05 64
};

/// Cuts a stream of bytes into frames. Garbage is skipped up to the next 05 64 whose header CRC is good; memory is one frame.
class FrameReader {
 public:
  void feed(ByteSpan bytes, const std::function<void(const LinkFrame&)>& on_frame);
  /// Forgets a frame that has begun: another connection is another stream.
  void reset() { begin_ = end_ = 0; }
  const FrameStatistics& statistics() const { return statistics_; }

 private:
  bool parse(const std::function<void(const LinkFrame&)>& on_frame);
  void skip(std::size_t bytes);

  std::array<std::uint8_t, 2 * largest_frame> buffer_{};
  std::array<std::uint8_t, largest_user_data> user_data_{};
  std::size_t begin_ = 0, end_ = 0;
  FrameStatistics statistics_;
};

}  // namespace gridfed::dnp3
