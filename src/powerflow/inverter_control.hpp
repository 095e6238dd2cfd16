#pragma once

#include "powerflow/power_flow.hpp"

#include <Eigen/Dense>

#include <span>
#include <vector>

namespace gridfed {

/// Inverters under volt-var and volt-watt control (OpenDSS InvControl). OpenDSS walks towards the curves in damped steps and stops within
/// tolerances of its own; here the point where every inverter stands on its curves is solved for (Anderson 1965), which is what that walk
/// tends to.
class InverterControl {
 public:
  /// `tolerance` of a setpoint as a share of the inverter's rating.
  InverterControl(const Network& network, double tolerance);

  bool empty() const { return inverters_.empty(); }

  /// Solves with every inverter at the setpoint it was left at. Did that converge?
  bool solve_as_they_stand(PowerFlow& flow, LoadingConditions& conditions, std::span<const double> panel_power,
                           std::span<const BatteryState> states);
  /// Solves until the controlled inverters are on their curves and puts their powers into the conditions. `panel_power` is the DC power of
  /// each plant, `charge` the state of charge and `states` the state of each battery. Returns the number of power flows; settled() says
  /// whether that was enough.
  int solve(PowerFlow& flow, LoadingConditions& conditions, std::span<const double> panel_power, std::span<const BatteryState> states);
  bool settled() const { return settled_; }

 private:
  struct Inverter {
    const InverterControlData* control = nullptr;
    const InverterData* data = nullptr;
    bool solar = true;
    int device = 0;
    double rating = 0, voltage_base = 0, capacity = 0, panel_rating = 0;  ///< [VA], line to neutral [V], [W]
    std::vector<int> nodes;                                               ///< of the phases
    // At this instant.
    double available = 0;  ///< active power at the terminals [W], signed
    bool running = true, controlled = true;
  };

  void prepare(std::span<const double> panel_power, std::span<const BatteryState> states, const LoadingConditions& conditions);
  double voltage(const Inverter& inverter, const PowerFlow& flow) const;
  /// Where the curves send an inverter that stands at setpoint {reactive power, limit of active power} [share of rating].
  void target(const Inverter& inverter, double voltage, double reactive, double active, double& next_reactive, double& next_active) const;
  Complex power(const Inverter& inverter, double reactive, double active) const;
  void apply(LoadingConditions& conditions) const;

  const Network& network_;
  double tolerance_;
  bool settled_ = true;
  std::vector<Inverter> inverters_;
  Eigen::VectorXd setpoint_;  // reactive powers, then limits of active power
  Eigen::VectorXd image_, residual_, last_image_, last_residual_;
  Eigen::MatrixXd image_steps_, residual_steps_;
};

}  // namespace gridfed
