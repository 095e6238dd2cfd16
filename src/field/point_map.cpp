#include "field/point_map.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <map>

namespace gridfed {

namespace {

using dnp3::PointType;

std::uint32_t key_of(PointType type, std::uint32_t index) {
  return static_cast<std::uint32_t>(type) << 16 | index;
}

std::vector<std::string_view> kinds() {
  std::vector<std::string_view> names;
  for (int t = 0; t < dnp3::point_types; ++t) names.push_back(dnp3::groups_of(static_cast<PointType>(t)).name);
  return names;
}

}  // namespace

PointMap::PointMap(const std::filesystem::path& file)
    : table_(CsvTable::read(file, {"name", "kind", "index", "class", "element", "quantity"},
                            {"scale", "offset", "unit", "dead_band", "low", "high"})) {
  std::map<std::string, std::size_t> names;
  for (std::size_t row = 0; row < table_.size(); ++row) {
    points_.push_back(read(row));
    const auto& point = points_.back();
    if (!names.emplace(point.name, row).second) table_.fail(row, "point '{}' stands twice: give each a name of its own", point.name);
    by_type_and_index_.emplace_back(key_of(point.type, point.index), static_cast<int>(row));
  }
  if (points_.empty()) throw Error("'{}' maps no point: write a line for each", file.string());
  std::ranges::sort(by_type_and_index_);
  const auto twin = std::ranges::adjacent_find(by_type_and_index_, {}, [](const auto& entry) { return entry.first; });
  if (twin != by_type_and_index_.end()) {
    const auto second = static_cast<std::size_t>(std::next(twin)->second);
    table_.fail(second, "{} {} is already '{}': give each point of a kind an index of its own", table_.text(second, "kind"),
                points_[second].index, points_[static_cast<std::size_t>(twin->second)].name);
  }
}

MappedPoint PointMap::read(std::size_t row) const {
  const auto whole = [&](const char* column, double highest) {
    const double value = table_.number(row, column, 0);
    if (value != std::floor(value) || value > highest)
      table_.fail(row, "{} is {}: it must be a whole number up to {}", column, value, highest);
    return value;
  };
  MappedPoint point;
  point.name = table_.text(row, "name");
  if (point.name.empty()) table_.fail(row, "the point has no name: write one");
  const auto type = dnp3::type_of_name(table_.text(row, "kind"));
  if (!type) table_.fail(row, "kind is '{}': it must be one of {}", table_.text(row, "kind"), fmt::join(kinds(), ", "));
  point.type = *type;
  point.index = static_cast<std::uint16_t>(whole("index", 65535));
  point.event_class = static_cast<std::uint8_t>(whole("class", 3));
  const auto& groups = dnp3::groups_of(point.type);
  if (point.event_class > 0 && groups.event_group == 0) table_.fail(row, "a {} has no events: write class 0", groups.name);
  constexpr double lowest = std::numeric_limits<double>::lowest();
  point.scale = table_.number_if(row, "scale", lowest).value_or(1);
  if (point.scale == 0) table_.fail(row, "scale is 0: write what one unit on the wire stands for");
  point.offset = table_.number_if(row, "offset", lowest).value_or(0);
  point.dead_band = table_.number_if(row, "dead_band", 0).value_or(0);
  point.low = table_.number_if(row, "low", lowest).value_or(point.low);
  point.high = table_.number_if(row, "high", lowest).value_or(point.high);
  if (point.low > point.high) table_.fail(row, "low is {} and high {}: low must not be above high", point.low, point.high);
  point.unit = table_.text(row, "unit");
  point.element = table_.text(row, "element");
  point.quantity = table_.text(row, "quantity");
  return point;
}

int PointMap::find(PointType type, std::uint32_t index) const {
  if (index > 0xFFFF) return -1;
  const auto found = std::ranges::lower_bound(by_type_and_index_, key_of(type, index), {}, [](const auto& entry) { return entry.first; });
  return found == by_type_and_index_.end() || found->first != key_of(type, index) ? -1 : found->second;
}

int PointMap::find(std::string_view name) const {
  const auto found = std::ranges::find(points_, name, &MappedPoint::name);
  return found == points_.end() ? -1 : static_cast<int>(found - points_.begin());
}

std::vector<dnp3::PointOptions> PointMap::point_options() const {
  std::vector<dnp3::PointOptions> options;
  for (const auto& point : points_) {
    options.push_back(
        {.type = point.type, .index = point.index, .event_class = point.event_class, .dead_band = point.dead_band / std::abs(point.scale)});
  }
  return options;
}

}  // namespace gridfed
