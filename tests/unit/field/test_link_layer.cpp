#include "frames.hpp"

namespace gridfed::dnp3 {
namespace {

struct Station {
  explicit Station(const LinkOptions& options) : link(options) { link.connected(0s); }
  void hear(ByteSpan bytes, Instant now = 0s) {
    link.receive(bytes, now, [&](ByteSpan segment, std::uint16_t destination) {
      segments.emplace_back(segment.begin(), segment.end());
      destinations.push_back(destination);
    });
  }
  std::vector<ReadFrame> says() { return frames_of(taken(link.output())); }

  LinkLayer link;
  std::vector<Bytes> segments;
  std::vector<std::uint16_t> destinations;
};

const LinkOptions outstation_options{.local = 10, .remote = 1, .master = false};
const LinkOptions master_options{.local = 1, .remote = 10, .master = true};

Bytes from_master(PrimaryFunction function, bool count = false, ByteSpan data = {}, std::uint16_t destination = 10,
                  std::uint16_t source = 1) {
  Bytes out;
  put_frame(out, {LinkControl::primary_frame(true, function, count), destination, source, data});
  return out;
}

Bytes from_outstation(SecondaryFunction function) {
  Bytes out;
  put_frame(out, {LinkControl::secondary_frame(false, function), 1, 10, {}});
  return out;
}

const auto segment = hex("C0 C0 01 3C 01 06");

TEST(LinkLayer, AnswersResetTestAndStatus) {
  Station outstation(outstation_options);
  outstation.hear(from_master(PrimaryFunction::reset_link));
  outstation.hear(from_master(PrimaryFunction::test_link, true));
  outstation.hear(from_master(PrimaryFunction::request_link_status));
  const auto frames = outstation.says();
  ASSERT_EQ(frames.size(), 3u);
  EXPECT_TRUE(frames[0].control.is(SecondaryFunction::ack));
  EXPECT_TRUE(frames[1].control.is(SecondaryFunction::ack));
  EXPECT_TRUE(frames[2].control.is(SecondaryFunction::link_status));
  EXPECT_EQ(frames[0].destination, 1);
  EXPECT_FALSE(frames[0].control.from_master);
}

TEST(LinkLayer, ConfirmedDataBeforeAResetIsRefused) {
  Station outstation(outstation_options);
  outstation.hear(from_master(PrimaryFunction::confirmed_user_data, true, segment));
  EXPECT_TRUE(outstation.segments.empty());
  EXPECT_TRUE(outstation.says().at(0).control.is(SecondaryFunction::nack));
}

TEST(LinkLayer, ARepeatedCountBitIsAcknowledgedButNotTakenTwice) {
  Station outstation(outstation_options);
  outstation.hear(from_master(PrimaryFunction::reset_link));
  outstation.says();
  outstation.hear(from_master(PrimaryFunction::confirmed_user_data, true, segment));
  outstation.hear(from_master(PrimaryFunction::confirmed_user_data, true, segment));
  EXPECT_EQ(outstation.says().size(), 2u);
  EXPECT_EQ(outstation.segments.size(), 1u);
  EXPECT_EQ(outstation.link.statistics().repeated, 1u);
  outstation.hear(from_master(PrimaryFunction::confirmed_user_data, false, segment));
  EXPECT_EQ(outstation.segments.size(), 2u);
}

TEST(LinkLayer, WrongAddressesAndDirectionAreIgnored) {
  Station outstation(outstation_options);
  outstation.hear(from_master(PrimaryFunction::unconfirmed_user_data, false, segment, 11));
  outstation.hear(from_master(PrimaryFunction::unconfirmed_user_data, false, segment, 10, 2));
  Bytes reflected;
  put_frame(reflected, {LinkControl::primary_frame(false, PrimaryFunction::unconfirmed_user_data), 10, 1, segment});
  outstation.hear(reflected);
  EXPECT_TRUE(outstation.segments.empty());
  EXPECT_TRUE(outstation.says().empty());
  EXPECT_EQ(outstation.link.statistics().unknown_destination, 1u);
  EXPECT_EQ(outstation.link.statistics().unknown_source, 1u);
  EXPECT_EQ(outstation.link.statistics().wrong_direction, 1u);
}

TEST(LinkLayer, BroadcastIsTakenWithoutAnAnswer) {
  Station outstation(outstation_options);
  for (const auto address : {broadcast_no_confirm, broadcast_must_confirm, broadcast_may_confirm})
    outstation.hear(from_master(PrimaryFunction::unconfirmed_user_data, false, segment, address));
  outstation.hear(from_master(PrimaryFunction::reset_link, false, {}, broadcast_may_confirm));
  EXPECT_EQ(outstation.destinations, (std::vector<std::uint16_t>{0xFFFD, 0xFFFE, 0xFFFF}));
  EXPECT_TRUE(outstation.says().empty());
}

TEST(LinkLayer, AMasterDoesNotListenToBroadcasts) {
  Station master(master_options);
  Bytes frame;
  put_frame(frame, {LinkControl::primary_frame(false, PrimaryFunction::unconfirmed_user_data), broadcast_may_confirm, 10, segment});
  master.hear(frame);
  EXPECT_TRUE(master.segments.empty());
}

TEST(LinkLayer, SelfAddressIsAnsweredWithTheOwnOneWhereAllowed) {
  const auto request = from_master(PrimaryFunction::request_link_status, false, {}, self_address);
  Station deaf(outstation_options);
  deaf.hear(request);
  EXPECT_TRUE(deaf.says().empty());
  auto options = outstation_options;
  options.answers_self = true;
  Station outstation(options);
  outstation.hear(request);
  EXPECT_EQ(outstation.says().at(0).source, 10);
}

TEST(MalformedLink, UnknownFunctionIsAnsweredNotSupported) {
  Station outstation(outstation_options);
  for (std::uint8_t function : {1, 5, 7, 15}) {
    Bytes frame;
    put_frame(frame, {LinkControl{.from_master = true, .primary = true, .function = function}, 10, 1, {}});
    outstation.hear(frame);
    EXPECT_TRUE(outstation.says().at(0).control.is(SecondaryFunction::not_supported)) << int(function);
  }
  EXPECT_TRUE(outstation.segments.empty());
}

TEST(MalformedLink, CountValidBitThatDoesNotFitTheFunctionIsIgnored) {
  Station outstation(outstation_options);
  auto control = LinkControl::primary_frame(true, PrimaryFunction::unconfirmed_user_data);
  control.count_or_flow = true;
  Bytes frame;
  put_frame(frame, {control, 10, 1, segment});
  outstation.hear(frame);
  EXPECT_TRUE(outstation.segments.empty());
  EXPECT_EQ(outstation.link.statistics().wrong_count_valid, 1u);
}

TEST(LinkLayer, ConfirmedSendingResetsFirstThenTogglesTheCount) {
  auto options = master_options;
  options.confirmed = true;
  Station master(options);
  master.link.send(segment, 0s);
  master.link.send(segment, 0s);
  EXPECT_TRUE(master.says().at(0).control.is(PrimaryFunction::reset_link));
  master.hear(from_outstation(SecondaryFunction::ack));
  const auto first = master.says();
  ASSERT_EQ(first.size(), 1u);
  EXPECT_TRUE(first[0].control.is(PrimaryFunction::confirmed_user_data));
  EXPECT_TRUE(first[0].control.frame_count);
  master.hear(from_outstation(SecondaryFunction::ack));
  const auto second = master.says();
  ASSERT_EQ(second.size(), 1u);
  EXPECT_FALSE(second[0].control.frame_count);
}

TEST(LinkLayer, UnacknowledgedFrameIsRepeatedThenGivenUp) {
  auto options = master_options;
  options.confirmed = true;
  Station master(options);
  master.link.send(segment, 0s);
  std::size_t sent = master.says().size();
  for (auto now = Instant(0s); now < 20s; now += 100ms) {
    master.link.tick(now);
    sent += master.says().size();
  }
  EXPECT_EQ(sent, 3u);  // the first and two retries
  EXPECT_EQ(master.link.statistics().failed, 1u);
}

TEST(LinkLayer, RemoteThatLostItsResetIsResetAgain) {
  auto options = master_options;
  options.confirmed = true;
  Station master(options);
  master.link.send(segment, 0s);
  master.hear(from_outstation(SecondaryFunction::ack));
  master.says();
  master.hear(from_outstation(SecondaryFunction::nack));
  EXPECT_TRUE(master.says().at(0).control.is(PrimaryFunction::reset_link));
}

TEST(LinkLayer, NeverAcknowledgedFramesDoNotPileUp) {
  auto options = master_options;
  options.confirmed = true;
  Station master(options);
  for (int i = 0; i < 10000; ++i) master.link.send(segment, 0s);
  EXPECT_EQ(master.link.statistics().failed, 10000 - most_waiting_frames);
}

TEST(LinkLayer, SilenceIsAskedForTheLinkStatusAndThenCountsAsLost) {
  Station master(master_options);
  master.link.tick(59s);
  EXPECT_TRUE(master.says().empty());
  master.link.tick(60s);
  EXPECT_TRUE(master.says().at(0).control.is(PrimaryFunction::request_link_status));
  for (auto now = Instant(60s); now < 70s; now += 100ms) master.link.tick(now);
  EXPECT_TRUE(master.link.lost());
}

TEST(LinkLayer, AnsweredKeepAliveKeepsTheConnection) {
  Station master(master_options);
  for (auto now = Instant(0s); now < 600s; now += 1s) {
    master.link.tick(now);
    if (!master.says().empty()) master.hear(from_outstation(SecondaryFunction::link_status), now);
  }
  EXPECT_FALSE(master.link.lost());
}

}  // namespace
}  // namespace gridfed::dnp3
