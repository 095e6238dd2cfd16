#pragma once

#include "field/dnp3/object_header.hpp"

/// Control objects: relay outputs (g12v1) and analog outputs (g41).
namespace gridfed::dnp3 {

/// What a control relay output block does; the low nibble of its control code.
enum class Operation : std::uint8_t { nul = 0, pulse_on = 1, pulse_off = 2, latch_on = 3, latch_off = 4 };
/// Which of two relays it acts on; the top bits of the control code.
enum class Relay : std::uint8_t { unspecified = 0, close = 1, trip = 2 };

enum class CommandStatus : std::uint8_t {
  success = 0,
  timeout = 1,  ///< the operate came too late after its select
  no_select = 2,
  format_error = 3,
  not_supported = 4,
  already_active = 5,
  hardware_error = 6,
  local = 7,
  too_many_operations = 8,
  not_authorized = 9,  ///< also given to commands that come again out of sequence
  automation_inhibit = 10,
  processing_limited = 11,
  out_of_range = 12,
  undefined = 127,
};

struct Command {
  enum class Kind : std::uint8_t { relay, analog } kind = Kind::relay;
  std::uint16_t index = 0;
  // Relay.
  Operation operation = Operation::nul;
  Relay relay = Relay::unspecified;
  bool clear = false;  ///< cancels what is going on first
  std::uint8_t count = 1;
  std::uint32_t on_ms = 100, off_ms = 100;
  // Analog.
  double value = 0;
  std::uint8_t variation = 4;  ///< of g41: 1 32-bit and 2 16-bit integer, 3 single and 4 double precision

  static Command latch(std::uint16_t index, bool on) {
    return {.index = index, .operation = on ? Operation::latch_on : Operation::latch_off};
  }
  static Command setpoint(std::uint16_t index, double value, std::uint8_t variation = 4) {
    return {.kind = Kind::analog, .index = index, .value = value, .variation = variation};
  }
};

/// Appends the commands with index prefixes of 16 bits, one header for neighbours of the same object.
void put_commands(Bytes& out, std::span<const Command> commands);
/// Reads a g12v1 or g41 object; its status is left in the last byte.
Command read_command(const ObjectHeader& header, std::uint32_t index, ByteReader& object);

}  // namespace gridfed::dnp3
