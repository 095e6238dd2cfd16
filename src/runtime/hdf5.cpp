#include "runtime/hdf5.hpp"

#include "runtime/communicator.hpp"
#include "runtime/version.hpp"

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <numeric>
#include <system_error>
#include <utility>

namespace gridfed {

namespace {

/// Sole owner of an HDF5 identifier.
template <herr_t (*close)(hid_t)>
class Handle {
 public:
  explicit Handle(hid_t id) : id_(id) {}
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  ~Handle() {
    if (id_ >= 0) close(id_);
  }
  hid_t get() const { return id_; }

 private:
  hid_t id_;
};
using Space = Handle<H5Sclose>;
using Type = Handle<H5Tclose>;
using Set = Handle<H5Dclose>;
using Attribute = Handle<H5Aclose>;
using Object = Handle<H5Oclose>;
using Properties = Handle<H5Pclose>;

/// Sentence part for a failed call: HDF5's most specific message.
std::string reason() {
  std::string text = "HDF5 gives no reason";
  const auto first = [](unsigned n, const H5E_error2_t* entry, void* out) -> herr_t {
    if (n == 0 && entry->desc) *static_cast<std::string*>(out) = entry->desc;
    return 0;
  };
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, first, &text);
  return text;
}

/// Turns a negative HDF5 return code into an Error about one path of one file.
struct Attempt {
  const char* verb;
  const std::filesystem::path& file;
  const std::string& path;
  const char* remedy;

