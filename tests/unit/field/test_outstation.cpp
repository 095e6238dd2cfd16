#include "stations.hpp"

#include "runtime/error.hpp"

#include <cmath>

namespace gridfed::dnp3 {
namespace {

std::uint16_t iin(ByteSpan fragment) {
  return parse_fragment(fragment)->indications.bits;
}
bool tells(ByteSpan fragment, Iin indication) {
  return parse_fragment(fragment)->indications.has(indication);
}

OutstationOptions quiet() {
  return {.unsolicited = false, .needs_time = false};
}

TEST(Outstation, SaysThatItRestartedUntilTheMasterClearsIt) {
  TestOutstation outstation(quiet());
  outstation.station.connected(0s);
  outstation.hear("C1 01 3C 02 06");
  EXPECT_EQ(outstation.said(), "C1 81 80 00");
  outstation.hear("C2 02 50 01 00 07 07 00");
  EXPECT_EQ(outstation.said(), "C2 81 00 00");
}

TEST(Outstation, FirstUnsolicitedResponseIsTheGoldenOneAndComesUntilItIsConfirmed) {
  TestOutstation outstation;
  outstation.station.connected(0s);
  EXPECT_EQ(text(taken(outstation.station.output())), "05 64 0A 44 01 00 0A 00 6E 25 C0 F0 82 90 00 43 A2");
  outstation.wait(4900ms);
  EXPECT_EQ(outstation.said(), "");
  outstation.wait(100ms);
  EXPECT_EQ(outstation.said(), "F0 82 90 00");
  outstation.hear("D1 00");  // of another sequence
  outstation.wait(5s);
  EXPECT_EQ(outstation.said(), "F0 82 90 00");
  outstation.hear("D0 00");
  outstation.wait(100s);
  EXPECT_EQ(outstation.said(), "");
}

TEST(Outstation, ReadsStaticPointsInTheVariationAskedFor) {
  TestOutstation outstation(quiet());
  outstation.settle();
  outstation.set(PointType::analog_input, 1, 100.25);
  outstation.set(PointType::analog_input, 2, -2);
  outstation.hear("C3 01 1E 05 00 01 02");
  EXPECT_EQ(outstation.said(), "C3 81 04 00 1E 05 00 01 02 01 00 80 C8 42 01 00 00 00 C0");
  outstation.hear("C4 01 1E 04 00 01 02");
  EXPECT_EQ(outstation.said(), "C4 81 04 00 1E 04 00 01 02 64 00 FE FF");
  outstation.hear("C5 01 1E 00 17 02 02 01");  // index by index, in the order asked for
  EXPECT_EQ(outstation.said(), "C5 81 04 00 1E 05 00 02 02 01 00 00 00 C0 1E 05 00 01 01 01 00 80 C8 42");
}

TEST(Outstation, PackedStatesAreSentOfHealthyPointsAlone) {
  TestOutstation outstation(quiet());
  outstation.settle();
  for (std::uint16_t i = 0; i < 4; ++i) outstation.set(PointType::binary_input, i, i % 2);
  outstation.hear("C3 01 01 01 06");
  EXPECT_EQ(outstation.said(), "C3 81 02 00 01 01 00 00 03 0A");
  outstation.set(PointType::binary_input, 2, 1, flag::online | flag::local_forced);
  outstation.hear("C4 01 01 01 06");
  EXPECT_EQ(outstation.said(), "C4 81 02 00 01 01 00 00 01 02 01 02 00 02 02 91 01 01 00 03 03 01");
}

TEST(Outstation, TextIsSentInItsLength) {
  TestOutstation outstation(quiet());
  outstation.settle();
  outstation.station.update_text(0, "abc");
  outstation.hear("C3 01 6E 00 06");
  EXPECT_EQ(outstation.said(), "C3 81 00 00 6E 03 00 00 00 61 62 63");
}

TEST(Outstation, EventsStayUntilTheyAreConfirmed) {
  TestOutstation outstation(quiet());
  outstation.settle();
  outstation.set(PointType::binary_input, 3, 1);
  outstation.hear("C3 01 3C 02 06");
  const auto first = outstation.said();
  EXPECT_EQ(first, "E3 81 00 00 02 02 28 01 00 03 00 81 00 00 00 00 00 00");
  outstation.wait(6s);  // no confirmation
  outstation.hear("C4 01 3C 02 06");
  EXPECT_EQ(outstation.said(), "E4 81 00 00" + first.substr(11));
  outstation.hear("C3 00");  // of the response before
  EXPECT_EQ(outstation.station.events().size(), 1u);
  outstation.hear("C4 00");
  EXPECT_EQ(outstation.station.events().size(), 0u);
  outstation.hear("C5 01 3C 02 06");
  EXPECT_EQ(outstation.said(), "C5 81 00 00");
}

TEST(Outstation, DeadBandKeepsSmallChangesBack) {
  TestOutstation outstation(quiet());
  outstation.set(PointType::analog_input, 0, 10);
  EXPECT_EQ(outstation.station.events().size(), 1u);
  outstation.set(PointType::analog_input, 0, 10.5);
  outstation.set(PointType::analog_input, 0, 9.6);
  EXPECT_EQ(outstation.station.events().size(), 1u);
  outstation.set(PointType::analog_input, 0, 10.6);  // from what was reported, not from the last value
  EXPECT_EQ(outstation.station.events().size(), 2u);
  outstation.set(PointType::analog_input, 0, 10.6, flag::comm_lost);
  EXPECT_EQ(outstation.station.events().size(), 3u);
  outstation.set(PointType::analog_input, 0, std::nan(""), flag::comm_lost);
  outstation.set(PointType::analog_input, 0, std::nan(""), flag::comm_lost);
  EXPECT_EQ(outstation.station.events().size(), 4u);
}

TEST(Outstation, FullEventBufferDropsTheOldestAndSaysSo) {
  auto options = quiet();
  options.event_capacity = {3, 3, 3};
  TestOutstation outstation(options);
  outstation.settle();
  for (int i = 0; i < 5; ++i) outstation.set(PointType::binary_input, 0, i % 2, i == 4 ? flag::online | flag::restart : flag::online);
  EXPECT_EQ(outstation.station.events().size(), 3u);
  outstation.hear("C3 01 02 01 06");
  EXPECT_EQ(outstation.said(), "E3 81 00 08 02 01 28 03 00 00 00 01 00 00 81 00 00 03");
  outstation.hear("C3 00");
  outstation.hear("C4 01 02 01 06");
  EXPECT_EQ(outstation.said(), "C4 81 00 00");
}

TEST(Outstation, EventsOfSeveralTypesKeepTheirOrderAndTheirLimit) {
  TestOutstation outstation(quiet());
  outstation.settle();
  outstation.set(PointType::counter, 1, 7);
  outstation.set(PointType::binary_input, 0, 1);
  outstation.set(PointType::counter, 1, 8);
  outstation.hear("C3 01 3C 02 06 3C 04 06");
  const auto all = outstation.says();
  std::vector<std::uint8_t> groups;
  HeaderReader headers(parse_fragment(all.at(0))->objects, Content::objects);
  while (const auto header = headers.next()) groups.push_back(header->group);
  EXPECT_EQ(groups, (std::vector<std::uint8_t>{22, 2, 22}));
  outstation.hear("C4 01 16 02 07 01");  // one of the counter's, 16 bits
  EXPECT_EQ(outstation.said(), "E4 81 0A 00 16 02 28 01 00 01 00 01 07 00");
}

TEST(Outstation, RelativeTimesFollowACommonTimeOfOccurrence) {
  TestOutstation outstation(quiet());
  outstation.settle();
  outstation.station.set_clock(0x10000, 0s);
  outstation.set(PointType::binary_input, 0, 1);
  outstation.wait(2s);
  outstation.set(PointType::binary_input, 0, 0);
  outstation.wait(100s);
  outstation.set(PointType::binary_input, 0, 1);
  outstation.hear("C3 01 02 03 06");
  EXPECT_EQ(outstation.said(),
            "E3 81 00 00 33 01 07 01 00 00 01 00 00 00 02 03 28 02 00 00 00 81 00 00 00 00 01 D0 07"
            " 33 01 07 01 70 8E 02 00 00 00 02 03 28 01 00 00 00 81 00 00");
}

TEST(Outstation, LongResponsesComeFragmentByFragmentEachConfirmed) {
  std::vector<PointOptions> points;
  for (std::uint16_t i = 0; i < 1000; ++i) points.push_back({.type = PointType::analog_input, .index = i});
  TestOutstation outstation(quiet(), points);
  outstation.settle();
  outstation.hear("C3 01 3C 01 06");
  std::size_t seen = 0;
  int fragments = 0;
  for (std::uint8_t sequence = 3;; sequence = next_sequence(sequence)) {
    const auto said = outstation.says();
    ASSERT_EQ(said.size(), 1u);
    ASSERT_LE(said[0].size(), largest_fragment);
    const auto fragment = *parse_fragment(said[0]);
    EXPECT_EQ(fragment.control.sequence, sequence);
    EXPECT_EQ(fragment.control.first, fragments == 0);
    EXPECT_EQ(fragment.control.confirm, !fragment.control.final);
    HeaderReader headers(fragment.objects, Content::objects);
    while (const auto header = headers.next()) {
      EXPECT_EQ(header->start, seen);
      seen += header->count;
    }
    ++fragments;
    if (fragment.control.final) break;
    outstation.hear(Bytes{static_cast<std::uint8_t>(0xC0 | sequence), 0});
  }
  EXPECT_EQ(seen, 1000u);
  EXPECT_EQ(fragments, 3);
}

TEST(Outstation, ANewRequestEndsAResponseThatWaits) {
  std::vector<PointOptions> points;
  for (std::uint16_t i = 0; i < 1000; ++i) points.push_back({.type = PointType::analog_input, .index = i});
  TestOutstation outstation(quiet(), points);
  outstation.settle();
  outstation.hear("C3 01 3C 01 06");
  outstation.says();
  outstation.hear("C4 17");
  EXPECT_EQ(outstation.said(), "C4 81 00 00 34 02 07 01 00 00");
  outstation.hear("C3 00");
  EXPECT_EQ(outstation.said(), "");
}

const std::string latch_0 = "0C 01 28 01 00 00 00 03 01 64 00 00 00 64 00 00 00 00";
std::string with_status(std::string objects, const char* status) {
  return objects.replace(objects.size() - 2, 2, status);
}

TEST(Outstation, OperateFollowsASelectOfTheSameObjects) {
  TestOutstation outstation(quiet());
  outstation.settle();
  outstation.hear("C3 03 " + latch_0);
  EXPECT_EQ(outstation.said(), "C3 81 00 00 " + latch_0);
  EXPECT_TRUE(outstation.done.empty());
  outstation.hear("C4 04 " + latch_0);
  EXPECT_EQ(outstation.said(), "C4 81 00 00 " + latch_0);
  ASSERT_EQ(outstation.done.size(), 1u);
  EXPECT_EQ(outstation.done[0].operation, Operation::latch_on);
  // It counts once.
  outstation.hear("C5 04 " + latch_0);
  EXPECT_EQ(outstation.said(), "C5 81 00 00 " + with_status(latch_0, "02"));
  EXPECT_EQ(outstation.done.size(), 1u);
}

TEST(Outstation, OperateWithoutItsSelectIsRefused) {
  TestOutstation outstation(quiet());
  outstation.settle();
  const auto refused = [&](const std::string& request, const char* status) {
    outstation.hear(request);
    const auto said = outstation.said();
    return said.substr(said.size() - 2) == status && outstation.done.empty();
  };
  EXPECT_TRUE(refused("C3 04 " + latch_0, "02"));
  // Other objects.
  outstation.hear("C4 03 " + latch_0);
  outstation.said();
  EXPECT_TRUE(refused("C5 04 0C 01 28 01 00 00 00 04 01 64 00 00 00 64 00 00 00 00", "02"));
  // Something between.
  outstation.hear("C6 03 " + latch_0);
  outstation.hear("C7 17");
  outstation.said();
  EXPECT_TRUE(refused("C8 04 " + latch_0, "02"));
  // Too late.
  outstation.hear("C9 03 " + latch_0);
  outstation.said();
  outstation.wait(10001ms);
  EXPECT_TRUE(refused("CA 04 " + latch_0, "01"));
  // Selected on another connection.
  outstation.hear("CB 03 " + latch_0);
  outstation.station.connected(outstation.now);
  outstation.said();
  EXPECT_TRUE(refused("CC 04 " + latch_0, "02"));
}

TEST(Outstation, ARepeatedCommandIsAnsweredAgainButDoneOnce) {
  TestOutstation outstation(quiet());
  outstation.settle();
  outstation.hear("C3 05 " + latch_0);
  const auto first = outstation.said();
  outstation.hear("C3 05 " + latch_0);
  EXPECT_EQ(outstation.said(), first);
  EXPECT_EQ(outstation.done.size(), 1u);
  EXPECT_EQ(outstation.station.statistics().repeated_requests, 1u);
  outstation.hear("C4 05 " + latch_0);
  EXPECT_EQ(outstation.done.size(), 2u);
}

TEST(Outstation, DirectOperateWithoutAnswerIsDoneInSilence) {
  TestOutstation outstation(quiet());
  outstation.settle();
  outstation.hear("C3 06 29 03 28 01 00 02 00 00 00 80 3F 00");
  EXPECT_EQ(outstation.said(), "");
  ASSERT_EQ(outstation.done.size(), 1u);
  EXPECT_EQ(outstation.done[0].value, 1.0);
}

TEST(Outstation, CommandsForNoPointAndUnknownOperationsAreNotSupported) {
  TestOutstation outstation(quiet());
  outstation.settle();
  outstation.hear("C3 05 0C 01 28 01 00 63 00 03 01 64 00 00 00 64 00 00 00 00");
  EXPECT_EQ(outstation.said(), "C3 81 00 00 0C 01 28 01 00 63 00 03 01 64 00 00 00 64 00 00 00 04");
  outstation.hear("C4 05 0C 01 28 01 00 00 00 0F 01 64 00 00 00 64 00 00 00 00");
  EXPECT_EQ(outstation.said(), "C4 81 00 00 0C 01 28 01 00 00 00 0F 01 64 00 00 00 64 00 00 00 04");
  EXPECT_TRUE(outstation.done.empty());
}

TEST(Outstation, NoCommandOfAMalformedRequestIsDone) {
  TestOutstation outstation(quiet());
  outstation.settle();
  outstation.hear("C3 05 " + latch_0 + " 29 03 28 01 00 02");
  const auto said = outstation.says();
  EXPECT_TRUE(tells(said.at(0), Iin::parameter_error));
  EXPECT_TRUE(outstation.done.empty());
}

TEST(Outstation, AnalogCommandsAreReportedEachTime) {
  TestOutstation outstation(quiet());
  outstation.settle();
  outstation.hear("C3 05 29 02 28 01 00 01 00 05 00 00");
  outstation.hear("C4 05 29 02 28 01 00 01 00 05 00 00");
  EXPECT_EQ(outstation.station.events().size(), 2u);
  outstation.said();
  outstation.hear("C5 01 2B 02 06");
  EXPECT_EQ(outstation.said(), "E5 81 00 00 2B 02 28 02 00 01 00 00 05 00 01 00 00 05 00");
}

TEST(Outstation, FreezingCopiesCountersAndClearsThem) {
  TestOutstation outstation(quiet());
  outstation.settle();
  outstation.set(PointType::counter, 2, 9);
  outstation.hear("C3 07 14 00 06");
  EXPECT_EQ(outstation.said(), "C3 81 08 00");
  outstation.hear("C4 01 15 02 00 02 02");
  EXPECT_EQ(outstation.said(), "C4 81 08 00 15 02 00 02 02 01 09 00");
  outstation.hear("C5 0A 14 00 00 02 02");
  EXPECT_EQ(outstation.said(), "");
  EXPECT_EQ(outstation.cleared, (std::vector<std::uint16_t>{2}));
  outstation.hear("C6 07 14 00 00 02 63");
  EXPECT_TRUE(tells(outstation.says().at(0), Iin::parameter_error));
}

TEST(Outstation, ClassesCanBeAssigned) {
  TestOutstation outstation(quiet());
  outstation.settle();
  outstation.hear("C3 16 3C 01 06 01 00 06 3C 02 06 1E 00 00 01 01");
  EXPECT_EQ(outstation.said(), "C3 81 00 00");
  outstation.set(PointType::binary_input, 0, 1);
  EXPECT_EQ(outstation.station.events().size(), 0u);
  outstation.set(PointType::analog_input, 1, 1);
  outstation.hear("C4 01 3C 03 06");
  EXPECT_TRUE(tells(outstation.says().at(0), Iin::class_1_events));
  outstation.hear("C5 16 1E 00 06");  // no class before it
  EXPECT_TRUE(tells(outstation.says().at(0), Iin::parameter_error));
}

TEST(Outstation, EventsAreReportedByThemselvesWhereAllowed) {
  TestOutstation outstation({.needs_time = false});
  outstation.settle();
  outstation.set(PointType::binary_input, 0, 1);
  outstation.wait(10s);
  EXPECT_EQ(outstation.said(), "");
  outstation.hear("C3 14 3C 02 06");
  // The answer comes first, then the event.
  const auto said = outstation.says();
  ASSERT_EQ(said.size(), 2u);
  EXPECT_EQ(said[1].at(1), 0x82);
  outstation.set(PointType::analog_input, 0, 5);  // class 2: not allowed
  outstation.hear(Bytes{static_cast<std::uint8_t>(0xD0 | (said[1][0] & 0x0F)), 0});
  EXPECT_EQ(outstation.station.events().size(), 1u);
  EXPECT_EQ(outstation.said(), "");
  outstation.hear("C4 15 3C 02 06");
  outstation.said();
  outstation.set(PointType::binary_input, 0, 0);
  outstation.wait(10s);
  EXPECT_EQ(outstation.said(), "");
}

TEST(Outstation, UnansweredUnsolicitedResponsesPauseAndLoseNothing) {
  TestOutstation outstation({.needs_time = false});
  outstation.settle();
  outstation.hear("C3 14 3C 02 06");
  outstation.said();
  outstation.set(PointType::binary_input, 0, 1);
  int sent = 0;
  for (int second = 0; second < 60; ++second) {
    outstation.wait(1s);
    sent += static_cast<int>(outstation.says().size());
  }
  EXPECT_EQ(sent, 4);  // the first and three retries
  for (int second = 0; second < 60; ++second) {
    outstation.wait(1s);
    sent += static_cast<int>(outstation.says().size());
  }
  EXPECT_GT(sent, 4);
  EXPECT_EQ(outstation.station.events().size(), 1u);
}

TEST(Outstation, AReadWaitsForTheConfirmationOfAnUnsolicitedResponse) {
  TestOutstation outstation({.needs_time = false});
  outstation.settle();
  outstation.hear("C3 14 3C 02 06");
  outstation.said();
  outstation.set(PointType::binary_input, 0, 1);
  outstation.wait(1ms);
  const auto unsolicited = outstation.says();
  ASSERT_EQ(unsolicited.size(), 1u);
  outstation.hear("C4 01 3C 02 06");
  EXPECT_EQ(outstation.said(), "");
  outstation.hear(Bytes{static_cast<std::uint8_t>(0xD0 | (unsolicited[0][0] & 0x0F)), 0});
  EXPECT_EQ(outstation.said(), "C4 81 00 00");
}

TEST(Outstation, TheClockIsSetDirectlyOrFromARecordedTime) {
  TestOutstation outstation({.unsolicited = false});
  outstation.station.connected(0s);
  outstation.hear("C1 02 32 01 07 01 E8 03 00 00 00 00");
  EXPECT_EQ(iin(outstation.says().at(0)), 0x0080);  // the time is no longer needed
  EXPECT_EQ(outstation.clock, 1000u);
  outstation.hear("C2 18");
  outstation.wait(500ms);
  outstation.hear("C3 02 32 03 07 01 D0 07 00 00 00 00");
  EXPECT_EQ(outstation.station.clock(outstation.now), 2500u);
  outstation.says();
  outstation.hear("C4 01 32 01 07 01");
  EXPECT_EQ(outstation.said(), "C4 81 80 00 32 01 07 01 C4 09 00 00 00 00");
  outstation.wait(std::chrono::hours(25));
  outstation.hear("C5 17");
  EXPECT_TRUE(tells(outstation.says().at(0), Iin::need_time));
}

TEST(Outstation, RestartsWhereItsProgramCan) {
  TestOutstation outstation(quiet());
  outstation.settle();
  outstation.set(PointType::binary_input, 0, 1);
  outstation.hear("C3 0E");
  EXPECT_EQ(outstation.said(), "C3 81 02 00 34 02 07 01 00 00");
  EXPECT_EQ(outstation.station.events().size(), 1u);
  outstation.hear("C4 0D");
  outstation.said();
  EXPECT_EQ(outstation.restarts, (std::vector<bool>{false, true}));
  EXPECT_EQ(outstation.station.events().size(), 0u);
  outstation.hear("C5 17");
  EXPECT_TRUE(tells(outstation.says().at(0), Iin::device_restart));
}

TEST(Outstation, BroadcastsAreDoneWithoutAnAnswerAndTold) {
  TestOutstation outstation(quiet());
  outstation.settle();
  outstation.hear(hex("C3 06 " + latch_0), broadcast_must_confirm);
  outstation.hear(hex("C4 05 " + latch_0), broadcast_must_confirm);  // asks for an answer: not done
  EXPECT_EQ(outstation.said(), "");
  EXPECT_EQ(outstation.done.size(), 1u);
  outstation.hear("C5 01 3C 02 06");
  EXPECT_EQ(outstation.said(), "E5 81 01 00");
  outstation.hear("C5 00");
  outstation.hear("C6 01 3C 02 06");
  EXPECT_EQ(outstation.said(), "C6 81 00 00");
}

TEST(Outstation, WhatItDoesNotSpeakIsIndicated) {
  TestOutstation outstation(quiet());
  outstation.settle();
  const auto answered = [&](const char* request, Iin indication) {
    outstation.hear(request);
    const auto said = outstation.says();
    return said.size() == 1 && tells(said[0], indication);
  };
  EXPECT_TRUE(answered("C3 19", Iin::function_not_supported));
  EXPECT_TRUE(answered("C4 01 C8 01 06", Iin::object_unknown));
  EXPECT_TRUE(answered("C5 01 1E 02 00 03 09", Iin::parameter_error));  // beyond the last point
  EXPECT_TRUE(answered("C6 01 1E 02 00 02 01", Iin::parameter_error));
  EXPECT_TRUE(answered("C7 01 1E 02 44", Iin::parameter_error));
  EXPECT_TRUE(answered("C8 02 50 01 00 04 04 00", Iin::parameter_error));
  EXPECT_TRUE(answered("C9 02 1E 02 00 00 00 01 00 00", Iin::object_unknown));
  EXPECT_TRUE(answered("CA 02 32 03 07 01 D0 07 00 00 00 00", Iin::parameter_error));  // no time was recorded
}

TEST(Outstation, ConfirmedLinkCarriesTheSameConversation) {
  auto outstation_options = quiet();
  outstation_options.link.confirmed = true;
  MasterOptions master_options;
  master_options.link.confirmed = true;
  Wire wire(master_options, outstation_options);
  wire.connect();
  EXPECT_TRUE(wire.master.station.online());
  EXPECT_EQ(wire.operate({Command::latch(0, true)}, CommandMode::select_before_operate).outcome, CommandResult::Outcome::done);
}

TEST(Outstation, PointsThatMakeNoOutstationAreNamed) {
  const auto problem = [](std::vector<PointOptions> points) -> std::string {
    try {
      TestOutstation outstation({}, std::move(points));
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_NE(problem({{.index = 3}, {.index = 3}}).find("binary_input 3 stands twice"), std::string::npos);
  EXPECT_NE(problem({{.event_class = 4}}).find("class 4"), std::string::npos);
  EXPECT_NE(problem({{.static_variation = 9}}).find("static variation 9"), std::string::npos);
  EXPECT_NE(problem({{.type = PointType::octet_string, .event_class = 1}}).find("no events"), std::string::npos);
}

TEST(Outstation, AcceptsFragmentsByteByByte) {
  TestOutstation outstation(quiet());
  outstation.settle();
  for (const auto byte : frame_with(hex("C3 01 3C 01 06"), 10, 1, true)) outstation.station.receive({&byte, 1}, 0s);
  EXPECT_EQ(outstation.says().size(), 1u);
}

}  // namespace
}  // namespace gridfed::dnp3
