#pragma once

#include "field/dnp3/bytes.hpp"

#include <optional>

/// Headers of application fragments (IEEE 1815 clause 4).
namespace gridfed::dnp3 {

enum class Function : std::uint8_t {
  confirm = 0,
  read = 1,
  write = 2,
  select = 3,
  operate = 4,
  direct_operate = 5,
  direct_operate_no_ack = 6,
  immediate_freeze = 7,
  immediate_freeze_no_ack = 8,
  freeze_clear = 9,
  freeze_clear_no_ack = 10,
  cold_restart = 13,
  warm_restart = 14,
  enable_unsolicited = 20,
  disable_unsolicited = 21,
  assign_class = 22,
  delay_measure = 23,
  record_current_time = 24,
  response = 129,
  unsolicited_response = 130,
};

/// The first byte of a fragment.
struct Control {
  bool first = true, final = true;
  bool confirm = false;  ///< the sender wants a confirmation
  bool unsolicited = false;
  std::uint8_t sequence = 0;  ///< 0 to 15

  static Control of(std::uint8_t byte);
  std::uint8_t byte() const;
};

constexpr std::uint8_t next_sequence(std::uint8_t sequence) {
  return (sequence + 1) & 0x0F;
}

/// Internal indications: what a response says of its outstation. The first byte is the low one.
enum class Iin : std::uint16_t {
  broadcast = 0x0001,
  class_1_events = 0x0002,
  class_2_events = 0x0004,
  class_3_events = 0x0008,
  need_time = 0x0010,
  local_control = 0x0020,
  device_trouble = 0x0040,
  device_restart = 0x0080,
  function_not_supported = 0x0100,
  object_unknown = 0x0200,
  parameter_error = 0x0400,
  event_buffer_overflow = 0x0800,
  already_executing = 0x1000,
  configuration_corrupt = 0x2000,
};
/// The index of device_restart in g80v1.
constexpr std::uint32_t device_restart_index = 7;

struct Indications {
  std::uint16_t bits = 0;

  bool has(Iin iin) const { return (bits & static_cast<std::uint16_t>(iin)) != 0; }
  void set(Iin iin, bool on = true) {
    bits = static_cast<std::uint16_t>(on ? bits | static_cast<unsigned>(iin) : bits & ~static_cast<unsigned>(iin));
  }
};

struct Fragment {
  Control control;
  Function function = Function::confirm;
  Indications indications;  ///< of responses
  ByteSpan objects;
};

/// Nothing where the header is too short for its function.
std::optional<Fragment> parse_fragment(ByteSpan bytes);
void put_fragment_header(Bytes& out, Control control, Function function);
void put_response_header(Bytes& out, Control control, Function function, Indications indications);

}  // namespace gridfed::dnp3
