#include "fuzz.hpp"
#include "grid/matpower_reader.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return gridfed::fuzz::read_as_file("f.m", data, size, [](const auto& path) { return gridfed::read_matpower(path); });
}
