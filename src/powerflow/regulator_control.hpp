#pragma once

#include "powerflow/power_flow.hpp"

#include <vector>

namespace gridfed {

/// What a regulator does by the power that flows through it: ReversePower, once power has flowed back for long enough.
enum class RegulatorMode { forward, reverse, cogeneration };

/// What may differ from the data in one settlement.
struct RegulatorSettings {
  std::vector<double> setpoint;     ///< by regulator [V] on the potential transformer's secondary
  std::vector<RegulatorMode> mode;  ///< by regulator
};

/// Setpoints as the data has them, power flowing forward.
RegulatorSettings regulator_settings(const Network& network);

/// Voltage a regulator compares with its setpoint at the solver's last solution, on the potential transformer's secondary:
/// |V - (R + jX) I / CT| or |V| - Z |I| / CT; in reverse the far side's, so far as the tap tells it [V].
double compensated_voltage(const PowerFlow& flow, int regulator, RegulatorMode mode = RegulatorMode::forward);

/// Does power flow, beyond the threshold, against the direction this mode is for?
bool wants_to_turn(const PowerFlow& flow, int regulator, RegulatorMode mode);
/// The mode after turning.
RegulatorMode turned(const RegulatorData& regulator, RegulatorMode mode);
/// Does it only go to its neutral tap in this mode?
bool goes_to_neutral(const RegulatorData& regulator, RegulatorMode mode);

/// Towards which tap a regulator wants to move at the solver's last solution (OpenDSS RegControl).
struct RegulatorWish {
  bool content = false;   ///< within its band, wants to stay
  int taps = 0;           ///< up positive; 0 if no tap brings it closer
  bool at_limit = false;  ///< no tap is left that way
  double delay = 0;       ///< before the first of them [s]
};
RegulatorWish regulator_wish(const PowerFlow& flow, int regulator, const RegulatorSettings& settings);

/// Taps of a wish that are moved at once where delays do not count: 70 % of them, one at least (OpenDSS control mode STATIC).
int taps_at_once(const RegulatorData& regulator, int taps);

/// One control iteration of the regulators alone: those with the shortest delay move, or turn, at once; the solver must then be solved
/// again. Returns the sum of |tap number changes|; 0 when every regulator is content.
int move_regulators(PowerFlow& flow, RegulatorSettings& settings);

}  // namespace gridfed
