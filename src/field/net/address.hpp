#pragma once

#include "field/net/stream.hpp"

#include <sys/socket.h>

#include <array>
#include <string_view>
#include <vector>

namespace gridfed {

struct Endpoint {
  std::string host;  ///< name or address; of a server the address to listen at
  std::uint16_t port = 20000;
};

/// An IPv4 or IPv6 address and port.
struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = sizeof(sockaddr_storage);

  sockaddr* generic() { return reinterpret_cast<sockaddr*>(&storage); }
  const sockaddr* generic() const { return reinterpret_cast<const sockaddr*>(&storage); }
  /// IPv4 ones mapped into IPv6.
  std::array<std::uint8_t, 16> bytes() const;
};

/// Looks the name up, which may wait; takes an IPv4 address where there is one. Throws an Error.
SocketAddress resolve(const Endpoint& endpoint);
/// "192.0.2.1", "2001:db8::1".
std::string text(const SocketAddress& address);

/// Networks from which connections are taken.
class AllowList {
 public:
  AllowList() = default;  ///< everybody
  /// Of addresses and networks such as 192.0.2.0/24 or 2001:db8::/32; none is everybody. Throws an Error for what is neither.
  explicit AllowList(const std::vector<std::string>& networks);
  bool allows(const SocketAddress& address) const;

 private:
  struct Network {
    std::array<std::uint8_t, 16> address;
    int bits;
  };
  std::vector<Network> networks_;
};

/// Sockets that never wait. Throws an Error where that is not possible.
FileDescriptor listening_socket(const Endpoint& endpoint);
std::uint16_t port_of(const FileDescriptor& socket);
/// Nothing where the address cannot be reached at all; else poll(2) tells when it is connected.
FileDescriptor connecting_socket(const SocketAddress& address);
/// Sends at once what is written, and asks silent peers whether they are still there.
void make_prompt(const FileDescriptor& socket);

}  // namespace gridfed
