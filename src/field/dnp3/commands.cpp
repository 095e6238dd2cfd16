#include "field/dnp3/commands.hpp"

namespace gridfed::dnp3 {

namespace {

struct Named {
  std::uint8_t group, variation;
  bool operator==(const Named&) const = default;
};
Named object_of(const Command& command) {
  return command.kind == Command::Kind::relay ? Named{12, 1} : Named{41, command.variation};
}

}  // namespace

void put_commands(Bytes& out, std::span<const Command> commands) {
  while (!commands.empty()) {
    const auto object = object_of(commands.front());
    std::size_t count = 1;
    while (count < commands.size() && object_of(commands[count]) == object) ++count;
    put_header_count(out, object.group, object.variation, Qualifier::count_16_index_16, static_cast<std::uint32_t>(count));
    for (const auto& command : commands.first(count)) {
      put(out, command.index, 2);
      if (command.kind == Command::Kind::relay) {
        const auto code =
            static_cast<unsigned>(command.operation) | (command.clear ? 0x20U : 0U) | static_cast<unsigned>(command.relay) << 6;
        put(out, code, 1);
        put(out, command.count, 1);
        put(out, command.on_ms, 4);
        put(out, command.off_ms, 4);
      } else {
        put_number(out, find_format(41, command.variation)->number, command.value);
      }
      put(out, static_cast<std::uint8_t>(CommandStatus::success), 1);
    }
    commands = commands.subspan(count);
  }
}

Command read_command(const ObjectHeader& header, std::uint32_t index, ByteReader& object) {
  Command command{.index = static_cast<std::uint16_t>(index)};
  if (header.group == 12) {
    const auto code = object.u8();
    command.operation = static_cast<Operation>(code & 0x0F);
    command.clear = (code & 0x20) != 0;
    command.relay = static_cast<Relay>(code >> 6);
    command.count = object.u8();
    command.on_ms = object.u32();
    command.off_ms = object.u32();
  } else {
    command.kind = Command::Kind::analog;
    command.variation = header.variation;
    command.value = read_number(object, header.format->number);
  }
  return command;
}

}  // namespace gridfed::dnp3
