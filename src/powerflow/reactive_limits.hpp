#pragma once

#include "grid/network.hpp"

#include <span>
#include <vector>

namespace gridfed {

/// Positions of the generators that may hold a voltage. Throws an Error if two would hold that of one node, since nothing says how they
/// share the reactive power.
std::vector<int> holding_generators(const Network& network);

/// Which generators hold their voltage and which stand at a reactive limit: a generator that would exceed a limit stays at it until its
/// voltage has risen above the setpoint at the upper limit or fallen below it at the lower.
class ReactiveLimits {
 public:
  /// limit, by holding generator: 0 holds its voltage, -1 at its lower limit, 1 at its upper. It must outlive this object.
  ReactiveLimits(const Network& network, std::span<const int> holding, std::span<int> limit);

  /// Judges holding generator k by its reactive power [var] and mean voltage minus setpoint [p.u.] at a solution. Says whether it moved;
  /// one that keeps returning to its limit is left there in the end, so that moves end.
  bool move(int k, double reactive_power, double voltage_error);

 private:
  const Network& network_;
  std::span<const int> holding_;
  std::span<int> limit_;
  std::vector<int> returns_;
};

}  // namespace gridfed
