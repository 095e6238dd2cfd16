#pragma once

#include "control/safety_shield.hpp"
#include "field/dnp3/master.hpp"
#include "field/field_model.hpp"

#include <boost/program_options/options_description.hpp>

namespace gridfed {

struct ControlOptions {
  double speed = 1;                ///< hours of the day that pass in an hour, for a twin that runs faster
  double period = 60;              ///< between decisions [s]
  double stale_after = 10;         ///< [s], see FieldModelOptions
  double most_residual = 0.03;     ///< [p.u.], see FieldModelOptions
  double watchdog = 180;           ///< without a usable state until the safe state [s]
  std::string mode = "act";        ///< act, dry_run: log what would be sent; confirm: send what an operator allows
  std::string command = "select";  ///< select and operate, or direct
};

void declare(boost::program_options::options_description& deck, ControlOptions& options);
void validate(const ControlOptions& options);

/// How a cycle ended.
enum class CycleStatus : std::int32_t {
  acted,     ///< every command was done
  nothing,   ///< the field is where the action wants it
  dry_run,   ///< not sent, as asked
  held,      ///< no state that can be relied on: nothing was decided
  offline,   ///< no connection, or no answer to the poll
  failed,    ///< a command was refused, not sent or not answered
  declined,  ///< the operator said no, or nothing in time
};
const char* word(CycleStatus status);

/// Everything of one cycle.
struct Cycle {
  double seconds = 0;  ///< since the loop began, on the monotonic clock
  double hour = 0;     ///< of the day
  CycleStatus status = CycleStatus::offline;
  std::string reason;
  bool safe = false;  ///< the safe action was taken, or none as nothing is known
  bool clock_jumped = false;
  Estimate estimate;
  std::vector<float> observation, action;  ///< empty where nothing was decided
  ShieldStep shield;
  std::vector<Setpoint> setpoints;
  dnp3::CommandResult::Outcome outcome = dnp3::CommandResult::Outcome::done;
  double late = 0;      ///< [s] behind its time
  double deciding = 0;  ///< [s] for state, policy and shield
};

/// The control of a feeder over a DNP3 master: poll, state, policy behind its shield, commands, once a period. A command is sent only if
/// the readings that its decision is made from have come in this cycle and are not older than stale_after when it goes out. Without a
/// usable state for longer than `watchdog` the loop is in its safe state: no command; and the first cycle after it takes the action zero
/// (batteries idle, nothing curtailed, regulators as they are) before the policy goes on. It measures time on a clock that does not jump.
class ControlLoop {
 public:
  using Clock = std::function<dnp3::Instant()>;
  using OnCycle = std::function<void(const Cycle&)>;
  /// `hour_of_day` is what the calendar says. The shield's policies see `model.environment()`. All must outlive the loop.
  ControlLoop(const ControlOptions& options, dnp3::MasterOptions master, Readings& readings, FieldModel& model, SafetyShield& shield,
              Clock clock, std::function<double()> hour_of_day, OnCycle on_cycle);

  dnp3::Dnp3Master& master() { return master_; }
  /// Does what is due; to be called after each turn of the station loop.
  void tick();
  /// Until tick() has something to do.
  dnp3::Duration left() const;
  /// Commands that wait for an operator; empty if none do.
  std::span<const Setpoint> waiting() const;
  /// What the operator says to them.
  void confirm(bool yes);
  bool safe() const { return safe_; }

 private:
  enum class Phase { waiting, polling, confirming, commanding };

  dnp3::MasterOptions master_options(dnp3::MasterOptions options) const;
  void begin(dnp3::Instant now);
  void decide(dnp3::Instant now);
  bool begin_day(double hour, dnp3::Instant now);
  void send(dnp3::Instant now);
  void finish(CycleStatus status, std::string reason = {});
  dnp3::Duration longest_age() const;

  ControlOptions options_;
  Readings& readings_;
  FieldModel& model_;
  SafetyShield& shield_;
  Clock clock_;
  std::function<double()> hour_of_day_;
  OnCycle on_cycle_;
  dnp3::Dnp3Master master_;
  Phase phase_ = Phase::waiting;
  dnp3::Instant start_, next_, polled_at_{}, last_usable_;
  bool polled_ = false, safe_ = false;
  int day_ = -1;
  bool heard_ = false;  // was there ever a connection?
  std::optional<double> last_hour_;
  dnp3::Instant last_hour_at_{};
  std::optional<bool> answer_;
  std::optional<dnp3::CommandResult> result_;
  Cycle cycle_;
};

}  // namespace gridfed
