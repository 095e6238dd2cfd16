#pragma once

#include "grid/opendss_elements.hpp"

/// Parts of network_data_of().
namespace gridfed::opendss {

/// Throws the Error that an object's final state deserves.
[[noreturn]] void fail(const Object& object, std::string_view class_name, std::string_view problem, std::string_view remedy);

/// Nodes as written; those left out are 1, 2, ... for phases and ground for the rest.
Terminal terminal(const BusReference& reference, int phases, int conductors, const Object& object, std::string_view class_name);

/// Conductors of loads and injections. Wye: phases and neutral. Delta: phases, and one more where a branch would have no other end.
int conductors_of(Connection connection, int phases);
Terminal power_terminal(const PowerElement& element, std::string_view class_name);

/// Generators, photovoltaics, storage and wind turbines in service.
void add_injections(Script& script, NetworkData& data);

/// Opens and closes what switches and protective devices say.
void apply_switch_controls(Script& script);

/// Switches and protective devices of lines and transformers.
void add_switching_devices(Script& script, NetworkData& data);

/// Controllers whose elements are in service.
void add_controls(Script& script, NetworkData& data);

}  // namespace gridfed::opendss
