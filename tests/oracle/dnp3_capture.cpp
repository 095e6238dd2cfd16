// A conversation of our stations as a capture file, for another program to read: start, polls, commands, events, a restart.
// dnp3_capture FILE
#include "capture.hpp"
#include "unit/field/stations.hpp"

#include <fmt/core.h>

using namespace gridfed::dnp3;

int main(int argc, char** argv) {
  if (argc != 2) return 1;
  Capture capture(argv[1]);
  auto points = few_points();
  for (std::uint16_t i = 10; i < 1000; ++i) points.push_back({.type = PointType::analog_input, .index = i, .event_class = 2});
  points.push_back({.type = PointType::double_bit_input, .index = 0, .event_class = 1});
  Wire wire({.event_period = 10s}, {}, points);
  wire.record = [&](ByteSpan down, ByteSpan up) {
    capture.packet(down, true, wire.now());
    capture.packet(up, false, wire.now());
  };
  wire.outstation.now = 1'700'000'000s;
  wire.connect();
  wire.operate({Command::latch(0, true), Command::latch(1, false), Command::setpoint(0, 1.5, 3), Command::setpoint(1, -7, 2)},
               CommandMode::select_before_operate);
  wire.operate({Command::setpoint(1, 1e9, 1), Command::setpoint(1, 1e-9, 4)}, CommandMode::direct);
  wire.operate({Command::latch(3, true)}, CommandMode::direct_without_answer);
  wire.operate({Command::latch(77, true)}, CommandMode::direct);
  wire.outstation.station.update_text(0, "feeder");
  for (int turn = 0; turn < 20; ++turn) {
    for (std::uint16_t i = 0; i < 300; ++i) wire.outstation.set(PointType::analog_input, i, turn + i);
    wire.outstation.set(PointType::binary_input, 1, turn % 2);
    wire.outstation.set(PointType::double_bit_input, 0, turn % 4);
    wire.outstation.set(PointType::counter, 2, turn);
    wire.wait(5s);
  }
  Bytes counters;
  put_header_all(counters, 20, 0);
  wire.master.station.request(Function::freeze_clear, counters, wire.now(), nullptr);
  wire.master.station.request(Function::warm_restart, {}, wire.now(), nullptr);
  wire.exchange();
  wire.wait(100s);  // a keep-alive is among it
  fmt::print("packets={}\n", capture.packets);
}
