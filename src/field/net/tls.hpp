#pragma once

#include "field/net/stream.hpp"

#include <filesystem>

struct ssl_ctx_st;

namespace gridfed {

struct TlsOptions {
  std::filesystem::path certificate, key;  ///< own ones, PEM
  std::filesystem::path authority;         ///< certificates of those who may sign the other's, PEM
  std::string peer_name;                   ///< DNS name or address that the other's certificate must hold; empty = any that is signed
};

/// Transport layer security 1.2 and 1.3 by OpenSSL. Both ends show a certificate.
class TlsContext {
 public:
  enum class Role { client, server };
  /// Throws an Error naming the file that cannot be used.
  TlsContext(const TlsOptions& options, Role role);

  std::unique_ptr<Stream> stream(FileDescriptor socket) const;

 private:
  struct Free {
    void operator()(ssl_ctx_st* context) const noexcept;
  };
  std::unique_ptr<ssl_ctx_st, Free> context_;
  std::string peer_name_;
  Role role_;
};

}  // namespace gridfed
