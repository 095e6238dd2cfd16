#pragma once

#include "runtime/error.hpp"

#include <hdf5.h>

#include <concepts>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace gridfed {

class Communicator;

/// Minor adds, major breaks: a reader refuses a major it does not know.
struct Version {
  int major = 1, minor = 0;
  bool operator==(const Version&) const = default;
};

/// What every file says about itself, as attributes of its root.
struct FileHeader {
  std::string kind;        ///< dataset, trajectory, policy, metrics, report, checkpoint, network, reliability
  Version version;         ///< of the kind's layout
  std::string deck;        ///< resolved deck that repeats the run
  std::uint64_t seed = 0;  ///< of the run
  int ranks = 1;           ///< of the run
  std::string writer;      ///< program and version; filled by write_header
  std::string commit;      ///< git commit of the program; filled by write_header
};

/// Numbers that a dataset can hold.
template <class T>
concept Number = std::same_as<T, float> || std::same_as<T, double> || std::same_as<T, std::int32_t> || std::same_as<T, std::int64_t> ||
    std::same_as<T, std::uint8_t> || std::same_as<T, std::uint64_t>;

/// One HDF5 file. A written file stands under its name only after commit(): until then it is `<path>.part`, removed if never committed.
/// Paths inside look like "/group/name"; groups on the way are made as needed. Every failure is an Error naming file, path and remedy.
///
/// In a file created on a communicator all functions are collective, entered by all ranks with equal arguments (write_all: own rows),
/// and an error of one rank is thrown by all. The communicator must outlive the file.
class File {
 public:
  /// A new file written by this rank alone.
  static File create(const std::filesystem::path& path);
  /// Collective on comm.
  static File create(const Communicator& comm, const std::filesystem::path& path);
  /// An existing file, read by this rank alone.
  static File open(const std::filesystem::path& path);
  File(File&& other) noexcept;
  File& operator=(File&& other) noexcept;
  ~File();

  /// Collective on comm, if created on one. Closes the file and gives it its name; nothing can be written afterwards.
  void commit();
  const std::filesystem::path& path() const { return path_; }

  void write_header(const FileHeader& header);
  bool has_header() const;
  FileHeader read_header() const;
  /// Throws unless the file is of this kind and of a major version up to max_major.
  void check_kind(std::string_view kind, int max_major) const;

  /// Values in row-major order; shape {} means one dimension. The unit becomes the attribute `unit`.
  template <Number T>
  void write(const std::string& path, std::span<const T> values, const std::vector<hsize_t>& shape = {}, const std::string& unit = "") {
    write_numbers(path, native_type<T>(), values.data(), values.size(), shape, unit);
  }
  template <Number T>
  void write(const std::string& path, const std::vector<T>& values, const std::vector<hsize_t>& shape = {}, const std::string& unit = "") {
    write(path, std::span<const T>(values), shape, unit);
  }
  /// Collective on comm. A dataset of total_rows rows of shape row_shape, of which this rank holds those from first_row on, maybe none.
  template <Number T>
  void write_all(const std::string& path, std::span<const T> values, hsize_t total_rows, hsize_t first_row,
                 const std::vector<hsize_t>& row_shape = {}, const std::string& unit = "") {
    write_rows(path, native_type<T>(), values.data(), values.size(), total_rows, first_row, row_shape, unit);
  }
  /// A dataset of total_rows rows of shape row_shape that put_rows() fills.
  template <Number T>
  void create_rows(const std::string& path, hsize_t total_rows, const std::vector<hsize_t>& row_shape = {}, const std::string& unit = "") {
    make_rows(path, native_type<T>(), total_rows, row_shape, unit);
  }
  /// Whole rows from first_row on, as many as the values make. Not collective: each rank puts what it has.
  template <Number T>
  void put_rows(const std::string& path, hsize_t first_row, std::span<const T> values) {
    fill_rows(path, native_type<T>(), values.data(), values.size(), first_row);
  }
  /// The same of texts of at most `width` bytes.
  void create_text_rows(const std::string& path, hsize_t total_rows, std::size_t width);
  void put_text_rows(const std::string& path, hsize_t first_row, std::span<const std::string> texts);
  void write_text(const std::string& path, const std::string& text);
  void write_texts(const std::string& path, std::span<const std::string> texts);

