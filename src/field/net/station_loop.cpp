#include "field/net/station_loop.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

namespace gridfed {

namespace {

using namespace std::chrono_literals;

// Bytes that may wait for a peer, candidates of a server for its connection, and how long they may take to show who they are.
constexpr std::size_t most_unsent = 64 * 1024, most_candidates = 4;
// A request of 18 bytes may ask for a fragment of 2 KiB, so little is read at once.
constexpr std::size_t bytes_a_read = 1024;
constexpr Duration handshake_timeout = 10s;
constexpr int reads_a_turn = 8;

}  // namespace

/// A connection that was accepted and has not shown its certificate yet.
struct StationLoop::Waiting {
  std::unique_ptr<Stream> stream;
  Instant until;
};

struct StationLoop::Conversation {
  enum class State { idle, connecting, handshaking, open };

  dnp3::Station* station;
  std::shared_ptr<const TlsContext> tls;
  // Server.
  FileDescriptor listener;
  AllowList allowed;
  std::vector<Waiting> candidates;
  // Client.
  std::optional<ClientOptions> client;
  SocketAddress address;
  FileDescriptor socket;  // while it connects
  int failures = 0;

  State state = State::idle;
  std::unique_ptr<Stream> stream;
  Instant deadline{};  // of connecting and handshaking; when to try again if idle

