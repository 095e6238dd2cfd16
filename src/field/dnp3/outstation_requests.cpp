#include "field/dnp3/outstation.hpp"

#include <algorithm>

namespace gridfed::dnp3 {

namespace {

Indications only(Iin problem) {
  Indications indications;
  indications.set(problem);
  return indications;
}

/// A delay in milliseconds (g52v2).
Bytes delay_object(std::uint16_t milliseconds) {
  Bytes out;
  put_header_count(out, 52, 2, Qualifier::count_8, 1);
  put(out, milliseconds, 2);
  return out;
}

}  // namespace

Dnp3Outstation::Answer Dnp3Outstation::execute(const Fragment& request, Instant now) {
  switch (request.function) {
    case Function::write:
      return write(request, now);
    case Function::select:
    case Function::operate:
    case Function::direct_operate:
    case Function::direct_operate_no_ack:
      return command(request, now);
    case Function::immediate_freeze:
    case Function::immediate_freeze_no_ack:
      return freeze(request, false, now);
    case Function::freeze_clear:
    case Function::freeze_clear_no_ack:
      return freeze(request, true, now);
    case Function::cold_restart:
    case Function::warm_restart:
      if (!handler_.restart) return {.problems = only(Iin::function_not_supported)};
      restart_pending_ = true;
      cold_ = request.function == Function::cold_restart;
      return {.objects = delay_object(0)};
    case Function::enable_unsolicited:
    case Function::disable_unsolicited:
      return allow_unsolicited(request, request.function == Function::enable_unsolicited, now);
    case Function::assign_class:
      return assign_class(request);
    case Function::delay_measure:
      // It is answered within the call, so nothing passes between the request and this.
      return {.objects = delay_object(0)};
    case Function::record_current_time:
      time_recorded_ = now;
      return {};
    default:
      return {.problems = only(Iin::function_not_supported)};
  }
}

Dnp3Outstation::Answer Dnp3Outstation::write(const Fragment& request, Instant now) {
  HeaderReader headers(request.objects, Content::objects);
  while (const auto header = headers.next()) {
    if (header->is(80, 1)) {
      // Only the restart indication can be written, and only to zero.
      bool valid = header->is_range();
      if (valid) {
        for_each_packed(*header, [&](std::uint32_t index, unsigned bit) { valid = valid && index == device_restart_index && bit == 0; });
      }
      if (!valid) return {.problems = only(Iin::parameter_error)};
      device_restart_ = false;
    } else if (header->is(50, 1) || header->is(50, 3)) {
      if (!header->is_count() || header->count != 1) return {.problems = only(Iin::parameter_error)};
      Instant meant = now;
      if (header->variation == 3) {
        if (!time_recorded_) return {.problems = only(Iin::parameter_error)};
        meant = *time_recorded_;
      }
      UtcMilliseconds time = 0;
      for_each_object(*header, [&](std::uint32_t, ByteReader& object) { time = object.unsigned_number(6); });
      set_clock(time, meant);
      clock_set_ = now;
      if (handler_.clock_set) handler_.clock_set(clock(now));
    } else {
      return {.problems = only(Iin::object_unknown)};
    }
  }
  if (const auto error = headers.error()) return {.problems = only(*error)};
  return {};
}

Dnp3Outstation::Answer Dnp3Outstation::allow_unsolicited(const Fragment& request, bool allowed, Instant now) {
  if (!options_.unsolicited) return {.problems = only(Iin::function_not_supported)};
  HeaderReader headers(request.objects, Content::names);
  while (const auto header = headers.next()) {
    if (header->group != 60 || header->variation < 2 || header->qualifier != Qualifier::all)
      return {.problems = only(Iin::parameter_error)};
    const auto bit = class_bit(header->variation - 1);
    unsolicited_.allowed = static_cast<ClassMask>(allowed ? unsolicited_.allowed | bit : unsolicited_.allowed & ~bit);
  }
  if (const auto error = headers.error()) return {.problems = only(*error)};
  if (!allowed && unsolicited_.restart_told && !unsolicited_.waiting.empty()) finish_unsolicited(now);
  return {};
}

Dnp3Outstation::Answer Dnp3Outstation::assign_class(const Fragment& request) {
  HeaderReader headers(request.objects, Content::names);
  std::optional<std::uint8_t> event_class;
  Answer answer;
  const auto assign = [&](Point& point) {
    const bool possible = *event_class == 0 || groups_of(point.options.type).event_group != 0;
    if (possible) point.options.event_class = *event_class;
    if (!possible) answer.problems.set(Iin::parameter_error);
  };
  while (const auto header = headers.next()) {
    if (header->group == 60) {
      if (header->qualifier != Qualifier::all || header->variation == 0) return {.problems = only(Iin::parameter_error)};
      event_class = static_cast<std::uint8_t>(header->variation - 1);
      continue;
    }
    const auto type = type_of_static(header->group);
    if (!type) return {.problems = only(Iin::object_unknown)};
    if (!event_class || header->is_count()) return {.problems = only(Iin::parameter_error)};
    if (header->qualifier == Qualifier::all) {
      for (auto& point : database_.points(*type)) assign(point);
    } else {
      for_each_index(*header, [&](std::uint32_t index) {
        if (auto* const point = database_.find(*type, index)) {
          assign(*point);
        } else {
          answer.problems.set(Iin::parameter_error);
        }
      });
    }
  }
  if (const auto error = headers.error()) answer.problems.set(*error);
  return answer;
}

Dnp3Outstation::Answer Dnp3Outstation::freeze(const Fragment& request, bool clear, Instant now) {
  Answer answer{.silent = request.function == Function::immediate_freeze_no_ack || request.function == Function::freeze_clear_no_ack};
  HeaderReader headers(request.objects, Content::names);
  while (const auto header = headers.next()) {
    if (header->group != 20 && header->group != 30) {
      answer.problems.set(Iin::object_unknown);
      return answer;
    }
    if (header->is_count() || !freeze_header(*header, clear, now)) answer.problems.set(Iin::parameter_error);
  }
  if (const auto error = headers.error()) answer.problems.set(*error);
  return answer;
}

bool Dnp3Outstation::freeze_header(const ObjectHeader& header, bool clear, Instant now) {
  const auto type = *type_of_static(header.group);
  const auto frozen = type == PointType::counter ? PointType::frozen_counter : PointType::frozen_analog_input;
  const auto one = [&](Point& point) {
    auto value = point.value;
    value.time.reset();  // of the freezing, not of the measurement
    update(frozen, point.options.index, value, now);
    if (!clear || type != PointType::counter) return;
    value.value = 0;
    update(type, point.options.index, value, now);
    if (handler_.clear_counter) handler_.clear_counter(point.options.index);
  };
  if (header.qualifier == Qualifier::all) {
    for (auto& point : database_.points(type)) one(point);
    return true;
  }
  bool known = true;
  for_each_index(header, [&](std::uint32_t index) {
    if (auto* const point = database_.find(type, index)) {
      one(*point);
    } else {
      known = false;
    }
  });
  return known;
}

// The request comes back with the status of each command in its last byte.
Dnp3Outstation::Answer Dnp3Outstation::command(const Fragment& request, Instant now) {
  const auto function = request.function;
  Answer answer{.silent = function == Function::direct_operate_no_ack};
  std::optional<CommandStatus> all;  // the same for every command
  if (function == Function::operate) {
    if (!selected_ || selected_->sequence != request.control.sequence || !std::ranges::equal(selected_->objects, request.objects)) {
      all = CommandStatus::no_select;
    } else if (now > selected_->until) {
      all = CommandStatus::timeout;
    }
  }
  selected_.reset();

  // Nothing is done before all of the request is known to be sound.
  HeaderReader check(request.objects, Content::objects);
  bool any = false;
  while (const auto header = check.next()) {
    if (!header->format || header->format->shape != Shape::command) {
      answer.problems.set(Iin::object_unknown);
      return answer;
    }
    any = any || header->count > 0;
    if (header->prefix_bytes() == 0) answer.problems.set(Iin::parameter_error);
  }
  if (const auto error = check.error()) answer.problems.set(*error);
  if (!any) answer.problems.set(Iin::parameter_error);
  if (answer.problems.bits != 0) return answer;

  answer.objects.assign(request.objects.begin(), request.objects.end());
  bool sound = true;
  HeaderReader headers(request.objects, Content::objects);
  while (const auto header = headers.next()) {
    auto at = static_cast<std::size_t>(header->data.data() - request.objects.data());
    for_each_object(*header, [&](std::uint32_t index, ByteReader& object) {
      at += header->prefix_bytes() + header->format->bytes();
      const auto status = all ? *all : act(read_command(*header, index, object), function, now);
      sound = sound && status == CommandStatus::success;
      answer.objects[at - 1] = static_cast<std::uint8_t>(status);
    });
  }
  if (function == Function::select && sound) {
    selected_ = Selected{.sequence = next_sequence(request.control.sequence),
                         .objects = Bytes(request.objects.begin(), request.objects.end()),
                         .until = now + options_.select_timeout};
  }
  return answer;
}

// Every command is an event, also one that says what the last one said.
void Dnp3Outstation::report_command(const Command& command, CommandStatus status, Instant now) {
  const auto* const point = database_.find(PointType::analog_command, command.index);
  if (!point || point->options.event_class == 0) return;
  const auto asked = point->options.event_variation;
  events_.add(point->options.event_class,
              {.type = PointType::analog_command,
               .index = command.index,
               .value = {.value = command.value, .flags = static_cast<std::uint8_t>(status), .time = clock(now)},
               .variation = asked != 0 ? asked : groups_of(PointType::analog_command).event_variation});
}

CommandStatus Dnp3Outstation::act(const Command& command, Function function, Instant now) {
  const bool relay = command.kind == Command::Kind::relay;
  if (relay && command.operation > Operation::latch_off) return CommandStatus::not_supported;
  if (!database_.find(relay ? PointType::binary_output : PointType::analog_output, command.index)) return CommandStatus::not_supported;
  if (function == Function::select) return handler_.select ? handler_.select(command) : CommandStatus::success;
  ++statistics_.commands;
  const auto status = handler_.operate ? handler_.operate(command) : CommandStatus::not_supported;
  if (!relay) report_command(command, status, now);
  return status;
}

}  // namespace gridfed::dnp3
