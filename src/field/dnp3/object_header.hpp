#pragma once

#include "field/dnp3/application.hpp"
#include "field/dnp3/objects.hpp"

#include <functional>

/// Object headers: which objects a fragment names or carries, in which order (IEEE 1815 clause 4.2.2.7).
namespace gridfed::dnp3 {

/// How a header tells its objects apart.
enum class Qualifier : std::uint8_t {
  range_8 = 0x00,  ///< first and last index, a byte each
  range_16 = 0x01,
  all = 0x06,
  count_8 = 0x07,  ///< so many, without index
  count_16 = 0x08,
  count_8_index_8 = 0x17,  ///< so many, each with its index before it
  count_16_index_16 = 0x28,
};

struct ObjectHeader {
  std::uint8_t group = 0, variation = 0;
  Qualifier qualifier = Qualifier::all;
  std::uint32_t start = 0, count = 0;  ///< start of ranges; count of all but `all`
  std::optional<ObjectFormat> format;  ///< none of variation 0
  ByteSpan data;                       ///< the objects, with index prefixes where the qualifier has them

  std::size_t prefix_bytes() const;
  bool is_range() const { return qualifier == Qualifier::range_8 || qualifier == Qualifier::range_16; }
  bool is_count() const { return qualifier == Qualifier::count_8 || qualifier == Qualifier::count_16; }
  bool is(std::uint8_t g, std::uint8_t v) const { return group == g && variation == v; }
};

/// What a fragment's function says about its headers: objects follow them (write, select, responses …) or not (read …).
enum class Content : std::uint8_t { names, objects };

/// Goes through the headers of a fragment. Stops at the first that is wrong; error() then is the indication that answers it.
class HeaderReader {
 public:
  HeaderReader(ByteSpan objects, Content content) : reader_(objects), content_(content) {}
  /// Nothing at the end and after an error.
  std::optional<ObjectHeader> next();
  std::optional<Iin> error() const { return error_; }

 private:
  std::optional<ObjectHeader> fail(Iin iin);

  ByteReader reader_;
  Content content_;
  std::optional<Iin> error_;
};

/// Calls visit(index, reader) for each object of a header with objects that are not packed; `reader` stands before the object.
void for_each_object(const ObjectHeader& header, const std::function<void(std::uint32_t index, ByteReader& object)>& visit);
/// Calls visit(index, bits) for each point of a packed header.
void for_each_packed(const ObjectHeader& header, const std::function<void(std::uint32_t index, unsigned bits)>& visit);
/// Calls visit(index) for each index that a header of names lists.
void for_each_index(const ObjectHeader& header, const std::function<void(std::uint32_t index)>& visit);

void put_header_all(Bytes& out, std::uint8_t group, std::uint8_t variation);
/// The shorter of both range qualifiers.
void put_header_range(Bytes& out, std::uint8_t group, std::uint8_t variation, std::uint32_t start, std::uint32_t stop);
void put_header_count(Bytes& out, std::uint8_t group, std::uint8_t variation, Qualifier qualifier, std::uint32_t count);

}  // namespace gridfed::dnp3
