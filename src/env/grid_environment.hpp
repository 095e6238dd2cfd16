#pragma once

#include "dynamics/scenario.hpp"
#include "env/constraint_costs.hpp"
#include "env/zones.hpp"
#include "powerflow/power_flow.hpp"
#include "powerflow/static_control.hpp"

#include <boost/program_options/options_description.hpp>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <tuple>
#include <vector>

namespace gridfed {

/// The decision problem. Weights are in $ so that a return is money; scaled rewards are what a learner sees.
struct EnvironmentOptions {
  int zones = 4;
  std::string actions = "battery,reactive,curtailment";  ///< any of battery, reactive, curtailment, flexible_load, tap, capacitor
  double voltage_min = 0.95, voltage_max = 1.05;         ///< [p.u.]
  std::string constraints = "voltage,thermal";           ///< whose violations cost and are penalised: any of voltage, thermal, stability
  double loss_weight = 1.0;                              ///< of losses, valued at the energy price
  double safety_penalty = 100.0;                         ///< [peak load x energy price x hour] per unit of constraint violation and hour
  double tap_wear = 0.10;                                ///< [$] per tap operation
  double battery_wear = 0.01;                            ///< [$/kWh] of throughput
  double stored_energy_price = 0;                        ///< [$/kWh] at which the battery charge is settled; 0 = the mean price of the day
  double reward_floor = -0.2;                            ///< a step's reward is never below; the reported return is not clipped
  double flexible_share = 0.10;                          ///< of each load that can be moved
  double tap_bias = 2.0;                                 ///< [V] on 120 V that a full tap action moves the regulators' setpoints
  bool volt_var = true;                                  ///< inverters follow IEEE 1547-2018 category B around which `reactive` acts
  double power_flow_tolerance = 1e-6;                    ///< [p.u.]
};

void declare(boost::program_options::options_description& deck, EnvironmentOptions& options);

/// What a zone's action is made of, in this order.
enum class ZoneAction { battery, reactive, curtailment, flexible_load, tap, capacitor };

/// One step's account. Costs in $, positive = paid.
struct StepInfo {
  double energy_cost = 0, loss_cost = 0, violation_penalty = 0, tap_wear = 0, battery_wear = 0;
  double idle_cost = 0;            ///< what the step costs if every action is zero all day: no action changes it
  double stored_energy_value = 0;  ///< gained by charging, settled at stored_energy_price
  double scaled_return = 0;        ///< (idle cost - costs + stored energy) / (peak load x energy price x hour), not clipped
  double voltage_violation = 0;    ///< mean over measurements of the excess beyond the limits over 0.05 p.u.
  double thermal_violation = 0;    ///< mean over lines and transformers of the loading above 1
  double stability_violation = 0;  ///< see constraint_costs.hpp, of the lowest voltage; 1 without an operating point
  int nodes_violated = 0, branches_overloaded = 0;
  int tap_operations = 0;
  double voltage_lowest = 1, voltage_highest = 1;                                                ///< [p.u.]
  double unserved = 0;                                                                           ///< load without supply in an outage [W]
  double head_power = 0, losses = 0, load = 0, solar = 0, wind = 0, curtailed = 0, battery = 0;  ///< [W]
  bool diverged = false;
  int clipped_actions = 0;  ///< components outside [-1, 1]
};

struct StepResult {
  std::span<const float> observation;  ///< valid until the next step or reset
  double reward = 0;                   ///< scaled_return, not below reward_floor
  double cost = 0;                     ///< constraint violation, summed over env.constraints
  bool terminated = false, truncated = false;
  StepInfo info;
};

/// Where a day stands between two steps: what a model of the feeder takes over from another, or from measurements.
struct DayState {
  int step = 0;                                                ///< taken
  LoadingConditions conditions;                                ///< of the step that ended
  GridState grid;                                              ///< taps, capacitors, switches
  std::vector<double> charge, flexible;                        ///< of batteries [share of capacity]; moved energy of loads [Wh]
  std::vector<double> solar_share, wind_share, battery_share;  ///< reactive output over rating
};

/// One feeder as a decision process through the zonal interface. A step's return is what it saves against the same day with every action at
/// zero (regulators and volt-var act, batteries idle), which the environment plays once for itself: the weather, the load and the price of
/// a day move the cost far more than any action does, and this takes all of that out of the reward without changing what is best. Episodes
/// are days; the last step settles the stored energy, which makes the horizon part of the problem: it ends `terminated`, as does a diverged
/// power flow.
class GridEnvironment {
 public:
  /// Days are drawn, or where there is a history taken from it.
  GridEnvironment(std::shared_ptr<const Network> network, const ScenarioOptions& scenario, const EnvironmentOptions& options,
                  std::shared_ptr<const History> history = nullptr);

