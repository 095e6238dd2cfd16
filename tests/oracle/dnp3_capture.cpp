// A conversation of our stations as a capture file, for another program to read: start, polls, commands, events, a restart.
// dnp3_capture FILE
#include "unit/field/stations.hpp"

#include <fmt/core.h>

#include <fstream>

using namespace gridfed::dnp3;

namespace {

void put_big(Bytes& out, std::uint64_t value, int bytes) {
  for (int i = bytes - 1; i >= 0; --i) out.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
}

/// A pcap file of raw IPv4 packets between port 50000 and port 20000.
class Capture {
 public:
  explicit Capture(const char* file) : out_(file, std::ios::binary) {
    Bytes head;
    put(head, 0xA1B2C3D4, 4);
    put(head, 0x00040002, 4);
    put(head, 0, 8);
    put(head, 65535, 4);
    put(head, 101, 4);  // LINKTYPE_RAW
    write(head);
  }
  void packet(ByteSpan data, bool from_master, Instant now) {
    if (data.empty()) return;
    auto& sent = from_master ? down_ : up_;
    Bytes ip;
    put_big(ip, 0x4500, 2);
    put_big(ip, 40 + data.size(), 2);
    put_big(ip, 0x00004000, 4);
    put_big(ip, 0x40060000, 4);
    put_big(ip, from_master ? 0x0A000001 : 0x0A00000A, 4);
    put_big(ip, from_master ? 0x0A00000A : 0x0A000001, 4);
    put_big(ip, from_master ? 50000 : 20000, 2);
    put_big(ip, from_master ? 20000 : 50000, 2);
    put_big(ip, sent, 4);
    put_big(ip, from_master ? up_ : down_, 4);
    put_big(ip, 0x5018FFFF, 4);
    put_big(ip, 0, 4);
    put(ip, data);
    sent += static_cast<std::uint32_t>(data.size());
    Bytes record;
    put(record, static_cast<std::uint64_t>(now / 1s), 4);
    put(record, static_cast<std::uint64_t>(now % 1s / 1us), 4);
    put(record, ip.size(), 4);
    put(record, ip.size(), 4);
    put(record, ip);
    write(record);
    ++packets;
  }
  int packets = 0;

 private:
  void write(const Bytes& bytes) { out_.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size())); }
  std::ofstream out_;
  std::uint32_t down_ = 1, up_ = 1;
};

}  // namespace

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
