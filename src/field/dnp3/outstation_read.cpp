#include "field/dnp3/outstation.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace gridfed::dnp3 {

namespace {

constexpr std::size_t response_header_bytes = 4;

std::size_t limit_of(const ObjectHeader& header) {
  return header.is_count() ? header.count : std::numeric_limits<std::size_t>::max();
}

}  // namespace

void Dnp3Outstation::read(const Fragment& request, Instant now) {
  Reading reading{.sequence = request.control.sequence};
  HeaderReader headers(request.objects, Content::names);
  while (const auto header = headers.next()) {
    if (!read_header(*header, reading, now)) break;
  }
  if (const auto error = headers.error()) reading.problems.set(*error);
  if (reading.problems.bits != 0) ++statistics_.refused_requests;
  reading_ = std::move(reading);
  send_reading(now);
}

bool Dnp3Outstation::read_header(const ObjectHeader& header, Reading& reading, Instant now) {
  const auto refuse = [&](Iin problem) {
    reading.problems.set(problem);
    return false;
  };
  const bool whole = header.qualifier == Qualifier::all;
  if (header.group == 60) {
    if (header.variation == 0 || (!whole && !header.is_count())) return refuse(Iin::parameter_error);
    if (header.variation > 1) {
      events_.select_classes(class_bit(header.variation - 1), limit_of(header));
      return true;
    }
    if (!whole) return refuse(Iin::parameter_error);
    for (int t = 0; t < point_types; ++t) {
      const auto type = static_cast<PointType>(t);
      if (groups_of(type).static_group != 0) reading.points.push_back({type, 0, database_.points(type).size(), 0});
    }
    return true;
  }
  if (header.is(50, 1)) {
    if (!header.is_count() || header.count != 1) return refuse(Iin::parameter_error);
    put_header_count(reading.leading, 50, 1, Qualifier::count_8, 1);
    put(reading.leading, clock(now), 6);
    return true;
  }
  if (const auto type = type_of_static(header.group)) {
    read_points(*type, header, reading);
    return true;
  }
  if (const auto type = type_of_event(header.group)) {
    if (!whole && !header.is_count()) return refuse(Iin::parameter_error);
    events_.select_type(*type, header.variation, limit_of(header));
    return true;
  }
  return refuse(Iin::object_unknown);
}

// Points that there are are sent, and the indication says that others were asked for.
void Dnp3Outstation::read_points(PointType type, const ObjectHeader& header, Reading& reading) {
  const auto points = database_.points(type);
  const auto variation = type == PointType::octet_string ? std::uint8_t{0} : header.variation;
  if (header.qualifier == Qualifier::all) {
    reading.points.push_back({type, 0, points.size(), variation});
  } else if (header.is_range()) {
    const auto first = database_.position(type, header.start), end = database_.position(type, header.start + header.count);
    if (end - first != header.count) reading.problems.set(Iin::parameter_error);
    reading.points.push_back({type, first, end, variation});
  } else if (header.is_count()) {
    reading.problems.set(Iin::parameter_error);
  } else {
    for_each_index(header, [&](std::uint32_t index) {
      const auto at = database_.position(type, index);
      if (database_.find(type, index)) {
        reading.points.push_back({type, at, at + 1, variation});
      } else {
        reading.problems.set(Iin::parameter_error);
      }
    });
  }
}

void Dnp3Outstation::send_reading(Instant now) {
  auto& reading = *reading_;
  const auto capacity = options_.fragment_bytes - response_header_bytes;
  Bytes objects = std::exchange(reading.leading, {});
  bool complete = events_.put(objects, capacity);
  while (complete && reading.next < reading.points.size()) {
    complete = put_static(objects, capacity, database_, reading.points[reading.next]);
    if (complete) ++reading.next;
  }
  const bool confirm = !complete || events_.any_sent() || broadcast_ == broadcast_must_confirm;
  send_response({.first = reading.first, .final = complete, .confirm = confirm, .sequence = reading.sequence}, Function::response,
                reading.problems, objects, now);
  reading.first = false;
  reading.complete = complete;
  reading.deadline = now + options_.confirm_timeout;
  if (!confirm) reading_.reset();
}

}  // namespace gridfed::dnp3
