#pragma once

#include "grid/network.hpp"

#include <filesystem>
#include <iosfwd>

namespace gridfed {

/// Writes a network in a given state as an OpenDSS script that read_opendss() reads back to the same network (numbers to rounding), and
/// beside it <stem>_buscoords.csv if buses have coordinates. What the script once said otherwise comes out as what it became here: load
/// multipliers in the loads, generators without a voltage to hold as loads of negative power, plants and batteries at their operating
/// point, neutral impedances of loads as reactors. Throws Error, naming the element, for what the language or its reader cannot say, such
/// as ideal sources, lines that transform, nominal voltages of single buses, matrices that are not symmetric.
void write_opendss(const Network& network, const GridState& state, const std::filesystem::path& path);

/// What such a script consists of, in order, for networks that are written piece by piece: the head and the voltage bases are those of the
/// first piece, elements and switches follow for each.
enum class OpenDssPart { head, elements, voltage_bases, switches };
void write_opendss_part(const Network& network, const GridState& state, OpenDssPart part, std::ostream& out);
/// The lines of a file for the command buscoords.
void write_opendss_coordinates(const NetworkData& data, std::ostream& out);

}  // namespace gridfed
