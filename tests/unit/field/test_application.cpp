#include "frames.hpp"

#include "field/dnp3/commands.hpp"

#include <limits>

namespace gridfed::dnp3 {
namespace {

TEST(Application, ControlByteSurvivesBothWays) {
  for (int byte = 0; byte < 256; ++byte) EXPECT_EQ(Control::of(static_cast<std::uint8_t>(byte)).byte(), byte);
}

TEST(Application, NullUnsolicitedIsRead) {
  const auto fragments = fragments_of(hex("05 64 0A 44 01 00 0A 00 6E 25 C0 F0 82 90 00 43 A2"));
  ASSERT_EQ(fragments.size(), 1u);
  const auto fragment = parse_fragment(fragments[0]);
  ASSERT_TRUE(fragment);
  EXPECT_EQ(fragment->function, Function::unsolicited_response);
  EXPECT_TRUE(fragment->control.unsolicited);
  EXPECT_TRUE(fragment->control.confirm);
  EXPECT_TRUE(fragment->indications.has(Iin::device_restart));
  EXPECT_TRUE(fragment->indications.has(Iin::need_time));
  EXPECT_TRUE(fragment->objects.empty());
}

TEST(MalformedApplication, ResponseBelowFourBytesIsNoFragment) {
  for (const auto* bytes : {"", "C0", "C0 81", "C0 81 00", "F0 82", "F0 82 00"}) EXPECT_FALSE(parse_fragment(hex(bytes))) << bytes;
  EXPECT_TRUE(parse_fragment(hex("C0 81 00 00")));
  EXPECT_TRUE(parse_fragment(hex("C0 01")));
}

std::optional<Iin> error_of(std::string_view objects, Content content) {
  const auto bytes = hex(objects);
  HeaderReader reader(bytes, content);
  while (reader.next()) {
  }
  return reader.error();
}

TEST(ObjectHeader, EveryQualifierOfARequestIsRead) {
  const auto bytes =
      hex("3C 02 06  1E 00 00 01 09  1E 01 01 00 01 2C 01  3C 03 07 05  02 00 08 00 01  01 00 17 02 07 09  01 02 28 01 00 34 12");
  HeaderReader reader(bytes, Content::names);
  const auto all = reader.next(), range_8 = reader.next(), range_16 = reader.next(), count_8 = reader.next(), count_16 = reader.next(),
             list_8 = reader.next(), list_16 = reader.next();
  EXPECT_FALSE(reader.next());
  EXPECT_FALSE(reader.error());
  ASSERT_TRUE(list_16);
  EXPECT_TRUE(all->is(60, 2));
  EXPECT_EQ(range_8->start, 1u);
  EXPECT_EQ(range_8->count, 9u);
  EXPECT_EQ(range_16->start, 256u);
  EXPECT_EQ(range_16->count, 45u);
  EXPECT_EQ(count_8->count, 5u);
  EXPECT_EQ(count_16->count, 256u);
  std::vector<std::uint32_t> indices;
  for_each_index(*list_8, [&](std::uint32_t index) { indices.push_back(index); });
  for_each_index(*list_16, [&](std::uint32_t index) { indices.push_back(index); });
  EXPECT_EQ(indices, (std::vector<std::uint32_t>{7, 9, 0x1234}));
}

TEST(MalformedApplication, FlippedRangeIsAParameterError) {
  EXPECT_EQ(error_of("1E 01 00 05 04", Content::names), Iin::parameter_error);
  EXPECT_EQ(error_of("1E 01 01 05 00 04 00", Content::names), Iin::parameter_error);
}

TEST(MalformedApplication, TruncatedHeaderIsAParameterError) {
  for (const auto* bytes : {"1E", "1E 01", "1E 01 00", "1E 01 00 01", "1E 01 01 01 00 01", "1E 01 08 01", "01 02 28 02 00 01 00"})
    EXPECT_EQ(error_of(bytes, Content::names), Iin::parameter_error) << bytes;
}

TEST(MalformedApplication, TruncatedObjectsAreAParameterError) {
  EXPECT_EQ(error_of("1E 05 00 00 01 01 00 00 80 3F 01", Content::objects), Iin::parameter_error);
  EXPECT_EQ(error_of("0C 01 28 01 00 00 00 03 01", Content::objects), Iin::parameter_error);
  EXPECT_EQ(error_of("01 01 00 00 08 FF", Content::objects), Iin::parameter_error);
}

TEST(MalformedApplication, UnknownObjectsAndVariations) {
  for (const auto* bytes : {"FF 01 06", "00 00 06", "1E 63 06", "3C 05 06", "6E 00 05"})
    EXPECT_TRUE(error_of(bytes, Content::names)) << bytes;
  EXPECT_EQ(error_of("FF 01 06", Content::names), Iin::object_unknown);
  EXPECT_EQ(error_of("1E 63 06", Content::names), Iin::object_unknown);
}

TEST(MalformedApplication, UnknownQualifiersAreAParameterError) {
  for (int qualifier = 0; qualifier < 256; ++qualifier) {
    const bool spoken = qualifier <= 1 || (qualifier >= 6 && qualifier <= 8) || qualifier == 0x17 || qualifier == 0x28;
    Bytes bytes{30, 1, static_cast<std::uint8_t>(qualifier)};
    bytes.resize(7, 0);
    HeaderReader reader(bytes, Content::names);
    reader.next();
    EXPECT_EQ(reader.error() == Iin::parameter_error, !spoken) << qualifier;
  }
}

TEST(MalformedApplication, CountsOfZeroCarryNothing) {
  EXPECT_FALSE(error_of("1E 05 07 00 1E 05 08 00 00 0C 01 28 00 00 0C 01 17 00", Content::objects));
  EXPECT_FALSE(error_of("02 00 07 00 02 00 08 00 00", Content::names));
}

TEST(MalformedApplication, CountOf65535WithoutItsObjectsIsAParameterError) {
  EXPECT_EQ(error_of("1E 05 28 FF FF 00 00", Content::objects), Iin::parameter_error);
  EXPECT_EQ(error_of("1E 05 01 00 00 FF FF 00 00", Content::objects), Iin::parameter_error);
  EXPECT_EQ(error_of("01 01 01 00 00 FF FF 00 00", Content::objects), Iin::parameter_error);
  EXPECT_EQ(error_of("1E 00 28 FF FF 00 00", Content::names), Iin::parameter_error);
}

TEST(MalformedApplication, ObjectsOfAnyVariationHaveNoSize) {
  EXPECT_EQ(error_of("1E 00 00 00 00 01", Content::objects), Iin::parameter_error);
  EXPECT_EQ(error_of("1E 01 06", Content::objects), Iin::parameter_error);
}

TEST(Objects, SizesOfTheStandard) {
  struct Case {
    int group, variation;
    std::size_t bytes;
  };
  for (const auto& [group, variation, bytes] :
       std::vector<Case>{{1, 2, 1},   {2, 2, 7},   {2, 3, 3},   {4, 2, 7},   {11, 2, 7}, {12, 1, 11},  {20, 1, 5}, {20, 2, 3}, {20, 5, 4},
                         {20, 6, 2},  {21, 5, 11}, {22, 6, 9},  {23, 5, 11}, {30, 1, 5}, {30, 4, 2},   {30, 5, 5}, {30, 6, 9}, {31, 8, 9},
                         {32, 4, 9},  {32, 7, 11}, {32, 8, 15}, {40, 2, 3},  {41, 1, 5}, {41, 2, 3},   {41, 3, 5}, {41, 4, 9}, {42, 8, 15},
                         {43, 3, 11}, {50, 1, 6},  {51, 2, 6},  {52, 2, 2},  {60, 1, 0}, {110, 17, 17}}) {
    const auto format = find_format(static_cast<std::uint8_t>(group), static_cast<std::uint8_t>(variation));
    ASSERT_TRUE(format) << group << " " << variation;
    EXPECT_EQ(format->bytes(), bytes) << group << " " << variation;
  }
}

TEST(Objects, EveryPointVariationSurvivesBothWays) {
  int variations = 0;
  for (int group = 0; group < 256; ++group) {
    for (int variation = 1; variation < 256; ++variation) {
      const auto format = find_format(static_cast<std::uint8_t>(group), static_cast<std::uint8_t>(variation));
      if (!format || format->shape != Shape::point) continue;
      ++variations;
      const bool state = group < 12;
      PointValue value{.value = state ? 1.0 : 1234.0, .flags = format->flags ? std::uint8_t{0x05} : flag::online};
      if (format->stamp != Stamp::none) value.time = 1700000000123;
      Bytes bytes;
      put_point(bytes, *format, value, 1700000000000);
      EXPECT_EQ(bytes.size(), format->bytes());
      ByteReader reader(bytes);
      EXPECT_EQ(read_point(reader, *format, 1700000000000), value) << group << " " << variation;
      EXPECT_TRUE(reader.ok());
      EXPECT_EQ(reader.left(), 0u);
    }
  }
  EXPECT_EQ(variations, 71);
}

PointValue through(int group, int variation, PointValue value) {
  const auto format = *find_format(static_cast<std::uint8_t>(group), static_cast<std::uint8_t>(variation));
  Bytes bytes;
  put_point(bytes, format, value);
  ByteReader reader(bytes);
  return read_point(reader, format);
}

TEST(Objects, WhatDoesNotFitIsHeldAtTheLimitAndFlagged) {
  EXPECT_EQ(through(30, 2, {.value = 40000}), (PointValue{.value = 32767, .flags = flag::online | flag::chatter_or_range}));
  EXPECT_EQ(through(30, 1, {.value = -1e300}), (PointValue{.value = -2147483648.0, .flags = flag::online | flag::chatter_or_range}));
  EXPECT_EQ(through(20, 6, {.value = -5}).value, 0);
  EXPECT_EQ(through(30, 5, {.value = 1e300}).flags, flag::online | flag::chatter_or_range);
  EXPECT_EQ(through(30, 1, {.value = std::numeric_limits<double>::quiet_NaN()}),
            (PointValue{.value = 0, .flags = flag::online | flag::reference_error}));
}

TEST(Objects, IntegersAreRounded) {
  EXPECT_EQ(through(30, 1, {.value = 2.5}).value, 3);
  EXPECT_EQ(through(30, 1, {.value = -2.5}).value, -3);
}

TEST(Objects, DoubleBitStatesUseTheTopTwoBits) {
  for (int state = 0; state < 4; ++state) {
    Bytes bytes;
    put_point(bytes, *find_format(3, 2), {.value = static_cast<double>(state)});
    EXPECT_EQ(bytes[0], state << 6 | 1);
    EXPECT_EQ(through(3, 2, {.value = static_cast<double>(state)}).value, state);
  }
}

TEST(Commands, RelayAndSetpointAreWrittenBitForBit) {
  Bytes relay;
  put_commands(relay, std::vector{Command::latch(0, true)});
  EXPECT_EQ(text(relay), "0C 01 28 01 00 00 00 03 01 64 00 00 00 64 00 00 00 00");
  Bytes setpoint;
  put_commands(setpoint, std::vector{Command::setpoint(2, 1.0, 3)});
  EXPECT_EQ(text(setpoint), "29 03 28 01 00 02 00 00 00 80 3F 00");
}

TEST(Commands, NeighboursOfOneObjectShareAHeader) {
  Bytes bytes;
  put_commands(bytes,
               std::vector{Command::latch(0, true), Command::latch(4, false), Command::setpoint(1, 2, 1), Command::setpoint(2, 2, 2)});
  HeaderReader reader(bytes, Content::objects);
  std::vector<std::uint32_t> counts;
  while (const auto header = reader.next()) counts.push_back(header->count);
  EXPECT_EQ(counts, (std::vector<std::uint32_t>{2, 1, 1}));
}

TEST(Commands, SurviveBothWays) {
  const Command command{
      .index = 7, .operation = Operation::pulse_on, .relay = Relay::trip, .clear = true, .count = 3, .on_ms = 250, .off_ms = 1};
  Bytes bytes;
  put_commands(bytes, std::vector{command});
  HeaderReader reader(bytes, Content::objects);
  const auto header = reader.next();
  ASSERT_TRUE(header);
  for_each_object(*header, [&](std::uint32_t index, ByteReader& object) {
    const auto read = read_command(*header, index, object);
    EXPECT_EQ(read.index, 7);
    EXPECT_EQ(read.operation, Operation::pulse_on);
    EXPECT_EQ(read.relay, Relay::trip);
    EXPECT_TRUE(read.clear);
    EXPECT_EQ(read.count, 3);
    EXPECT_EQ(read.on_ms, 250u);
    EXPECT_EQ(read.off_ms, 1u);
  });
}

}  // namespace
}  // namespace gridfed::dnp3
