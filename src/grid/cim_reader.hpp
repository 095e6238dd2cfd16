#pragma once

#include "grid/network_data.hpp"

#include <filesystem>

namespace gridfed {

/// Reads a feeder in the Common Information Model (IEC 61970 and 61968, CIM100) from RDF/XML, as GridAPPS-D and OpenDSS export it. Throws
/// Error naming object and line for what it cannot read; equipment of a class it does not know is an error, other unknown classes become
/// notes.
///
/// What CIM leaves open: loads keep their voltage response between 0.1 and 10 p.u.; a switch is a resistance of one microhm a
/// phase; b of a shunt compensator is that of one phase (of a wye); the present output of photovoltaics, wind and batteries is not part of
/// a network.
NetworkData read_cim(const std::filesystem::path& path);

}  // namespace gridfed
