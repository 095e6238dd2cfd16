#pragma once

#include "field/dnp3/master.hpp"
#include "field/dnp3/outstation.hpp"
#include "frames.hpp"

#include <gtest/gtest.h>

#include <map>

namespace gridfed::dnp3 {

/// Four points of the usual types, each of the first three with events.
inline std::vector<PointOptions> few_points() {
  std::vector<PointOptions> points;
  for (std::uint16_t i = 0; i < 4; ++i) {
    points.push_back({.type = PointType::binary_input, .index = i, .event_class = 1});
    points.push_back({.type = PointType::analog_input, .index = i, .event_class = 2, .dead_band = 0.5});
    points.push_back({.type = PointType::counter, .index = i, .event_class = 3});
    points.push_back({.type = PointType::frozen_counter, .index = i});
    points.push_back({.type = PointType::binary_output, .index = i});
    points.push_back({.type = PointType::analog_output, .index = i});
  }
  points.push_back({.type = PointType::analog_command, .index = 1, .event_class = 1});
  points.push_back({.type = PointType::octet_string, .index = 0});
  return points;
}

/// An outstation at address 10 that notes what it is told to do, and the fragments it sends.
struct TestOutstation {
  explicit TestOutstation(OutstationOptions options = {}, std::vector<PointOptions> points = few_points())
      : station(options, points,
                {.operate =
                     [this](const Command& command) {
                       done.push_back(command);
                       return answer;
                     },
                 .restart = [this](bool cold) { restarts.push_back(cold); },
                 .clear_counter = [this](std::uint16_t index) { cleared.push_back(index); },
                 .clock_set = [this](UtcMilliseconds time) { clock = time; }}) {}

  /// A fragment of the master's as the wire brings it.
  void hear(ByteSpan fragment, std::uint16_t destination = 10) {
    station.receive(frame_with(fragment, destination, 1, true, transport_sequence++), now);
  }
  void hear(std::string_view fragment) { hear(hex(fragment)); }
  std::vector<Bytes> says() {
    auto fragments = fragments_of(taken(station.output()));
    return fragments;
  }
  /// All fragments since the last call, as text.
  std::string said() {
    std::string all;
    for (const auto& fragment : says()) all += (all.empty() ? "" : " | ") + text(fragment);
    return all;
  }
  void wait(Duration time) {
    now += time;
    station.tick(now);
  }
  void set(PointType type, std::uint16_t index, double value, std::uint8_t flags = flag::online) {
    station.update(type, index, {.value = value, .flags = flags}, now);
  }
  /// Connects, confirms the first unsolicited response where there is one and clears the restart indication.
  void settle() {
    station.connected(now);
    for (const auto& fragment : says()) {
      if (fragment.at(1) == 0x82) hear(Bytes{static_cast<std::uint8_t>(0xD0 | (fragment[0] & 0x0F)), 0});
    }
    hear("CF 02 50 01 00 07 07 00");
    hear("CE 02 32 01 07 01 00 00 00 00 00 00");
    says();
  }

  Instant now{};
  CommandStatus answer = CommandStatus::success;
  std::vector<Command> done;
  std::vector<bool> restarts;
  std::vector<std::uint16_t> cleared;
  std::optional<UtcMilliseconds> clock;
  unsigned transport_sequence = 0;
  Dnp3Outstation station;
};

/// A master at address 1 that notes what it learns.
struct TestMaster {
  explicit TestMaster(MasterOptions options = {})
      : station(options, {.value =
                              [this](PointType type, std::uint32_t index, const PointValue& value, MasterHandler::Kind kind) {
                                values[{type, index}] = value;
                                ++counts[{type, index}];
                                if (kind == MasterHandler::Kind::event) events.push_back({type, index, value});
                              },
                          .text = [this](std::uint32_t, ByteSpan bytes) { heard_text.assign(bytes.begin(), bytes.end()); },
                          .online = [this](bool on) { online.push_back(on); },
                          .polled = [this] { ++polls; },
                          .clock = [this] { return clock; }}) {}

  struct Learnt {
    PointType type;
    std::uint32_t index;
    PointValue value;
  };
  std::map<std::pair<PointType, std::uint32_t>, PointValue> values;
  std::map<std::pair<PointType, std::uint32_t>, int> counts;
  std::vector<Learnt> events;
  std::string heard_text;
  std::vector<bool> online;
  int polls = 0;
  UtcMilliseconds clock = 1'700'000'000'000;
  std::vector<CommandResult> results;
  Dnp3Master station;

  Dnp3Master::OnResult note() {
    return [this](const CommandResult& result) { results.push_back(result); };
  }
  double value(PointType type, std::uint32_t index) const { return values.at({type, index}).value; }
};

/// A wire between both, in time that passes as told. A cut wire swallows what is said; `delay_ms` is one way.
struct Wire {
  explicit Wire(MasterOptions master_options = {}, OutstationOptions outstation_options = {},
                std::vector<PointOptions> points = few_points())
      : master(master_options), outstation(outstation_options, std::move(points)) {}

  void connect() {
    outstation.station.connected(now());
    master.station.connected(now());
    exchange();
  }
  Instant now() const { return outstation.now; }
  /// Carries bytes until both are silent; false if they never are.
  bool exchange() {
    for (int turn = 0; turn < 10'000; ++turn) {
      const auto down = taken(master.station.output()), up = taken(outstation.station.output());
      if (down.empty() && up.empty()) return true;
      bytes_down += down.size();
      bytes_up += up.size();
      if (cut) continue;
      if (record) record(down, up);
      outstation.station.receive(down, now());
      master.station.receive(up, now());
    }
    return false;
  }
  void wait(Duration time, Duration step = 100ms) {
    for (const auto end = now() + time; now() < end;) {
      outstation.now += step;
      master.clock += static_cast<UtcMilliseconds>(step / 1ms);
      master.station.tick(now());
      outstation.station.tick(now());
      exchange();
    }
  }
  CommandResult operate(std::vector<Command> commands, CommandMode mode) {
    master.station.operate(commands, mode, now(), master.note());
    exchange();
    if (master.results.empty()) return {.outcome = CommandResult::Outcome::unanswered};
    return master.results.back();
  }

  bool cut = false;
  std::size_t bytes_down = 0, bytes_up = 0;
  std::function<void(ByteSpan down, ByteSpan up)> record;
  TestMaster master;
  TestOutstation outstation;
};

}  // namespace gridfed::dnp3