  template <class Code>
  Code operator()(Code code) const {
    if (code < 0) throw Error("cannot {} '{}' of '{}' ({}): {}", verb, path, file.string(), reason(), remedy);
    return code;
  }
};

constexpr const char* write_remedy = "check that the disk has space and that the file may be written";
constexpr const char* read_remedy = "the file is damaged or of another kind, write it again";

/// HDF5 prints nothing by itself, locks nothing (a file is renamed when complete, and parallel file systems often lack locks), and is
/// closed by MPI_Finalize or by its handles, never by exit().
void prepare_library() {
  setenv("HDF5_USE_FILE_LOCKING", "FALSE", 0);
  H5dont_atexit();
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
}

hid_t create_file(const std::filesystem::path& part, const Communicator* comm) {
  const Properties access(H5Pcreate(H5P_FILE_ACCESS)), creation(H5Pcreate(H5P_FILE_CREATE));
  H5Pset_libver_bounds(access.get(), H5F_LIBVER_V18, H5F_LIBVER_LATEST);  // attributes may exceed 64 KiB
  H5Pset_obj_track_times(creation.get(), false);                          // equal content, equal bytes
  if (comm) H5Pset_fapl_mpio(access.get(), comm->get(), MPI_INFO_NULL);
  const hid_t id = H5Fcreate(part.c_str(), H5F_ACC_TRUNC, creation.get(), access.get());
  if (id < 0)
    throw Error("cannot create '{}' ({}): check that the disk has space and that the folder may be written", part.string(), reason());
  return id;
}

void check_folder(const std::filesystem::path& path) {
  const auto folder = path.parent_path();
  std::error_code ignored;
  if (!folder.empty() && !std::filesystem::is_directory(folder, ignored))
    throw Error("cannot create '{}' (there is no folder '{}'): create it first", path.string(), folder.string());
}

/// Makes the groups on the way to a path, and with it the path itself if it is to be one. HDF5 would make them too, but with time stamps.
void make_groups(hid_t file, const std::string& path, bool itself) {
  const Properties creation(H5Pcreate(H5P_GROUP_CREATE));
  H5Pset_obj_track_times(creation.get(), false);
  for (std::size_t end = path.find('/', 1);; end = path.find('/', end + 1)) {
    if (end == std::string::npos && !itself) return;
    const std::string group = path.substr(0, end);
    if (group.size() > 1 && H5Lexists(file, group.c_str(), H5P_DEFAULT) <= 0) {
      const Object made(H5Gcreate2(file, group.c_str(), H5P_DEFAULT, creation.get(), H5P_DEFAULT));
    }
    if (end == std::string::npos) return;
  }
}

hid_t create_set(const Attempt& attempt, hid_t file, hid_t type, hid_t space) {
  make_groups(file, attempt.path, false);
  const Properties creation(H5Pcreate(H5P_DATASET_CREATE));
  H5Pset_obj_track_times(creation.get(), false);
  return attempt(H5Dcreate2(file, attempt.path.c_str(), type, space, H5P_DEFAULT, creation.get(), H5P_DEFAULT));
}

/// Texts of one length, filled up with zeros.
std::string padded_texts(std::span<const std::string> texts, std::size_t width) {
  std::string padded(width * texts.size(), '\0');
  for (std::size_t i = 0; i < texts.size(); ++i) padded.replace(i * width, texts[i].size(), texts[i]);
  return padded;
}

/// Fixed length, zero padded UTF-8: unlike variable length it can be written in parallel.
hid_t text_type(std::size_t length) {
  const hid_t type = H5Tcopy(H5T_C_S1);
  H5Tset_size(type, std::max<std::size_t>(length, 1));
  H5Tset_strpad(type, H5T_STR_NULLPAD);
  H5Tset_cset(type, H5T_CSET_UTF8);
  return type;
}

void write_unit(const Attempt& attempt, hid_t set, const std::string& unit) {
  if (unit.empty()) return;
  const Type type(text_type(unit.size()));
  const Space scalar(H5Screate(H5S_SCALAR));
  const Attribute attribute(attempt(H5Acreate2(set, "unit", type.get(), scalar.get(), H5P_DEFAULT, H5P_DEFAULT)));
  attempt(H5Awrite(attribute.get(), type.get(), unit.c_str()));
}

hsize_t product(std::span<const hsize_t> shape) {
  return std::accumulate(shape.begin(), shape.end(), hsize_t{1}, std::multiplies<>());
}

/// A number that does not fit its C++ type ends the read; rounding a double to a float does not.
H5T_conv_ret_t refuse_overflow(H5T_conv_except_t what, hid_t, hid_t, void*, void*, void*) {
  return what == H5T_CONV_EXCEPT_RANGE_HI || what == H5T_CONV_EXCEPT_RANGE_LOW ? H5T_CONV_ABORT : H5T_CONV_UNHANDLED;
}

void check_number_type(const Attempt& attempt, hid_t stored, hid_t wanted) {
  const H5T_class_t from = H5Tget_class(stored), to = H5Tget_class(wanted);
  if (from == H5T_INTEGER || from == H5T_ENUM || (from == H5T_FLOAT && to == H5T_FLOAT)) return;  // an 8-bit enum is h5py's bool
  throw Error("cannot read '{}' of '{}' as {} (it holds {}): check the kind and version of the file", attempt.path, attempt.file.string(),
              to == H5T_FLOAT ? "real numbers" : "integers", from == H5T_FLOAT ? "real numbers" : "no numbers");
}

/// The strings of a dataset or attribute, read through `fetch(type, buffer)` whichever way they are stored.
template <class Fetch>
std::vector<std::string> fetch_texts(const Attempt& attempt, hid_t type, hid_t space, Fetch fetch) {
  if (H5Tget_class(type) != H5T_STRING)
    throw Error("cannot read '{}' of '{}' as text (it holds something else): check the kind and version of the file", attempt.path,
                attempt.file.string());
  const auto count = static_cast<std::size_t>(std::max<hssize_t>(H5Sget_simple_extent_npoints(space), 0));
  std::vector<std::string> texts(count);
  if (count == 0) return texts;
  if (H5Tis_variable_str(type) > 0) {
    std::vector<char*> pointers(count, nullptr);
    attempt(fetch(type, pointers.data()));
    for (std::size_t i = 0; i < count; ++i) texts[i] = pointers[i] ? pointers[i] : "";
    H5Dvlen_reclaim(type, space, H5P_DEFAULT, pointers.data());
    return texts;
  }
  const std::size_t length = H5Tget_size(type);
  std::string buffer(count * length, '\0');
  attempt(fetch(type, buffer.data()));
  for (std::size_t i = 0; i < count; ++i) {
    const std::string_view padded = std::string_view(buffer).substr(i * length, length);
    texts[i] = padded.substr(0, padded.find('\0'));
  }
  return texts;
}

/// Runs work on every rank of a parallel file and throws on all ranks if it threw on one. Collective HDF5 calls of the work return on all
/// ranks, since whatever can fail on one rank alone was checked in an earlier call.
template <class Work>
void together(const Communicator* comm, Work work) {
  if (comm) {
    agreed(*comm, work);
  } else {
    work();
  }
}

}  // namespace

