#pragma once

#include "field/dnp3/commands.hpp"
#include "field/dnp3/event_buffer.hpp"
#include "field/dnp3/station.hpp"
#include "field/dnp3/transport.hpp"

#include <array>
#include <deque>
#include <functional>

namespace gridfed::dnp3 {

/// How a master sets the clock of an outstation that asks for it: not at all; by writing the time at which a request went out (over IP);
/// or by measuring the delay of the way first (serial lines).
enum class TimeSync { none, lan, measured_delay };

struct MasterOptions {
  LinkOptions link{};
  Duration response_timeout = 5s;
  int retries = 2;                                 ///< of a request that moves nothing; a command is never sent twice
  Duration back_off = 5s, longest_back_off = 60s;  ///< after the retries: doubles with each failure in a row
  Duration integrity_period{0};                    ///< of all points; 0 = at the start, after restarts and lost events alone
  Duration event_period{0};                        ///< of events; 0 = never
  bool unsolicited = true;                         ///< allows the outstation to report by itself
  TimeSync time_sync = TimeSync::lan;
  std::size_t most_fragments = 1000;  ///< of one response; a longer one counts as none
};

/// Commands that wait for their turn; more are refused as busy.
constexpr std::size_t most_waiting_commands = 64;

enum class CommandMode { select_before_operate, direct, direct_without_answer };
struct CommandResult {
  enum class Outcome {
    done,        ///< every command succeeded, or was sent where no answer is asked for
    refused,     ///< the outstation says so: see statuses and indications
    unanswered,  ///< whether it was done is not known
    not_sent,    ///< no connection, or another exchange took too long
    busy,        ///< too many wait
  };
  Outcome outcome = Outcome::done;
  std::vector<CommandStatus> statuses = {};  ///< by command, as far as the outstation told
  Indications indications = {};
};

/// What a program learns from an outstation; functions may be left out. Neither these nor OnResult may call the master.
struct MasterHandler {
  enum class Kind { value, event };
  std::function<void(PointType, std::uint32_t index, const PointValue&, Kind)> value;
  std::function<void(std::uint32_t index, ByteSpan text)> text;
  /// All points have been read after a connection or restart (true), or nothing more is known of them (false).
  std::function<void(bool online)> online;
  std::function<void()> polled;  ///< a poll has been answered in full
  std::function<UtcMilliseconds()> clock;
};

struct MasterStatistics {
  std::uint64_t requests = 0, responses = 0, unsolicited = 0, repeated_unsolicited = 0;
  std::uint64_t timeouts = 0, failures = 0, unexpected = 0, malformed = 0;
};

/// A DNP3 master towards one outstation (IEEE 1815 clauses 4 and 5). After a connection it forbids unsolicited responses, clears the
/// restart indication, reads all points and allows unsolicited responses. It stores no points: whatever an outstation declares costs no
/// memory.
class Dnp3Master final : public Station {
 public:
  /// Throws an Error for options that make no master.
  Dnp3Master(const MasterOptions& options, MasterHandler handler);

  using OnResult = std::function<void(const CommandResult&)>;
  /// Sent as soon as the present exchange ends, within the response time-out or not at all.
  void operate(std::span<const Command> commands, CommandMode mode, Instant now, OnResult on_result);
  /// Any other request that reads nothing: freeze, assign class, restart …, with its object headers.
  void request(Function function, ByteSpan objects, Instant now, OnResult on_result);
  void poll_integrity() { due(Task::integrity); }
  void poll_events() { due(Task::events); }

  void connected(Instant now) override;
  void disconnected(Instant now) override;
  void receive(ByteSpan bytes, Instant now) override;
  void tick(Instant now) override;
  std::optional<Instant> next_deadline() const override;
  Bytes& output() override { return transport_.link().output(); }
  bool lost() const override { return transport_.link().lost(); }

  bool online() const { return online_; }
  /// Of the last response.
  Indications indications() const { return indications_; }
  const MasterStatistics& statistics() const { return statistics_; }
  const Transport& transport() const { return transport_; }

 private:
  /// In the order in which they come where several are due.
  enum class Task { disable_unsolicited, clear_restart, integrity, enable_unsolicited, command, time, events };
  static constexpr int tasks = 7;

  struct Order {
    Function function;  ///< of the last step
    Bytes objects;
    bool controls, select;
    Instant until;  ///< it must have begun
    OnResult on_result;
  };
  /// The exchange under way.
  struct Exchange {
    Task task;
    Function function;
    std::uint8_t sequence;
    Instant sent, deadline;
    std::size_t fragments = 0;
    std::optional<UtcMilliseconds> time = {};  ///< at which it was sent, where the clock is to be set
  };

  void due(Task task, bool is = true) { due_[static_cast<std::size_t>(task)] = is; }
  bool is_due(Task task) const { return due_[static_cast<std::size_t>(task)]; }
  void begin_next(Instant now);
  void begin(Task task, Instant now);
  void begin_order(Instant now);
  void expire_orders(Instant now);
  void send(Task task, Function function, ByteSpan objects, Instant now);
  void set_online(bool online);

  void on_fragment(ByteSpan bytes, Instant now);
  void on_unsolicited(ByteSpan bytes, const Fragment& fragment, Instant now);
  void on_response(const Fragment& fragment, Instant now);
  void heed(Indications indications, Instant now);
  void complete(const Fragment& fragment, Instant now);
  void complete_order(const Fragment& fragment, Instant now);
  void complete_time(const Fragment& fragment, Instant now);
  void finish_order(const CommandResult& result);
  void fail(Instant now);
  void deliver(ByteSpan objects);
  void confirm(const Control& control, Instant now);

  MasterOptions options_;
  MasterHandler handler_;
  Transport transport_;
  bool connected_ = false, online_ = false;
  std::array<bool, tasks> due_{};
  std::deque<Order> orders_;
  std::optional<Exchange> exchange_;
  std::uint8_t sequence_ = 0;
  int attempts_ = 0, failures_ = 0;
  std::optional<Instant> pause_;
  std::optional<Instant> next_integrity_, next_events_;
  Instant clear_restart_not_before_{}, time_not_before_{};
  Bytes last_unsolicited_;
  Indications indications_;
  MasterStatistics statistics_;
};

}  // namespace gridfed::dnp3
