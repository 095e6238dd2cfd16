#include "field/control_loop.hpp"

#include "runtime/error.hpp"

#include <algorithm>
#include <boost/program_options.hpp>
#include <cmath>

namespace gridfed {

using namespace dnp3;

namespace {

Duration seconds(double value) {
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(value));
}
double in_seconds(std::chrono::duration<double> duration) {
  return duration.count();
}

constexpr double jump_seconds = 60;  // by which calendar and monotonic clock may drift apart between cycles: daylight saving is more

}  // namespace

void declare(boost::program_options::options_description& deck, ControlOptions& o) {
  const auto value = [](auto& field) { return boost::program_options::value(&field)->default_value(field); };
  deck.add_options()("control_period", value(o.period), "time between decisions [s]")(
      "control.speed", value(o.speed), "hours of the day that pass in an hour, for a twin that runs faster")(
      "control.stale_after", value(o.stale_after), "age at which a measurement no longer counts [s]")(
      "control.most_residual", value(o.most_residual),
      "distance of a measured voltage from the model's beyond which nothing is believed [p.u.]")(
      "control.watchdog", value(o.watchdog), "time without a usable state until the safe state [s]")(
      "control.mode", value(o.mode), "act; dry_run: log what would be sent; confirm: send what an operator allows at the terminal")(
      "control.command", value(o.command), "select: select, then operate; direct");
}

void validate(const ControlOptions& o) {
  if (!(o.speed > 0)) throw Error("control.speed is {}: it must be positive, 1 is real time", o.speed);
  if (!(o.stale_after > 0)) throw Error("control.stale_after is {}: it must be positive", o.stale_after);
  if (!(o.period >= o.stale_after))
    throw Error("control_period is {} and control.stale_after {}: a cycle must not be shorter than its measurements last", o.period,
                o.stale_after);
  if (!(o.watchdog >= o.period)) throw Error("control.watchdog is {} and control_period {}: it must not be shorter", o.watchdog, o.period);
  if (o.mode != "act" && o.mode != "dry_run" && o.mode != "confirm")
    throw Error("control.mode is '{}': it must be act, dry_run or confirm", o.mode);
  if (o.command != "select" && o.command != "direct") throw Error("control.command is '{}': it must be select or direct", o.command);
}

const char* word(CycleStatus status) {
  constexpr const char* words[] = {"acted", "nothing", "dry_run", "held", "offline", "failed", "declined"};
  return words[static_cast<int>(status)];
}

/// A request is answered, or a command on its way, before its measurements are stale: select and operate take two time-outs, and a third
/// may pass until a command's turn comes.
MasterOptions ControlLoop::master_options(MasterOptions options) const {
  options.response_timeout = std::min(options.response_timeout, longest_age() / 4);
  options.retries = 0;
  options.back_off = std::min(options.back_off, seconds(options_.period));
  return options;
}

ControlLoop::ControlLoop(const ControlOptions& options, MasterOptions master, Readings& readings, FieldModel& model, SafetyShield& shield,
                         Clock clock, std::function<double()> hour_of_day, OnCycle on_cycle)
    : options_(options),
      readings_(readings),
      model_(model),
      shield_(shield),
      clock_(std::move(clock)),
      hour_of_day_(std::move(hour_of_day)),
      on_cycle_(std::move(on_cycle)),
      master_(master_options(master), {.value = [this](PointType type, std::uint32_t index, const PointValue& value,
                                                       MasterHandler::Kind) { readings_.take(type, index, value, clock_()); },
                                       .online =
                                           [this](bool online) {
                                             if (!online) readings_.forget();
                                           },
                                       .polled = [this] { polled_ = true; }}),
      start_(clock_()),
      next_(start_),
      last_usable_(start_) {
  validate(options);
}

Duration ControlLoop::longest_age() const {
  return seconds(options_.stale_after);
}

Duration ControlLoop::left() const {
  const auto now = clock_();
  if (phase_ == Phase::waiting) return std::max(next_ - now, Duration(0));
  return std::chrono::milliseconds(20);
}

std::span<const Setpoint> ControlLoop::waiting() const {
  if (phase_ == Phase::confirming) return cycle_.setpoints;
  return {};
}

void ControlLoop::confirm(bool yes) {
  if (phase_ == Phase::confirming) answer_ = yes;
}

