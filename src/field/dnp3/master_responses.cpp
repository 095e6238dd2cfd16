#include "field/dnp3/master.hpp"

#include <algorithm>

namespace gridfed::dnp3 {

namespace {

/// The status of each command in an answer that is the request but for these; nothing where it differs.
std::optional<std::vector<CommandStatus>> statuses_of(ByteSpan request, ByteSpan answer) {
  if (request.size() != answer.size()) return std::nullopt;
  Bytes expected(request.begin(), request.end());
  std::vector<CommandStatus> statuses;
  HeaderReader headers(request, Content::objects);
  while (const auto header = headers.next()) {
    auto at = static_cast<std::size_t>(header->data.data() - request.data());
    for (std::uint32_t i = 0; i < header->count; ++i) {
      at += header->prefix_bytes() + header->format->bytes();
      expected[at - 1] = answer[at - 1];
      statuses.push_back(static_cast<CommandStatus>(answer[at - 1]));
    }
  }
  if (!std::ranges::equal(expected, answer)) return std::nullopt;
  return statuses;
}

bool is_refusal(Indications indications) {
  return indications.has(Iin::function_not_supported) || indications.has(Iin::object_unknown) || indications.has(Iin::parameter_error);
}

}  // namespace

void Dnp3Master::on_fragment(ByteSpan bytes, Instant now) {
  const auto fragment = parse_fragment(bytes);
  if (!fragment) {
    ++statistics_.malformed;
  } else if (fragment->function == Function::unsolicited_response && fragment->control.unsolicited && fragment->control.first &&
             fragment->control.final) {
    on_unsolicited(bytes, *fragment, now);
  } else if (fragment->function == Function::response && !fragment->control.unsolicited) {
    on_response(*fragment, now);
  } else {
    ++statistics_.unexpected;
  }
}

void Dnp3Master::confirm(const Control& control, Instant now) {
  Bytes fragment;
  put_fragment_header(fragment, {.unsolicited = control.unsolicited, .sequence = control.sequence}, Function::confirm);
  transport_.send(fragment, now);
}

// One that comes again is confirmed again, as the confirmation was lost, but its events are not taken twice.
void Dnp3Master::on_unsolicited(ByteSpan bytes, const Fragment& fragment, Instant now) {
  if (fragment.control.confirm) confirm(fragment.control, now);
  if (std::ranges::equal(bytes, last_unsolicited_)) {
    ++statistics_.repeated_unsolicited;
    return;
  }
  ++statistics_.unsolicited;
  last_unsolicited_.assign(bytes.begin(), bytes.end());
  deliver(fragment.objects);
  heed(fragment.indications, now);
}

void Dnp3Master::on_response(const Fragment& fragment, Instant now) {
  const auto& control = fragment.control;
  if (!exchange_ || control.sequence != exchange_->sequence || control.first != (exchange_->fragments == 0)) {
    ++statistics_.unexpected;
    return;
  }
  ++statistics_.responses;
  if (++exchange_->fragments > options_.most_fragments) {
    ++statistics_.malformed;
    attempts_ = options_.retries;  // another try would go the same way
    fail(now);
    return;
  }
  if (exchange_->function == Function::read) deliver(fragment.objects);
  if (control.confirm) confirm(control, now);
  if (control.final) {
    complete(fragment, now);
  } else {
    exchange_->sequence = sequence_ = next_sequence(control.sequence);
    exchange_->deadline = now + options_.response_timeout;
  }
}

void Dnp3Master::complete(const Fragment& fragment, Instant now) {
  const auto task = exchange_->task;
  attempts_ = 0;
  failures_ = 0;
  if (task == Task::command) {
    complete_order(fragment, now);
  } else if (task == Task::time && exchange_->function != Function::write && !is_refusal(fragment.indications)) {
    complete_time(fragment, now);
    if (exchange_->function == Function::write) {
      heed(fragment.indications, now);
      return;
    }
    exchange_.reset();
    due(task, false);
  } else {
    exchange_.reset();
    due(task, false);
    if (task == Task::integrity) {
      if (options_.integrity_period > Duration(0)) next_integrity_ = now + options_.integrity_period;
      if (options_.event_period > Duration(0) && !next_events_) next_events_ = now + options_.event_period;
      set_online(true);
    }
    if ((task == Task::integrity || task == Task::events) && handler_.polled) handler_.polled();
    if (task == Task::clear_restart) clear_restart_not_before_ = now + options_.back_off;
  }
  if (task == Task::time) time_not_before_ = now + options_.back_off;
  heed(fragment.indications, now);
}

void Dnp3Master::complete_order(const Fragment& fragment, Instant now) {
  const auto& order = orders_.front();
  CommandResult result{.indications = fragment.indications};
  if (is_refusal(fragment.indications)) {
    result.outcome = CommandResult::Outcome::refused;
  } else if (order.controls) {
    if (auto statuses = statuses_of(order.objects, fragment.objects)) {
      result.statuses = std::move(*statuses);
      if (std::ranges::any_of(result.statuses, [](CommandStatus s) { return s != CommandStatus::success; }))
        result.outcome = CommandResult::Outcome::refused;
    } else {
      ++statistics_.malformed;
      result.outcome = exchange_->function == Function::select ? CommandResult::Outcome::refused : CommandResult::Outcome::unanswered;
    }
  }
  if (result.outcome == CommandResult::Outcome::done && exchange_->function == Function::select) {
    send(Task::command, Function::operate, order.objects, now);
    return;
  }
  exchange_.reset();
  finish_order(result);
}

// What asking did not mend is not asked for again before the back-off is over, unless it went and came back.
void Dnp3Master::heed(Indications indications, Instant now) {
  const auto begins = [&](Iin iin) { return indications.has(iin) && !indications_.has(iin); };
  const bool overflow_begins = begins(Iin::event_buffer_overflow), restart_begins = begins(Iin::device_restart);
  indications_ = indications;
  if (indications.has(Iin::device_restart) && (restart_begins || now >= clear_restart_not_before_) && !is_due(Task::clear_restart)) {
    // What was read before the restart says nothing of now.
    set_online(false);
    due(Task::clear_restart);
    due(Task::integrity);
    due(Task::enable_unsolicited, options_.unsolicited);
  }
  if (indications.has(Iin::need_time) && options_.time_sync != TimeSync::none && handler_.clock && now >= time_not_before_) due(Task::time);
  if (overflow_begins) due(Task::integrity);
}

void Dnp3Master::deliver(ByteSpan objects) {
  UtcMilliseconds common_time = 0;
  bool synchronised = true;
  HeaderReader headers(objects, Content::objects);
  while (const auto header = headers.next()) {
    if (!header->format) continue;
    if (header->group == 51) {
      for_each_object(*header, [&](std::uint32_t, ByteReader& object) { common_time = object.unsigned_number(6); });
      synchronised = header->variation == 1;
      continue;
    }
    const auto fixed = type_of_static(header->group), event = type_of_event(header->group);
    if (!fixed && !event) continue;
    const auto type = fixed ? *fixed : *event;
    const auto kind = fixed ? MasterHandler::Kind::value : MasterHandler::Kind::event;
    if (header->format->shape == Shape::text) {
      for_each_object(*header, [&](std::uint32_t index, ByteReader& object) {
        if (handler_.text) handler_.text(index, object.rest());
      });
    } else if (header->format->shape == Shape::packed) {
      for_each_packed(*header, [&](std::uint32_t index, unsigned bits) {
        if (handler_.value) handler_.value(type, index, packed_point(bits), kind);
      });
    } else if (header->format->shape == Shape::point) {
      for_each_object(*header, [&](std::uint32_t index, ByteReader& object) {
        auto value = read_point(object, *header->format, common_time);
        if (header->format->stamp == Stamp::relative) value.time_synchronised = synchronised;
        if (handler_.value) handler_.value(type, index, value, kind);
      });
    }
  }
  if (headers.error()) ++statistics_.malformed;
}

}  // namespace gridfed::dnp3
