#pragma once

#include "grid/cim_document.hpp"

#include <set>

namespace gridfed::cim {

/// Names as the rest of the project writes them: lower case, with '_' for what would end a word or a bus name.
std::string plain_name(std::string_view name);

/// Node number of a phase: A and s1 are 1, B and s2 are 2, C is 3, N is 4.
int node_of(const Object& object, std::string_view phase);

/// Phases of a code such as "ABN" or "s1N", in its order.
std::vector<std::string> phases_of(const Object& object, std::string_view code);

/// False for what stands in the file but not in the field (Equipment.inService).
bool in_service(const Object& equipment);

/// Which bus each terminal is on.
class Connectivity {
 public:
  explicit Connectivity(const Document& document);

  /// Buses of an equipment in the sequence of its terminals. Throws Error unless there are `count`.
  std::vector<std::string> buses(const Object& equipment, std::size_t count) const;
  const std::string& bus(const Object& terminal) const;
  /// Node number for a neutral that nothing else at the bus shares.
  int own_neutral(const std::string& bus) { return ++last_neutral_.try_emplace(bus, node_of_n).first->second; }
  /// Drawing coordinates of the buses that have some.
  std::vector<BusData> positions() const;

 private:
  static constexpr int node_of_n = 4;
  std::vector<const Object*> terminals(const Object& equipment) const;

  const Document& document_;
  std::map<std::string, std::string> bus_names_;  // by id of the ConnectivityNode
  std::map<std::string, int> last_neutral_;
};

/// Gives every element of a kind a name that no other has.
class Names {
 public:
  std::string unique(const Object& object);

 private:
  std::set<std::string> taken_;
};

}  // namespace gridfed::cim
