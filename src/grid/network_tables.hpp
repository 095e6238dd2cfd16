#pragma once

#include "grid/network.hpp"
#include "runtime/hdf5.hpp"

#include <filesystem>

namespace gridfed {

inline constexpr Version network_tables_version{1, 0};

/// Writes a network as tables for other programs: an HDF5 file of kind `network` with a group for each class of element, in it one array a
/// column, SI units. Buses are given by their position in /buses, conductors as text such as "1.2.3" (0 = ground). The matrices of line i
/// are the rows conductors x conductors from matrix_start[i] on of `resistance`, `reactance` and `susceptance`; winding w of transformer i
/// is row winding_start[i] + w of /windings. Classes without elements have no group.
void write_network_tables(const std::filesystem::path& path, const FileHeader& header, const Network& network);

}  // namespace gridfed
