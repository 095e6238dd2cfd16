#pragma once

#include "runtime/error.hpp"

#include <openssl/err.h>
#include <openssl/evp.h>

#include <memory>

namespace gridfed {

/// Sole owner of an object of OpenSSL.
template <class T, void (*free)(T*)>
struct Free {
  void operator()(T* object) const noexcept { free(object); }
};
template <class T, void (*free)(T*)>
using Owned = std::unique_ptr<T, Free<T, free>>;

/// Throws Error with what failed unless it holds.
inline void require(bool holds, const char* what) {
  if (!holds) throw Error("{} (OpenSSL error {:x}): install OpenSSL 3 with its default provider", what, ERR_get_error());
}

}  // namespace gridfed
