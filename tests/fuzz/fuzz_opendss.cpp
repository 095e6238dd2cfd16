#include "fuzz.hpp"
#include "grid/opendss_reader.hpp"

#include <cctype>

/// Could the script name a file outside its folder? A slash that divides has no name after it.
static bool leaves_the_folder(std::string_view text) {
  for (std::size_t i = 0; i + 1 < text.size(); ++i) {
    const auto next = static_cast<unsigned char>(text[i + 1]);
    if ((text[i] == '/' || text[i] == '\\') && !std::isspace(next) && next != ')') return true;
    if (text[i] == '.' && text[i + 1] == '.') return true;
  }
  return false;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (leaves_the_folder({reinterpret_cast<const char*>(data), size})) return -1;
  return gridfed::fuzz::read_as_file("f.dss", data, size, [](const auto& path) { return gridfed::read_opendss(path); });
}
