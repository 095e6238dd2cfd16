#pragma once

#include "field/dnp3/objects.hpp"

#include <array>
#include <deque>
#include <vector>

namespace gridfed::dnp3 {

/// Bits of event classes 1 to 3.
using ClassMask = std::uint8_t;
constexpr ClassMask all_classes = 0x07;
constexpr ClassMask class_bit(std::uint8_t event_class) {
  return static_cast<ClassMask>(event_class == 0 ? 0 : 1U << (event_class - 1));
}

struct Event {
  PointType type = PointType::binary_input;
  std::uint16_t index = 0;
  PointValue value;
  std::uint8_t variation = 0;  ///< of its event group
};

/// Events of three classes until a master has confirmed them. Each class holds so many, one of none makes no events; the oldest gives way
/// and the overflow is told until there is room again.
class EventBuffer {
 public:
  explicit EventBuffer(const std::array<std::size_t, 3>& capacity) : capacity_(capacity) {}

  void add(std::uint8_t event_class, const Event& event);
  /// Events that no response under way carries.
  ClassMask waiting() const;
  std::size_t size() const { return classes_[0].size() + classes_[1].size() + classes_[2].size(); }
  bool overflowed() const { return overflow_; }

  /// Marks events for put(): those of classes, or of a type in a variation (0 = their own), the oldest `limit` of them.
  void select_classes(ClassMask classes, std::size_t limit);
  void select_type(PointType type, std::uint8_t variation, std::size_t limit);
  /// Appends selected events, oldest first, up to a size of `out`; true when none is left.
  bool put(Bytes& out, std::size_t capacity);
  /// Does a response under way carry events?
  bool any_sent() const;
  /// They have arrived and are removed.
  void confirm();
  /// They have not: all wait again, none is selected.
  void unselect();
  void clear();

 private:
  enum class State : std::uint8_t { waiting, selected, sent };
  struct Held {
    Event event;
    std::uint8_t event_class;
    std::uint64_t order;
    State state = State::waiting;
    std::uint8_t asked = 0;  // variation
  };
  template <class Wanted>
  void select(Wanted&& wanted, std::uint8_t variation, std::size_t limit);
  template <class Wanted>
  std::vector<Held*> in_order(Wanted&& wanted);

  std::array<std::size_t, 3> capacity_;
  std::array<std::deque<Held>, 3> classes_;
  std::uint64_t order_ = 0;
  bool overflow_ = false;
};

}  // namespace gridfed::dnp3
