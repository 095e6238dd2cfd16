#include "field/dnp3/event_buffer.hpp"

#include "field/dnp3/object_header.hpp"

#include <algorithm>
#include <cassert>

namespace gridfed::dnp3 {

namespace {

constexpr std::size_t header_bytes = 5, prefix_bytes = 2, common_time_bytes = 10;

}  // namespace

void EventBuffer::add(std::uint8_t event_class, const Event& event) {
  assert(event_class >= 1 && event_class <= 3);
  auto& held = classes_[event_class - 1U];
  if (capacity_[event_class - 1U] == 0) return;
  if (held.size() == capacity_[event_class - 1U]) {
    held.pop_front();
    overflow_ = true;
  }
  held.push_back({event, event_class, order_++});
}

ClassMask EventBuffer::waiting() const {
  ClassMask classes = 0;
  for (std::uint8_t c = 1; c <= 3; ++c) {
    if (std::ranges::any_of(classes_[c - 1U], [](const Held& h) { return h.state != State::sent; })) classes |= class_bit(c);
  }
  return classes;
}

// Orders rise within a class, so merging the classes is enough.
template <class Wanted>
std::vector<EventBuffer::Held*> EventBuffer::in_order(Wanted&& wanted) {
  std::vector<Held*> found;
  for (auto& held : classes_) {
    const auto begin = static_cast<std::ptrdiff_t>(found.size());
    for (auto& h : held) {
      if (wanted(h)) found.push_back(&h);
    }
    std::ranges::inplace_merge(found, found.begin() + begin, {}, &Held::order);
  }
  return found;
}

template <class Wanted>
void EventBuffer::select(Wanted&& wanted, std::uint8_t variation, std::size_t limit) {
  if (limit == 0) return;
  for (auto* held : in_order([&](const Held& h) { return h.state == State::waiting && wanted(h); })) {
    held->state = State::selected;
    held->asked = variation;
    if (--limit == 0) return;
  }
}

void EventBuffer::select_classes(ClassMask classes, std::size_t limit) {
  select([&](const Held& h) { return (classes & class_bit(h.event_class)) != 0; }, 0, limit);
}

void EventBuffer::select_type(PointType type, std::uint8_t variation, std::size_t limit) {
  select([&](const Held& h) { return h.event.type == type; }, variation, limit);
}

bool EventBuffer::put(Bytes& out, std::size_t capacity) {
  const auto selected = in_order([](const Held& h) { return h.state == State::selected; });
  for (std::size_t first = 0; first < selected.size();) {
    const auto format_of = [&](const Held& h) {
      return *find_format(groups_of(h.event.type).event_group, h.asked != 0 ? h.asked : h.event.variation);
    };
    const auto format = format_of(*selected[first]);
    const bool relative = format.stamp == Stamp::relative;
    const auto& start = selected[first]->event.value;
    const auto common_time = start.time.value_or(0);
    const std::size_t heads = header_bytes + (relative ? common_time_bytes : 0), each = prefix_bytes + format.bytes();
    if (out.size() + heads + each > capacity) return false;
    const std::size_t room = (capacity - out.size() - heads) / each;
    std::size_t count = 0;
    while (first + count < selected.size() && count < room) {
      const auto& next = *selected[first + count];
      const auto next_format = format_of(next);
      const auto time = next.event.value.time.value_or(0);
      if (next_format.group != format.group || next_format.variation != format.variation) break;
      if (relative && (time < common_time || time - common_time > 0xFFFF || next.event.value.time_synchronised != start.time_synchronised))
        break;
      ++count;
    }
    if (relative) {
      put_header_count(out, 51, start.time_synchronised ? 1 : 2, Qualifier::count_8, 1);
      gridfed::dnp3::put(out, common_time, 6);
    }
    put_header_count(out, format.group, format.variation, Qualifier::count_16_index_16, static_cast<std::uint32_t>(count));
    for (std::size_t i = first; i < first + count; ++i) {
      gridfed::dnp3::put(out, selected[i]->event.index, 2);
      put_point(out, format, selected[i]->event.value, common_time);
      selected[i]->state = State::sent;
    }
    first += count;
  }
  return true;
}

bool EventBuffer::any_sent() const {
  return std::ranges::any_of(
      classes_, [](const auto& held) { return std::ranges::any_of(held, [](const Held& h) { return h.state == State::sent; }); });
}

void EventBuffer::confirm() {
  bool full = false;
  for (std::size_t c = 0; c < classes_.size(); ++c) {
    std::erase_if(classes_[c], [](const Held& h) { return h.state == State::sent; });
    full = full || (capacity_[c] > 0 && classes_[c].size() == capacity_[c]);
  }
  overflow_ = overflow_ && full;
}

void EventBuffer::unselect() {
  for (auto& held : classes_) {
    for (auto& h : held) h.state = State::waiting;
  }
}

void EventBuffer::clear() {
  for (auto& held : classes_) held.clear();
  overflow_ = false;
}

}  // namespace gridfed::dnp3
