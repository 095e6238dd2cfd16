#include "grid/cim_connectivity.hpp"

#include "runtime/error.hpp"

#include <algorithm>
#include <cctype>

namespace gridfed::cim {

std::string plain_name(std::string_view name) {
  std::string plain;
  for (const unsigned char c : name)
    plain += std::isalnum(c) || c == '-' || c == '_' || c >= 128 ? static_cast<char>(std::tolower(c)) : '_';
  return plain;
}

int node_of(const Object& object, std::string_view phase) {
  if (phase == "A" || phase == "s1") return 1;
  if (phase == "B" || phase == "s2") return 2;
  if (phase == "C") return 3;
  if (phase == "N") return 4;
  object.fail(fmt::format("has the phase '{}': phases are A, B, C, N, s1 and s2", phase));
}

std::vector<std::string> phases_of(const Object& object, std::string_view code) {
  std::vector<std::string> phases;
  while (!code.empty()) {
    const std::size_t length = code[0] == 's' && code.size() > 1 ? 2 : 1;
    phases.emplace_back(code.substr(0, length));
    node_of(object, phases.back());
    code.remove_prefix(length);
  }
  return phases;
}

bool in_service(const Object& equipment) {
  return equipment.flag("inService", true);
}

Connectivity::Connectivity(const Document& document) : document_(document) {
  std::set<std::string> taken;
  for (const Object* node : document.of_kind("ConnectivityNode")) {
    std::string name = plain_name(node->name());
    if (!taken.insert(name).second) {
      name = fmt::format("{}_{}", name, plain_name(node->id));
      taken.insert(name);
    }
    bus_names_.emplace(node->id, std::move(name));
  }
}

std::vector<const Object*> Connectivity::terminals(const Object& equipment) const {
  auto found = document_.referring(equipment, "Terminal", "ConductingEquipment");
  std::stable_sort(found.begin(), found.end(),
                   [](const Object* a, const Object* b) { return a->number("sequenceNumber", 1) < b->number("sequenceNumber", 1); });
  return found;
}

const std::string& Connectivity::bus(const Object& terminal) const {
  const Object& node = document_.required_target(terminal, "ConnectivityNode");
  const auto found = bus_names_.find(node.id);
  if (found == bus_names_.end()) terminal.fail(fmt::format("is connected to {}: it must be a ConnectivityNode", node.title()));
  return found->second;
}

std::vector<std::string> Connectivity::buses(const Object& equipment, std::size_t count) const {
  const auto found = terminals(equipment);
  if (found.size() != count) equipment.fail(fmt::format("has {} terminals: it needs {}", found.size(), count));
  std::vector<std::string> names;
  for (const Object* terminal : found) names.push_back(bus(*terminal));
  return names;
}

std::vector<BusData> Connectivity::positions() const {
  std::vector<BusData> buses;
  std::set<std::string> known;
  for (const Object& equipment : document_.objects()) {
    if (!equipment.has("Location")) continue;
    const auto ends = terminals(equipment);
    if (ends.empty()) continue;
    for (const Object* point : document_.referring(document_.required_target(equipment, "Location"), "PositionPoint", "Location")) {
      const double sequence = point->number("sequenceNumber", 1);
      if (!(sequence >= 1 && sequence <= static_cast<double>(ends.size()))) continue;
      const std::string& name = bus(*ends[static_cast<std::size_t>(sequence) - 1]);
      if (!known.insert(name).second) continue;
      buses.push_back(
          {.name = name, .nominal_voltage = std::nullopt, .position = {{point->number("xPosition"), point->number("yPosition")}}});
    }
  }
  return buses;
}

std::string Names::unique(const Object& object) {
  std::string name = plain_name(object.name());
  if (!taken_.insert(name).second) {
    name = fmt::format("{}_{}", name, plain_name(object.kind));
    if (!taken_.insert(name).second) object.fail("has the same name as another of its class: rename one");
  }
  return name;
}

}  // namespace gridfed::cim