File File::create(const std::filesystem::path& path) {
  prepare_library();
  check_folder(path);
  File file(path);
  file.id_ = create_file(file.part(), nullptr);
  file.writing_ = true;
  return file;
}

File File::create(const Communicator& comm, const std::filesystem::path& path) {
  prepare_library();
  together(&comm, [&] { check_folder(path); });
  File file(path);
  file.comm_ = &comm;
  together(&comm, [&] { file.id_ = create_file(file.part(), &comm); });
  file.owns_name_ = comm.rank() == 0;
  file.writing_ = true;
  return file;
}

File File::open(const std::filesystem::path& path) {
  prepare_library();
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) throw Error("cannot read '{}' (there is no such file): check the path", path.string());
  File file(path);
  const bool is_hdf5 = H5Fis_hdf5(path.c_str()) > 0;
  if (is_hdf5) file.id_ = H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT);
  if (file.id_ < 0)
    throw Error("cannot read '{}' ({}): pass a complete HDF5 file or write it again", path.string(),
                is_hdf5 ? reason() : "it is not an HDF5 file");
  return file;
}

File::File(File&& other) noexcept
    : path_(std::move(other.path_)),
      comm_(other.comm_),
      id_(std::exchange(other.id_, -1)),
      writing_(std::exchange(other.writing_, false)),
      owns_name_(other.owns_name_) {}

File& File::operator=(File&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(comm_, other.comm_);
  std::swap(id_, other.id_);
  std::swap(writing_, other.writing_);
  std::swap(owns_name_, other.owns_name_);
  return *this;
}

File::~File() {
  // Closing a parallel file is collective: while an exception unwinds this rank it is left to MPI_Finalize.
  if (id_ >= 0 && (!comm_ || std::uncaught_exceptions() == 0)) H5Fclose(id_);
  std::error_code ignored;
  if (writing_ && owns_name_) std::filesystem::remove(part(), ignored);
}

std::filesystem::path File::part() const {
  return path_.string() + ".part";
}

void File::commit() {
  together(comm_, [&] {
    if (H5Fclose(std::exchange(id_, -1)) < 0) throw Error("cannot finish '{}' ({}): {}", path_.string(), reason(), write_remedy);
  });
  together(comm_, [&] {
    if (!owns_name_) return;
    std::error_code problem;
    std::filesystem::rename(part(), path_, problem);
    if (problem) throw Error("cannot finish '{}' ({}): {}", path_.string(), problem.message(), write_remedy);
  });
  writing_ = false;
}

void File::write_header(const FileHeader& header) {
  set_attribute("/", "kind", header.kind);
  set_attribute("/", "version", fmt::format("{}.{}", header.version.major, header.version.minor));
  set_attribute("/", "writer", fmt::format("gridfed {}", program_version()));
  set_attribute("/", "commit", program_commit());
  set_attribute("/", "deck", header.deck);
  set_attribute("/", "seed", header.seed);
  set_attribute("/", "ranks", header.ranks);
}

bool File::has_header() const {
  return has_attribute("/", "kind") && has_attribute("/", "version");
}

