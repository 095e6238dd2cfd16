#include "field/dnp3/transport.hpp"

#include <algorithm>
#include <array>

namespace gridfed::dnp3 {

namespace {

constexpr std::uint8_t final_bit = 0x80, first_bit = 0x40, sequence_mask = 0x3F;

}  // namespace

std::optional<ByteSpan> Reassembler::add(ByteSpan segment) {
  if (segment.size() < 2) {
    ++statistics_.empty;
    return std::nullopt;
  }
  const std::uint8_t header = segment[0];
  const auto data = segment.subspan(1);
  const unsigned sequence = header & sequence_mask;
  if (header & first_bit) {
    if (active_) ++statistics_.restarted;
    fragment_.clear();
    active_ = true;
  } else if (!active_) {
    ++statistics_.without_first;
    return std::nullopt;
  } else if (sequence != sequence_) {
    ++statistics_.wrong_sequence;
    active_ = false;
    return std::nullopt;
  }
  if (fragment_.size() + data.size() > capacity_) {
    ++statistics_.overflows;
    active_ = false;
    return std::nullopt;
  }
  put(fragment_, data);
  sequence_ = (sequence + 1) & sequence_mask;
  if (!(header & final_bit)) return std::nullopt;
  active_ = false;
  ++statistics_.fragments;
  return ByteSpan(fragment_);
}

void Transport::connected(Instant now) {
  link_.connected(now);
  reassembler_.reset();
  sequence_ = 0;
}

void Transport::receive(ByteSpan bytes, Instant now, const OnFragment& on_fragment) {
  link_.receive(bytes, now, [&](ByteSpan segment, std::uint16_t destination) {
    if (const auto fragment = reassembler_.add(segment)) on_fragment(*fragment, destination);
  });
}

template <class Send>
void Transport::cut(ByteSpan fragment, Send&& send) {
  std::array<std::uint8_t, largest_user_data> segment;
  // A first segment may have any number. One fragment does not run past the last: Wireshark cannot put those together that do.
  const auto segments = (fragment.size() + largest_segment - 1) / largest_segment;
  if (sequence_ + segments > sequence_mask + 1) sequence_ = 0;
  for (bool first = true; first || !fragment.empty(); first = false) {
    const auto data = fragment.first(std::min(fragment.size(), largest_segment));
    fragment = fragment.subspan(data.size());
    segment[0] = static_cast<std::uint8_t>((fragment.empty() ? final_bit : 0) | (first ? first_bit : 0) | sequence_);
    std::copy(data.begin(), data.end(), segment.begin() + 1);
    sequence_ = (sequence_ + 1) & sequence_mask;
    send(ByteSpan(segment).first(1 + data.size()));
  }
}

void Transport::send(ByteSpan fragment, Instant now) {
  cut(fragment, [&](ByteSpan segment) { link_.send(segment, now); });
}

void Transport::broadcast(ByteSpan fragment, std::uint16_t destination) {
  cut(fragment, [&](ByteSpan segment) { link_.broadcast(segment, destination); });
}

}  // namespace gridfed::dnp3