  std::unique_ptr<Stream> wrap(FileDescriptor fd) const { return tls ? tls->stream(std::move(fd)) : tcp_stream(std::move(fd)); }
  bool may_read() const { return station->output().size() < most_unsent; }
};

StationLoop::StationLoop() {
  // A peer that is gone is told by the result of a write.
  std::signal(SIGPIPE, SIG_IGN);
}

StationLoop::~StationLoop() = default;

Instant StationLoop::now() {
  return std::chrono::duration_cast<Instant>(std::chrono::steady_clock::now().time_since_epoch());
}

void StationLoop::connect(dnp3::Station& station, const ClientOptions& options) {
  auto conversation = std::make_unique<Conversation>();
  conversation->station = &station;
  conversation->tls = options.tls;
  conversation->client = options;
  conversation->address = resolve(options.endpoint);
  conversation->deadline = now();
  conversations_.push_back(std::move(conversation));
}

std::uint16_t StationLoop::serve(dnp3::Station& station, const ServerOptions& options) {
  auto conversation = std::make_unique<Conversation>();
  conversation->station = &station;
  conversation->tls = options.tls;
  conversation->allowed = options.allowed;
  conversation->listener = listening_socket(options.endpoint);
  const auto port = port_of(conversation->listener);
  conversations_.push_back(std::move(conversation));
  return port;
}

Duration StationLoop::wait_at_most(Duration longest, Instant now) const {
  Instant next = now + longest;
  for (const auto& c : conversations_) {
    if (const auto due = c->station->next_deadline(); due && c->state == Conversation::State::open) next = std::min(next, *due);
    if (c->client && c->state != Conversation::State::open) next = std::min(next, c->deadline);
    for (const auto& candidate : c->candidates) next = std::min(next, candidate.until);
    if (c->stream && c->stream->has_buffered() && c->may_read()) next = now;
  }
  return std::max(next - now, Duration(0));
}

void StationLoop::run_once(Duration longest) {
  // What the program has told its stations since the last turn.
  for (auto& conversation : conversations_) keep_time(*conversation, now());

  std::vector<pollfd> polled;
  watched_.clear();
  const auto add = [&](int fd, short events, Watched watched) {
    polled.push_back({.fd = fd, .events = events, .revents = 0});
    watched_.push_back(watched);
  };
  for (std::size_t i = 0; i < conversations_.size(); ++i) {
    const auto& c = *conversations_[i];
    if (c.listener) add(c.listener.get(), POLLIN, {Interest::listener, i, 0});
    for (std::size_t k = 0; k < c.candidates.size(); ++k) {
      const auto& stream = *c.candidates[k].stream;
      add(stream.descriptor(), stream.wants_to_write() ? POLLOUT : POLLIN, {Interest::candidate, i, k});
    }
    if (c.socket) add(c.socket.get(), POLLOUT, {Interest::conversation, i, 0});
    if (!c.stream) continue;
    const bool handshaking = c.state == Conversation::State::handshaking;
    const bool writes = c.stream->wants_to_write() || (!handshaking && !c.station->output().empty());
    const bool reads = handshaking ? !c.stream->wants_to_write() : c.may_read();
    add(c.stream->descriptor(), static_cast<short>((reads ? POLLIN : 0) | (writes ? POLLOUT : 0)), {Interest::conversation, i, 0});
  }

  const auto wait = std::chrono::duration_cast<std::chrono::nanoseconds>(wait_at_most(longest, now()));
  const timespec time{.tv_sec = static_cast<time_t>(wait / 1s), .tv_nsec = static_cast<long>((wait % 1s).count())};
  if (ppoll(polled.data(), polled.size(), &time, nullptr) < 0) std::ranges::for_each(polled, [](pollfd& p) { p.revents = 0; });

  const auto instant = now();
  // From the end, so that candidates which go do not move those still to be looked at.
  for (std::size_t i = polled.size(); i-- > 0;) {
    auto& c = *conversations_[watched_[i].conversation];
    if (polled[i].revents == 0) continue;
    if (watched_[i].interest == Interest::listener) {
      accept(c, instant);
    } else if (watched_[i].interest == Interest::candidate) {
      advance_candidate(c, watched_[i].candidate, instant);
    } else if (c.state == Conversation::State::open) {
      if (polled[i].revents & (POLLIN | POLLHUP | POLLERR)) receive(c, instant);
    } else {
      advance_connecting(c, instant);
    }
  }
  for (auto& conversation : conversations_) {
    auto& c = *conversation;
    if (c.state == Conversation::State::open && c.stream->has_buffered()) receive(c, instant);
    keep_time(c, now());
  }
}

void StationLoop::keep_time(Conversation& c, Instant now) {
  std::erase_if(c.candidates, [&](const Waiting& candidate) {
    if (now < candidate.until) return false;
    ++statistics_.failed_handshakes;
    return true;
  });
  if (c.state == Conversation::State::open) {
    c.station->tick(now);
    if (c.station->lost()) {
      ++statistics_.lost;
      close(c, now);
    } else {
      flush(c, now);
    }
  } else if (c.client && now >= c.deadline) {
    if (c.state == Conversation::State::idle) {
      begin_connecting(c, now);
    } else {
      ++statistics_.failed_connections;
      close(c, now);
    }
  }
}

void StationLoop::accept(Conversation& c, Instant now) {
  SocketAddress address;
  FileDescriptor socket(accept4(c.listener.get(), address.generic(), &address.size, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (!socket) return;
  if (!c.allowed.allows(address)) {
    ++statistics_.refused_addresses;
    statistics_.last_problem = "connection from " + text(address) + ", which is not allowed";
    return;
  }
  if (c.candidates.size() == most_candidates) {
    ++statistics_.failed_handshakes;
    return;
  }
  make_prompt(socket);
  if (!c.tls) {
    adopt(c, c.wrap(std::move(socket)), now);
    return;
  }
  c.candidates.push_back({c.wrap(std::move(socket)), now + handshake_timeout});
  advance_candidate(c, c.candidates.size() - 1, now);
}

void StationLoop::advance_candidate(Conversation& c, std::size_t candidate, Instant now) {
  auto& waiting = c.candidates[candidate];
  const auto status = waiting.stream->handshake();
  if (status == Stream::Status::blocked) return;
  auto stream = std::move(waiting.stream);
  c.candidates.erase(c.candidates.begin() + static_cast<std::ptrdiff_t>(candidate));
  if (status == Stream::Status::done) {
    adopt(c, std::move(stream), now);
  } else {
    ++statistics_.failed_handshakes;
    statistics_.last_problem = stream->problem();
  }
}

// A peer that lost its old connection opens a new one long before the old one is known to be dead.
void StationLoop::adopt(Conversation& c, std::unique_ptr<Stream> stream, Instant now) {
  if (c.state == Conversation::State::open) {
    ++statistics_.replaced;
    close(c, now);
  }
  ++statistics_.connections;
  c.stream = std::move(stream);
  c.state = Conversation::State::open;
  c.station->connected(now);
  flush(c, now);
}

void StationLoop::begin_connecting(Conversation& c, Instant now) {
  c.socket = connecting_socket(c.address);
  c.state = Conversation::State::connecting;
  c.deadline = now + c.client->connect_timeout;
  if (c.socket) return;
  ++statistics_.failed_connections;
  close(c, now);
}

void StationLoop::advance_connecting(Conversation& c, Instant now) {
  const auto fail = [&](std::string problem) {
    ++statistics_.failed_connections;
    statistics_.last_problem = std::move(problem);
    close(c, now);
  };
  if (c.state == Conversation::State::connecting) {
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(c.socket.get(), SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) {
      fail(std::strerror(error));
      return;
    }
    c.stream = c.wrap(std::move(c.socket));
    c.socket = {};
    c.state = Conversation::State::handshaking;
  }
  const auto status = c.stream->handshake();
  if (status == Stream::Status::closed) {
    ++statistics_.failed_handshakes;
    fail(c.stream->problem());
  } else if (status == Stream::Status::done) {
    adopt(c, std::move(c.stream), now);
  }
}

void StationLoop::receive(Conversation& c, Instant now) {
  std::array<std::uint8_t, bytes_a_read> bytes;
  for (int turn = 0; turn < reads_a_turn && c.may_read(); ++turn) {
    const auto [status, count] = c.stream->read(bytes);
    if (status == Stream::Status::blocked) return;
    if (status == Stream::Status::closed) {
      if (!c.stream->problem().empty()) statistics_.last_problem = c.stream->problem();
      close(c, now);
      return;
    }
    c.failures = 0;
    c.station->receive({bytes.data(), count}, now);
    flush(c, now);
    if (c.state != Conversation::State::open || count < bytes.size()) return;
  }
}

void StationLoop::flush(Conversation& c, Instant now) {
  auto& output = c.station->output();
  std::size_t sent = 0;
  while (sent < output.size()) {
    const auto [status, count] = c.stream->write(dnp3::ByteSpan(output).subspan(sent));
    if (status == Stream::Status::closed) {
      close(c, now);
      return;
    }
    if (status == Stream::Status::blocked) break;
    sent += count;
  }
  output.erase(output.begin(), output.begin() + static_cast<std::ptrdiff_t>(sent));
}

void StationLoop::close(Conversation& c, Instant now) {
  const bool was_open = c.state == Conversation::State::open;
  c.stream.reset();
  c.socket = {};
  c.state = Conversation::State::idle;
  if (was_open) {
    c.station->disconnected(now);
    c.station->output().clear();
  }
  if (!c.client) return;
  auto pause = c.client->reconnect;
  for (int i = 0; i < c.failures && pause < c.client->longest_reconnect; ++i) pause *= 2;
  c.deadline = now + std::min(pause, c.client->longest_reconnect);
  ++c.failures;
}

}  // namespace gridfed
