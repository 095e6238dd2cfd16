#pragma once

#include "grid/network.hpp"
#include "runtime/hdf5.hpp"

#include <filesystem>

namespace gridfed {

inline constexpr Version network_tables_version{1, 1};

/// Writes a network as tables for other programs: an HDF5 file of kind `network` with a group for each class of element, in it one array a
/// column, SI units. Buses are given by their position in /buses, conductors as text such as "1.2.3" (0 = ground, - = open). The matrices
/// of line i are the rows conductors x conductors from matrix_start[i] on of `resistance`, `reactance` and `susceptance`; winding w of
/// transformer i is row winding_start[i] + w of /windings. Classes without elements have no group.
void write_network_tables(const std::filesystem::path& path, const FileHeader& header, const Network& network);

/// The same tables as one CSV file each in a folder, which is made: `loads.csv`, ..., and `network.csv` with name and frequency. The header
/// names column and unit, as in `active_power [W]`; a value that there is none of is an empty cell. Entries of line matrices are the rows
/// of `line_matrices.csv`, windings name their transformer; positions count from 0.
void write_network_csv(const std::filesystem::path& folder, const Network& network);

}  // namespace gridfed
