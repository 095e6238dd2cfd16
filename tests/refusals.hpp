#pragma once

#include "runtime/error.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <string>

namespace gridfed {

/// True if the work throws an Error whose message holds the text.
inline testing::AssertionResult refuses(const std::function<void()>& work, const std::string& text) {
  try {
    work();
  } catch (const Error& error) {
    if (std::string(error.what()).find(text) != std::string::npos) return testing::AssertionSuccess();
    return testing::AssertionFailure() << "it says: " << error.what();
  }
  return testing::AssertionFailure() << "it went through";
}

}  // namespace gridfed
