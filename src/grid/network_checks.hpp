#pragma once

#include "grid/name_index.hpp"
#include "grid/network_data.hpp"

#include <fmt/core.h>

#include <string>
#include <vector>

/// Parts of make_network(): what can be wrong with a network as read.
namespace gridfed {

/// What is wrong, one sentence each with file and line.
struct Faults {
  std::vector<std::string> messages;

  template <class... Args>
  void add(const Origin& origin, fmt::format_string<Args...> format, Args&&... args) {
    const std::string where = origin.file.empty() ? "" : fmt::format("{}:{}: ", origin.file, origin.line);
    messages.push_back(where + fmt::format(format, std::forward<Args>(args)...));
  }

  /// Where the elements are, by name.
  template <class Elements>
  NameIndex check_names(const char* kind, const Elements& elements) {
    NameIndex index(elements.size());
    for (std::size_t i = 0; i < elements.size(); ++i) {
      if (index.add(static_cast<int>(i), elements) >= 0)
        add(elements[i].origin, "{} '{}' is defined twice: rename one or edit the first", kind, elements[i].name);
    }
    return index;
  }

  /// A value of element `name`; `what` says which, of what kind of element: "rated voltage of load".
  void check_positive(const Origin& origin, const char* what, const std::string& name, double value);
};

/// Positions by capacitor control, -1 where there is none.
struct ControlledElements {
  std::vector<int> capacitors, monitored;
};

/// Positions in the network's lists are looked up here.
struct ElementIndex {
  NameIndex sources, lines, transformers, loads, capacitors, reactors, solar, wind, batteries;
};

ControlledElements check_capacitor_controls(const NetworkData& data, const ElementIndex& index, Faults& faults);
void check_inverter_controls(const NetworkData& data, const ElementIndex& index, Faults& faults);
void check_load_shapes(const NetworkData& data, Faults& faults);

}  // namespace gridfed
