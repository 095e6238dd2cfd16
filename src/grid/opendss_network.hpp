#pragma once

#include "grid/opendss_elements.hpp"

/// Parts of network_data_of().
namespace gridfed::opendss {

/// Throws the Error that an object's final state deserves.
[[noreturn]] void fail(const Object& object, std::string_view class_name, std::string_view problem, std::string_view remedy);

/// Nodes as written; those left out are 1, 2, ... for phases and ground for the rest.
Terminal terminal(const BusReference& reference, int phases, int conductors, const Object& object, std::string_view class_name);

/// Controllers whose elements are in service.
void add_controls(Script& script, NetworkData& data);

}  // namespace gridfed::opendss
