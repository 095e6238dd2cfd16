#include "field/dnp3/object_header.hpp"

#include <cassert>

namespace gridfed::dnp3 {

namespace {

// Groups whose objects a request may name with variation 0.
bool known_group(std::uint8_t group) {
  return type_of_static(group) || type_of_event(group) || group == 12 || group == 41 || group == 50 || group == 51 || group == 52 ||
         group == 60 || group == 80;
}

}  // namespace

std::size_t ObjectHeader::prefix_bytes() const {
  switch (qualifier) {
    case Qualifier::count_8_index_8:
      return 1;
    case Qualifier::count_16_index_16:
      return 2;
    default:
      return 0;
  }
}

std::optional<ObjectHeader> HeaderReader::fail(Iin iin) {
  error_ = iin;
  return std::nullopt;
}

std::optional<ObjectHeader> HeaderReader::next() {
  if (error_ || reader_.left() == 0) return std::nullopt;
  ObjectHeader header;
  header.group = reader_.u8();
  header.variation = reader_.u8();
  header.qualifier = static_cast<Qualifier>(reader_.u8());
  if (!reader_.ok()) return fail(Iin::parameter_error);
  header.format = find_format(header.group, header.variation);
  if (!header.format && (header.variation != 0 || !known_group(header.group))) return fail(Iin::object_unknown);

  switch (header.qualifier) {
    case Qualifier::range_8:
    case Qualifier::range_16: {
      const int width = header.qualifier == Qualifier::range_8 ? 1 : 2;
      header.start = static_cast<std::uint32_t>(reader_.unsigned_number(width));
      const auto stop = static_cast<std::uint32_t>(reader_.unsigned_number(width));
      if (!reader_.ok() || stop < header.start) return fail(Iin::parameter_error);
      header.count = stop - header.start + 1;
      break;
    }
    case Qualifier::all:
      if (content_ == Content::objects && header.format && header.format->shape != Shape::empty) return fail(Iin::parameter_error);
      break;
    case Qualifier::count_8:
    case Qualifier::count_8_index_8:
      header.count = reader_.u8();
      break;
    case Qualifier::count_16:
    case Qualifier::count_16_index_16:
      header.count = reader_.u16();
      break;
    default:
      return fail(Iin::parameter_error);
  }
  if (!reader_.ok()) return fail(Iin::parameter_error);

  std::size_t bytes = header.prefix_bytes() * header.count;
  if (content_ == Content::objects && header.qualifier != Qualifier::all) {
    if (!header.format) return fail(Iin::parameter_error);  // objects of "any" variation have no size
    if (header.format->shape == Shape::packed) {
      if (!header.is_range()) return fail(Iin::parameter_error);
      bytes = (static_cast<std::size_t>(header.count) * header.format->packed_bits + 7) / 8;
    } else {
      bytes += header.count * header.format->bytes();
    }
  }
  header.data = reader_.take(bytes);
  if (!reader_.ok()) return fail(Iin::parameter_error);
  return header;
}

void for_each_object(const ObjectHeader& header, const std::function<void(std::uint32_t index, ByteReader& object)>& visit) {
  assert(header.format && header.format->shape != Shape::packed);
  ByteReader reader(header.data);
  const std::size_t prefix = header.prefix_bytes(), size = header.format->bytes();
  if (header.qualifier == Qualifier::all || prefix + size == 0) return;
  for (std::uint32_t i = 0; i < header.count; ++i) {
    const auto index = prefix ? static_cast<std::uint32_t>(reader.unsigned_number(static_cast<int>(prefix))) : header.start + i;
    ByteReader object(reader.take(size));
    visit(index, object);
  }
}

void for_each_packed(const ObjectHeader& header, const std::function<void(std::uint32_t index, unsigned bits)>& visit) {
  assert(header.format && header.format->shape == Shape::packed);
  const unsigned bits = header.format->packed_bits, mask = (1U << bits) - 1;
  for (std::uint32_t i = 0; i < header.count; ++i) {
    const std::size_t first = static_cast<std::size_t>(i) * bits;
    visit(header.start + i, static_cast<unsigned>(header.data[first / 8]) >> first % 8 & mask);
  }
}

void for_each_index(const ObjectHeader& header, const std::function<void(std::uint32_t index)>& visit) {
  ByteReader reader(header.data);
  const int prefix = static_cast<int>(header.prefix_bytes());
  for (std::uint32_t i = 0; i < header.count; ++i) {
    visit(prefix ? static_cast<std::uint32_t>(reader.unsigned_number(prefix)) : header.start + i);
  }
}

namespace {

void put_header(Bytes& out, std::uint8_t group, std::uint8_t variation, Qualifier qualifier) {
  put(out, group, 1);
  put(out, variation, 1);
  put(out, static_cast<std::uint8_t>(qualifier), 1);
}

}  // namespace

void put_header_all(Bytes& out, std::uint8_t group, std::uint8_t variation) {
  put_header(out, group, variation, Qualifier::all);
}

void put_header_range(Bytes& out, std::uint8_t group, std::uint8_t variation, std::uint32_t start, std::uint32_t stop) {
  const bool narrow = stop <= 0xFF;
  put_header(out, group, variation, narrow ? Qualifier::range_8 : Qualifier::range_16);
  put(out, start, narrow ? 1 : 2);
  put(out, stop, narrow ? 1 : 2);
}

void put_header_count(Bytes& out, std::uint8_t group, std::uint8_t variation, Qualifier qualifier, std::uint32_t count) {
  put_header(out, group, variation, qualifier);
  put(out, count, qualifier == Qualifier::count_8 || qualifier == Qualifier::count_8_index_8 ? 1 : 2);
}

}  // namespace gridfed::dnp3