FileHeader File::read_header() const {
  if (!has_header()) throw Error("'{}' has no gridfed header (another program wrote it): pass a file written by gridfed", path_.string());
  FileHeader header;
  header.kind = attribute<std::string>("/", "kind");
  const auto version = attribute<std::string>("/", "version");
  if (std::sscanf(version.c_str(), "%d.%d", &header.version.major, &header.version.minor) != 2)
    throw Error("'{}' has a bad version '{}' (expected <major>.<minor>): write the file again", path_.string(), version);
  header.writer = attribute<std::string>("/", "writer");
  header.commit = attribute<std::string>("/", "commit");
  header.deck = attribute<std::string>("/", "deck");
  header.seed = attribute<std::uint64_t>("/", "seed");
  header.ranks = static_cast<int>(attribute<std::int64_t>("/", "ranks"));
  return header;
}

void File::check_kind(std::string_view kind, int max_major) const {
  const FileHeader header = read_header();
  if (header.kind != kind)
    throw Error("'{}' is a {} file written by {} (expected a {} file): pass another file", path_.string(), header.kind, header.writer,
                kind);
  if (header.version.major > max_major)
    throw Error("'{}' is of version {}.{}, written by {} (this program reads {} files up to version {}): use a newer gridfed",
                path_.string(), header.version.major, header.version.minor, header.writer, kind, max_major);
}

void File::write_numbers(const std::string& path, hid_t type, const void* values, std::size_t count, std::vector<hsize_t> shape,
                         const std::string& unit) {
  if (shape.empty()) shape = {count};
  together(comm_, [&] {
    check_new(path);
    if (product(shape) != count)
      throw Error("cannot write '{}' of '{}' ({} values for a shape of {}): pass one value an element", path, path_.string(), count,
                  product(shape));
  });
  together(comm_, [&] {
    const Attempt attempt{"write", path_, path, write_remedy};
    const Space space(attempt(H5Screate_simple(static_cast<int>(shape.size()), shape.data(), nullptr)));
    const Set set(create_set(attempt, id_, type, space.get()));
    write_unit(attempt, set.get(), unit);
    if (owns_name_ && count > 0) attempt(H5Dwrite(set.get(), type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values));
  });
}

void File::write_rows(const std::string& path, hid_t type, const void* values, std::size_t count, hsize_t total_rows, hsize_t first_row,
                      const std::vector<hsize_t>& row_shape, const std::string& unit) {
  const hsize_t row = product(row_shape);
  const hsize_t rows = row > 0 ? count / row : 0;
  together(comm_, [&] {
    check_new(path);
    if (rows * row != count || first_row + rows > total_rows)
      throw Error("cannot write '{}' of '{}' ({} values from row {} on do not fit {} rows of {}): pass whole rows inside the dataset", path,
                  path_.string(), count, first_row, total_rows, row);
  });
  std::uint64_t held = rows;
  if (comm_) comm_->all_reduce_sum(std::span(&held, 1));
  together(comm_, [&] {
    if (row > 0 && held != total_rows)
      throw Error("cannot write '{}' of '{}' (the ranks hold {} rows of a dataset of {}): pass every row once", path, path_.string(), held,
                  total_rows);
  });
  together(comm_, [&] {
    const Attempt attempt{"write", path_, path, write_remedy};
    std::vector<hsize_t> shape{total_rows}, start{first_row}, extent{rows};
    for (const hsize_t length : row_shape) {
      shape.push_back(length);
      start.push_back(0);
      extent.push_back(length);
    }
    const auto dimensions = static_cast<int>(shape.size());
    const Space space(attempt(H5Screate_simple(dimensions, shape.data(), nullptr)));
    const Space memory(attempt(H5Screate_simple(dimensions, extent.data(), nullptr)));
    const Set set(create_set(attempt, id_, type, space.get()));
    write_unit(attempt, set.get(), unit);
    if (total_rows * row == 0) return;
    if (rows > 0) {
      attempt(H5Sselect_hyperslab(space.get(), H5S_SELECT_SET, start.data(), nullptr, extent.data(), nullptr));
    } else {
      attempt(H5Sselect_none(space.get()));
      attempt(H5Sselect_none(memory.get()));
    }
    const Properties transfer(H5Pcreate(H5P_DATASET_XFER));
    if (comm_) H5Pset_dxpl_mpio(transfer.get(), H5FD_MPIO_COLLECTIVE);
    attempt(H5Dwrite(set.get(), type, memory.get(), space.get(), transfer.get(), values));
  });
}

