#include "grid/network_checks.hpp"

#include <algorithm>
#include <cmath>

namespace gridfed {

void Faults::check_positive(const Origin& origin, const char* what, const std::string& name, double value) {
  if (!(value > 0) || !std::isfinite(value)) add(origin, "{} '{}' is {}: it must be positive and finite", what, name, value);
}

namespace {

struct Found {
  int position = -1, terminals = 1;
  std::string_view kind;
};
Found find_element(const NetworkData& d, const ElementIndex& index, const ElementTerminal& wanted) {
  switch (wanted.kind) {
    case ElementKind::source:
      return {index.sources.find(wanted.name, d.sources), 1, "source"};
    case ElementKind::line:
      return {index.lines.find(wanted.name, d.lines), 2, "line"};
    case ElementKind::transformer: {
      const int position = index.transformers.find(wanted.name, d.transformers);
      return {position, position < 0 ? 0 : static_cast<int>(d.transformers[position].windings.size()), "transformer"};
    }
    case ElementKind::load:
      return {index.loads.find(wanted.name, d.loads), 1, "load"};
    case ElementKind::capacitor: {
      const int position = index.capacitors.find(wanted.name, d.capacitors);
      return {position, position < 0 || !d.capacitors[position].to ? 1 : 2, "capacitor"};
    }
    case ElementKind::reactor: {
      const int position = index.reactors.find(wanted.name, d.reactors);
      return {position, position < 0 || !d.reactors[position].to ? 1 : 2, "reactor"};
    }
    case ElementKind::solar:
      return {index.solar.find(wanted.name, d.solar), 1, "PVSystem"};
    case ElementKind::wind:
      return {index.wind.find(wanted.name, d.wind), 1, "WindGen"};
    case ElementKind::battery:
      return {index.batteries.find(wanted.name, d.batteries), 1, "Storage"};
  }
  return {};
}

}  // namespace

ControlledElements check_capacitor_controls(const NetworkData& data, const ElementIndex& index, Faults& faults) {
  ControlledElements elements;
  faults.check_names("capacitor control", data.capacitor_controls);
  for (const auto& control : data.capacitor_controls) {
    const int capacitor = index.capacitors.find(control.capacitor, data.capacitors);
    if (capacitor < 0) {
      faults.add(control.origin, "capacitor control '{}' switches capacitor '{}', which does not exist: define it", control.name,
                 control.capacitor);
    }
    const Found monitored = find_element(data, index, control.monitored);
    if (monitored.position < 0) {
      faults.add(control.origin, "capacitor control '{}' monitors {} '{}', which does not exist: define it", control.name, monitored.kind,
                 control.monitored.name);
    } else if (control.monitored.terminal < 1 || control.monitored.terminal > monitored.terminals) {
      faults.add(control.origin, "capacitor control '{}' monitors terminal {} of {} '{}', which has {}: correct it", control.name,
                 control.monitored.terminal, monitored.kind, control.monitored.name, monitored.terminals);
    }
    faults.check_positive(control.origin, "voltage ratio of capacitor control", control.name, control.pt_ratio);
    faults.check_positive(control.origin, "current ratio of capacitor control", control.name, control.ct_ratio);
    if (control.voltage_override && !(control.v_min < control.v_max)) {
      faults.add(control.origin, "capacitor control '{}' closes below {} V and opens above {} V: let the first be lower", control.name,
                 control.v_min, control.v_max);
    }
    elements.capacitors.push_back(capacitor);
    elements.monitored.push_back(monitored.position);
  }
  return elements;
}

void check_inverter_controls(const NetworkData& data, const ElementIndex& index, Faults& faults) {
  faults.check_names("inverter control", data.inverter_controls);
  for (const auto& control : data.inverter_controls) {
    for (const auto* curve : {&control.volt_var, &control.volt_watt}) {
      if (!std::is_sorted(curve->begin(), curve->end(), [](const auto& a, const auto& b) { return a[0] < b[0]; }) || curve->size() == 1) {
        faults.add(control.origin, "a curve of inverter control '{}' has one point or voltages that do not rise: correct it", control.name);
      }
    }
    for (const auto& name : control.solar) {
      if (index.solar.find(name, data.solar) < 0)
        faults.add(control.origin, "inverter control '{}' controls PVSystem '{}', which does not exist: define it", control.name, name);
    }
    for (const auto& name : control.batteries) {
      if (index.batteries.find(name, data.batteries) < 0)
        faults.add(control.origin, "inverter control '{}' controls Storage '{}', which does not exist: define it", control.name, name);
    }
  }
}

void check_load_shapes(const NetworkData& data, Faults& faults) {
  const NameIndex known = faults.check_names("load shape", data.load_shapes);
  for (const auto& shape : data.load_shapes) {
    if (shape.active.empty()) faults.add(shape.origin, "load shape '{}' has no values: give npts= and mult=", shape.name);
    if (!shape.reactive.empty() && shape.reactive.size() != shape.active.size()) {
      faults.add(shape.origin, "load shape '{}' has {} active and {} reactive values: give as many of both", shape.name,
                 shape.active.size(), shape.reactive.size());
    }
    if (shape.interval == 0 && shape.times.size() != shape.active.size()) {
      faults.add(shape.origin, "load shape '{}' has {} values at {} hours: give one hour a value, or an interval", shape.name,
                 shape.active.size(), shape.times.size());
    }
    if (!std::is_sorted(shape.times.begin(), shape.times.end())) {
      faults.add(shape.origin, "the hours of load shape '{}' do not rise: sort them", shape.name);
    }
  }
  const auto check = [&](const auto& elements, const char* kind) {
    for (const auto& element : elements) {
      for (const auto* name : {&element.shapes.daily, &element.shapes.yearly, &element.shapes.duty}) {
        if (!name->empty() && known.find(*name, data.load_shapes) < 0)
          faults.add(element.origin, "{} '{}' follows load shape '{}', which does not exist: define it", kind, element.name, *name);
      }
    }
  };
  check(data.loads, "load");
  check(data.solar, "PVSystem");
  check(data.wind, "WindGen");
  check(data.batteries, "Storage");
}

}  // namespace gridfed
