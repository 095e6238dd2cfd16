#include "field/dnp3/master.hpp"

#include "runtime/error.hpp"

#include <algorithm>

namespace gridfed::dnp3 {

namespace {

/// Class names: events of 1 to 3, then all points where asked.
Bytes class_headers(bool events, bool points) {
  Bytes out;
  if (events) {
    for (const std::uint8_t variation : {2, 3, 4}) put_header_all(out, 60, variation);
  }
  if (points) put_header_all(out, 60, 1);
  return out;
}

Bytes time_object(std::uint8_t variation, UtcMilliseconds time) {
  Bytes out;
  put_header_count(out, 50, variation, Qualifier::count_8, 1);
  put(out, time & latest_time, 6);
  return out;
}

}  // namespace

Dnp3Master::Dnp3Master(const MasterOptions& options, MasterHandler handler)
    : options_(options), handler_(std::move(handler)), transport_(options.link) {
  if (!options.link.master) throw Error("a master's link is an outstation's: set link.master to true");
  if (!(options.response_timeout > Duration(0))) throw Error("a master's response time-out is not positive: give it a second or more");
  if (options.back_off <= Duration(0) || options.longest_back_off < options.back_off)
    throw Error("a master's back-off must be positive and not above the longest one");
}

void Dnp3Master::operate(std::span<const Command> commands, CommandMode mode, Instant now, OnResult on_result) {
  Bytes objects;
  put_commands(objects, commands);
  const bool select = mode == CommandMode::select_before_operate;
  const auto function = select                                       ? Function::operate
                        : mode == CommandMode::direct_without_answer ? Function::direct_operate_no_ack
                                                                     : Function::direct_operate;
  orders_.push_back({function, std::move(objects), true, select, now + options_.response_timeout, std::move(on_result)});
  if (orders_.size() > most_waiting_commands) {
    const auto refused = std::move(orders_.back());
    orders_.pop_back();
    if (refused.on_result) refused.on_result({.outcome = CommandResult::Outcome::busy});
    return;
  }
  tick(now);
}

void Dnp3Master::request(Function function, ByteSpan objects, Instant now, OnResult on_result) {
  if (orders_.size() == most_waiting_commands) {
    if (on_result) on_result({.outcome = CommandResult::Outcome::busy});
    return;
  }
  orders_.push_back({function, Bytes(objects.begin(), objects.end()), false, false, now + options_.response_timeout, std::move(on_result)});
  tick(now);
}

void Dnp3Master::connected(Instant now) {
  disconnected(now);
  transport_.connected(now);
  connected_ = true;
  failures_ = 0;
  due(Task::disable_unsolicited);
  due(Task::integrity);
  due(Task::enable_unsolicited, options_.unsolicited);
  begin_next(now);
}

void Dnp3Master::disconnected(Instant now) {
  connected_ = false;
  // A command that was on its way has perhaps been done.
  if (exchange_ && exchange_->task == Task::command) finish_order({.outcome = CommandResult::Outcome::unanswered});
  exchange_.reset();
  pause_.reset();
  next_integrity_.reset();
  next_events_.reset();
  due_.fill(false);
  attempts_ = 0;
  clear_restart_not_before_ = time_not_before_ = now;
  last_unsolicited_.clear();
  set_online(false);
  expire_orders(now);
}

void Dnp3Master::set_online(bool online) {
  if (online_ == online) return;
  online_ = online;
  if (handler_.online) handler_.online(online);
}

void Dnp3Master::receive(ByteSpan bytes, Instant now) {
  transport_.receive(bytes, now, [&](ByteSpan fragment, std::uint16_t) { on_fragment(fragment, now); });
  tick(now);
}

void Dnp3Master::tick(Instant now) {
  transport_.link().tick(now);
  expire_orders(now);
  if (!connected_) return;
  if (exchange_ && now >= exchange_->deadline) {
    ++statistics_.timeouts;
    fail(now);
  }
  if (next_integrity_ && now >= *next_integrity_) {
    due(Task::integrity);
    next_integrity_ = now + options_.integrity_period;
  }
  if (next_events_ && now >= *next_events_) {
    due(Task::events);
    next_events_ = now + options_.event_period;
  }
  begin_next(now);
}

std::optional<Instant> Dnp3Master::next_deadline() const {
  auto deadline = transport_.link().next_deadline();
  const auto consider = [&](const std::optional<Instant>& other) {
    if (other) deadline = deadline ? std::min(*deadline, *other) : other;
  };
  if (!orders_.empty() && !(exchange_ && exchange_->task == Task::command)) consider(orders_.front().until);
  if (!connected_) return deadline;
  if (exchange_) consider(exchange_->deadline);
  consider(pause_);
  consider(next_integrity_);
  consider(next_events_);
  return deadline;
}

// The one that is under way is at the front and has its own time-out.
void Dnp3Master::expire_orders(Instant now) {
  const std::size_t under_way = exchange_ && exchange_->task == Task::command ? 1 : 0;
  while (orders_.size() > under_way && (!connected_ || !online_ || now >= orders_[under_way].until)) {
    const auto order = std::move(orders_[under_way]);
    orders_.erase(orders_.begin() + static_cast<std::ptrdiff_t>(under_way));
    if (order.on_result) order.on_result({.outcome = CommandResult::Outcome::not_sent});
  }
}

void Dnp3Master::begin_next(Instant now) {
  if (!connected_ || exchange_) return;
  if (pause_) {
    if (now < *pause_) return;
    pause_.reset();
  }
  if (online_ && !orders_.empty()) {
    begin_order(now);
    return;
  }
  for (int t = 0; t < tasks && !exchange_; ++t) {
    if (due_[static_cast<std::size_t>(t)]) begin(static_cast<Task>(t), now);
  }
}

void Dnp3Master::begin(Task task, Instant now) {
  switch (task) {
    case Task::disable_unsolicited:
      send(task, Function::disable_unsolicited, class_headers(true, false), now);
      return;
    case Task::clear_restart: {
      Bytes objects;
      put_header_range(objects, 80, 1, device_restart_index, device_restart_index);
      put(objects, 0, 1);
      send(task, Function::write, objects, now);
      return;
    }
    case Task::integrity:
      send(task, Function::read, class_headers(true, true), now);
      return;
    case Task::enable_unsolicited:
      send(task, Function::enable_unsolicited, class_headers(true, false), now);
      return;
    case Task::time:
      send(task, options_.time_sync == TimeSync::lan ? Function::record_current_time : Function::delay_measure, {}, now);
      if (exchange_) exchange_->time = handler_.clock();
      return;
    case Task::events:
      send(task, Function::read, class_headers(true, false), now);
      return;
    case Task::command:
      return;  // by begin_order()
  }
}

void Dnp3Master::begin_order(Instant now) {
  const auto& order = orders_.front();
  send(Task::command, order.select ? Function::select : order.function, order.objects, now);
  if (order.function == Function::direct_operate_no_ack || order.function == Function::immediate_freeze_no_ack ||
      order.function == Function::freeze_clear_no_ack) {
    exchange_.reset();
    finish_order({});
  }
}

// Every attempt has a number of its own, so that a late answer to the one before is not taken for its.
void Dnp3Master::send(Task task, Function function, ByteSpan objects, Instant now) {
  sequence_ = next_sequence(sequence_);
  exchange_ = Exchange{.task = task, .function = function, .sequence = sequence_, .sent = now, .deadline = now + options_.response_timeout};
  ++statistics_.requests;
  Bytes fragment;
  put_fragment_header(fragment, {.sequence = sequence_}, function);
  put(fragment, objects);
  transport_.send(fragment, now);
}

// A command is not tried again: whether it was done is not known.
void Dnp3Master::fail(Instant now) {
  const auto task = exchange_->task;
  exchange_.reset();
  if (task == Task::command) {
    finish_order({.outcome = CommandResult::Outcome::unanswered});
    return;
  }
  if (++attempts_ <= options_.retries) return;
  attempts_ = 0;
  ++statistics_.failures;
  auto pause = options_.back_off;
  for (int i = 0; i < failures_ && pause < options_.longest_back_off; ++i) pause *= 2;
  pause_ = now + std::min(pause, options_.longest_back_off);
  ++failures_;
  // Nothing is known of what it missed meanwhile: it begins anew.
  set_online(false);
  due(Task::disable_unsolicited);
  due(Task::integrity);
  due(Task::enable_unsolicited, options_.unsolicited);
  expire_orders(now);
}

void Dnp3Master::finish_order(const CommandResult& result) {
  const auto order = std::move(orders_.front());
  orders_.pop_front();
  if (order.on_result) order.on_result(result);
}

void Dnp3Master::complete_time(const Fragment& fragment, Instant now) {
  const auto function = exchange_->function;
  if (function == Function::record_current_time) {
    const auto objects = time_object(3, *exchange_->time);
    send(Task::time, Function::write, objects, now);
  } else if (function == Function::delay_measure) {
    std::optional<std::uint16_t> delay;
    HeaderReader headers(fragment.objects, Content::objects);
    while (const auto header = headers.next()) {
      if (!header->is(52, 2) || header->count != 1) continue;
      for_each_object(*header, [&](std::uint32_t, ByteReader& object) { delay = object.u16(); });
    }
    if (!delay) {
      ++statistics_.malformed;
      return;
    }
    const auto way = std::max(Duration(0), (now - exchange_->sent - std::chrono::milliseconds(*delay)) / 2);
    const auto objects = time_object(1, handler_.clock() + static_cast<UtcMilliseconds>(way / 1ms));
    send(Task::time, Function::write, objects, now);
  }
}

}  // namespace gridfed::dnp3