void File::make_rows(const std::string& path, hid_t type, hsize_t total_rows, const std::vector<hsize_t>& row_shape,
                     const std::string& unit) {
  together(comm_, [&] { check_new(path); });
  together(comm_, [&] {
    const Attempt attempt{"write", path_, path, write_remedy};
    std::vector<hsize_t> shape{total_rows};
    shape.insert(shape.end(), row_shape.begin(), row_shape.end());
    const Space space(attempt(H5Screate_simple(static_cast<int>(shape.size()), shape.data(), nullptr)));
    const Set set(create_set(attempt, id_, type, space.get()));
    write_unit(attempt, set.get(), unit);
  });
}

void File::create_text_rows(const std::string& path, hsize_t total_rows, std::size_t width) {
  make_rows(path, Type(text_type(std::max<std::size_t>(width, 1))).get(), total_rows, {}, "");
}

void File::put_text_rows(const std::string& path, hsize_t first_row, std::span<const std::string> texts) {
  check_present(path);
  const Attempt attempt{"write", path_, path, write_remedy};
  const Set set(attempt(H5Dopen2(id_, path.c_str(), H5P_DEFAULT)));
  const Type type(attempt(H5Dget_type(set.get())));
  const std::size_t width = H5Tget_size(type.get());
  for (const auto& text : texts) {
    if (text.size() > width)
      throw Error("cannot write '{}' of '{}' ('{}' is longer than {} bytes): create wider rows", path, path_.string(), text, width);
  }
  fill_rows(path, type.get(), padded_texts(texts, width).data(), texts.size(), first_row);
}

void File::fill_rows(const std::string& path, hid_t type, const void* values, std::size_t count, hsize_t first_row) {
  check_present(path);
  const Attempt attempt{"write", path_, path, write_remedy};
  const Set set(attempt(H5Dopen2(id_, path.c_str(), H5P_DEFAULT)));
  const Space space(attempt(H5Dget_space(set.get())));
  std::vector<hsize_t> extent(static_cast<std::size_t>(attempt(H5Sget_simple_extent_ndims(space.get()))));
  attempt(H5Sget_simple_extent_dims(space.get(), extent.data(), nullptr));
  const hsize_t row = product(std::span(extent).subspan(1)), rows = row > 0 ? count / row : 0;
  if (rows * row != count || first_row + rows > extent[0])
    throw Error("cannot write '{}' of '{}' ({} values from row {} on do not fit {} rows of {}): pass whole rows inside the dataset", path,
                path_.string(), count, first_row, extent[0], row);
  if (count == 0) return;
  std::vector<hsize_t> start(extent.size(), 0);
  start[0] = first_row;
  extent[0] = rows;
  const Space memory(attempt(H5Screate_simple(static_cast<int>(extent.size()), extent.data(), nullptr)));
  attempt(H5Sselect_hyperslab(space.get(), H5S_SELECT_SET, start.data(), nullptr, extent.data(), nullptr));
  attempt(H5Dwrite(set.get(), type, memory.get(), space.get(), H5P_DEFAULT, values));
}

void File::write_text(const std::string& path, const std::string& text) {
  write_strings(path, std::span(&text, 1), true);
}

void File::write_texts(const std::string& path, std::span<const std::string> texts) {
  write_strings(path, texts, false);
}

void File::write_strings(const std::string& path, std::span<const std::string> texts, bool scalar) {
  together(comm_, [&] { check_new(path); });
  together(comm_, [&] {
    const Attempt attempt{"write", path_, path, write_remedy};
    std::size_t longest = 1;
    for (const auto& text : texts) longest = std::max(longest, text.size());
    const std::string padded = padded_texts(texts, longest);
    const hsize_t count = texts.size();
    const Type type(text_type(longest));
    const Space space(attempt(scalar ? H5Screate(H5S_SCALAR) : H5Screate_simple(1, &count, nullptr)));
    const Set set(create_set(attempt, id_, type.get(), space.get()));
    if (owns_name_ && count > 0) attempt(H5Dwrite(set.get(), type.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, padded.data()));
  });
}

