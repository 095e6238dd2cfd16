#include "frames.hpp"

#include "field/dnp3/crc.hpp"

namespace gridfed::dnp3 {
namespace {

// Frames as other implementations send them.
const auto reset_link = hex("05 64 05 C0 01 00 00 04 E9 21");
const auto class_0_read = hex("05 64 0B C4 0A 00 01 00 AC D1 C0 C0 01 3C 01 06 FF 50");
const auto select_crob = hex("05 64 1A C4 0A 00 01 00 8A 1C CC C8 03 0C 01 28 01 00 00 00 03 01 64 00 00 00 6D 41 64 00 00 00 00 00 5B");
const auto null_unsolicited = hex("05 64 0A 44 01 00 0A 00 6E 25 C0 F0 82 90 00 43 A2");

LinkFrame user_data_frame(ByteSpan data) {
  return {.control = LinkControl::primary_frame(true, PrimaryFunction::unconfirmed_user_data),
          .destination = 10,
          .source = 1,
          .user_data = data};
}

Bytes joined(std::initializer_list<Bytes> parts) {
  Bytes all;
  for (const auto& part : parts) put(all, part);
  return all;
}

TEST(LinkFrame, ResetLinkIsWrittenBitForBit) {
  Bytes out;
  put_frame(out, {.control = LinkControl::primary_frame(true, PrimaryFunction::reset_link), .destination = 1, .source = 1024});
  EXPECT_EQ(text(out), text(reset_link));
}

TEST(LinkFrame, UserDataOfTwoBlocksIsWrittenBitForBit) {
  const auto data = hex("CC C8 03 0C 01 28 01 00 00 00 03 01 64 00 00 00 64 00 00 00 00");
  Bytes out;
  put_frame(out, user_data_frame(data));
  EXPECT_EQ(text(out), text(select_crob));
}

TEST(LinkFrame, GoldenFramesAreRead) {
  const auto frames = frames_of(joined({reset_link, class_0_read, select_crob, null_unsolicited}));
  ASSERT_EQ(frames.size(), 4u);
  EXPECT_TRUE(frames[0].control.is(PrimaryFunction::reset_link));
  EXPECT_EQ(frames[0].destination, 1);
  EXPECT_EQ(frames[0].source, 1024);
  EXPECT_EQ(text(frames[1].user_data), "C0 C0 01 3C 01 06");
  EXPECT_EQ(frames[2].user_data.size(), 21u);
  EXPECT_FALSE(frames[3].control.from_master);
  EXPECT_EQ(frames[3].source, 10);
}

TEST(LinkFrame, ControlByteSurvivesBothWays) {
  for (int byte = 0; byte < 256; ++byte) EXPECT_EQ(LinkControl::of(static_cast<std::uint8_t>(byte)).byte(), byte);
}

TEST(LinkFrame, EveryLengthOfUserDataSurvives) {
  for (std::size_t length = 1; length <= largest_user_data; ++length) {
    Bytes data(length);
    for (std::size_t i = 0; i < length; ++i) data[i] = static_cast<std::uint8_t>(i * 7 + length);
    Bytes out;
    put_frame(out, user_data_frame(data));
    ASSERT_LE(out.size(), largest_frame);
    const auto frames = frames_of(out);
    ASSERT_EQ(frames.size(), 1u) << length;
    EXPECT_EQ(frames[0].user_data, data);
  }
}

TEST(LinkFrame, LargestFrameHas292Bytes) {
  Bytes out;
  put_frame(out, user_data_frame(Bytes(largest_user_data)));
  EXPECT_EQ(out.size(), largest_frame);
}

TEST(MalformedLink, OneByteAtATimeGivesTheSameFrames) {
  FrameReader reader;
  std::size_t frames = 0;
  for (const auto byte : joined({class_0_read, select_crob})) frames += frames_of(reader, ByteSpan(&byte, 1)).size();
  EXPECT_EQ(frames, 2u);
  EXPECT_EQ(reader.statistics().skipped_bytes, 0u);
}

TEST(MalformedLink, GarbageIsSkippedUpToTheNextFrame) {
  FrameReader reader;
  const auto garbage = hex("00 05 05 64 FF 64 05 13 37 05 64 05 64 00 01 02 03 04 05 06 07 08");
  EXPECT_EQ(frames_of(reader, joined({garbage, class_0_read, garbage, reset_link})).size(), 2u);
  EXPECT_GT(reader.statistics().skipped_bytes, 0u);
}

TEST(MalformedLink, LengthBelowFiveIsSkipped) {
  for (std::uint8_t length = 0; length < 5; ++length) {
    Bytes frame{0x05, 0x64, length, 0xC4, 10, 0, 1, 0};
    put(frame, crc(frame), 2);
    FrameReader reader;
    EXPECT_EQ(frames_of(reader, joined({frame, class_0_read})).size(), 1u);
    EXPECT_EQ(reader.statistics().bad_lengths, 1u);
  }
}

TEST(MalformedLink, UserDataWithoutDataIsSkipped) {
  Bytes frame;
  put_frame(frame, user_data_frame({}));
  FrameReader reader;
  EXPECT_EQ(frames_of(reader, joined({frame, class_0_read})).size(), 1u);
  EXPECT_EQ(reader.statistics().bad_lengths, 1u);
}

TEST(MalformedLink, ResetLinkWithDataIsSkipped) {
  Bytes frame;
  put_frame(
      frame,
      {.control = LinkControl::primary_frame(true, PrimaryFunction::reset_link), .destination = 10, .source = 1, .user_data = select_crob});
  FrameReader reader;
  const auto frames = frames_of(reader, joined({frame, class_0_read}));
  EXPECT_EQ(reader.statistics().bad_lengths, 1u);
  ASSERT_FALSE(frames.empty());
  EXPECT_EQ(text(frames.back().user_data), "C0 C0 01 3C 01 06");
}

TEST(MalformedLink, WrongHeaderCrcIsSkipped) {
  for (std::size_t byte = 2; byte < 10; ++byte) {
    auto frame = class_0_read;
    frame[byte] ^= 0x10;
    FrameReader reader;
    EXPECT_EQ(frames_of(reader, joined({frame, reset_link})).size(), 1u) << byte;
    EXPECT_EQ(reader.statistics().header_crc_errors, 1u);
  }
}

TEST(MalformedLink, WrongDataCrcIsSkipped) {
  for (std::size_t byte = 10; byte < select_crob.size(); ++byte) {
    auto frame = select_crob;
    frame[byte] ^= 0x01;
    FrameReader reader;
    EXPECT_EQ(frames_of(reader, joined({frame, reset_link})).size(), 1u) << byte;
    EXPECT_EQ(reader.statistics().data_crc_errors, 1u);
  }
}

TEST(MalformedLink, FrameCutShortDoesNotSwallowTheNext) {
  for (std::size_t kept = 1; kept < select_crob.size(); ++kept) {
    const Bytes cut(select_crob.begin(), select_crob.begin() + static_cast<std::ptrdiff_t>(kept));
    FrameReader reader;
    // A second frame follows, so that the bytes which the cut frame still waits for have come.
    const auto frames = frames_of(reader, joined({cut, class_0_read, class_0_read}));
    ASSERT_FALSE(frames.empty()) << kept;
    EXPECT_EQ(text(frames.back().user_data), "C0 C0 01 3C 01 06");
    EXPECT_EQ(frames.size(), 2u) << kept;
  }
}

TEST(MalformedLink, StartBytesWithoutEndHoldOneFrameOnly) {
  FrameReader reader;
  Bytes flood;
  for (int i = 0; i < 100000; ++i) put(flood, hex("05 64"));
  EXPECT_TRUE(frames_of(reader, flood).empty());
  EXPECT_EQ(frames_of(reader, joined({Bytes(20, 0), class_0_read})).size(), 1u);
  static_assert(sizeof(FrameReader) < 1024, "the reader's memory does not depend on what it is fed");
}

}  // namespace
}  // namespace gridfed::dnp3
