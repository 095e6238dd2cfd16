#pragma once

#include "grid/network.hpp"
#include "runtime/hdf5.hpp"

#include <filesystem>
#include <variant>

namespace gridfed {

inline constexpr Version network_tables_version{3, 0};

/// A network as tables, one a class of element (network_rows.hpp), put together from one part or from many whose elements and buses follow
/// one another. In an HDF5 file of kind `network` a table is a group and a column an array in SI units:
///   - a bus is its position in /buses/name, -1 = none; conductors are text such as "1.2.3" (0 = ground, -2 = conductor 2, open);
///   - a column of lists has all their values, and those of row i begin at NAME_start[i] and end at NAME_start[i + 1]. Matrices of lines
///   are
///     such lists, row by row; curves are x and y in turn;
///   - a number that there is none of is NaN; enumerations count from 0 in the order of network_data.hpp.
/// Classes without elements have no group. As CSV a table is a file, such as `loads.csv`, whose header names column and unit as in
/// `active_power [W]`; a list is one cell, its values separated by spaces; NaN is an empty cell.
class NetworkTables {
 public:
  NetworkTables();

  /// Adds the rows of a part. Only that of the first part names what a network has once: name, frequency, voltage bases, notes.
  void add(const Network& part, bool first);
  /// Lets go of the rows, which count on.
  void drop_rows();

  /// Rows of each table; values and longest text of each column: what create() must know of all parts together.
  std::vector<std::int64_t> sizes() const;
  /// Sizes of several parts: counts add up, the longest text stays.
  static void combine(std::span<std::int64_t> sizes, std::span<const std::int64_t> more);
  /// What is added from now on stands behind parts of these sizes.
  void start_behind(std::span<const std::int64_t> sizes);

  /// Collective if the file is. Makes room for all parts.
  void create(File& file, std::span<const std::int64_t> sizes) const;
  /// Writes the rows held and drops them.
  void put(File& file);

  void write_csv(const std::filesystem::path& folder) const;

 private:
  friend class RowWriter;
  struct Column {
    std::string name, unit;
    std::variant<std::vector<double>, std::vector<std::int32_t>, std::vector<std::string>> values;
    bool is_list = false;
    std::vector<std::int32_t> starts;  ///< of lists: of each row, and the end
    std::int64_t before = 0;           ///< values written or dropped
    std::int64_t width = 1;            ///< of the longest text
    std::size_t count() const;
  };
  struct Table {
    std::string name;
    std::vector<Column> columns;
    std::int64_t before = 0, rows = 0;  ///< written or dropped; held
  };
  template <class Element>
  void define(const std::string& name);
  template <class Elements>
  void append(const std::string& name, const Network& part, const Elements& elements);
  Table& table(std::string_view name);
  static void write_table(const std::filesystem::path& path, const Table& table);

  std::vector<Table> tables_;
};

/// Writes a network as tables into one HDF5 file, from which read_network_tables() gives back the same network.
void write_network_tables(const std::filesystem::path& path, const FileHeader& header, const Network& network);

/// The same tables as one CSV file each in a folder, which is made.
void write_network_csv(const std::filesystem::path& folder, const Network& network);

/// Reads what write_network_tables() wrote. Throws Error for a file of another kind or of version 1, which did not hold enough.
NetworkData read_network_tables(const std::filesystem::path& path);

}  // namespace gridfed
