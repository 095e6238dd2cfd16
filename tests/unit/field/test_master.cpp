#include "runtime/error.hpp"
#include "runtime/random.hpp"
#include "stations.hpp"

#include <algorithm>

namespace gridfed::dnp3 {
namespace {

using Outcome = CommandResult::Outcome;

/// A master whose outstation is written by hand.
struct Lone {
  explicit Lone(MasterOptions options = {}) : master(options) { master.station.connected(now); }
  void hear(ByteSpan fragment) { master.station.receive(frame_with(fragment, 1, 10, false, transport_sequence++), now); }
  void hear(std::string_view fragment) { hear(hex(fragment)); }
  std::string said() {
    std::string all;
    for (const auto& fragment : fragments_of(taken(master.station.output()))) all += (all.empty() ? "" : " | ") + text(fragment);
    return all;
  }
  void wait(Duration time) {
    for (const auto end = now + time; now < end;) {
      now += 100ms;
      master.station.tick(now);
    }
  }
  /// Answers everything it asks at the start with what says nothing.
  void settle() {
    for (auto request = said(); !request.empty(); request = said()) answer(request, "81 00 00");
  }
  /// An answer with the sequence of the request.
  void answer(const std::string& request, const std::string& rest) { hear(request.substr(0, 2) + " " + rest); }

