#pragma once

#include "evaluation/reliability/model.hpp"

#include <limits>
#include <map>
#include <optional>

namespace gridfed {

/// Load points that a fault interrupts alike.
struct Effect {
  std::vector<int> load_points;
  bool repaired = false;  ///< they wait for the repair; otherwise for switching
  double closing = 0;     ///< of the normally open point that takes them over, at least this long [h]
};

/// What a fault in a block, or in the device between two, does.
struct Consequence {
  std::vector<Effect> effects;          ///< of a sustained fault
  std::vector<int> reclosed;            ///< load points that a temporary fault interrupts for a moment, where a recloser clears it
  bool temporary_is_sustained = false;  ///< no recloser sees the fault: a temporary one has to be switched back by hand
};

/// Consequences of every fault location that components have, found once for each.
///  1. The protective devices nearest to the fault open: all blocks reached from it without passing one are dead, and what they fed.
///  2. Once the fault's blocks are isolated by the devices around them, all that reaches a source without them has supply again.
///  3. What is left is taken over by normally open points, the quickest first, block by block outwards from the point as long as the peak
///     load fits. Load points on phases that the point does not have stay out.
///  4. The rest waits for the repair, and so do the fault's own blocks.
/// A temporary fault is cleared by the nearest reclosers; fuses between are saved.
class Consequences {
 public:
  explicit Consequences(const ReliabilityModel& model);
  const Consequence& of(const Component& component) const { return found_.at(component.blocks); }

 private:
  Consequence work_out(const std::array<int, 2>& fault) const;
  void take_over(const std::vector<std::uint8_t>& supplied, std::vector<std::uint8_t>& waiting, std::vector<Effect>& effects) const;

  const ReliabilityModel& model_;
  std::vector<std::uint8_t> energised_;  // before any fault
  std::vector<int> ties_;                // normally open links, the quickest first
  std::map<std::array<int, 2>, Consequence> found_;
};

/// How long an effect lasts when the component fails and its repair takes `repair` [h].
double interruption_duration(const Effect& effect, const FailureData& failure, double repair);

}  // namespace gridfed
