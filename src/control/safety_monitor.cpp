#include "control/safety_monitor.hpp"

#include "runtime/error.hpp"

#include <algorithm>
#include <boost/program_options.hpp>
#include <cmath>
#include <limits>

namespace gridfed {

void declare(boost::program_options::options_description& deck, SafetyOptions& o) {
  const auto value = [](auto& field) { return boost::program_options::value(&field)->default_value(field); };
  deck.add_options()("safety.line_loading", value(o.line_loading), "limit of a line's conductor current [rating]")(
      "safety.transformer_loading", value(o.transformer_loading), "limit of a transformer's power [rating]")(
      "safety.frequency_min", value(o.frequency_min), "lower frequency limit [Hz]")("safety.frequency_max", value(o.frequency_max),
                                                                                    "upper frequency limit [Hz]")(
      "safety.frequency_stiffness", value(o.frequency_stiffness),
      "power that moves the frequency of the system by a hertz [MW/Hz]; 0 = the feeder moves none")(
      "safety.tap_changes", value(o.tap_changes), "limit of each regulator's tap changes a day; 0 = none")(
      "safety.forecast", value(o.forecast),
      "what the shield knows of loads, sun and wind when it acts: measured: those of now; persistence: those of one step ago")(
      "safety.backup", value(o.backup), "controller that takes over: idle, rules, self_consumption, voltage or curtailment")(
      "safety.intervention_threshold", value(o.intervention_threshold), "share of a limit beyond which the backup takes over")(
      "safety.release_threshold", value(o.release_threshold), "share of all limits below which it hands back")(
      "safety.constraint_layer", value(o.constraint_layer), "whether the nearest action within the linearised limits is tried first")(
      "safety.violation_penalty", value(o.violation_penalty), "price of leaving the linearised limits where no action meets all");
}

void validate(const SafetyOptions& o) {
  const auto positive = [](const char* key, double value) {
    if (!(value > 0)) throw Error("{} is {}: it must be positive", key, value);
  };
  positive("safety.line_loading", o.line_loading);
  positive("safety.transformer_loading", o.transformer_loading);
  positive("safety.violation_penalty", o.violation_penalty);
  positive("safety.release_threshold", o.release_threshold);
  if (!(o.frequency_min < o.frequency_max))
    throw Error("safety.frequency_min is {} and safety.frequency_max {}: the first must be smaller", o.frequency_min, o.frequency_max);
  if (!(o.frequency_stiffness >= 0)) throw Error("safety.frequency_stiffness is {}: it must not be negative", o.frequency_stiffness);
  if (o.tap_changes < 0) throw Error("safety.tap_changes is {}: it must not be negative", o.tap_changes);
  if (!(o.release_threshold <= o.intervention_threshold && o.intervention_threshold <= 1))
    throw Error("safety.release_threshold is {} and safety.intervention_threshold {}: they must not decrease, nor exceed 1",
                o.release_threshold, o.intervention_threshold);
  if (o.forecast != "measured" && o.forecast != "persistence")
    throw Error("safety.forecast is '{}': it must be measured or persistence", o.forecast);
  for (const char* known : {"idle", "rules", "self_consumption", "voltage", "curtailment"}) {
    if (o.backup == known) return;
  }
  throw Error("safety.backup is '{}': take idle, rules, self_consumption, voltage or curtailment", o.backup);
}

const char* word(Limit limit) {
  constexpr const char* words[] = {"voltage", "line", "transformer", "frequency", "taps"};
  return words[static_cast<int>(limit)];
}

Limit Assessment::worst() const {
  return static_cast<Limit>(std::max_element(use.begin(), use.end()) - use.begin());
}

std::vector<int> SafetyMonitor::taps(const GridEnvironment& environment) const {
  const Network& network = environment.network();
  const auto& state = environment.flow().state();
  std::vector<int> numbers;
  for (std::size_t r = 0; r < network.data().regulators.size(); ++r) {
    const auto transformer = static_cast<std::size_t>(network.regulator_transformers()[r]);
    const auto winding = static_cast<std::size_t>(network.data().regulators[r].winding - 1);
    numbers.push_back(tap_number(network.data().transformers[transformer].windings[winding], state.taps[transformer][winding]));
  }
  return numbers;
}

void SafetyMonitor::begin_day(const GridEnvironment& environment) {
  last_taps_ = taps(environment);
  changes_.assign(last_taps_.size(), 0);
  last_head_ = environment.flow().balance().source_power.real();
}

double SafetyMonitor::frequency(double head_power) const {
  if (options_.frequency_stiffness == 0) return frequency_;
  return frequency_ - (head_power - last_head_) / (1e6 * options_.frequency_stiffness);
}

Assessment SafetyMonitor::assess(const GridEnvironment& after, bool diverged) const {
  Assessment a;
  const auto note = [&](Limit limit, double use, int place) {
    const auto i = static_cast<std::size_t>(limit);
    if (use > a.use[i]) {
      a.use[i] = use;
      a.place[i] = place;
    }
  };
  if (diverged) {
    note(Limit::voltage, std::numeric_limits<double>::infinity(), 0);
    return a;
  }
  const double middle = voltage_middle(), half = voltage_half();
  const auto voltages = after.measured_voltages();
  for (std::size_t i = 0; i < voltages.size(); ++i) note(Limit::voltage, std::abs(voltages[i] - middle) / half, static_cast<int>(i));
  const auto lines = after.line_loadings(), transformers = after.transformer_loadings();
  for (std::size_t i = 0; i < lines.size(); ++i) note(Limit::line, lines[i] / options_.line_loading, static_cast<int>(i));
  for (std::size_t i = 0; i < transformers.size(); ++i)
    note(Limit::transformer, transformers[i] / options_.transformer_loading, static_cast<int>(i));
  const double f = frequency(options_.frequency_stiffness > 0 ? after.flow().balance().source_power.real() : 0.0);
  const double nominal = (options_.frequency_min + options_.frequency_max) / 2;
  note(Limit::frequency, std::abs(f - nominal) / (options_.frequency_max - nominal), 0);
  if (options_.tap_changes > 0) {
    const auto now = taps(after);
    for (std::size_t r = 0; r < now.size(); ++r) {
      const int moved = std::abs(now[r] - last_taps_[r]);  // one that stands still violates nothing, however often it moved before
      if (moved > 0) note(Limit::taps, static_cast<double>(changes_[r] + moved) / options_.tap_changes, static_cast<int>(r));
    }
  }
  return a;
}

void SafetyMonitor::advance(const GridEnvironment& after) {
  const auto now = taps(after);
  for (std::size_t r = 0; r < now.size(); ++r) changes_[r] += std::abs(now[r] - last_taps_[r]);
  last_taps_ = now;
  if (options_.frequency_stiffness > 0) last_head_ = after.flow().balance().source_power.real();
}

std::string SafetyMonitor::place_name(const Network& network, Limit limit, int place) const {
  const auto i = static_cast<std::size_t>(place);
  switch (limit) {
    case Limit::voltage:
      return network.node_name(network.measured_voltages()[i].node);
    case Limit::line:
      return network.data().lines[i].name;
    case Limit::transformer:
      return network.data().transformers[i].name;
    case Limit::taps:
      return network.data().regulators[i].name;
    case Limit::frequency:
      break;
  }
  return "system";
}

}  // namespace gridfed
