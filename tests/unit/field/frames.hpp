#pragma once

#include "field/dnp3/link_layer.hpp"
#include "field/dnp3/transport.hpp"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <string_view>

namespace gridfed::dnp3 {

/// Bytes written as in the standard's examples: "05 64 05 C0".
inline Bytes hex(std::string_view text) {
  Bytes bytes;
  for (std::size_t i = 0; i + 1 < text.size();) {
    if (text[i] == ' ') {
      ++i;
      continue;
    }
    bytes.push_back(static_cast<std::uint8_t>(std::stoi(std::string(text.substr(i, 2)), nullptr, 16)));
    i += 2;
  }
  return bytes;
}

inline std::string text(ByteSpan bytes) {
  std::string out;
  for (const auto byte : bytes) out += fmt::format("{}{:02X}", out.empty() ? "" : " ", byte);
  return out;
}

/// All frames of a stream.
struct ReadFrame {
  LinkControl control;
  std::uint16_t destination, source;
  Bytes user_data;
};
inline std::vector<ReadFrame> frames_of(FrameReader& reader, ByteSpan bytes) {
  std::vector<ReadFrame> frames;
  reader.feed(bytes, [&](const LinkFrame& frame) {
    frames.push_back({frame.control, frame.destination, frame.source, Bytes(frame.user_data.begin(), frame.user_data.end())});
  });
  return frames;
}
inline std::vector<ReadFrame> frames_of(ByteSpan bytes) {
  FrameReader reader;
  return frames_of(reader, bytes);
}

/// The frame that carries a fragment of one segment, as an outside station would send it.
inline Bytes frame_with(ByteSpan fragment, std::uint16_t destination, std::uint16_t source, bool from_master, unsigned sequence = 0) {
  Bytes segment{static_cast<std::uint8_t>(0xC0 | (sequence & 0x3F))};
  put(segment, fragment);
  Bytes out;
  put_frame(out, {.control = LinkControl::primary_frame(from_master, PrimaryFunction::unconfirmed_user_data),
                  .destination = destination,
                  .source = source,
                  .user_data = segment});
  return out;
}

/// The fragments in a stream of frames.
inline std::vector<Bytes> fragments_of(ByteSpan bytes) {
  std::vector<Bytes> fragments;
  Reassembler reassembler(1 << 20);
  for (const auto& frame : frames_of(bytes)) {
    if (frame.user_data.empty()) continue;
    if (const auto fragment = reassembler.add(frame.user_data)) fragments.emplace_back(fragment->begin(), fragment->end());
  }
  return fragments;
}

inline Bytes taken(Bytes& output) {
  return std::exchange(output, {});
}

}  // namespace gridfed::dnp3
