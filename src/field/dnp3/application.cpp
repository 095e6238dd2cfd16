#include "field/dnp3/application.hpp"

namespace gridfed::dnp3 {

Control Control::of(std::uint8_t byte) {
  return {.first = (byte & 0x80) != 0,
          .final = (byte & 0x40) != 0,
          .confirm = (byte & 0x20) != 0,
          .unsolicited = (byte & 0x10) != 0,
          .sequence = static_cast<std::uint8_t>(byte & 0x0F)};
}

std::uint8_t Control::byte() const {
  return static_cast<std::uint8_t>(first << 7 | final << 6 | confirm << 5 | unsolicited << 4 | (sequence & 0x0F));
}

std::optional<Fragment> parse_fragment(ByteSpan bytes) {
  ByteReader reader(bytes);
  Fragment fragment;
  fragment.control = Control::of(reader.u8());
  fragment.function = static_cast<Function>(reader.u8());
  if (fragment.function == Function::response || fragment.function == Function::unsolicited_response) {
    fragment.indications.bits = reader.u16();
  }
  if (!reader.ok()) return std::nullopt;
  fragment.objects = reader.rest();
  return fragment;
}

void put_fragment_header(Bytes& out, Control control, Function function) {
  put(out, control.byte(), 1);
  put(out, static_cast<std::uint8_t>(function), 1);
}

void put_response_header(Bytes& out, Control control, Function function, Indications indications) {
  put_fragment_header(out, control, function);
  put(out, indications.bits, 2);
}

}  // namespace gridfed::dnp3
