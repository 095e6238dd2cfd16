#include "field/net/address.hpp"

#include "runtime/error.hpp"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>

namespace gridfed {

namespace {

constexpr int most_waiting_connections = 16;

constexpr std::array<std::uint8_t, 16> mapped_prefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};

FileDescriptor new_socket(const SocketAddress& address) {
  return FileDescriptor(socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
}

}  // namespace

std::array<std::uint8_t, 16> SocketAddress::bytes() const {
  std::array<std::uint8_t, 16> out = mapped_prefix;
  if (storage.ss_family == AF_INET) {
    std::memcpy(out.data() + 12, &reinterpret_cast<const sockaddr_in*>(&storage)->sin_addr, 4);
  } else {
    std::memcpy(out.data(), &reinterpret_cast<const sockaddr_in6*>(&storage)->sin6_addr, 16);
  }
  return out;
}

SocketAddress resolve(const Endpoint& endpoint) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int problem = getaddrinfo(endpoint.host.c_str(), std::to_string(endpoint.port).c_str(), &hints, &found);
  if (problem != 0) throw Error("there is no address of '{}' ({}): check the host", endpoint.host, gai_strerror(problem));
  // IPv4 first: at a name with both, often nobody listens at the other.
  const addrinfo* best = found;
  for (const auto* a = found; a; a = a->ai_next) {
    if (a->ai_family == AF_INET && best->ai_family != AF_INET) best = a;
  }
  SocketAddress address{.size = best->ai_addrlen};
  std::memcpy(&address.storage, best->ai_addr, best->ai_addrlen);
  freeaddrinfo(found);
  return address;
}

std::string text(const SocketAddress& address) {
  std::array<char, INET6_ADDRSTRLEN> buffer{};
  const auto bytes = address.bytes();
  const bool v4 = std::equal(mapped_prefix.begin(), mapped_prefix.begin() + 12, bytes.begin());
  inet_ntop(v4 ? AF_INET : AF_INET6, bytes.data() + (v4 ? 12 : 0), buffer.data(), buffer.size());
  return buffer.data();
}

AllowList::AllowList(const std::vector<std::string>& networks) {
  for (const auto& text : networks) {
    const auto fail = [&] { throw Error("'{}' is no address and no network: write 192.0.2.1, 192.0.2.0/24 or 2001:db8::/32", text); };
    const auto slash = text.find('/');
    const auto host = text.substr(0, slash);
    Network network{.address = mapped_prefix, .bits = 128};
    const bool v4 = inet_pton(AF_INET, host.c_str(), network.address.data() + 12) == 1;
    if (!v4 && inet_pton(AF_INET6, host.c_str(), network.address.data()) != 1) fail();
    if (slash != std::string::npos) {
      const auto* const begin = text.data() + slash + 1;
      const auto* const end = text.data() + text.size();
      const auto [stop, problem] = std::from_chars(begin, end, network.bits);
      if (problem != std::errc() || stop != end || network.bits < 0 || network.bits > (v4 ? 32 : 128)) fail();
      if (v4) network.bits += 96;
    }
    networks_.push_back(network);
  }
}

bool AllowList::allows(const SocketAddress& address) const {
  const auto bytes = address.bytes();
  const auto inside = [&](const Network& network) {
    for (int bit = 0; bit < network.bits; bit += 8) {
      const int left = std::min(8, network.bits - bit);
      const auto mask = static_cast<std::uint8_t>(0xFF00 >> left);
      if ((bytes[static_cast<std::size_t>(bit / 8)] ^ network.address[static_cast<std::size_t>(bit / 8)]) & mask) return false;
    }
    return true;
  };
  return networks_.empty() || std::ranges::any_of(networks_, inside);
}

FileDescriptor listening_socket(const Endpoint& endpoint) {
  const auto address = resolve(endpoint);
  auto listener = new_socket(address);
  const int on = 1;
  setsockopt(listener.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(listener.get(), address.generic(), address.size) != 0 || listen(listener.get(), most_waiting_connections) != 0)
    throw Error("cannot listen at {}:{} ({}): choose another port or an address of this host", endpoint.host, endpoint.port,
                std::strerror(errno));
  return listener;
}

std::uint16_t port_of(const FileDescriptor& socket) {
  SocketAddress address;
  getsockname(socket.get(), address.generic(), &address.size);
  // Both families have their port at the same place.
  return ntohs(reinterpret_cast<const sockaddr_in*>(&address.storage)->sin_port);
}

FileDescriptor connecting_socket(const SocketAddress& address) {
  auto connecting = new_socket(address);
  if (!connecting) return {};
  make_prompt(connecting);
  if (connect(connecting.get(), address.generic(), address.size) != 0 && errno != EINPROGRESS) return {};
  return connecting;
}

void make_prompt(const FileDescriptor& socket) {
  const int on = 1;
  setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  setsockopt(socket.get(), SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
}

}  // namespace gridfed
