#include "field/twin_outstation.hpp"

#include <algorithm>

namespace gridfed {

using namespace dnp3;

namespace {

/// What a relay command makes of its point; nothing for those that make nothing.
std::optional<double> state_asked(const Command& command) {
  switch (command.operation) {
    case dnp3::Operation::latch_on:
      return 1;
    case dnp3::Operation::latch_off:
    case dnp3::Operation::pulse_off:
      return 0;
    case dnp3::Operation::pulse_on:
      // A pulse on one of two relays.
      if (command.relay == Relay::trip) return 0;
      return 1;
    default:
      return {};
  }
}

CommandStatus status_of(TwinResult result) {
  switch (result) {
    case TwinResult::done:
      return CommandStatus::success;
    case TwinResult::out_of_range:
      return CommandStatus::out_of_range;
    case TwinResult::not_supported:
      break;
  }
  return CommandStatus::not_supported;
}

}  // namespace

std::vector<TwinOutstation::Source> TwinOutstation::sources_of(const Network& network, const PointMap& map) {
  std::vector<Source> sources;
  for (std::size_t i = 0; i < map.points().size(); ++i) {
    const auto& point = map.points()[i];
    try {
      const auto source = find_point(network, point.element, point.quantity);
      const bool binary =
          point.type == PointType::binary_input || point.type == PointType::double_bit_input || point.type == PointType::binary_output;
      const bool output = point.type == PointType::binary_output || point.type == PointType::analog_output;
      if (!binary && !output && point.type != PointType::analog_input)
        throw Error("a feeder has no {}: write binary_input, double_bit_input, binary_output, analog_input or analog_output",
                    groups_of(point.type).name);
      if (binary && source.quantity != Quantity::closed) throw Error("{} is no state: make it an analog point", point.quantity);
      if (output && !is_commandable(source)) throw Error("{} of {} cannot be commanded: make it an input", point.quantity, point.element);
      sources.push_back({source, unit_factor(source.quantity, point.unit)});
    } catch (const Error& error) {
      map.fail(i, "{}", error.what());
    }
  }
  return sources;
}

TwinOutstation::TwinOutstation(Twin& twin, const Network& network, const PointMap& map, const OutstationOptions& options,
                               OnCommand on_command)
    : twin_(twin),
      map_(map),
      sources_(sources_of(network, map)),
      last_(map.points().size(), 0),
      on_command_(std::move(on_command)),
      station_(options, map.point_options(),
               {.select = [this](const Command& command) { return act(command, true); },
                .operate = [this](const Command& command) { return act(command, false); },
                .restart = [](bool) {}}) {}

PointValue TwinOutstation::value_of(std::size_t i) const {
  const auto& point = map_.points()[i];
  const auto measured = twin_.measure(sources_[i].point);
  if (!measured) return {.value = last_[i], .flags = flag::comm_lost};
  if (point.type == PointType::double_bit_input) return {.value = *measured != 0 ? 2.0 : 1.0};
  if (point.type == PointType::binary_input || point.type == PointType::binary_output) return {.value = *measured};
  const double value = *measured / sources_[i].unit;
  const auto flags = point.within_limits(value) ? flag::online : static_cast<std::uint8_t>(flag::online | flag::chatter_or_range);
  return {.value = point.to_wire(value), .flags = flags};
}

void TwinOutstation::report(Instant now) {
  for (std::size_t i = 0; i < sources_.size(); ++i) {
    const auto value = value_of(i);
    last_[i] = value.value;
    station_.update(map_.points()[i].type, map_.points()[i].index, value, now);
  }
  station_.indicate(Iin::device_trouble, !twin_.converged());
  station_.tick(now);
}

void TwinOutstation::settle(Instant now) {
  if (!commanded_) return;
  commanded_ = false;
  twin_.solve_again();
  report(now);
}

CommandStatus TwinOutstation::act(const Command& command, bool only_check) {
  const bool relay = command.kind == Command::Kind::relay;
  const int found = map_.find(relay ? PointType::binary_output : PointType::analog_output, command.index);
  if (found < 0) return CommandStatus::not_supported;
  const auto i = static_cast<std::size_t>(found);
  const auto& point = map_.points()[i];
  const auto asked = relay ? state_asked(command) : point.from_wire(command.value);
  if (!asked) return CommandStatus::not_supported;
  const double si = *asked * sources_[i].unit;
  const auto result = !relay && !point.within_limits(*asked) ? TwinResult::out_of_range
                      : only_check                           ? twin_.possible(sources_[i].point, si)
                                                             : twin_.command(sources_[i].point, si);
  const auto status = status_of(result);
  if (only_check) return status;
  commanded_ = commanded_ || result == TwinResult::done;
  if (on_command_) on_command_(point, *asked, status);
  return status;
}

}  // namespace gridfed
