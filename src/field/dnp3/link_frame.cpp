#include "field/dnp3/link_frame.hpp"

#include "field/dnp3/crc.hpp"

#include <algorithm>
#include <cassert>
#include <cstring>

namespace gridfed::dnp3 {

namespace {

constexpr std::uint8_t start_0 = 0x05, start_1 = 0x64;
constexpr std::size_t header_bytes = 10, block_bytes = 16, crc_bytes = 2, fixed_length = 5;

std::size_t frame_bytes(std::size_t user_data) {
  return header_bytes + user_data + (user_data + block_bytes - 1) / block_bytes * crc_bytes;
}

bool carries_data(const LinkControl& control) {
  return control.is(PrimaryFunction::confirmed_user_data) || control.is(PrimaryFunction::unconfirmed_user_data);
}

bool crc_holds(const std::uint8_t* bytes, std::size_t count) {
  return crc({bytes, count}) == (bytes[count] | bytes[count + 1] << 8);
}

}  // namespace

LinkControl LinkControl::of(std::uint8_t byte) {
  return {.from_master = (byte & 0x80) != 0,
          .primary = (byte & 0x40) != 0,
          .frame_count = (byte & 0x20) != 0,
          .count_or_flow = (byte & 0x10) != 0,
          .function = static_cast<std::uint8_t>(byte & 0x0F)};
}

LinkControl LinkControl::primary_frame(bool from_master, PrimaryFunction function, bool frame_count) {
  const bool counted = function == PrimaryFunction::test_link || function == PrimaryFunction::confirmed_user_data;
  return {.from_master = from_master,
          .primary = true,
          .frame_count = counted && frame_count,
          .count_or_flow = counted,
          .function = static_cast<std::uint8_t>(function)};
}

LinkControl LinkControl::secondary_frame(bool from_master, SecondaryFunction function) {
  return {.from_master = from_master, .function = static_cast<std::uint8_t>(function)};
}

std::uint8_t LinkControl::byte() const {
  return static_cast<std::uint8_t>(from_master << 7 | primary << 6 | frame_count << 5 | count_or_flow << 4 | function);
}

bool LinkControl::known_function() const {
  if (!primary) {
    return is(SecondaryFunction::ack) || is(SecondaryFunction::nack) || is(SecondaryFunction::link_status) ||
           is(SecondaryFunction::not_supported);
  }
  return carries_data(*this) || is(PrimaryFunction::reset_link) || is(PrimaryFunction::test_link) ||
         is(PrimaryFunction::request_link_status);
}

void put_frame(Bytes& out, const LinkFrame& frame) {
  assert(frame.user_data.size() <= largest_user_data);
  const std::size_t begin = out.size();
  out.reserve(begin + frame_bytes(frame.user_data.size()));
  put(out, start_0, 1);
  put(out, start_1, 1);
  put(out, fixed_length + frame.user_data.size(), 1);
  put(out, frame.control.byte(), 1);
  put(out, frame.destination, 2);
  put(out, frame.source, 2);
  put(out, crc(ByteSpan(out).subspan(begin)), 2);
  for (auto data = frame.user_data; !data.empty();) {
    const auto block = data.first(std::min(block_bytes, data.size()));
    put(out, block);
    put(out, crc(block), 2);
    data = data.subspan(block.size());
  }
}

void FrameReader::feed(ByteSpan bytes, const std::function<void(const LinkFrame&)>& on_frame) {
  while (!bytes.empty()) {
    if (begin_ > 0) {
      std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
      end_ -= begin_;
      begin_ = 0;
    }
    const auto part = bytes.first(std::min(bytes.size(), buffer_.size() - end_));
    std::copy(part.begin(), part.end(), buffer_.begin() + static_cast<std::ptrdiff_t>(end_));
    end_ += part.size();
    bytes = bytes.subspan(part.size());
    while (parse(on_frame)) {
    }
  }
}

void FrameReader::skip(std::size_t bytes) {
  begin_ += bytes;
  statistics_.skipped_bytes += bytes;
}

// One step forward: false where more bytes are needed. At most one frame's bytes stay behind, so the buffer always has room.
bool FrameReader::parse(const std::function<void(const LinkFrame&)>& on_frame) {
  const std::uint8_t* const bytes = buffer_.data() + begin_;
  const std::size_t available = end_ - begin_;
  if (available == 0) return false;
  if (bytes[0] != start_0) {
    skip(static_cast<std::size_t>(std::find(bytes, bytes + available, start_0) - bytes));
    return true;
  }
  if (available < 2) return false;
  if (bytes[1] != start_1) {
    skip(1);
    return true;
  }
  if (available < header_bytes) return false;
  if (!crc_holds(bytes, header_bytes - crc_bytes)) {
    ++statistics_.header_crc_errors;
    skip(2);
    return true;
  }
  const auto control = LinkControl::of(bytes[3]);
  const std::size_t length = bytes[2];
  // An unknown function may carry what it likes: it is for the link layer to refuse.
  if (length < fixed_length || (control.known_function() && carries_data(control) != (length > fixed_length))) {
    ++statistics_.bad_lengths;
    skip(header_bytes);
    return true;
  }
  const std::size_t user_bytes = length - fixed_length;
  if (available < frame_bytes(user_bytes)) return false;
  const std::uint8_t* block = bytes + header_bytes;
  for (std::size_t done = 0; done < user_bytes;) {
    const std::size_t count = std::min(block_bytes, user_bytes - done);
    if (!crc_holds(block, count)) {
      // A lost byte may have swallowed the begin of the next frame: look for it inside this one.
      ++statistics_.data_crc_errors;
      skip(2);
      return true;
    }
    std::copy_n(block, count, user_data_.begin() + static_cast<std::ptrdiff_t>(done));
    done += count;
    block += count + crc_bytes;
  }
  ++statistics_.frames;
  const LinkFrame frame{.control = control,
                        .destination = static_cast<std::uint16_t>(bytes[4] | bytes[5] << 8),
                        .source = static_cast<std::uint16_t>(bytes[6] | bytes[7] << 8),
                        .user_data = ByteSpan(user_data_).first(user_bytes)};
  begin_ += frame_bytes(user_bytes);
  on_frame(frame);
  return true;
}

}  // namespace gridfed::dnp3
