#include "powerflow/control_queue.hpp"

#include <algorithm>
#include <cmath>

namespace gridfed {

ControlQueue::ControlQueue(const Network& network, RegulatorSettings settings)
    : network_(network),
      settings_(std::move(settings)),
      regulators_(network.data().regulators.size()),
      capacitors_(network.data().capacitor_controls.size()) {
  for (std::size_t i = 0; i < capacitors_.size(); ++i) capacitors_[i].last_open = -network.data().capacitor_controls[i].dead_time;
}

std::int64_t ControlQueue::push(double time, Action action, int controller) {
  const auto at = std::find_if(waiting_.begin(), waiting_.end(), [&](const Entry& e) { return time <= e.time; });
  waiting_.insert(at, {time, next_handle_, action, controller});
  return next_handle_++;
}

void ControlQueue::take_back(std::int64_t handle) {
  std::erase_if(waiting_, [&](const Entry& e) { return e.handle == handle; });
}

void ControlQueue::sample(const PowerFlow& flow, double time) {
  for (std::size_t i = 0; i < regulators_.size(); ++i) sample_regulator(flow, static_cast<int>(i), time);
  if (!capacitors_.empty()) sample_capacitors(flow, time);
}

void ControlQueue::sample_direction(const PowerFlow& flow, int position, double time) {
  Controller& controller = regulators_[position];
  const bool turns = wants_to_turn(flow, position, settings_.mode[position]);
  if (turns == controller.turning) return;
  if (turns)
    controller.turn_handle = push(time + network_.data().regulators[position].reverse.delay, Action::turn, position);
  else
    take_back(controller.turn_handle);
  controller.turning = turns;
}

void ControlQueue::sample_regulator(const PowerFlow& flow, int position, double time) {
  Controller& controller = regulators_[position];
  const auto& regulator = network_.data().regulators[position];
  if (regulator.max_tap_change == 0) return;
  sample_direction(flow, position, time);
  // On the way to neutral nothing is measured any more.
  if (controller.armed && goes_to_neutral(regulator, settings_.mode[position])) return;
  const RegulatorWish wish = regulator_wish(flow, position, settings_);
  controller.taps = wish.taps;
  if (wish.content && controller.armed) {
    take_back(controller.handle);
    controller.armed = false;
  }
  if (wish.taps == 0 || controller.armed || wish.at_limit) return;
  controller.handle = push(time + wish.delay, Action::taps, position);
  controller.armed = true;
}

void ControlQueue::sample_capacitors(const PowerFlow& flow, double time) {
  for (auto& controller : capacitors_) controller.wants = false;
  // Midnight at the end of a day is hour 24 of it.
  double hour = time / 3600;
  if (hour > 24) hour -= 24 * std::ceil(hour / 24 - 1);
  for (const auto& action : wanted_capacitor_steps(flow, hour)) {
    Controller& controller = capacitors_[action.controller];
    const auto& control = network_.data().capacitor_controls[action.controller];
    controller.wants = true;
    controller.step = action.operation;
    if (controller.armed) continue;
    double delay = action.delay;
    const double open_for = time - controller.last_open;
    if (action.operation.value != 0 && open_for < control.dead_time) delay = std::max(delay, control.dead_time + delay - open_for);
    controller.handle = push(time + delay, Action::capacitor, action.controller);
    controller.armed = true;
  }
  for (auto& controller : capacitors_) {
    if (!controller.armed || controller.wants) continue;
    take_back(controller.handle);
    controller.armed = false;
  }
}

/// Queues the move of a regulator's tap and says how many taps that is.
int ControlQueue::move(const PowerFlow& flow, int position, int taps) {
  const int transformer = network_.regulator_transformers()[position], part = network_.data().regulators[position].winding - 1;
  const auto& winding = network_.data().transformers[transformer].windings[part];
  const int before = tap_number(winding, flow.state().taps[transformer][part]);
  const double next = tap_ratio(winding, before + taps);
  const int moved = tap_number(winding, next) - before;
  if (moved != 0) operations_.push_back({Operation::Kind::tap, transformer, part, next});
  tap_operations_ += std::abs(moved);
  return moved;
}

void ControlQueue::act(PowerFlow& flow, double until, double now, bool single_taps) {
  operations_.clear();
  while (!waiting_.empty() && waiting_.front().time <= until) {
    const Entry entry = waiting_.front();
    waiting_.erase(waiting_.begin());
    if (entry.action == Action::turn) {
      settings_.mode[entry.controller] = turned(network_.data().regulators[entry.controller], settings_.mode[entry.controller]);
      regulators_[entry.controller].turning = false;
    } else if (entry.action == Action::taps) {
      Controller& controller = regulators_[entry.controller];
      const auto& regulator = network_.data().regulators[entry.controller];
      controller.armed = false;
      if (controller.taps == 0) continue;
      if (single_taps) {
        const int sign = controller.taps < 0 ? -1 : 1;
        move(flow, entry.controller, sign);
        controller.taps -= sign;
        // As in OpenDSS the motor runs on: the next tap cannot be taken back, only found unwanted when its time has come.
        controller.armed = controller.taps != 0;
        if (controller.armed) push(now + regulator.tap_delay, Action::taps, entry.controller);
      } else {
        move(flow, entry.controller, taps_at_once(regulator, controller.taps));
        controller.taps = 0;
      }
    } else {
      Controller& controller = capacitors_[entry.controller];
      controller.armed = false;
      if (!controller.wants) continue;
      operations_.push_back(controller.step);
      ++capacitor_operations_;
      const auto& capacitor = network_.data().capacitors[network_.controlled_capacitors()[entry.controller]];
      if (controller.step.value == 0 && capacitor.step_power.size() == 1) controller.last_open = now;
      controller.wants = false;
    }
  }
  flow.operate(operations_);
}

bool ControlQueue::act_until(PowerFlow& flow, double time) {
  if (waiting_.empty() || waiting_.front().time > time) return false;
  act(flow, time, time, true);
  return true;
}

bool ControlQueue::act_first(PowerFlow& flow, double time) {
  if (waiting_.empty()) return false;
  act(flow, waiting_.front().time, time, false);
  return true;
}

}  // namespace gridfed
