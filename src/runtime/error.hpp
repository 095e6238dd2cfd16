#pragma once

#include <fmt/core.h>

#include <stdexcept>
#include <string>
#include <utility>

namespace gridfed {

/// What a user can mend: "<problem> (<why>): <remedy>", one sentence.
class Error : public std::runtime_error {
 public:
  explicit Error(const std::string& message) : std::runtime_error(message) {}
  template <class... Args>
  requires(sizeof...(Args) > 0) explicit Error(fmt::format_string<Args...> format, Args&&... args)
      : std::runtime_error(fmt::format(format, std::forward<Args>(args)...)) {}
};

/// An error that every rank of a communicator throws together, so that the job can end without an abort.
class AgreedError : public Error {
 public:
  using Error::Error;
};

}  // namespace gridfed
