#pragma once

#include "field/dnp3/station.hpp"
#include "field/net/address.hpp"
#include "field/net/tls.hpp"

#include <optional>

namespace gridfed {

using dnp3::Duration;
using dnp3::Instant;

struct ClientOptions {
  Endpoint endpoint;
  std::shared_ptr<const TlsContext> tls;  ///< none = in the clear
  Duration connect_timeout = std::chrono::seconds(5);
  Duration reconnect = std::chrono::seconds(5), longest_reconnect = std::chrono::seconds(60);  ///< doubles while nobody answers
};

struct ServerOptions {
  Endpoint endpoint;
  std::shared_ptr<const TlsContext> tls;
  AllowList allowed;
};

struct LoopStatistics {
  std::uint64_t connections = 0;
  std::uint64_t refused_addresses = 0, failed_handshakes = 0, failed_connections = 0;
  std::uint64_t replaced = 0, lost = 0;  ///< by a newer connection; because nobody answered
  std::string last_problem = {};
};

/// Joins stations to TCP connections, all in one poll(2). A connection holds at most 256 KiB that wait to be sent, as nothing is read from
/// one with 64 KiB; a server's station speaks to one peer, the one that connected last.
class StationLoop {
 public:
  StationLoop();
  ~StationLoop();
  StationLoop(const StationLoop&) = delete;
  StationLoop& operator=(const StationLoop&) = delete;

  /// The station must outlive the loop. A host's name is looked up now.
  void connect(dnp3::Station& station, const ClientOptions& options);
  /// The port that is listened at, of use where 0 was asked for.
  std::uint16_t serve(dnp3::Station& station, const ServerOptions& options);

  /// Waits for at most so long until something happens and does what is due; to be called without end.
  void run_once(Duration longest);
  static Instant now();
  const LoopStatistics& statistics() const { return statistics_; }

 private:
  struct Conversation;
  struct Waiting;
  enum class Interest { listener, candidate, conversation };
  struct Watched {
    Interest interest;
    std::size_t conversation, candidate;
  };

  Duration wait_at_most(Duration longest, Instant now) const;
  void accept(Conversation& conversation, Instant now);
  void advance_candidate(Conversation& conversation, std::size_t candidate, Instant now);
  void adopt(Conversation& conversation, std::unique_ptr<Stream> stream, Instant now);
  void begin_connecting(Conversation& conversation, Instant now);
  void advance_connecting(Conversation& conversation, Instant now);
  void receive(Conversation& conversation, Instant now);
  void flush(Conversation& conversation, Instant now);
  void close(Conversation& conversation, Instant now);
  void keep_time(Conversation& conversation, Instant now);

  std::vector<std::unique_ptr<Conversation>> conversations_;
  std::vector<Watched> watched_;
  LoopStatistics statistics_;
};

}  // namespace gridfed
