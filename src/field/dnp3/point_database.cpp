#include "field/dnp3/point_database.hpp"

#include "runtime/error.hpp"

#include <algorithm>
#include <cmath>

namespace gridfed::dnp3 {

namespace {

void check(const PointOptions& point) {
  const auto& groups = groups_of(point.type);
  if (point.event_class > 3)
    throw Error("{} {} has class {}: there are 0 (no events), 1, 2 and 3", groups.name, point.index, point.event_class);
  if (!(point.dead_band >= 0))
    throw Error("{} {} has a dead band of {}: it must not be negative", groups.name, point.index, point.dead_band);
  const auto check_variation = [&](std::uint8_t group, std::uint8_t variation, const char* word) {
    if (variation != 0 && !(group != 0 && point.type != PointType::octet_string && find_format(group, variation)))
      throw Error("{} {} has {} variation {}: there is none of this type", groups.name, point.index, word, variation);
  };
  check_variation(groups.static_group, point.static_variation, "static");
  check_variation(groups.event_group, point.event_variation, "event");
  if (point.event_class > 0 && groups.event_group == 0)
    throw Error("{} {} has class {}: this type has no events, write 0", groups.name, point.index, point.event_class);
}

// Flags that a packed variation cannot tell make it the one with flags, which all types have as number 2.
ObjectFormat format_of(const Point& point, std::uint8_t asked) {
  const auto& groups = groups_of(point.options.type);
  if (point.options.type == PointType::octet_string)
    return *find_format(groups.static_group, static_cast<std::uint8_t>(std::clamp<std::size_t>(point.text.size(), 1, 255)));
  const auto own = point.options.static_variation != 0 ? point.options.static_variation : groups.static_variation;
  const auto format = *find_format(groups.static_group, asked != 0 ? asked : own);
  return format.shape == Shape::packed && point.value.flags != flag::online ? *find_format(groups.static_group, 2) : format;
}

bool same(const ObjectFormat& a, const ObjectFormat& b) {
  return a.group == b.group && a.variation == b.variation;
}

std::size_t object_bytes(const ObjectFormat& format, std::size_t count) {
  return format.shape == Shape::packed ? (count * format.packed_bits + 7) / 8 : count * format.bytes();
}

void put_run(Bytes& out, const ObjectFormat& format, std::span<const Point> run) {
  put_header_range(out, format.group, format.variation, run.front().options.index, run.back().options.index);
  const auto begin = out.size();
  if (format.shape == Shape::packed) out.resize(begin + object_bytes(format, run.size()));
  for (std::size_t i = 0; i < run.size(); ++i) {
    const auto& point = run[i];
    if (format.shape == Shape::packed) {
      const std::size_t first = i * format.packed_bits;
      const auto state = static_cast<unsigned>(std::clamp(point.value.value, 0.0, (1 << format.packed_bits) - 1.0));
      out[begin + first / 8] |= static_cast<std::uint8_t>(state << first % 8);
    } else if (format.shape == Shape::text) {
      for (std::size_t c = 0; c < format.variation; ++c) put(out, c < point.text.size() ? static_cast<std::uint8_t>(point.text[c]) : 0, 1);
    } else {
      put_point(out, format, point.value);
    }
  }
}

}  // namespace

PointDatabase::PointDatabase(std::span<const PointOptions> points) {
  for (const auto& options : points) {
    check(options);
    points_[static_cast<std::size_t>(options.type)].push_back({.options = options});
  }
  for (auto& of_type : points_) {
    std::ranges::sort(of_type, {}, [](const Point& p) { return p.options.index; });
    const auto twin = std::ranges::adjacent_find(of_type, {}, [](const Point& p) { return p.options.index; });
    if (twin != of_type.end())
      throw Error("{} {} stands twice: give each point of a type an index of its own", groups_of(twin->options.type).name,
                  twin->options.index);
  }
}

std::size_t PointDatabase::position(PointType type, std::uint32_t index) const {
  const auto all = points(type);
  return static_cast<std::size_t>(
      std::ranges::lower_bound(all, index, {}, [](const Point& p) -> std::uint32_t { return p.options.index; }) - all.begin());
}

Point* PointDatabase::find(PointType type, std::uint32_t index) {
  const auto all = points(type);
  const auto at = position(type, index);
  return at < all.size() && all[at].options.index == index ? &all[at] : nullptr;
}

bool has_changed(const Point& point, const PointValue& value) {
  const auto& last = point.reported;
  if (value.flags != last.flags || std::isnan(value.value) != std::isnan(last.value)) return true;
  if (std::isnan(value.value) || value.value == last.value) return false;
  return point.options.dead_band == 0 || std::abs(value.value - last.value) > point.options.dead_band;
}

bool put_static(Bytes& out, std::size_t capacity, const PointDatabase& database, StaticSelection& selection) {
  const auto points = database.points(selection.type);
  while (selection.next < selection.end) {
    const auto first = selection.next;
    const auto format = format_of(points[first], selection.variation);
    std::size_t count = 0;
    const auto fits = [&](std::size_t n) {
      const std::size_t header = points[first + n - 1].options.index <= 0xFF ? 5 : 7;
      return out.size() + header + object_bytes(format, n) <= capacity;
    };
    while (first + count < selection.end && points[first + count].options.index == points[first].options.index + count &&
           same(format_of(points[first + count], selection.variation), format) && fits(count + 1))
      ++count;
    if (count == 0) return false;
    put_run(out, format, points.subspan(first, count));
    selection.next += count;
  }
  return true;
}

}  // namespace gridfed::dnp3
