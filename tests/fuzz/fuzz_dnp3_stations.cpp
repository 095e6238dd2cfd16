#include "field/dnp3/master.hpp"
#include "field/dnp3/outstation.hpp"

#include <algorithm>
#include <cstdlib>

using namespace gridfed::dnp3;

namespace {

constexpr std::size_t most_output = 1 << 20;

std::vector<PointOptions> points() {
  std::vector<PointOptions> all;
  for (int t = 0; t < point_types; ++t) {
    const auto type = static_cast<PointType>(t);
    const auto event_class = static_cast<std::uint8_t>(groups_of(type).event_group != 0 ? 1 + t % 3 : 0);
    for (const std::uint16_t index : {0, 1, 2, 9, 300}) all.push_back({.type = type, .index = index, .event_class = event_class});
  }
  return all;
}

/// The bytes as fragments of valid frames: a length, then as many bytes; a length of 255 lets time pass.
template <class Hear, class Wait>
void as_fragments(ByteSpan bytes, Hear&& hear, Wait&& wait) {
  while (!bytes.empty()) {
    const std::size_t length = bytes[0];
    bytes = bytes.subspan(1);
    if (length == 0xFF) {
      wait();
      continue;
    }
    const auto fragment = bytes.first(std::min({length, bytes.size(), largest_segment}));
    bytes = bytes.subspan(fragment.size());
    hear(fragment);
  }
}

Bytes frame(ByteSpan fragment, bool from_master) {
  Bytes segment{0xC0}, out;
  put(segment, fragment);
  put_frame(out, {.control = LinkControl::primary_frame(from_master, PrimaryFunction::unconfirmed_user_data),
                  .destination = static_cast<std::uint16_t>(from_master ? 10 : 1),
                  .source = static_cast<std::uint16_t>(from_master ? 1 : 10),
                  .user_data = segment});
  return out;
}

/// Bounded output and, of an outstation, bounded events, whatever a peer says.
void talk(Station& station, ByteSpan bytes, bool from_master) {
  Instant now{};
  const auto silence = [&] {
    if (station.output().size() > most_output) std::abort();
    station.output().clear();
  };
  station.connected(now);
  as_fragments(
      bytes,
      [&](ByteSpan fragment) {
        station.receive(frame(fragment, from_master), now);
        silence();
      },
      [&] {
        now = std::max(now + Duration(1ms), station.next_deadline().value_or(now));
        station.tick(now);
        silence();
      });
  station.disconnected(now);
  station.connected(now);
  station.receive(bytes, now);
  station.tick(now + Duration(1h));
}

}  // namespace

// The peer of a whole outstation and of a whole master is hostile: what it says is the input, first in good frames, then as it is.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteSpan bytes(data, size);
  static const auto all = points();
  Dnp3Outstation outstation({.event_capacity = {8, 8, 8}}, all,
                            {.operate = [](const Command&) { return CommandStatus::success; }, .restart = [](bool) {}});
  for (int i = 0; i < 3; ++i) {
    for (const auto& point : all) outstation.update(point.type, point.index, {.value = i * 0.5, .time = 70'000ULL * i}, Duration(0));
  }
  talk(outstation, bytes, true);
  if (outstation.events().size() > 24) std::abort();

  std::uint64_t heard = 0;
  Dnp3Master master({.event_period = 1s}, {.value = [&](PointType, std::uint32_t, const PointValue&, MasterHandler::Kind) { ++heard; },
                                           .clock = [] { return UtcMilliseconds{1}; }});
  int results = 0, orders = 0;
  const auto note = [&](const CommandResult&) { ++results; };
  const std::vector commands{Command::latch(1, true), Command::setpoint(2, 3)};
  const std::size_t half = bytes.size() / 2;
  talk(master, bytes.first(half), false);
  for (const auto mode : {CommandMode::select_before_operate, CommandMode::direct, CommandMode::direct_without_answer}) {
    ++orders;
    master.operate(commands, mode, Duration(2h), note);
  }
  talk(master, bytes.subspan(half), false);
  master.disconnected(Duration(3h));
  // Every command has exactly one outcome.
  if (results != orders) std::abort();
  return 0;
}
