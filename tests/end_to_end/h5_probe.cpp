// Looks into HDF5 files for test_study.sh:
//   h5_probe same <a> <b>               status 0 if both hold the same, apart from times and the number of ranks
//   h5_probe attribute <file> <name>    prints a text attribute of the root
//   h5_probe rows <file> <dataset>      prints how many rows it has
//   h5_probe poison <file> <dataset>    turns the sixth value into NaN
//   h5_probe fill <file> <dataset> <x>  turns every value into x
#include "runtime/hdf5.hpp"

#include <algorithm>
#include <limits>
#include <set>
#include <string>
#include <vector>

namespace {

using Bytes = std::vector<char>;

// Identifiers live as long as this short program.
hid_t checked(hid_t id, const std::string& what) {
  if (id < 0) throw gridfed::Error("cannot open {} (HDF5 refuses): check the path", what);
  return id;
}

hid_t open_file(const std::string& path) {
  return checked(H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT), path);
}

std::set<std::string> members(hid_t group) {
  H5G_info_t info;
  H5Gget_info(group, &info);
  std::set<std::string> names;
  for (hsize_t i = 0; i < info.nlinks; ++i) {
    std::string name(256, '\0');
    const auto length = H5Lget_name_by_idx(group, ".", H5_INDEX_NAME, H5_ITER_INC, i, name.data(), name.size(), H5P_DEFAULT);
    names.insert(name.substr(0, static_cast<std::size_t>(length)));
  }
  return names;
}

std::set<std::string> attribute_names(hid_t object) {
  std::set<std::string> names;
  const auto add = [](hid_t, const char* name, const H5A_info_t*, void* out) -> herr_t {
    static_cast<std::set<std::string>*>(out)->insert(name);
    return 0;
  };
  hsize_t at = 0;
  H5Aiterate2(object, H5_INDEX_NAME, H5_ITER_INC, &at, add, &names);
  return names;
}

Bytes attribute_bytes(hid_t object, const std::string& name) {
  const hid_t attribute = checked(H5Aopen(object, name.c_str(), H5P_DEFAULT), name), type = H5Aget_type(attribute);
  Bytes bytes(H5Tget_size(type) * static_cast<std::size_t>(H5Sget_simple_extent_npoints(H5Aget_space(attribute))));
  H5Aread(attribute, type, bytes.data());
  return bytes;
}

struct Values {
  hid_t type;
  std::vector<hsize_t> shape;
  Bytes bytes;
};

Values values_of(hid_t set) {
  Values values{.type = H5Dget_type(set), .shape = {}, .bytes = {}};
  const hid_t space = H5Dget_space(set);
  values.shape.resize(static_cast<std::size_t>(H5Sget_simple_extent_ndims(space)));
  H5Sget_simple_extent_dims(space, values.shape.data(), nullptr);
  values.bytes.resize(H5Tget_size(values.type) * static_cast<std::size_t>(H5Sget_simple_extent_npoints(space)));
  if (!values.bytes.empty()) H5Dread(set, values.type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.bytes.data());
  return values;
}

/// Compares two files object by object.
class Comparison {
 public:
  Comparison(const std::string& a, const std::string& b) : a_(open_file(a)), b_(open_file(b)) {
    const auto file = gridfed::File::open(a);
    for (const char* path : {"/training/columns", "/columns"}) {
      if (file.exists(path)) columns_ = file.read_texts(path);
    }
  }

  int differences() {
    compare("/");
    return differences_;
  }

 private:
  void report(const std::string& path, const std::string& what) {
    fmt::print("{}: {}\n", path, what);
    ++differences_;
  }

  void compare(const std::string& path) {
    if (path == "/timing") return;
    const hid_t a = checked(H5Oopen(a_, path.c_str(), H5P_DEFAULT), path), b = checked(H5Oopen(b_, path.c_str(), H5P_DEFAULT), path);
    compare_attributes(path, a, b);
    if (H5Iget_type(a) != H5Iget_type(b)) return report(path, "a group in one file, values in the other");
    if (H5Iget_type(a) == H5I_DATASET) return compare_values(path, values_of(a), values_of(b));
    const auto of_a = members(a), of_b = members(b);
    if (of_a != of_b) report(path, "the members differ");
    for (const auto& name : of_a) {
      if (of_b.contains(name)) compare((path == "/" ? path : path + "/") + name);
    }
  }

