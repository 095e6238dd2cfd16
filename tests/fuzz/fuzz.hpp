#pragma once

#include "grid/network.hpp"
#include "runtime/error.hpp"

#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string_view>

namespace gridfed::fuzz {

/// A folder of this process's own, removed when it ends.
class Folder {
 public:
  Folder() {
    std::string pattern = std::filesystem::temp_directory_path() / "gridfed_fuzz_XXXXXX";
    if (!mkdtemp(pattern.data())) std::abort();
    path_ = pattern;
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// Gives the bytes to a reader as a file and what it reads to make_network(). An Error is an answer; any other exception ends the run.
template <class Reader>
int read_as_file(const char* name, const std::uint8_t* data, std::size_t size, Reader&& reader) {
  static const Folder folder;
  const auto path = folder.path() / name;
  std::ofstream(path, std::ios::binary).write(reinterpret_cast<const char*>(data), static_cast<std::streamsize>(size));
  try {
    make_network(reader(path));
  } catch (const Error&) {
  }
  return 0;
}

}  // namespace gridfed::fuzz
