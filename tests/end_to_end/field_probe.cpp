// A master for the tests of drivers: reads all points of an outstation or moves one, and says what it found.
// field_probe PORT MAP read | watch SECONDS | set NAME VALUE [direct]
#include "field/dnp3/master.hpp"
#include "field/net/station_loop.hpp"
#include "field/point_map.hpp"

#include <fmt/core.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

using namespace gridfed;
using namespace std::chrono_literals;

namespace {

bool turn_until(StationLoop& loop, const std::function<bool()>& holds) {
  for (const auto end = StationLoop::now() + Duration(60s); StationLoop::now() < end && !holds();) loop.run_once(10ms);
  return holds();
}

void say(const MappedPoint& point, const dnp3::PointValue& value) {
  fmt::print("{}={:.6g} flags={}\n", point.name, point.from_wire(value.value), value.flags);
  std::fflush(stdout);
}

int probe(int argc, char** argv) {
  const PointMap map(argv[2]);
  std::vector<dnp3::PointValue> values(map.points().size());
  const bool watches = std::strcmp(argv[3], "watch") == 0;
  dnp3::Dnp3Master master({.unsolicited = watches}, {.value = [&](dnp3::PointType type, std::uint32_t index, const dnp3::PointValue& value,
                                                                  dnp3::MasterHandler::Kind kind) {
                            if (const int point = map.find(type, index); point >= 0) {
                              values[static_cast<std::size_t>(point)] = value;
                              if (watches && kind == dnp3::MasterHandler::Kind::event)
                                say(map.points()[static_cast<std::size_t>(point)], value);
                            }
                          }});
  StationLoop loop;
  loop.connect(master, {.endpoint = {"127.0.0.1", static_cast<std::uint16_t>(std::atoi(argv[1]))}, .reconnect = 200ms});
  if (!turn_until(loop, [&] { return master.online(); })) throw Error("the outstation does not answer");
  if (watches) {
    fmt::print("online\n");
    std::fflush(stdout);
    const auto end = StationLoop::now() + std::chrono::seconds(argc > 4 ? std::atoi(argv[4]) : 1);
    turn_until(loop, [&] { return StationLoop::now() >= end; });
    fmt::print("repeated={}\n", master.statistics().repeated_unsolicited);
    return 0;
  }
  if (std::strcmp(argv[3], "read") == 0) {
    for (std::size_t i = 0; i < values.size(); ++i) say(map.points()[i], values[i]);
    return 0;
  }
  const int found = argc > 5 ? map.find(std::string_view(argv[4])) : -1;
  if (found < 0) throw Error("there is no such point");
  const auto& point = map.points()[static_cast<std::size_t>(found)];
  const double value = std::atof(argv[5]);
  const auto command = point.type == dnp3::PointType::binary_output ? dnp3::Command::latch(point.index, value != 0)
                                                                    : dnp3::Command::setpoint(point.index, point.to_wire(value));
  std::optional<dnp3::CommandResult> result;
  master.operate({&command, 1}, argc > 6 ? dnp3::CommandMode::direct : dnp3::CommandMode::select_before_operate, StationLoop::now(),
                 [&](const dnp3::CommandResult& r) { result = r; });
  turn_until(loop, [&] { return result.has_value(); });
  if (!result) throw Error("the command was not answered");
  fmt::print("outcome={} status={}\n", static_cast<int>(result->outcome),
             result->statuses.empty() ? -1 : static_cast<int>(result->statuses[0]));
  return result->outcome == dnp3::CommandResult::Outcome::done ? 0 : 2;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    if (argc < 4) throw Error("field_probe PORT MAP read | watch SECONDS | set NAME VALUE [direct]");
    return probe(argc, argv);
  } catch (const std::exception& error) {
    fmt::print(stderr, "field_probe: {}\n", error.what());
    return 1;
  }
}