  int observation_size() const;
  int action_size() const;
  /// Name of each observation and action component, with its unit.
  std::vector<std::string> observation_names() const;
  std::vector<std::string> action_names() const;
  const EnvironmentOptions& options() const { return options_; }
  const Network& network() const { return *network_; }
  const Zones& zones() const { return zones_; }
  const std::vector<ZoneAction>& zone_actions() const { return actions_; }
  const Scenario& scenario() const { return scenario_; }
  double timestep() const { return scenario_options_.timestep; }
  int step_number() const { return step_; }
  double peak_load() const { return peak_load_; }                                      ///< [W]
  double stored_energy_price() const;                                                  ///< [$/kWh] of the present day
  double scale() const { return peak_load_ / 1000 * scenario_options_.energy_price; }  ///< [$] per unit of return
  std::span<const double> battery_charge() const { return soc_; }
  /// Measured output of all batteries in the last step, positive = discharge [W].
  double battery_power() const;
  double battery_power(int zone) const;  ///< of a zone's batteries [W]
  double zone_peak(int zone) const;      ///< what a zone's powers are measured in [W]
  /// Voltages the operator judges, at the last solution [p.u.].
  std::span<const double> measured_voltages() const { return voltages_; }
  std::span<const double> line_loadings() const { return line_loading_; }
  std::span<const double> transformer_loadings() const { return transformer_loading_; }
  /// At the last solution.
  const UnbalancedPowerFlow& flow() const { return flow_; }

  /// Starts day `day` of `client` under `seed`; taps, charges and voltages start the same whatever came before.
  std::span<const float> reset(std::uint64_t seed, int client, int day);
  /// Components outside [-1, 1] are clipped and counted. Throws Error for a wrong size or a value that is not finite.
  StepResult step(std::span<const float> action);

  DayState state() const;
  /// Goes on from there in the given day: a model that foresees a step of another environment. Returns are then not relative to an idle
  /// day. Throws Error for a state of another network.
  void resume(const DayState& state, const Scenario& scenario);
  /// Solves the present state as it is, without any control acting, and observes it; nothing where that does not converge.
  std::optional<std::span<const float>> look();

 private:
  struct Applied;
  void apply(std::span<const float> action, Applied& applied);
  bool settle(Applied& applied);
  void start_day();
  void mark_outages(int step);
  const std::vector<double>& idle_costs(std::uint64_t seed, int client, int day);
  double account(Applied& applied, int step, std::span<const double> charge_before) const;
  double violation(const StepInfo& info) const;
  void measure();
  void observe();
  double inverter_voltage(std::span<const int> nodes, double rated_voltage, Connection connection, int phases) const;

  std::shared_ptr<const Network> network_;
  std::shared_ptr<const History> history_;
  ScenarioOptions scenario_options_;
  EnvironmentOptions options_;
  std::vector<ZoneAction> actions_;
  std::vector<ConstraintCost> constraints_;
  Zones zones_;
  UnbalancedPowerFlow flow_;
  GridState initial_state_;
  RegulatorSettings settings_;
  double peak_load_ = 0;

  Scenario scenario_;
  int step_ = 0;
  LoadingConditions conditions_;
  std::vector<double> soc_, flexible_;  // share of capacity; moved energy [Wh]
  std::vector<double> voltages_, line_loading_, transformer_loading_;
  std::vector<double> solar_share_, wind_share_, battery_share_;  // reactive output over rating
  std::vector<int> lines_out_;
  std::vector<char> dark_buses_, dark_loads_, dark_solar_, dark_wind_, dark_batteries_;  // without supply
  std::vector<float> observation_;
  std::map<std::tuple<std::uint64_t, int, int>, std::vector<double>> idle_costs_;  // by seed, client, day [$]
  const std::vector<double>* idle_ = nullptr;                                      // of the present day
};

}  // namespace gridfed
