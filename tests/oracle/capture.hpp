#pragma once

#include "field/dnp3/station.hpp"

#include <fstream>

namespace gridfed::dnp3 {

using namespace std::chrono_literals;

inline void put_big(Bytes& out, std::uint64_t value, int bytes) {
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

}  // namespace gridfed::dnp3
