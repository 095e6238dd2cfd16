#pragma once

#include "field/dnp3/link_frame.hpp"

#include <deque>
#include <optional>

namespace gridfed::dnp3 {

using namespace std::chrono_literals;

/// Frames that wait for an acknowledgement; more are dropped, so a peer that acknowledges nothing cannot make them pile up.
constexpr std::size_t most_waiting_frames = 64;

struct LinkOptions {
  std::uint16_t local = 1, remote = 10;  ///< addresses of this station and of the one it speaks to
  bool master = true;
  bool confirmed = false;     ///< user data asks for an acknowledgement of every frame; over TCP the standard advises against it
  bool answers_self = false;  ///< frames for the self-address 0xFFFC are taken as ours
  Duration timeout = 1s;      ///< for an acknowledgement
  int retries = 2;
  Duration keep_alive = 60s;  ///< of silence until the link status is asked; 0 never asks
};

struct LinkStatistics {
  std::uint64_t unknown_destination = 0, unknown_source = 0, wrong_direction = 0;
  std::uint64_t unknown_function = 0, wrong_count_valid = 0, unexpected = 0, repeated = 0;
  std::uint64_t failed = 0;  ///< frames given up after their retries
};

/// The link layer of one station towards one other, both as primary and as secondary (IEEE 1815 clause 9): frames in, frames out, and
/// time told from outside. Frames are answered in the order they came; at most 64 wait to be sent.
class LinkLayer {
 public:
  /// Takes a transport segment and the address it was sent to (ours, or a broadcast address).
  using Deliver = std::function<void(ByteSpan segment, std::uint16_t destination)>;

  explicit LinkLayer(const LinkOptions& options) : options_(options) {}

  /// A new connection: no reset, no frame half read, nothing to send.
  void connected(Instant now);
  void receive(ByteSpan bytes, Instant now, const Deliver& deliver);
  void send(ByteSpan segment, Instant now);
  /// Never acknowledged; the master alone may.
  void broadcast(ByteSpan segment, std::uint16_t destination);
  void tick(Instant now);
  std::optional<Instant> next_deadline() const;

  /// Bytes for the wire; the caller empties it.
  Bytes& output() { return output_; }
  /// The other side answered neither frames nor a keep-alive: the connection is of no use.
  bool lost() const { return lost_; }
  const LinkOptions& options() const { return options_; }
  const LinkStatistics& statistics() const { return statistics_; }
  const FrameStatistics& frame_statistics() const { return reader_.statistics(); }

 private:
  void on_frame(const LinkFrame& frame, Instant now, const Deliver& deliver);
  void on_primary(const LinkFrame& frame, const Deliver& deliver);
  void on_secondary(const LinkFrame& frame, Instant now);
  void reply(SecondaryFunction function);
  void put_primary(PrimaryFunction function, ByteSpan user_data = {});
  void begin_transmission(Instant now);
  void give_up();

  enum class Waiting { nothing, reset_ack, data_ack, link_status };

  LinkOptions options_;
  FrameReader reader_;
  Bytes output_;
  // Secondary station.
  bool reset_by_remote_ = false, expected_count_ = true;
  // Primary station.
  std::deque<Bytes> to_confirm_;
  Waiting waiting_ = Waiting::nothing;
  bool remote_reset_ = false, next_count_ = true;
  int attempts_ = 0;
  Instant deadline_{}, last_heard_{};
  bool connected_ = false, lost_ = false;
  LinkStatistics statistics_;
};

}  // namespace gridfed::dnp3
