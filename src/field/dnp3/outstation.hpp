#pragma once

#include "field/dnp3/commands.hpp"
#include "field/dnp3/event_buffer.hpp"
#include "field/dnp3/point_database.hpp"
#include "field/dnp3/station.hpp"
#include "field/dnp3/transport.hpp"

#include <functional>

namespace gridfed::dnp3 {

struct OutstationOptions {
  LinkOptions link{.local = 10, .remote = 1, .master = false};
  std::array<std::size_t, 3> event_capacity{1000, 1000, 1000};  ///< of classes 1 to 3
  std::size_t fragment_bytes = largest_fragment;                ///< of a response, 249 at least
  bool unsolicited = true;                                      ///< tells of a restart, and of events once the master allows it
  Duration confirm_timeout = 5s;
  int unsolicited_retries = 3;
  Duration unsolicited_pause = 60s;              ///< after unsolicited retries without an answer
  Duration select_timeout = 10s;                 ///< between select and operate
  bool needs_time = true;                        ///< asks the master for the time
  Duration time_valid = std::chrono::hours(24);  ///< until it asks again
};

/// What the program behind an outstation does when it is told to; a function left out is not supported.
struct OutstationHandler {
  /// Could this be done? Nothing moves yet. Left out: everything that is in the database.
  std::function<CommandStatus(const Command&)> select;
  std::function<CommandStatus(const Command&)> operate;
  std::function<void(bool cold)> restart;
  std::function<void(std::uint16_t index)> clear_counter;  ///< freeze and clear
  std::function<void(UtcMilliseconds)> clock_set;
};

struct OutstationStatistics {
  std::uint64_t requests = 0, repeated_requests = 0, refused_requests = 0, commands = 0;
  std::uint64_t confirm_timeouts = 0, unsolicited = 0;
};

/// A DNP3 outstation towards one master (IEEE 1815 clauses 4 and 5).
class Dnp3Outstation final : public Station {
 public:
  /// Throws an Error for points or options that make no outstation.
  Dnp3Outstation(const OutstationOptions& options, std::span<const PointOptions> points, OutstationHandler handler);

  /// A new value: an event if it has a class and differs by more than its dead band or in its flags. Without a time of its own it gets the
  /// outstation's. Points that are not in the database are passed over.
  void update(PointType type, std::uint16_t index, PointValue value, Instant now);
  void update_text(std::uint16_t index, std::string_view text);
  void set_clock(UtcMilliseconds time, Instant now);
  UtcMilliseconds clock(Instant now) const;
  /// Indications that the program alone knows of: local control, device trouble, corrupt configuration.
  void indicate(Iin indication, bool on) { own_indications_.set(indication, on); }
  /// As after a power cycle: the restart indication stands, unsolicited responses wait to be allowed again; a cold one loses its events.
  void restart(bool cold, Instant now);

  void connected(Instant now) override;
  void disconnected(Instant now) override;
  void receive(ByteSpan bytes, Instant now) override;
  void tick(Instant now) override;
  std::optional<Instant> next_deadline() const override;
  Bytes& output() override { return transport_.link().output(); }
  bool lost() const override { return transport_.link().lost(); }

  const EventBuffer& events() const { return events_; }
  const OutstationStatistics& statistics() const { return statistics_; }
  const Transport& transport() const { return transport_; }

 private:
  /// A response to a read, as far as it has not been sent.
  struct Reading {
    Bytes leading;  ///< objects that are no points
    std::vector<StaticSelection> points;
    std::size_t next = 0;
    std::uint8_t sequence = 0;
    bool first = true, complete = false;
    Indications problems;
    Instant deadline{};  ///< for the confirmation
  };
  struct Unsolicited {
    bool restart_told = false;  ///< the master has confirmed the first, empty one
    ClassMask allowed = 0;
    std::uint8_t sequence = 0;
    Bytes waiting;  ///< sent and not confirmed
    int attempts = 0;
    Instant deadline{};              ///< for its confirmation
    std::optional<Instant> pause{};  ///< no other before
  };
  /// What a request other than a read is answered with.
  struct Answer {
    Bytes objects;
    Indications problems;
    bool silent = false;
  };
  struct Selected {
    std::uint8_t sequence;
    Bytes objects;
    Instant until;
  };

  void on_fragment(ByteSpan bytes, std::uint16_t destination, Instant now);
  void on_confirm(const Control& control, Instant now);
  void on_broadcast(const Fragment& request, std::uint16_t destination, Instant now);
  void on_request(ByteSpan bytes, Instant now);
  void abandon_response();

  void read(const Fragment& request, Instant now);
  /// False where the header cannot be read; `problems` then says why.
  bool read_header(const ObjectHeader& header, Reading& reading, Instant now);
  void read_points(PointType type, const ObjectHeader& header, Reading& reading);
  void send_reading(Instant now);

  Answer execute(const Fragment& request, Instant now);
  Answer write(const Fragment& request, Instant now);
  Answer allow_unsolicited(const Fragment& request, bool allowed, Instant now);
  Answer assign_class(const Fragment& request);
  Answer freeze(const Fragment& request, bool clear, Instant now);
  Answer command(const Fragment& request, Instant now);
  void report_command(const Command& command, CommandStatus status, Instant now);
  CommandStatus act(const Command& command, Function function, Instant now);
  bool freeze_header(const ObjectHeader& header, bool clear, Instant now);

  void send_unsolicited(Instant now);
  void finish_unsolicited(Instant now);
  Indications indications(Instant now) const;
  void send_response(Control control, Function function, Indications problems, ByteSpan objects, Instant now);

  OutstationOptions options_;
  PointDatabase database_;
  OutstationHandler handler_;
  EventBuffer events_;
  Transport transport_;
  bool connected_ = false;

  std::optional<Reading> reading_;  // waits for a confirmation
  std::optional<Selected> selected_;
  Bytes last_request_, last_response_;
  Unsolicited unsolicited_;
  Bytes deferred_;  // a read that came while an unsolicited response waits

  Indications own_indications_;
  bool device_restart_ = true, restart_pending_ = false, cold_ = false;
  std::uint16_t broadcast_ = 0;  // address of a broadcast that is to be told
  UtcMilliseconds clock_at_ = 0;
  Instant clock_read_{};
  std::optional<Instant> clock_set_, time_recorded_;
  OutstationStatistics statistics_;
};

}  // namespace gridfed::dnp3
