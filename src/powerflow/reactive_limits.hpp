#pragma once

#include "grid/network.hpp"

#include <span>
#include <vector>

namespace gridfed {

/// Generators that hold the voltage of the same phases together.
struct HeldVoltage {
  std::vector<int> generators;                 ///< by position
  double min_reactive = 0, max_reactive = 0;   ///< of all together [var]
  int first() const { return generators[0]; }  ///< its terminal, rated voltage and setpoint are those of all
};

/// What generators may hold, in the order of the first of each. Throws an Error where two hold voltages that meet in a node and are not the
/// same, or hold it at different setpoints.
std::vector<HeldVoltage> held_voltages(const Network& network);

/// Sets the reactive powers by which generators deliver `total` [var] together: each stands at the same share of its range, an infinite
/// limit counting as far away as the total and all finite limits together (MATPOWER's pfsoln); equal parts beyond ranges that are all zero.
void share_reactive_power(const Network& network, const HeldVoltage& held, double total, std::span<Complex> generator_power);

/// Which generators hold their voltage and which stand at a reactive limit: generators that would exceed a limit stay at it until their
/// voltage has risen above the setpoint at the upper limit or fallen below it at the lower.
class ReactiveLimits {
 public:
  /// limit, by held voltage: 0 is held, -1 stands at the lower limit, 1 at the upper. Both must outlive this object.
  ReactiveLimits(const Network& network, std::span<const HeldVoltage> held, std::span<int> limit);

  /// Judges held voltage k by the reactive power [var] and mean voltage minus setpoint [p.u.] at a solution whose voltages are known to
  /// `accuracy` [p.u.]. Says whether it moved; one that keeps returning to its limit is left there in the end, so that moves end.
  bool move(int k, double reactive_power, double voltage_error, double accuracy = 0);

 private:
  const Network& network_;
  std::span<const HeldVoltage> held_;
  std::span<int> limit_;
  std::vector<int> returns_;
};

}  // namespace gridfed
