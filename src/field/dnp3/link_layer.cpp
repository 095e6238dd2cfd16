#include "field/dnp3/link_layer.hpp"

namespace gridfed::dnp3 {

void LinkLayer::connected(Instant now) {
  reader_.reset();
  output_.clear();
  to_confirm_.clear();
  reset_by_remote_ = remote_reset_ = lost_ = false;
  waiting_ = Waiting::nothing;
  last_heard_ = now;
  connected_ = true;
}

void LinkLayer::receive(ByteSpan bytes, Instant now, const Deliver& deliver) {
  reader_.feed(bytes, [&](const LinkFrame& frame) { on_frame(frame, now, deliver); });
}

void LinkLayer::on_frame(const LinkFrame& frame, Instant now, const Deliver& deliver) {
  const bool for_self = options_.answers_self && frame.destination == self_address;
  // Only a master broadcasts.
  const bool for_all = !options_.master && is_broadcast(frame.destination);
  if (frame.destination != options_.local && !for_self && !for_all) {
    ++statistics_.unknown_destination;
  } else if (frame.source != options_.remote) {
    ++statistics_.unknown_source;
  } else if (frame.control.from_master == options_.master) {
    ++statistics_.wrong_direction;
  } else {
    last_heard_ = now;
    if (!frame.control.primary) {
      on_secondary(frame, now);
    } else if (for_all) {
      if (frame.control.is(PrimaryFunction::unconfirmed_user_data)) {
        deliver(frame.user_data, frame.destination);
      } else {
        ++statistics_.unexpected;
      }
    } else {
      on_primary(frame, deliver);
    }
  }
}

void LinkLayer::on_primary(const LinkFrame& frame, const Deliver& deliver) {
  const auto& control = frame.control;
  if (!control.known_function()) {
    ++statistics_.unknown_function;
    reply(SecondaryFunction::not_supported);
    return;
  }
  const bool counted = control.is(PrimaryFunction::test_link) || control.is(PrimaryFunction::confirmed_user_data);
  if (control.count_or_flow != counted) {
    ++statistics_.wrong_count_valid;
    return;
  }
  if (counted) {
    if (!reset_by_remote_) {
      reply(SecondaryFunction::nack);
      return;
    }
    reply(SecondaryFunction::ack);
    // The acknowledgement of this frame was lost: it is given again, the frame is not taken twice.
    if (control.frame_count != expected_count_) {
      ++statistics_.repeated;
      return;
    }
    expected_count_ = !expected_count_;
    if (control.is(PrimaryFunction::confirmed_user_data)) deliver(frame.user_data, options_.local);
  } else if (control.is(PrimaryFunction::reset_link)) {
    reset_by_remote_ = true;
    expected_count_ = true;
    reply(SecondaryFunction::ack);
  } else if (control.is(PrimaryFunction::request_link_status)) {
    reply(SecondaryFunction::link_status);
  } else {
    deliver(frame.user_data, options_.local);
  }
}

void LinkLayer::on_secondary(const LinkFrame& frame, Instant now) {
  const auto& control = frame.control;
  switch (waiting_) {
    case Waiting::nothing:
      ++statistics_.unexpected;
      return;
    case Waiting::link_status:
      // Any answer shows that somebody is there.
      waiting_ = Waiting::nothing;
      break;
    case Waiting::reset_ack:
      if (!control.is(SecondaryFunction::ack)) {
        if (!control.is(SecondaryFunction::not_supported)) return;
        give_up();
        break;
      }
      remote_reset_ = true;
      next_count_ = true;
      waiting_ = Waiting::nothing;
      break;
    case Waiting::data_ack:
      if (control.is(SecondaryFunction::nack)) {
        remote_reset_ = false;  // it has lost our reset, perhaps by a restart
        waiting_ = Waiting::nothing;
      } else if (control.is(SecondaryFunction::ack)) {
        next_count_ = !next_count_;
        to_confirm_.pop_front();
        waiting_ = Waiting::nothing;
      } else {
        ++statistics_.unexpected;
        return;
      }
      break;
  }
  begin_transmission(now);
}

void LinkLayer::send(ByteSpan segment, Instant now) {
  if (!options_.confirmed) {
    put_primary(PrimaryFunction::unconfirmed_user_data, segment);
    return;
  }
  if (to_confirm_.size() == most_waiting_frames) {
    ++statistics_.failed;
    return;
  }
  to_confirm_.emplace_back(segment.begin(), segment.end());
  begin_transmission(now);
}

void LinkLayer::broadcast(ByteSpan segment, std::uint16_t destination) {
  put_frame(output_, {.control = LinkControl::primary_frame(options_.master, PrimaryFunction::unconfirmed_user_data),
                      .destination = destination,
                      .source = options_.local,
                      .user_data = segment});
}

void LinkLayer::begin_transmission(Instant now) {
  if (waiting_ != Waiting::nothing || to_confirm_.empty()) return;
  attempts_ = 1;
  deadline_ = now + options_.timeout;
  waiting_ = remote_reset_ ? Waiting::data_ack : Waiting::reset_ack;
  if (remote_reset_) {
    put_primary(PrimaryFunction::confirmed_user_data, to_confirm_.front());
  } else {
    put_primary(PrimaryFunction::reset_link);
  }
}

void LinkLayer::tick(Instant now) {
  if (!connected_ || lost_) return;
  if (waiting_ == Waiting::nothing) {
    if (options_.keep_alive > Duration(0) && now >= last_heard_ + options_.keep_alive) {
      waiting_ = Waiting::link_status;
      attempts_ = 1;
      deadline_ = now + options_.timeout;
      put_primary(PrimaryFunction::request_link_status);
    }
    return;
  }
  if (now < deadline_) return;
  if (attempts_ > options_.retries) {
    lost_ = waiting_ == Waiting::link_status;
    give_up();
    return;
  }
  ++attempts_;
  deadline_ = now + options_.timeout;
  switch (waiting_) {
    case Waiting::reset_ack:
      put_primary(PrimaryFunction::reset_link);
      break;
    case Waiting::data_ack:
      put_primary(PrimaryFunction::confirmed_user_data, to_confirm_.front());
      break;
    default:
      put_primary(PrimaryFunction::request_link_status);
  }
}

std::optional<Instant> LinkLayer::next_deadline() const {
  if (!connected_ || lost_) return std::nullopt;
  if (waiting_ != Waiting::nothing) return deadline_;
  if (options_.keep_alive > Duration(0)) return last_heard_ + options_.keep_alive;
  return std::nullopt;
}

// Half a fragment is of no use to the other side, so the rest goes too; the application layer notices by its own time-out.
void LinkLayer::give_up() {
  if (!to_confirm_.empty()) ++statistics_.failed;
  to_confirm_.clear();
  remote_reset_ = false;
  waiting_ = Waiting::nothing;
}

void LinkLayer::reply(SecondaryFunction function) {
  put_frame(output_,
            {.control = LinkControl::secondary_frame(options_.master, function), .destination = options_.remote, .source = options_.local});
}

void LinkLayer::put_primary(PrimaryFunction function, ByteSpan user_data) {
  put_frame(output_, {.control = LinkControl::primary_frame(options_.master, function, next_count_),
                      .destination = options_.remote,
                      .source = options_.local,
                      .user_data = user_data});
}

}  // namespace gridfed::dnp3
