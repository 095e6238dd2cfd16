#pragma once

#include "grid/network_data.hpp"

#include <fmt/core.h>

#include <set>

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

  template <class Elements>
  void check_names(const char* kind, const Elements& elements) {
    std::set<std::string_view> seen;
    for (const auto& element : elements) {
      if (!seen.insert(element.name).second) {
        add(element.origin, "{} '{}' is defined twice: rename one or edit the first", kind, element.name);
      }
    }
  }

  void check_positive(const Origin& origin, const std::string& what, double value);
};

/// Positions by capacitor control, -1 where there is none.
struct ControlledElements {
  std::vector<int> capacitors, monitored;
};

ControlledElements check_capacitor_controls(const NetworkData& data, Faults& faults);
void check_inverter_controls(const NetworkData& data, Faults& faults);
void check_load_shapes(const NetworkData& data, Faults& faults);

}  // namespace gridfed
