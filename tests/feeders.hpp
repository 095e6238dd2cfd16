#pragma once

#include "grid/network.hpp"
#include "grid/opendss_reader.hpp"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

namespace gridfed::test {

/// Data of inputs/feeders/<name>.dss.
inline NetworkData feeder_data(const std::string& name) {
  return read_feeder(std::filesystem::path(GRIDFED_SOURCE_DIR) / "inputs/feeders" / (name + ".dss"));
}

/// Data of a published transmission case, tests/regression/<name>/case.m; its SOURCE.md says where it comes from.
inline NetworkData transmission_case(const std::string& name) {
  return read_feeder(std::filesystem::path(GRIDFED_SOURCE_DIR) / "tests/regression" / name / "case.m");
}

/// Data of an OpenDSS script given as text; messages call the file small.dss.
inline NetworkData script_data(const std::string& text) {
  const auto folder = std::filesystem::temp_directory_path() / ("gridfed_script_" + std::to_string(getpid()));
  std::filesystem::create_directories(folder);
  std::ofstream(folder / "small.dss") << text;
  NetworkData data = read_opendss(folder / "small.dss");
  std::filesystem::remove_all(folder);
  return data;
}

inline std::shared_ptr<const Network> feeder(const std::string& name) {
  return make_network(feeder_data(name));
}
inline std::shared_ptr<const Network> script(const std::string& text) {
  return make_network(script_data(text));
}

/// Message of the Error that work throws, "no error" if none.
template <class Work>
std::string error_of(Work&& work) {
  try {
    work();
  } catch (const std::exception& error) {
    return error.what();
  }
  return "no error";
}

}  // namespace gridfed::test
