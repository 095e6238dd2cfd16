#pragma once

#include "powerflow/capacitor_control.hpp"
#include "powerflow/regulator_control.hpp"

#include <cstdint>
#include <vector>

namespace gridfed {

/// Regulators and capacitor controls whose actions wait for their delays (OpenDSS control modes TIME and STATIC). A controller that wants
/// to act queues one action and is armed until that is done; back within its settings before, it takes the action back. A regulator
/// that is to turn with the power queues that beside its taps.
class ControlQueue {
 public:
  ControlQueue(const Network& network, RegulatorSettings settings);

  /// Lets every controller look at the solver's last solution at a time since midnight of the first day [s].
  void sample(const PowerFlow& flow, double time);
  /// Carries out what is due by then: regulators one tap, the next `tap_delay` later. False if nothing was due.
  bool act_until(PowerFlow& flow, double time);
  /// Carries out what is due first, whenever that is: regulators 70 % of the taps they want, one at least. False if nothing waits.
  bool act_first(PowerFlow& flow, double time);

  /// Actions that wait.
  int size() const { return static_cast<int>(waiting_.size()); }
  std::int64_t tap_operations() const { return tap_operations_; }  ///< taps moved so far
  std::int64_t capacitor_operations() const { return capacitor_operations_; }

 private:
  enum class Action { taps, turn, capacitor };
  struct Entry {
    double time = 0;
    std::int64_t handle = 0;
    Action action = Action::taps;
    int controller = 0;
  };
  struct Controller {
    bool armed = false, turning = false;
    std::int64_t handle = 0, turn_handle = 0;  ///< of the actions it can take back
    int taps = 0;                              ///< a regulator wants to move, up positive
    Operation step;                            ///< a capacitor control wants, if any
    bool wants = false;
    double last_open = 0;  ///< [s]
  };

  std::int64_t push(double time, Action action, int controller);
  void take_back(std::int64_t handle);
  void sample_direction(const PowerFlow& flow, int position, double time);
  void sample_regulator(const PowerFlow& flow, int position, double time);
  void sample_capacitors(const PowerFlow& flow, double time);
  void act(PowerFlow& flow, double until, double now, bool single_taps);
  int move(const PowerFlow& flow, int regulator, int taps);

  const Network& network_;
  RegulatorSettings settings_;
  std::vector<Controller> regulators_, capacitors_;
  std::vector<Entry> waiting_;  // earliest first; of equal times the one that came last
  std::vector<Operation> operations_;
  std::int64_t next_handle_ = 1, tap_operations_ = 0, capacitor_operations_ = 0;
};

}  // namespace gridfed
