#include "field/dnp3/commands.hpp"
#include "field/dnp3/transport.hpp"

#include <cstdlib>

using namespace gridfed::dnp3;

namespace {

void decode(ByteSpan bytes) {
  const auto fragment = parse_fragment(bytes);
  if (!fragment) return;
  for (const auto content : {Content::names, Content::objects}) {
    HeaderReader headers(fragment->objects, content);
    while (const auto header = headers.next()) {
      if (content == Content::names) {
        for_each_index(*header, [](std::uint32_t) {});
      } else if (header->format && header->format->shape == Shape::packed) {
        for_each_packed(*header, [](std::uint32_t, unsigned bits) { packed_point(bits); });
      } else if (header->format) {
        for_each_object(*header, [&](std::uint32_t index, ByteReader& object) {
          if (header->format->shape == Shape::point) {
            Bytes again;
            put_point(again, *header->format, read_point(object, *header->format));
            if (again.size() != header->format->bytes()) std::abort();
          } else if (header->format->shape == Shape::command) {
            read_command(*header, index, object);
          }
        });
      }
    }
  }
}

}  // namespace

// The input is a stream as it comes from the wire, and once more a fragment of its own, as CRCs keep most inputs from the upper layers.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteSpan bytes(data, size);
  for (const bool confirmed : {false, true}) {
    Transport station({.local = 10, .remote = 1, .master = false, .confirmed = confirmed, .answers_self = true});
    station.connected(Instant(0));
    station.receive(bytes, Instant(0), [&](ByteSpan fragment, std::uint16_t) {
      decode(fragment);
      station.send(fragment, Instant(0));
    });
    station.link().tick(std::chrono::minutes(2));
  }
  Reassembler reassembler;
  for (auto rest = bytes; !rest.empty();) {
    const auto length = std::min<std::size_t>(rest.size(), 1 + rest[0] % largest_user_data);
    if (const auto fragment = reassembler.add(rest.first(length))) decode(*fragment);
    rest = rest.subspan(length);
  }
  decode(bytes);
  return 0;
}
