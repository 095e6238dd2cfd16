#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

namespace gridfed {

/// Where in a sequence the elements of a name are: a hash table of positions alone, which compares with the names where they stand. The
/// sequence, anything with `operator[]` whose elements have a `name`, is handed in at each call and may grow and move between them.
class NameIndex {
 public:
  NameIndex() = default;
  /// With room for so many names.
  explicit NameIndex(std::size_t names) { resize(names); }

  /// Position of the name, -1 if there is none.
  template <class Elements>
  int find(std::string_view name, const Elements& elements) const {
    if (slots_.empty()) return -1;
    return slots_[slot_of(name, elements)];
  }

  /// Enters the element at `position`. If another has its name already, nothing changes; returns that one's position, or else -1.
  template <class Elements>
  int add(int position, const Elements& elements) {
    if (2 * (count_ + 1) > slots_.size()) {
      const std::vector<std::int32_t> before = std::move(slots_);
      resize(2 * (count_ + 1));
      for (const std::int32_t known : before)
        if (known >= 0) slots_[slot_of(elements[known].name, elements)] = known;
    }
    std::int32_t& slot = slots_[slot_of(elements[position].name, elements)];
    if (slot >= 0) return slot;
    slot = position;
    ++count_;
    return -1;
  }

 private:
  void resize(std::size_t names) {
    std::size_t slots = 16;
    while (slots < 2 * names) slots *= 2;
    slots_.assign(slots, -1);
  }

  /// The slot of the name, or the empty one where it belongs; at most half of them are taken.
  template <class Elements>
  std::size_t slot_of(std::string_view name, const Elements& elements) const {
    std::size_t slot = std::hash<std::string_view>()(name) & (slots_.size() - 1);
    while (slots_[slot] >= 0 && elements[slots_[slot]].name != name) slot = (slot + 1) & (slots_.size() - 1);
    return slot;
  }

  std::vector<std::int32_t> slots_;  // position, or -1; their number is a power of two
  std::size_t count_ = 0;
};

/// Of all elements; of those with equal names the first.
template <class Elements>
NameIndex index_of(const Elements& elements) {
  NameIndex index(elements.size());
  for (std::size_t i = 0; i < elements.size(); ++i) index.add(static_cast<int>(i), elements);
  return index;
}

}  // namespace gridfed
