#include "field/dnp3/outstation.hpp"

#include "runtime/error.hpp"

#include <algorithm>

namespace gridfed::dnp3 {

Dnp3Outstation::Dnp3Outstation(const OutstationOptions& options, std::span<const PointOptions> points, OutstationHandler handler)
    : options_(options), database_(points), handler_(std::move(handler)), events_(options.event_capacity), transport_(options.link) {
  if (options.link.master) throw Error("an outstation's link is a master's: set link.master to false");
  if (options.fragment_bytes < largest_segment || options.fragment_bytes > largest_fragment)
    throw Error("an outstation's fragments have {} bytes: from {} to {} are possible", options.fragment_bytes, largest_segment,
                largest_fragment);
}

void Dnp3Outstation::update(PointType type, std::uint16_t index, PointValue value, Instant now) {
  auto* const point = database_.find(type, index);
  if (!point) return;
  if (!value.time) {
    value.time = clock(now);
    value.time_synchronised = !options_.needs_time || clock_set_.has_value();
  }
  point->value = value;
  if (point->options.event_class == 0 || !has_changed(*point, value)) return;
  point->reported = value;
  const auto asked = point->options.event_variation;
  events_.add(point->options.event_class,
              {.type = type, .index = index, .value = value, .variation = asked != 0 ? asked : groups_of(type).event_variation});
}

void Dnp3Outstation::update_text(std::uint16_t index, std::string_view text) {
  if (auto* const point = database_.find(PointType::octet_string, index)) point->text = text.substr(0, 255);
}

void Dnp3Outstation::set_clock(UtcMilliseconds time, Instant now) {
  clock_at_ = time;
  clock_read_ = now;
}

UtcMilliseconds Dnp3Outstation::clock(Instant now) const {
  return (clock_at_ + static_cast<UtcMilliseconds>((now - clock_read_) / 1ms)) & latest_time;
}

void Dnp3Outstation::restart(bool cold, Instant now) {
  abandon_response();
  events_.unselect();
  if (cold) events_.clear();
  unsolicited_ = {.sequence = unsolicited_.sequence};
  deferred_.clear();
  selected_.reset();
  last_request_.clear();
  device_restart_ = true;
  clock_set_.reset();
  time_recorded_.reset();
  tick(now);
}

void Dnp3Outstation::connected(Instant now) {
  disconnected(now);
  transport_.connected(now);
  connected_ = true;
  send_unsolicited(now);
}

void Dnp3Outstation::disconnected(Instant) {
  connected_ = false;
  events_.unselect();
  reading_.reset();
  selected_.reset();
  deferred_.clear();
  // Another connection may be another master that counts from the same number.
  last_request_.clear();
  last_response_.clear();
  unsolicited_.waiting.clear();
  unsolicited_.pause.reset();
}

void Dnp3Outstation::receive(ByteSpan bytes, Instant now) {
  transport_.receive(bytes, now, [&](ByteSpan fragment, std::uint16_t destination) { on_fragment(fragment, destination, now); });
  tick(now);
}

void Dnp3Outstation::tick(Instant now) {
  transport_.link().tick(now);
  if (!connected_) return;
  if (reading_ && now >= reading_->deadline) {
    ++statistics_.confirm_timeouts;
    abandon_response();
  }
  if (!unsolicited_.waiting.empty() && now >= unsolicited_.deadline) {
    ++statistics_.confirm_timeouts;
    if (unsolicited_.attempts > options_.unsolicited_retries || !deferred_.empty()) {
      unsolicited_.pause = now + options_.unsolicited_pause;
      events_.unselect();
      finish_unsolicited(now);
    } else {
      ++unsolicited_.attempts;
      unsolicited_.deadline = now + options_.confirm_timeout;
      transport_.send(unsolicited_.waiting, now);
    }
  }
  send_unsolicited(now);
}

std::optional<Instant> Dnp3Outstation::next_deadline() const {
  auto deadline = transport_.link().next_deadline();
  const auto consider = [&](Instant other) { deadline = deadline ? std::min(*deadline, other) : other; };
  if (!connected_) return deadline;
  if (reading_) consider(reading_->deadline);
  if (!unsolicited_.waiting.empty()) consider(unsolicited_.deadline);
  if (unsolicited_.pause) consider(*unsolicited_.pause);
  return deadline;
}

void Dnp3Outstation::on_fragment(ByteSpan bytes, std::uint16_t destination, Instant now) {
  const auto fragment = parse_fragment(bytes);
  if (!fragment) return;
  const auto function = fragment->function;
  if (function == Function::response || function == Function::unsolicited_response) return;
  if (!fragment->control.first || !fragment->control.final) return;  // requests are one fragment
  if (is_broadcast(destination)) {
    on_broadcast(*fragment, destination, now);
  } else if (function == Function::confirm) {
    on_confirm(fragment->control, now);
  } else if (!fragment->control.unsolicited) {
    on_request(bytes, now);
  }
}

void Dnp3Outstation::on_confirm(const Control& control, Instant now) {
  if (control.unsolicited) {
    if (unsolicited_.waiting.empty() || control.sequence != unsolicited_.sequence) return;
    if (broadcast_ == broadcast_must_confirm) broadcast_ = 0;
    if (unsolicited_.restart_told) events_.confirm();
    unsolicited_.restart_told = true;
    finish_unsolicited(now);
  } else if (reading_ && control.sequence == reading_->sequence) {
    events_.confirm();
    if (broadcast_ == broadcast_must_confirm) broadcast_ = 0;
    if (reading_->complete) {
      reading_.reset();
    } else {
      reading_->sequence = next_sequence(reading_->sequence);
      send_reading(now);
    }
  }
}

void Dnp3Outstation::on_request(ByteSpan bytes, Instant now) {
  const auto request = *parse_fragment(bytes);
  ++statistics_.requests;
  // The master has not heard the answer: it hears it again, and nothing is done twice. A read is done anew, as that does no harm.
  if (request.function != Function::read && std::ranges::equal(bytes, last_request_)) {
    ++statistics_.repeated_requests;
    if (!last_response_.empty()) transport_.send(last_response_, now);
    return;
  }
  abandon_response();
  if (request.function == Function::read && !unsolicited_.waiting.empty()) {
    deferred_.assign(bytes.begin(), bytes.end());
    return;
  }
  deferred_.clear();
  last_request_.assign(bytes.begin(), bytes.end());
  last_response_.clear();
  if (request.function == Function::read) {
    read(request, now);
    return;
  }
  const auto answer = execute(request, now);
  if (!answer.silent) send_response({.sequence = request.control.sequence}, Function::response, answer.problems, answer.objects, now);
  if (answer.problems.bits != 0) ++statistics_.refused_requests;
  if (restart_pending_) {
    restart_pending_ = false;
    if (handler_.restart) handler_.restart(cold_);
    restart(cold_, now);
  }
}

// Nobody answers a broadcast, so what asks for an answer is not done.
void Dnp3Outstation::on_broadcast(const Fragment& request, std::uint16_t destination, Instant now) {
  switch (request.function) {
    case Function::write:
    case Function::direct_operate_no_ack:
    case Function::immediate_freeze_no_ack:
    case Function::freeze_clear_no_ack:
    case Function::enable_unsolicited:
    case Function::disable_unsolicited:
    case Function::assign_class:
    case Function::record_current_time:
      ++statistics_.requests;
      execute(request, now);
      broadcast_ = destination;
      return;
    default:
      ++statistics_.refused_requests;
  }
}

void Dnp3Outstation::abandon_response() {
  if (!reading_) return;
  events_.unselect();
  reading_.reset();
}

void Dnp3Outstation::send_unsolicited(Instant now) {
  if (!options_.unsolicited || !connected_ || reading_ || !unsolicited_.waiting.empty()) return;
  if (unsolicited_.pause) {
    if (now < *unsolicited_.pause) return;
    unsolicited_.pause.reset();
  }
  Bytes objects;
  if (unsolicited_.restart_told) {
    if ((events_.waiting() & unsolicited_.allowed) == 0) return;
    events_.select_classes(unsolicited_.allowed, events_.size());
    events_.put(objects, options_.fragment_bytes - 4);
  }
  Bytes& fragment = unsolicited_.waiting;
  put_response_header(fragment, {.confirm = true, .unsolicited = true, .sequence = unsolicited_.sequence}, Function::unsolicited_response,
                      indications(now));
  put(fragment, objects);
  unsolicited_.attempts = 1;
  unsolicited_.deadline = now + options_.confirm_timeout;
  ++statistics_.unsolicited;
  transport_.send(fragment, now);
}

void Dnp3Outstation::finish_unsolicited(Instant now) {
  unsolicited_.waiting.clear();
  unsolicited_.sequence = next_sequence(unsolicited_.sequence);
  // Events that did not fit wait like others.
  events_.unselect();
  if (deferred_.empty()) return;
  const auto request = std::exchange(deferred_, {});
  on_request(request, now);
}

Indications Dnp3Outstation::indications(Instant now) const {
  Indications all = own_indications_;
  const auto waiting = events_.waiting();
  all.set(Iin::class_1_events, (waiting & class_bit(1)) != 0);
  all.set(Iin::class_2_events, (waiting & class_bit(2)) != 0);
  all.set(Iin::class_3_events, (waiting & class_bit(3)) != 0);
  all.set(Iin::need_time, options_.needs_time && (!clock_set_ || now - *clock_set_ > options_.time_valid));
  all.set(Iin::device_restart, device_restart_);
  all.set(Iin::event_buffer_overflow, events_.overflowed());
  all.set(Iin::broadcast, broadcast_ != 0);
  return all;
}

void Dnp3Outstation::send_response(Control control, Function function, Indications problems, ByteSpan objects, Instant now) {
  problems.bits |= indications(now).bits;
  if (broadcast_ != broadcast_must_confirm) broadcast_ = 0;
  last_response_.clear();
  put_response_header(last_response_, control, function, problems);
  put(last_response_, objects);
  transport_.send(last_response_, now);
}

}  // namespace gridfed::dnp3