void File::check_new(const std::string& path) const {
  if (!writing_) throw Error("cannot write '{}' of '{}' (it is not open for writing): create the file", path, path_.string());
  if (exists(path)) throw Error("cannot write '{}' of '{}' (it is already there): write each path once", path, path_.string());
}

void File::check_present(const std::string& path) const {
  if (exists(path)) return;
  std::string members;
  for (const auto& name : children("/")) members += (members.empty() ? "" : ", ") + name;
  throw Error("cannot read '{}' of '{}' (the file holds only: {}): check the kind and version of the file", path, path_.string(), members);
}

void File::read_numbers(const std::string& path, hid_t type, void* values, hsize_t first, hsize_t count) const {
  const Attempt attempt{"read", path_, path, read_remedy};
  const Set set(attempt(H5Dopen2(id_, path.c_str(), H5P_DEFAULT)));
  const Type stored(attempt(H5Dget_type(set.get())));
  check_number_type(attempt, stored.get(), type);
  std::vector<hsize_t> extent = shape(path);
  if (product(extent) == 0 || count == 0) return;
  const Space space(attempt(H5Dget_space(set.get())));
  if (count != whole) {
    std::vector<hsize_t> start(extent.size(), 0);
    start[0] = first;
    extent[0] = count;
    attempt(H5Sselect_hyperslab(space.get(), H5S_SELECT_SET, start.data(), nullptr, extent.data(), nullptr));
  }
  const Space memory(attempt(H5Screate_simple(static_cast<int>(extent.size()), extent.data(), nullptr)));
  const Properties transfer(H5Pcreate(H5P_DATASET_XFER));
  H5Pset_type_conv_cb(transfer.get(), refuse_overflow, nullptr);
  attempt(
      H5Dread(set.get(), type, extent.empty() ? H5S_ALL : memory.get(), extent.empty() ? H5S_ALL : space.get(), transfer.get(), values));
}

hsize_t File::element_count(const std::string& path) const {
  return product(shape(path));
}

hsize_t File::row_size(const std::string& path, hsize_t first, hsize_t count) const {
  const auto extent = shape(path);
  if (extent.empty() || first + count > extent[0])
    throw Error("cannot read rows {} to {} of '{}' of '{}' (it has {}): ask for fewer", first, first + count, path, path_.string(),
                extent.empty() ? 0 : extent[0]);
  return product(std::span(extent).subspan(1));
}

std::string File::read_text(const std::string& path) const {
  const auto texts = read_texts(path);
  if (texts.size() != 1)
    throw Error("cannot read '{}' of '{}' as one text (it holds {}): check the kind and version of the file", path, path_.string(),
                texts.size());
  return texts.front();
}

std::vector<std::string> File::read_texts(const std::string& path) const {
  check_present(path);
  const Attempt attempt{"read", path_, path, read_remedy};
  const Set set(attempt(H5Dopen2(id_, path.c_str(), H5P_DEFAULT)));
  const Type type(attempt(H5Dget_type(set.get())));
  const Space space(attempt(H5Dget_space(set.get())));
  return fetch_texts(attempt, type.get(), space.get(),
                     [&](hid_t memory, void* buffer) { return H5Dread(set.get(), memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, buffer); });
}

std::vector<hsize_t> File::shape(const std::string& path) const {
  check_present(path);
  const Attempt attempt{"read", path_, path, read_remedy};
  const Set set(attempt(H5Dopen2(id_, path.c_str(), H5P_DEFAULT)));
  const Space space(attempt(H5Dget_space(set.get())));
  std::vector<hsize_t> extent(static_cast<std::size_t>(attempt(H5Sget_simple_extent_ndims(space.get()))));
  attempt(H5Sget_simple_extent_dims(space.get(), extent.data(), nullptr));
  return extent;
}

