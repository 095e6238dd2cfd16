// A control loop's conversation with the twin as a capture file, for another program to read. control_capture FILE
#include "capture.hpp"
#include "unit/field/controlled_field.hpp"

#include <fmt/core.h>

using namespace gridfed;

int main(int argc, char** argv) {
  if (argc != 2) return 1;
  dnp3::Capture capture(argv[1]);
  Field field({.period = 10, .stale_after = 8, .watchdog = 30}, "", "", {.line_loading = 3, .transformer_loading = 3, .tap_changes = 0});
  field.record = [&](dnp3::ByteSpan down, dnp3::ByteSpan up) {
    capture.packet(down, true, field.now);
    capture.packet(up, false, field.now);
  };
  field.now = std::chrono::seconds(1'700'000'000);
  field.connect();
  for (int cycle = 0; cycle < 80; ++cycle) {
    field.policy.battery = cycle % 2 == 0 ? 0.5f : -0.25f;  // a command in each
    field.policy.shed = cycle % 3 == 0 ? 0.2f : 0.0f;
    field.wait(10);
  }
  fmt::print("packets={} cycles={} commands={}\n", capture.packets, field.cycles.size(), field.commanded.size());
  return field.commanded.size() >= 80 ? 0 : 1;
}
