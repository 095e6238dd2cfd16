#include "frames.hpp"

namespace gridfed::dnp3 {
namespace {

Bytes segment(unsigned header, std::size_t size = 3) {
  Bytes out(1 + size, 0xAB);
  out[0] = static_cast<std::uint8_t>(header);
  return out;
}

TEST(Transport, EveryFragmentLengthSurvivesTheWire) {
  Transport master({.local = 1, .remote = 10, .master = true}), outstation({.local = 10, .remote = 1, .master = false});
  master.connected(0s);
  outstation.connected(0s);
  for (std::size_t length : {1, 2, 248, 249, 250, 498, 499, 1000, 2047, 2048}) {
    Bytes fragment(length);
    for (std::size_t i = 0; i < length; ++i) fragment[i] = static_cast<std::uint8_t>(i * 31);
    master.send(fragment, 0s);
    int heard = 0;
    outstation.receive(taken(master.link().output()), 0s, [&](ByteSpan got, std::uint16_t) {
      ++heard;
      EXPECT_TRUE(std::equal(got.begin(), got.end(), fragment.begin(), fragment.end())) << length;
    });
    EXPECT_EQ(heard, 1) << length;
  }
}

TEST(Transport, SequenceRunsModulo64) {
  Reassembler reassembler;
  EXPECT_FALSE(reassembler.add(segment(0x40 | 62)));
  EXPECT_FALSE(reassembler.add(segment(63)));
  const auto whole = reassembler.add(segment(0x80 | 0));
  ASSERT_TRUE(whole);
  EXPECT_EQ(whole->size(), 9u);
}

TEST(MalformedTransport, SegmentWithoutAFirstOneIsDropped) {
  Reassembler reassembler;
  EXPECT_FALSE(reassembler.add(segment(0x80)));
  EXPECT_EQ(reassembler.statistics().without_first, 1u);
}

TEST(Transport, AFragmentBeginsAtZeroWhereItWouldWrap) {
  Transport station({.local = 10, .remote = 1, .master = false});
  const Bytes small(10), large(1000);
  const auto numbers = [&] {
    std::vector<unsigned> all;
    for (const auto& frame : frames_of(taken(station.link().output()))) all.push_back(frame.user_data.at(0) & 0x3F);
    return all;
  };
  for (int i = 0; i < 60; ++i) station.send(small, 0s);
  EXPECT_EQ(numbers().back(), 59u);
  station.send(small, 0s);
  station.send(large, 0s);  // five segments from 61 on would end at 1
  EXPECT_EQ(numbers(), (std::vector<unsigned>{60, 0, 1, 2, 3, 4}));
}

TEST(MalformedTransport, WrongSequenceDropsTheFragment) {
  Reassembler reassembler;
  reassembler.add(segment(0x40 | 5));
  EXPECT_FALSE(reassembler.add(segment(7)));
  EXPECT_FALSE(reassembler.add(segment(0x80 | 8)));
  EXPECT_EQ(reassembler.statistics().wrong_sequence, 1u);
  EXPECT_TRUE(reassembler.add(segment(0xC0 | 9)));
}

TEST(MalformedTransport, RepeatedSegmentDropsTheFragment) {
  Reassembler reassembler;
  reassembler.add(segment(0x40 | 5));
  reassembler.add(segment(6));
  EXPECT_FALSE(reassembler.add(segment(6)));
  EXPECT_FALSE(reassembler.add(segment(0x80 | 7)));
}

TEST(MalformedTransport, SecondFirstSegmentBeginsAnew) {
  Reassembler reassembler;
  reassembler.add(segment(0x40 | 5));
  reassembler.add(segment(0x40 | 9));
  const auto whole = reassembler.add(segment(0x80 | 10));
  ASSERT_TRUE(whole);
  EXPECT_EQ(whole->size(), 6u);
  EXPECT_EQ(reassembler.statistics().restarted, 1u);
}

TEST(MalformedTransport, FragmentLargerThanTheBufferIsDroppedAndTheNextIsTaken) {
  Reassembler reassembler;
  reassembler.add(segment(0x40, 249));
  for (unsigned i = 1; i < 9; ++i) EXPECT_FALSE(reassembler.add(segment(i == 8 ? 0x80 | i : i, 249)));
  EXPECT_EQ(reassembler.statistics().overflows, 1u);
  EXPECT_TRUE(reassembler.add(segment(0xC0)));
}

TEST(MalformedTransport, EndlessSegmentsNeverHoldMoreThanOneFragment) {
  Reassembler reassembler;
  for (unsigned i = 0; i < 1000000; ++i) EXPECT_FALSE(reassembler.add(segment((i == 0 ? 0x40 : 0) | (i & 0x3F), 249)));
  EXPECT_EQ(reassembler.statistics().overflows, 1u);
  EXPECT_GT(reassembler.statistics().without_first, 900000u);
}

TEST(MalformedTransport, EmptySegmentIsDropped) {
  Reassembler reassembler;
  EXPECT_FALSE(reassembler.add({}));
  EXPECT_FALSE(reassembler.add(segment(0xC0, 0)));
  EXPECT_EQ(reassembler.statistics().empty, 2u);
}

}  // namespace
}  // namespace gridfed::dnp3