bool File::exists(const std::string& path) const {
  for (std::size_t end = path.find_first_not_of('/'); end < path.size();) {
    end = std::min(path.find('/', end), path.size());
    if (H5Lexists(id_, path.substr(0, end).c_str(), H5P_DEFAULT) <= 0) return false;
    end = path.find_first_not_of('/', end);
  }
  return true;
}

std::vector<std::string> File::children(const std::string& group) const {
  if (group != "/") check_present(group);
  const Attempt attempt{"list", path_, group, read_remedy};
  std::vector<std::string> names;
  const auto add = [](hid_t, const char* name, const H5L_info_t*, void* out) -> herr_t {
    static_cast<std::vector<std::string>*>(out)->emplace_back(name);
    return 0;
  };
  attempt(H5Literate_by_name(id_, group.c_str(), H5_INDEX_NAME, H5_ITER_INC, nullptr, add, &names, H5P_DEFAULT));
  std::ranges::sort(names);
  return names;
}

void File::put_attribute(const std::string& path, const std::string& name, hid_t type, const void* value) {
  together(comm_, [&] {
    if (!writing_) throw Error("cannot set '{}' of '{}' (the file is not open for writing): create the file", name, path_.string());
  });
  together(comm_, [&] {
    const Attempt attempt{"write", path_, path, write_remedy};
    if (!exists(path)) make_groups(id_, path, true);
    const Object object(attempt(H5Oopen(id_, path.c_str(), H5P_DEFAULT)));
    if (H5Aexists(object.get(), name.c_str()) > 0) attempt(H5Adelete(object.get(), name.c_str()));
    const Space scalar(H5Screate(H5S_SCALAR));
    const Attribute attribute(attempt(H5Acreate2(object.get(), name.c_str(), type, scalar.get(), H5P_DEFAULT, H5P_DEFAULT)));
    attempt(H5Awrite(attribute.get(), type, value));
  });
}

void File::put_text_attribute(const std::string& path, const std::string& name, const std::string& text) {
  const Type type(text_type(text.size()));
  put_attribute(path, name, type.get(), text.c_str());
}

bool File::has_attribute(const std::string& path, const std::string& name) const {
  return exists(path) && H5Aexists_by_name(id_, path.c_str(), name.c_str(), H5P_DEFAULT) > 0;
}

void File::check_attribute(const std::string& path, const std::string& name) const {
  if (!has_attribute(path, name))
    throw Error("'{}' of '{}' has no attribute '{}' (perhaps another program wrote it): check the kind and version of the file", path,
                path_.string(), name);
}

void File::get_attribute(const std::string& path, const std::string& name, hid_t type, void* value) const {
  check_attribute(path, name);
  const std::string label = path + "@" + name;
  const Attempt attempt{"read", path_, label, read_remedy};
  const Attribute attribute(attempt(H5Aopen_by_name(id_, path.c_str(), name.c_str(), H5P_DEFAULT, H5P_DEFAULT)));
  const Type stored(attempt(H5Aget_type(attribute.get())));
  const Space space(attempt(H5Aget_space(attribute.get())));
  check_number_type(attempt, stored.get(), type);
  if (H5Sget_simple_extent_npoints(space.get()) != 1)
    throw Error("cannot read '{}' of '{}' (it is no single number): check the kind and version of the file", label, path_.string());
  attempt(H5Aread(attribute.get(), type, value));
}

std::string File::get_text_attribute(const std::string& path, const std::string& name) const {
  check_attribute(path, name);
  const std::string label = path + "@" + name;
  const Attempt attempt{"read", path_, label, read_remedy};
  const Attribute attribute(attempt(H5Aopen_by_name(id_, path.c_str(), name.c_str(), H5P_DEFAULT, H5P_DEFAULT)));
  const Type type(attempt(H5Aget_type(attribute.get())));
  const Space space(attempt(H5Aget_space(attribute.get())));
  const auto texts =
      fetch_texts(attempt, type.get(), space.get(), [&](hid_t memory, void* buffer) { return H5Aread(attribute.get(), memory, buffer); });
  return texts.empty() ? "" : texts.front();
}

}  // namespace gridfed