void ControlLoop::tick() {
  const auto now = clock_();
  switch (phase_) {
    case Phase::waiting:
      heard_ = heard_ || master_.online();
      if (now >= next_ && (heard_ || now >= start_ + seconds(options_.period))) begin(now);
      break;
    case Phase::polling:
      if (!master_.online()) {
        finish(CycleStatus::offline, "the connection was lost");
      } else if (polled_) {
        decide(now);
      } else if (now - polled_at_ > longest_age()) {
        finish(CycleStatus::offline, "the poll was not answered");
      }
      break;
    case Phase::confirming:
      if (!model_.fresh(now) || !master_.online()) {
        finish(CycleStatus::declined, "the measurements went stale before an answer");
      } else if (answer_) {
        if (*answer_) {
          send(now);
        } else {
          finish(CycleStatus::declined, "the operator declined");
        }
      }
      break;
    case Phase::commanding:
      if (!result_) break;
      cycle_.outcome = result_->outcome;
      if (result_->outcome == CommandResult::Outcome::done) {
        finish(CycleStatus::acted);
      } else {
        constexpr const char* words[] = {"done", "refused", "unanswered", "not sent", "busy"};
        finish(CycleStatus::failed, fmt::format("commands were {}", words[static_cast<int>(result_->outcome)]));
      }
      break;
  }
  if (now - last_usable_ > seconds(options_.watchdog)) safe_ = true;
}

void ControlLoop::begin(Instant now) {
  cycle_ = {.seconds = in_seconds(now - start_), .late = in_seconds(now - next_)};
  // A cycle that was missed is not made up for.
  next_ = std::max(next_ + seconds(options_.period), now);
  answer_.reset();
  result_.reset();
  if (!master_.online()) {
    finish(CycleStatus::offline, "there is no connection");
    return;
  }
  polled_ = false;
  polled_at_ = now;
  phase_ = Phase::polling;
  master_.poll_integrity();
  master_.tick(now);
}

/// True if the policy begins a day: the first one, at midnight, and where the calendar jumped.
bool ControlLoop::begin_day(double hour, Instant now) {
  bool begins = !last_hour_;
  if (last_hour_) {
    const double passed = options_.speed * in_seconds(now - last_hour_at_), shown = 3600 * (hour - *last_hour_);
    const double apart = std::remainder(shown - passed, 86400.0);
    cycle_.clock_jumped = std::abs(apart) > std::max(jump_seconds, 0.1 * passed);
    begins = cycle_.clock_jumped || hour < *last_hour_;
  }
  last_hour_ = hour;
  last_hour_at_ = now;
  if (begins) model_.begin_day(++day_);
  return begins;
}

void ControlLoop::decide(Instant now) {
  const auto began = std::chrono::steady_clock::now();
  cycle_.hour = hour_of_day_();
  const bool begins = begin_day(cycle_.hour, now);
  cycle_.estimate = model_.estimate(now, cycle_.hour);
  if (!cycle_.estimate.usable) {
    if (begins) last_hour_.reset();  // the day has not begun
    finish(CycleStatus::held, cycle_.estimate.reason);
    return;
  }
  cycle_.observation.assign(model_.observation().begin(), model_.observation().end());
  cycle_.action.assign(static_cast<std::size_t>(model_.environment().action_size()), 0.0f);
  if (begins) shield_.begin_episode(model_.environment(), day_);
  if (safe_) {
    cycle_.safe = true;
  } else {
    shield_.act(cycle_.observation, cycle_.action);
    cycle_.shield = shield_.last();
  }
  safe_ = false;
  last_usable_ = now;
  cycle_.setpoints = model_.setpoints(cycle_.action);
  cycle_.deciding = in_seconds(std::chrono::steady_clock::now() - began);
  if (cycle_.clock_jumped) {
    finish(CycleStatus::held, "the calendar jumped: the day begins anew");
  } else if (cycle_.setpoints.empty()) {
    finish(CycleStatus::nothing);
  } else if (options_.mode == "dry_run") {
    finish(CycleStatus::dry_run);
  } else if (options_.mode == "confirm") {
    phase_ = Phase::confirming;
  } else {
    send(now);
  }
}

void ControlLoop::send(Instant now) {
  if (!model_.fresh(now) || !master_.online()) {
    finish(CycleStatus::held, "the measurements went stale before the command");
    return;
  }
  std::vector<Command> commands;
  for (const auto& setpoint : cycle_.setpoints) {
    const auto& point = readings_.map().points()[setpoint.point];
    commands.push_back(point.type == PointType::binary_output ? Command::latch(point.index, setpoint.value != 0)
                                                              : Command::setpoint(point.index, point.to_wire(setpoint.value)));
  }
  phase_ = Phase::commanding;
  master_.operate(commands, options_.command == "direct" ? CommandMode::direct : CommandMode::select_before_operate, now,
                  [this](const CommandResult& result) { result_ = result; });
}

void ControlLoop::finish(CycleStatus status, std::string reason) {
  phase_ = Phase::waiting;
  cycle_.status = status;
  cycle_.reason = std::move(reason);
  if (status == CycleStatus::held || status == CycleStatus::offline)
    cycle_.safe = cycle_.safe || clock_() - last_usable_ > seconds(options_.watchdog);
  on_cycle_(cycle_);
}

}  // namespace gridfed