  Instant now{};
  TestMaster master;
  unsigned transport_sequence = 0;
};

TEST(Master, BeginsAsAMatureMasterDoes) {
  Lone lone;
  EXPECT_EQ(lone.said(), "C1 15 3C 02 06 3C 03 06 3C 04 06");
  lone.hear("C1 81 90 00");  // restarted, wants the time
  EXPECT_EQ(lone.said(), "C2 02 50 01 00 07 07 00");
  lone.hear("C2 81 10 00");
  EXPECT_EQ(lone.said(), "C3 01 3C 02 06 3C 03 06 3C 04 06 3C 01 06");
  EXPECT_FALSE(lone.master.station.online());
  lone.hear("C3 81 10 00 01 01 00 00 00 01");
  EXPECT_TRUE(lone.master.station.online());
  EXPECT_EQ(lone.said(), "C4 14 3C 02 06 3C 03 06 3C 04 06");
  lone.hear("C4 81 10 00");
  EXPECT_EQ(lone.said(), "C5 18");
  lone.hear("C5 81 10 00");
  EXPECT_EQ(lone.said(), "C6 02 32 03 07 01 00 68 E5 CF 8B 01");
  lone.hear("C6 81 00 00");
  EXPECT_EQ(lone.said(), "");
  EXPECT_EQ(lone.master.value(PointType::binary_input, 0), 1);
}

TEST(Master, SetsTheClockByTheMeasuredDelayOfTheWay) {
  Lone lone({.unsolicited = false, .time_sync = TimeSync::measured_delay});
  lone.said();
  lone.hear("C1 81 10 00");
  lone.said();
  lone.hear("C2 81 10 00");
  EXPECT_EQ(lone.said(), "C3 17");
  lone.now += 500ms;
  lone.hear("C3 81 10 00 34 02 07 01 64 00");  // 100 ms passed in the outstation: 200 ms each way
  Bytes expected = hex("C4 02 32 01 07 01");
  put(expected, lone.master.clock + 200, 6);
  EXPECT_EQ(lone.said(), text(expected));
}

TEST(Master, ReadsAllPointsOfAnOutstationAndThenItsEvents) {
  Wire wire({.event_period = 1s, .unsolicited = false});
  wire.outstation.set(PointType::analog_input, 2, 42.5);
  wire.connect();
  EXPECT_EQ(wire.master.value(PointType::analog_input, 2), 42.5);
  EXPECT_EQ(wire.master.values.size(), 24u);
  wire.outstation.set(PointType::analog_input, 2, 17);
  wire.wait(2s);
  EXPECT_EQ(wire.master.value(PointType::analog_input, 2), 17);
  EXPECT_EQ(wire.outstation.station.events().size(), 0u);
  EXPECT_EQ(wire.outstation.clock, wire.master.clock - 2000);
}

TEST(Master, HearsOfChangesWithoutAsking) {
  Wire wire;
  wire.connect();
  const auto requests = wire.master.station.statistics().requests;
  wire.outstation.set(PointType::counter, 1, 11);
  wire.wait(1s);
  EXPECT_EQ(wire.master.value(PointType::counter, 1), 11);
  EXPECT_EQ(wire.master.station.statistics().requests, requests);
  EXPECT_EQ(wire.outstation.station.events().size(), 0u);
}

TEST(Master, ARepeatedUnsolicitedResponseIsConfirmedAgainButTakenOnce) {
  Lone lone;
  lone.settle();
  lone.hear("F1 82 00 00 02 01 28 01 00 00 00 81");
  EXPECT_EQ(lone.said(), "D1 00");
  lone.hear("F1 82 00 00 02 01 28 01 00 00 00 81");
  EXPECT_EQ(lone.said(), "D1 00");
  EXPECT_EQ(lone.master.events.size(), 1u);
  EXPECT_EQ(lone.master.station.statistics().repeated_unsolicited, 1u);
}

TEST(Master, ReadsEverythingAgainAfterLostEvents) {
  Lone lone;
  lone.settle();
  lone.hear("F1 82 00 08");
  EXPECT_NE(lone.said().find("01 3C 02 06 3C 03 06 3C 04 06 3C 01 06"), std::string::npos);
}

TEST(Master, CommandsRunSelectThenOperate) {
  Wire wire;
  wire.connect();
  const auto result = wire.operate({Command::latch(1, true), Command::setpoint(2, -1.5, 3)}, CommandMode::select_before_operate);
  EXPECT_EQ(result.outcome, Outcome::done);
  EXPECT_EQ(result.statuses, (std::vector<CommandStatus>(2, CommandStatus::success)));
  ASSERT_EQ(wire.outstation.done.size(), 2u);
  EXPECT_EQ(wire.outstation.done[1].value, -1.5);
}

TEST(Master, SaysWhichCommandWasRefused) {
  Wire wire;
  wire.connect();
  const auto result = wire.operate({Command::latch(1, true), Command::latch(77, true)}, CommandMode::select_before_operate);
  EXPECT_EQ(result.outcome, Outcome::refused);
  EXPECT_EQ(result.statuses, (std::vector{CommandStatus::success, CommandStatus::not_supported}));
  EXPECT_TRUE(wire.outstation.done.empty());  // the operate was never sent
}

TEST(Master, DirectCommandsWithAndWithoutAnswer) {
  Wire wire;
  wire.connect();
  EXPECT_EQ(wire.operate({Command::latch(0, false)}, CommandMode::direct).outcome, Outcome::done);
  EXPECT_EQ(wire.operate({Command::latch(0, false)}, CommandMode::direct_without_answer).outcome, Outcome::done);
  EXPECT_EQ(wire.outstation.done.size(), 2u);
}

TEST(Master, AnAnswerThatIsNotTheCommandIsNoSuccess) {
  Lone lone;
  lone.settle();
  lone.master.station.operate(std::vector{Command::latch(0, true)}, CommandMode::select_before_operate, lone.now, lone.master.note());
  const auto select = lone.said();
  auto other = select.substr(5);
  other.replace(13, 5, "01 00");  // another index
  lone.answer(select, "81 00 00" + other);
  EXPECT_EQ(lone.said(), "");
  EXPECT_EQ(lone.master.results.at(0).outcome, Outcome::refused);
}

TEST(Master, OtherRequestsAreCarriedToo) {
  Wire wire;
  wire.connect();
  wire.outstation.set(PointType::counter, 0, 5);
  Bytes counters;
  put_header_all(counters, 20, 0);
  wire.master.station.request(Function::immediate_freeze, counters, wire.now(), wire.master.note());
  wire.exchange();
  EXPECT_EQ(wire.master.results.at(0).outcome, Outcome::done);
  wire.master.station.poll_integrity();
  wire.wait(1s);
  EXPECT_EQ(wire.master.value(PointType::frozen_counter, 0), 5);
}

TEST(Master, UnansweredRequestsAreRepeatedThenBackedOffTwiceAsLongEachTime) {
  Lone lone({.response_timeout = 1s, .retries = 1, .back_off = 4s, .longest_back_off = 10s});
  std::vector<double> sent;
  for (; lone.now < 60s; lone.wait(100ms)) {
    if (!lone.said().empty()) sent.push_back(std::chrono::duration<double>(lone.now).count());
  }
  EXPECT_EQ(sent, (std::vector<double>{0, 1, 6, 7, 16, 17, 28, 29, 40, 41, 52, 53}));
}

TEST(Master, ACommandIsNeverSentTwice) {
  Wire wire;
  wire.connect();
  wire.cut = true;
  wire.operate({Command::latch(0, true)}, CommandMode::direct);
  wire.wait(30s);
  ASSERT_EQ(wire.master.results.size(), 1u);
  EXPECT_EQ(wire.master.results[0].outcome, Outcome::unanswered);
  wire.cut = false;
  wire.wait(60s);
  EXPECT_TRUE(wire.outstation.done.empty());
}

TEST(Master, ACommandThatWaitsTooLongIsNotSent) {
  Lone lone;
  lone.settle();
  lone.master.station.poll_events();
  lone.wait(100ms);
  lone.said();
  lone.master.station.operate(std::vector{Command::latch(0, true)}, CommandMode::direct, lone.now, lone.master.note());
  lone.wait(5s);
  EXPECT_EQ(lone.master.results.at(0).outcome, Outcome::not_sent);
}

TEST(Master, CommandsWithoutAConnectionAreNotSent) {
  TestMaster master;
  master.station.operate(std::vector{Command::latch(0, true)}, CommandMode::direct, 0s, master.note());
  EXPECT_EQ(master.results.at(0).outcome, Outcome::not_sent);
  EXPECT_TRUE(master.station.output().empty());
}

TEST(Master, WaitingCommandsAreBounded) {
  Lone lone;
  lone.settle();
  for (std::size_t i = 0; i < most_waiting_commands + 3; ++i)
    lone.master.station.operate(std::vector{Command::latch(0, true)}, CommandMode::direct, lone.now, lone.master.note());
  EXPECT_EQ(lone.master.results.size(), 3u);
  EXPECT_EQ(lone.master.results[0].outcome, Outcome::busy);
}

TEST(Master, RestartedOutstationIsReadAnew) {
  Wire wire;
  wire.connect();
  wire.outstation.set(PointType::binary_output, 3, 1);
  wire.outstation.station.restart(true, wire.now());
  wire.wait(1s);
  EXPECT_EQ(wire.master.online, (std::vector<bool>{true, false, true}));
  EXPECT_EQ(wire.master.value(PointType::binary_output, 3), 1);
  EXPECT_FALSE(wire.master.station.indications().has(Iin::device_restart));
  wire.outstation.set(PointType::binary_input, 0, 1);
  wire.wait(1s);
  EXPECT_EQ(wire.master.value(PointType::binary_input, 0), 1);  // unsolicited again
}

TEST(Master, ARestartThatCannotBeClearedIsNotAskedForWithoutEnd) {
  Lone lone;
  int requests = 0;
  for (auto request = lone.said(); !request.empty() && requests < 1000; request = lone.said(), ++requests) lone.answer(request, "81 80 00");
  EXPECT_LT(requests, 10);
}

TEST(Master, NoEventIsLostOrTakenTwiceWhileTheCableComesAndGoes) {
  Wire wire({.response_timeout = 1s, .back_off = 1s, .longest_back_off = 2s, .event_period = 3s},
            {.confirm_timeout = 1s, .unsolicited_pause = 2s});
  wire.connect();
  RandomStream random(7, Draw::test);
  double value = 0;
  for (int second = 0; second < 3600; ++second) {
    wire.cut = random.uniform() < 0.2;
    wire.outstation.set(PointType::counter, 0, ++value);
    wire.wait(1s);
  }
  wire.cut = false;
  wire.wait(60s);
  std::vector<double> heard;
  for (const auto& event : wire.master.events) {
    if (event.type == PointType::counter && event.index == 0) heard.push_back(event.value.value);
  }
  EXPECT_EQ(wire.outstation.station.events().size(), 0u);
  std::ranges::sort(heard);
  // An event whose confirmation was lost comes again: none is missing, some are there twice.
  heard.erase(std::ranges::unique(heard).begin(), heard.end());
  EXPECT_EQ(heard.size(), 3600u);
}

TEST(HostilePeer, AResponseDeclaringABillionPointsIsDroppedWithoutMemory) {
  Lone lone;
  lone.settle();
  lone.master.station.poll_integrity();
  lone.wait(100ms);
  const auto request = lone.said();
  // A range of 65536 analog inputs, a thousand of them with objects; the headers of others without any.
  lone.answer(request, "81 00 00 1E 01 01 00 00 FF FF 01 00 00 00 00 1E 01 01 00 00 FF FF");
  EXPECT_EQ(lone.master.values.size(), 0u);
  EXPECT_EQ(lone.master.station.statistics().malformed, 1u);
}

TEST(HostilePeer, ResponsesWithoutEndAreGivenUp) {
  Lone lone({.most_fragments = 50});
  lone.settle();
  lone.master.station.poll_integrity();
  lone.wait(100ms);
  std::uint8_t sequence = static_cast<std::uint8_t>(std::stoi(lone.said().substr(0, 2), nullptr, 16) & 0x0F);
  for (int i = 0; i < 60; ++i) {
    lone.hear(Bytes{static_cast<std::uint8_t>((i == 0 ? 0x80 : 0) | sequence), 0x81, 0, 0});
    sequence = next_sequence(sequence);
  }
  EXPECT_EQ(lone.master.station.statistics().failures, 1u);
  EXPECT_FALSE(lone.master.station.online());
}

TEST(HostilePeer, SegmentsWithoutEndHoldOneFragment) {
  Lone lone;
  lone.settle();
  Bytes segment(largest_user_data, 0x55);
  for (unsigned i = 0; i < 10'000; ++i) {
    segment[0] = static_cast<std::uint8_t>((i == 0 ? 0x40 : 0) | (i & 0x3F));
    Bytes frame;
    put_frame(frame, {LinkControl::primary_frame(false, PrimaryFunction::unconfirmed_user_data), 1, 10, segment});
    lone.master.station.receive(frame, lone.now);
  }
  EXPECT_EQ(lone.master.station.transport().statistics().overflows, 1u);
  EXPECT_TRUE(lone.said().empty());
}

TEST(HostilePeer, MalformedResponsesAreCountedAndThenATimeOut) {
  Lone lone;
  lone.settle();
  lone.master.station.poll_events();
  lone.wait(100ms);
  lone.said();
  lone.hear("C7");
  lone.hear("C7 81 00");
  lone.hear("C7 83 00 00");
  EXPECT_EQ(lone.master.station.statistics().malformed, 2u);
  EXPECT_EQ(lone.master.station.statistics().unexpected, 1u);
  lone.wait(5s);
  EXPECT_EQ(lone.master.station.statistics().timeouts, 1u);
}

TEST(Disturbance, CablePulledTakesTheMasterOfflineAndBackWithFreshValues) {
  Wire wire({.event_period = 1s});
  wire.connect();
  wire.cut = true;
  wire.wait(30s);
  EXPECT_FALSE(wire.master.station.online());
  EXPECT_EQ(wire.operate({Command::latch(0, true)}, CommandMode::direct).outcome, Outcome::not_sent);
  wire.outstation.set(PointType::binary_output, 0, 1);
  wire.cut = false;
  wire.wait(60s);
  EXPECT_TRUE(wire.master.station.online());
  EXPECT_EQ(wire.master.value(PointType::binary_output, 0), 1);
  EXPECT_TRUE(wire.outstation.done.empty());
}

TEST(Disturbance, SilentConnectionIsNoticedByTheLink) {
  Wire wire({.unsolicited = false});  // polls nothing: only the keep-alive speaks
  wire.connect();
  wire.cut = true;
  wire.wait(59s);
  EXPECT_FALSE(wire.master.station.lost());
  wire.wait(10s);
  EXPECT_TRUE(wire.master.station.lost());
  EXPECT_TRUE(wire.outstation.station.lost());
}

TEST(Disturbance, AJumpOfTheCalendarMovesNoTimeout) {
  Wire wire({.event_period = 1s});
  wire.connect();
  const auto polls = wire.master.polls;
  wire.master.clock += 1'000'000'000;
  wire.outstation.station.set_clock(5, wire.now());
  wire.wait(10s);
  EXPECT_EQ(wire.master.polls, polls + 10);
  EXPECT_EQ(wire.master.station.statistics().timeouts, 0u);
  EXPECT_EQ(wire.master.online, (std::vector<bool>{true}));
}

TEST(Disturbance, WrongAddressHearsNothing) {
  MasterOptions options{.response_timeout = 1s};
  options.link.remote = 11;
  Wire wire(options);
  wire.connect();
  wire.wait(10s);
  EXPECT_TRUE(wire.master.values.empty());
  EXPECT_FALSE(wire.master.station.online());
  EXPECT_GT(wire.outstation.station.transport().link().statistics().unknown_destination, 0u);
}

TEST(Disturbance, AReplayedConversationMovesNothingTwice) {
  Wire wire;
  wire.connect();
  Bytes recorded;
  wire.record = [&](ByteSpan down, ByteSpan) { put(recorded, down); };
  wire.operate({Command::latch(0, true)}, CommandMode::select_before_operate);
  ASSERT_EQ(wire.outstation.done.size(), 1u);
  // The whole conversation again: the select selects, but its operate must be the very next number.
  wire.record = nullptr;
  const auto frames = frames_of(recorded);
  ASSERT_EQ(frames.size(), 2u);
  Bytes operate;
  put_frame(operate, {frames[1].control, frames[1].destination, frames[1].source, frames[1].user_data});
  for (int i = 0; i < 3; ++i) wire.outstation.station.receive(operate, wire.now());
  EXPECT_EQ(wire.outstation.done.size(), 1u);
}

TEST(Master, OptionsThatMakeNoneAreRefused) {
  MasterOptions options;
  options.link.master = false;
  EXPECT_THROW(TestMaster{options}, Error);
  EXPECT_THROW(TestMaster({.response_timeout = Duration(0)}), Error);
  EXPECT_THROW(TestMaster({.back_off = 10s, .longest_back_off = 5s}), Error);
}

}  // namespace
}  // namespace gridfed::dnp3
