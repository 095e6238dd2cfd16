#include "field/readings.hpp"

#include <cmath>

namespace gridfed {

using dnp3::PointType;

Readings::Readings(const Network& network, const PointMap& map) : map_(map), readings_(map.points().size()) {
  for (std::size_t i = 0; i < map.points().size(); ++i) {
    const auto& point = map.points()[i];
    try {
      const auto source = find_point(network, point.element, point.quantity);
      const bool output = point.type == PointType::binary_output || point.type == PointType::analog_output;
      if (output && !is_commandable(source)) throw Error("{} of {} cannot be commanded: make it an input", point.quantity, point.element);
      sources_.push_back({source, unit_factor(source.quantity, point.unit)});
      const Key key{source.element, source.position, source.quantity};
      // An input measures better than the status of an output.
      if (output) {
        commands_.emplace(key, static_cast<int>(i));
        measures_.emplace(key, static_cast<int>(i));
      } else {
        measures_.insert_or_assign(key, static_cast<int>(i));
      }
    } catch (const Error& error) {
      map.fail(i, "{}", error.what());
    }
  }
}

void Readings::take(PointType type, std::uint32_t index, const dnp3::PointValue& value, dnp3::Instant now) {
  const int found = map_.find(type, index);
  if (found < 0) return;
  const auto i = static_cast<std::size_t>(found);
  double si = map_.points()[i].from_wire(value.value) * sources_[i].unit;
  if (type == PointType::double_bit_input) si = value.value == 2 ? 1 : value.value == 1 ? 0 : std::nan("");
  if (type == PointType::binary_input || type == PointType::binary_output) si = value.value;
  readings_[i] = {si, value.flags, now};
}

void Readings::forget() {
  readings_.assign(readings_.size(), {});
}

Quality Readings::quality(std::size_t point, dnp3::Instant now, dnp3::Duration longest_age) const {
  const auto& reading = readings_[point];
  if (!reading.heard) return Quality::missing;
  if (now - *reading.heard > longest_age) return Quality::stale;
  const auto trouble = dnp3::flag::restart | dnp3::flag::comm_lost | dnp3::flag::reference_error;
  const bool binary = map_.points()[point].type == PointType::binary_input || map_.points()[point].type == PointType::binary_output ||
                      map_.points()[point].type == PointType::double_bit_input;
  // Over range is a value beyond the limits of the map: what has to be known, not hidden. On binary points that bit is a chattering
  // contact.
  const bool chatters =
      binary && map_.points()[point].type != PointType::double_bit_input && (reading.flags & dnp3::flag::chatter_or_range);
  if (!(reading.flags & dnp3::flag::online) || (reading.flags & trouble) || chatters || !std::isfinite(reading.value)) return Quality::bad;
  return Quality::good;
}

int Readings::find(TwinPoint::Element element, int position, Quantity quantity) const {
  const auto found = measures_.find({element, position, quantity});
  return found == measures_.end() ? -1 : found->second;
}

int Readings::find_command(TwinPoint::Element element, int position, Quantity quantity) const {
  const auto found = commands_.find({element, position, quantity});
  return found == commands_.end() ? -1 : found->second;
}

}  // namespace gridfed