  /// All values in row-major order. Reals read as any real, integers as any number that holds them.
  template <Number T>
  std::vector<T> read(const std::string& path) const {
    std::vector<T> values(element_count(path));
    read_numbers(path, native_type<T>(), values.data(), 0, whole);
    return values;
  }
  /// Rows [first, first + count) of the first dimension.
  template <Number T>
  std::vector<T> read_rows(const std::string& path, hsize_t first, hsize_t count) const {
    std::vector<T> values(row_size(path, first, count) * count);
    read_numbers(path, native_type<T>(), values.data(), first, count);
    return values;
  }
  std::string read_text(const std::string& path) const;
  std::vector<std::string> read_texts(const std::string& path) const;
  std::vector<hsize_t> shape(const std::string& path) const;
  bool exists(const std::string& path) const;
  /// Names of the members of a group, sorted.
  std::vector<std::string> children(const std::string& group) const;

  /// Numbers are kept as double, int64 or uint64. The path is that of a dataset or group ("/" is the root); a missing group is made.
  template <class T>
  void set_attribute(const std::string& path, const std::string& name, const T& value) {
    if constexpr (std::floating_point<T>) {
      const double number = value;
      put_attribute(path, name, H5T_NATIVE_DOUBLE, &number);
    } else if constexpr (std::signed_integral<T>) {
      const std::int64_t number = value;
      put_attribute(path, name, H5T_NATIVE_INT64, &number);
    } else if constexpr (std::unsigned_integral<T>) {
      const std::uint64_t number = value;
      put_attribute(path, name, H5T_NATIVE_UINT64, &number);
    } else {
      put_text_attribute(path, name, std::string(value));
    }
  }
  /// T is double, std::int64_t, std::uint64_t or std::string.
  template <class T>
  T attribute(const std::string& path, const std::string& name) const {
    if constexpr (std::same_as<T, std::string>) {
      return get_text_attribute(path, name);
    } else {
      T value{};
      get_attribute(path, name, native_type<T>(), &value);
      return value;
    }
  }
  bool has_attribute(const std::string& path, const std::string& name) const;

 private:
  static constexpr hsize_t whole = ~hsize_t{0};
  template <Number T>
  static hid_t native_type() {
    if constexpr (std::same_as<T, float>) return H5T_NATIVE_FLOAT;
    if constexpr (std::same_as<T, double>) return H5T_NATIVE_DOUBLE;
    if constexpr (std::same_as<T, std::int32_t>) return H5T_NATIVE_INT32;
    if constexpr (std::same_as<T, std::int64_t>) return H5T_NATIVE_INT64;
    if constexpr (std::same_as<T, std::uint8_t>) return H5T_NATIVE_UINT8;
    if constexpr (std::same_as<T, std::uint64_t>) return H5T_NATIVE_UINT64;
  }
  explicit File(std::filesystem::path path) : path_(std::move(path)) {}
  std::filesystem::path part() const;
  void check_new(const std::string& path) const;
  void check_present(const std::string& path) const;
  void check_attribute(const std::string& path, const std::string& name) const;
  void write_numbers(const std::string& path, hid_t type, const void* values, std::size_t count, std::vector<hsize_t> shape,
                     const std::string& unit);
  void write_rows(const std::string& path, hid_t type, const void* values, std::size_t count, hsize_t total_rows, hsize_t first_row,
                  const std::vector<hsize_t>& row_shape, const std::string& unit);
  void make_rows(const std::string& path, hid_t type, hsize_t total_rows, const std::vector<hsize_t>& row_shape, const std::string& unit);
  void fill_rows(const std::string& path, hid_t type, const void* values, std::size_t count, hsize_t first_row);
  void write_strings(const std::string& path, std::span<const std::string> texts, bool scalar);
  void read_numbers(const std::string& path, hid_t type, void* values, hsize_t first, hsize_t count) const;
  hsize_t element_count(const std::string& path) const;
  hsize_t row_size(const std::string& path, hsize_t first, hsize_t count) const;
  void put_attribute(const std::string& path, const std::string& name, hid_t type, const void* value);
  void put_text_attribute(const std::string& path, const std::string& name, const std::string& text);
  void get_attribute(const std::string& path, const std::string& name, hid_t type, void* value) const;
  std::string get_text_attribute(const std::string& path, const std::string& name) const;

  std::filesystem::path path_;
  const Communicator* comm_ = nullptr;  // null: this rank alone
  hid_t id_ = -1;
  bool writing_ = false;
  bool owns_name_ = true;  // the rank that writes shared values, renames and removes
};

}  // namespace gridfed