  void compare_attributes(const std::string& path, hid_t a, hid_t b) {
    const auto names = attribute_names(a);
    if (names != attribute_names(b)) return report(path, "the attributes differ");
    for (const auto& name : names) {
      if (name != "ranks" && attribute_bytes(a, name) != attribute_bytes(b, name)) report(path + "@" + name, "differs");
    }
  }

  void compare_values(const std::string& path, const Values& a, const Values& b) {
    if (H5Tequal(a.type, b.type) <= 0 || a.shape != b.shape) return report(path, "type or shape differs");
    const bool training = a.shape.size() == 2 && a.shape[1] == columns_.size() && H5Tequal(a.type, H5T_NATIVE_DOUBLE) > 0;
    if (!training && a.bytes != b.bytes) report(path, "values differ");
    if (!training || a.bytes == b.bytes) return;
    // Tables of training rows carry seconds beside the results.
    std::set<std::string> different;
    for (std::size_t at = 0; at < a.bytes.size(); at += sizeof(double)) {
      const std::string& column = columns_[at / sizeof(double) % columns_.size()];
      const auto first = a.bytes.begin() + static_cast<std::ptrdiff_t>(at), other = b.bytes.begin() + static_cast<std::ptrdiff_t>(at);
      if (!column.starts_with("seconds") && !std::equal(first, first + sizeof(double), other)) different.insert(column);
    }
    for (const auto& column : different) report(path, "column " + column + " differs");
  }

  hid_t a_, b_;
  std::vector<std::string> columns_;
  int differences_ = 0;
};

void poison(const std::string& path, const std::string& name) {
  const hid_t file = checked(H5Fopen(path.c_str(), H5F_ACC_RDWR, H5P_DEFAULT), path);
  const hid_t set = checked(H5Dopen2(file, name.c_str(), H5P_DEFAULT), name), space = H5Dget_space(set);
  const std::vector<hsize_t> start{5}, count{1};
  H5Sselect_hyperslab(space, H5S_SELECT_SET, start.data(), nullptr, count.data(), nullptr);
  const float nan = std::numeric_limits<float>::quiet_NaN();
  checked(H5Dwrite(set, H5T_NATIVE_FLOAT, H5Screate(H5S_SCALAR), space, H5P_DEFAULT, &nan), name);
  H5Dclose(set);
  H5Fclose(file);
}

void fill(const std::string& path, const std::string& name, float value) {
  const hid_t file = checked(H5Fopen(path.c_str(), H5F_ACC_RDWR, H5P_DEFAULT), path);
  const hid_t set = checked(H5Dopen2(file, name.c_str(), H5P_DEFAULT), name);
  const std::vector<float> all(static_cast<std::size_t>(H5Sget_simple_extent_npoints(H5Dget_space(set))), value);
  checked(H5Dwrite(set, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, all.data()), name);
  H5Dclose(set);
  H5Fclose(file);
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv, argv + argc);
  try {
    if (argc == 4 && words[1] == "same") return Comparison(words[2], words[3]).differences() > 0;
    if (argc == 4 && words[1] == "poison") return poison(words[2], words[3]), 0;
    if (argc == 4 && words[1] == "rows") {
      fmt::print("{}\n", gridfed::File::open(words[2]).shape(words[3]).at(0));
      return 0;
    }
    if (argc == 5 && words[1] == "fill") return fill(words[2], words[3], std::stof(words[4])), 0;
    if (argc == 4 && words[1] == "attribute") {
      fmt::print("{}", gridfed::File::open(words[2]).attribute<std::string>("/", words[3]));
      return 0;
    }
  } catch (const std::exception& error) {
    fmt::print(stderr, "h5_probe: {}\n", error.what());
    return 1;
  }
  fmt::print(stderr,
             "usage: h5_probe same <a> <b> | attribute <file> <name> | rows <file> <dataset> | poison <file> <dataset> | "
             "fill <file> <dataset> <x>\n");
  return 2;
}
