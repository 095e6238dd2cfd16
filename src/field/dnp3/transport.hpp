#pragma once

#include "field/dnp3/link_layer.hpp"

#include <optional>

/// The transport function (IEEE 1815 clause 8): fragments cut into segments of one frame each and put together again.
namespace gridfed::dnp3 {

constexpr std::size_t largest_segment = largest_user_data - 1;  ///< without its header
constexpr std::size_t largest_fragment = 2048;

struct TransportStatistics {
  std::uint64_t fragments = 0;
  std::uint64_t without_first = 0, wrong_sequence = 0, overflows = 0, empty = 0, restarted = 0;
};

/// Puts segments together. Holds one fragment of `capacity` bytes at most; what is larger, out of sequence or without a first segment
/// is dropped up to the next first segment.
class Reassembler {
 public:
  explicit Reassembler(std::size_t capacity = largest_fragment) : capacity_(capacity) {}
  /// The whole fragment with its last segment, valid until the next call; nothing before.
  std::optional<ByteSpan> add(ByteSpan segment);
  void reset() { active_ = false; }
  const TransportStatistics& statistics() const { return statistics_; }

 private:
  std::size_t capacity_;
  Bytes fragment_;
  bool active_ = false;
  unsigned sequence_ = 0;
  TransportStatistics statistics_;
};

/// Transport and link layer of one station towards one other: fragments in and out.
class Transport {
 public:
  using OnFragment = std::function<void(ByteSpan fragment, std::uint16_t destination)>;

  explicit Transport(const LinkOptions& options) : link_(options) {}

  void connected(Instant now);
  void receive(ByteSpan bytes, Instant now, const OnFragment& on_fragment);
  void send(ByteSpan fragment, Instant now);
  void broadcast(ByteSpan fragment, std::uint16_t destination);

  LinkLayer& link() { return link_; }
  const LinkLayer& link() const { return link_; }
  const TransportStatistics& statistics() const { return reassembler_.statistics(); }

 private:
  template <class Send>
  void cut(ByteSpan fragment, Send&& send);

  LinkLayer link_;
  Reassembler reassembler_;
  unsigned sequence_ = 0;
};

}  // namespace gridfed::dnp3
