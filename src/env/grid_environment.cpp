#include "env/grid_environment.hpp"

#include "dynamics/devices.hpp"
#include "dynamics/ieee1547.hpp"
#include "env/zonal_observation.hpp"
#include "runtime/error.hpp"

#include <algorithm>
#include <boost/program_options.hpp>
#include <cmath>
#include <numbers>
#include <sstream>

namespace gridfed {

void declare(boost::program_options::options_description& deck, EnvironmentOptions& o) {
  namespace po = boost::program_options;
  const auto value = [](auto& field) { return po::value(&field)->default_value(field); };
  deck.add_options()("env.zones", value(o.zones), "electrical zones a feeder is cut into")(
      "env.actions", value(o.actions), "what a zone's action is made of: battery, reactive, curtailment, flexible_load, tap, capacitor")(
      "env.voltage_min", value(o.voltage_min), "lower voltage limit [p.u.]")("env.voltage_max", value(o.voltage_max),
                                                                             "upper voltage limit [p.u.]")(
      "env.constraints", value(o.constraints), "whose violations are a step's cost and penalised: voltage, thermal, stability")(
      "env.loss_weight", value(o.loss_weight), "weight of losses, valued at the energy price")(
      "env.safety_penalty", value(o.safety_penalty),
      "penalty of one unit of constraint violation for an hour [peak load x energy price x hour]")(
      "env.tap_wear", value(o.tap_wear), "cost of a tap operation [$]")("env.battery_wear", value(o.battery_wear),
                                                                        "cost of battery throughput [$/kWh]")(
      "env.stored_energy_price", value(o.stored_energy_price),
      "price at which battery charge is settled [$/kWh]; 0 = the day's mean price")(
      "env.reward_floor", value(o.reward_floor), "a step's reward is never below")("env.flexible_share", value(o.flexible_share),
                                                                                   "share of each load that can be moved")(
      "env.tap_bias", value(o.tap_bias), "setpoint shift of a full tap action [V on 120 V]")(
      "env.volt_var", value(o.volt_var), "whether inverters follow IEEE 1547-2018 volt-var, category B")(
      "env.power_flow_tolerance", value(o.power_flow_tolerance), "tolerance of the power flow in a step [p.u.]");
}

namespace {

constexpr const char* action_words[] = {"battery", "reactive", "curtailment", "flexible_load", "tap", "capacitor"};
constexpr double volt_var_damping = 0.6;   // of the reactive update: weak feeders have a loop gain near one
constexpr double volt_var_settled = 2e-3;  // [share of rating]
constexpr int volt_var_rounds = 12, control_rounds = 8;
constexpr double voltage_unit = ZonalObservation::voltage_unit;
constexpr double price_unit = 0.3;  // [mean price]: what it varies by in a day, so that no feature is too faint to learn from
constexpr double flexible_recovery_hours = 2.0;

std::vector<ZoneAction> parse_actions(const std::string& words) {
  std::vector<ZoneAction> actions;
  std::istringstream in(words);
  std::string word;
  while (std::getline(in, word, ',')) {
    std::erase(word, ' ');
    const auto found = std::find_if(std::begin(action_words), std::end(action_words), [&](const char* known) { return word == known; });
    if (found == std::end(action_words)) {
      throw Error("env.actions names '{}': it may list battery, reactive, curtailment, flexible_load, tap and capacitor", word);
    }
    const auto action = static_cast<ZoneAction>(found - std::begin(action_words));
    if (std::find(actions.begin(), actions.end(), action) != actions.end()) throw Error("env.actions names '{}' twice: name it once", word);
    actions.push_back(action);
  }
  if (actions.empty())
    throw Error("env.actions is empty: name at least one of battery, reactive, curtailment, flexible_load, tap, capacitor");
  std::sort(actions.begin(), actions.end());
  return actions;
}

}  // namespace

/// Setpoints of a step after clipping, by zone.
struct GridEnvironment::Applied {
  std::vector<double> battery, reactive, curtailment, flexible, tap, capacitor;
  StepInfo info;
};

GridEnvironment::GridEnvironment(std::shared_ptr<const Network> network, const ScenarioOptions& scenario, const EnvironmentOptions& options,
                                 std::shared_ptr<const History> history)
    : network_(std::move(network)),
      history_(std::move(history)),
      scenario_options_(scenario),
      options_(options),
      actions_(parse_actions(options.actions)),
      constraints_(constraint_costs(options.constraints)),
      zones_(make_zones(*network_, options.zones)),
      flow_(network_, {.tolerance = options.power_flow_tolerance, .max_iterations = 100}),
      initial_state_(initial_state(*network_)),
      settings_(regulator_settings(*network_)) {
  validate(scenario);
  if (!(options.voltage_min < options.voltage_max)) {
    throw Error("env.voltage_min is {} and env.voltage_max {}: the first must be smaller", options.voltage_min, options.voltage_max);
  }
  const auto& data = network_->data();
  for (const auto& load : data.loads) peak_load_ += load.power.real();
  if (!(peak_load_ > 0)) throw Error("network '{}' has no load: an environment needs some", data.name);
  soc_.resize(data.batteries.size());
  flexible_.resize(data.loads.size());
  voltages_.resize(network_->measured_voltages().size());
  line_loading_.resize(data.lines.size());
  transformer_loading_.resize(data.transformers.size());
  solar_share_.resize(data.solar.size());
  wind_share_.resize(data.wind.size());
  battery_share_.resize(data.batteries.size());
  dark_buses_.resize(network_->buses().size());
  dark_loads_.resize(data.loads.size());
  dark_solar_.resize(data.solar.size());
  dark_wind_.resize(data.wind.size());
  dark_batteries_.resize(data.batteries.size());
  observation_.resize(observation_size());
  conditions_ = rated_conditions(*network_);
}

int GridEnvironment::observation_size() const {
  return ZonalObservation::size(options_.zones);
}
int GridEnvironment::action_size() const {
  return options_.zones * static_cast<int>(actions_.size());
}

double GridEnvironment::battery_power() const {
  double sum = 0;
  for (const Complex& power : conditions_.battery_power) sum += power.real();
  return sum;
}

double GridEnvironment::battery_power(int zone) const {
  double sum = 0;
  for (const int b : zones_.zones[zone].batteries) sum += conditions_.battery_power[b].real();
  return sum;
}

double GridEnvironment::zone_peak(int zone) const {
  return std::max(zones_.zones[zone].peak_load, 0.25 * peak_load_ / options_.zones);
}

std::vector<std::string> GridEnvironment::action_names() const {
  std::vector<std::string> names;
  for (const auto action : actions_) {
    for (int z = 0; z < options_.zones; ++z)
      names.push_back(fmt::format("zone{}.{} [-1..1]", z + 1, action_words[static_cast<int>(action)]));
  }
  return names;
}

std::vector<std::string> GridEnvironment::observation_names() const {
  std::vector<std::string> names;
  for (int z = 1; z <= options_.zones; ++z) {
    for (const char* feature :
         {"voltage_min [0.02 p.u. from 1]", "voltage_mean [0.02 p.u. from 1]", "voltage_max [0.02 p.u. from 1]", "net_load [zone peak]",
          "solar [zone peak]", "wind [zone peak]", "battery_charge [-1..1]", "loading [rating]"}) {
      names.push_back(fmt::format("zone{}.{}", z, feature));
    }
  }
  for (const char* feature :
       {"head_active [peak]", "head_reactive [peak]", "time_sin [-]", "time_cos [-]", "time_left [episode]", "price [0.3 mean price]",
        "price_next_hour [0.3 mean price]", "price_next_2h [0.3 mean price]", "price_next_4h [0.3 mean price]",
        "price_above_remaining_mean [0.3 mean price]", "rise_to_maximum_8h [0.3 mean price]", "fall_to_minimum_8h [0.3 mean price]",
        "hours_dearer_8h [3 h]", "hours_cheaper_8h [3 h]", "hours_dearer_remaining [6 h]", "price_above_settlement [0.3 mean price]"}) {
    names.emplace_back(feature);
  }
  return names;
}

double GridEnvironment::stored_energy_price() const {
  if (options_.stored_energy_price > 0) return options_.stored_energy_price;
  double mean = 0;
  for (const double p : scenario_.price) mean += p;
  return mean / static_cast<double>(scenario_.price.size());
}

/// Charges, taps and voltages at midnight, whatever came before.
void GridEnvironment::start_day() {
  step_ = 0;
  const auto& batteries = network_->data().batteries;
  for (std::size_t i = 0; i < batteries.size(); ++i) soc_[i] = batteries[i].initial_soc;
  std::fill(flexible_.begin(), flexible_.end(), 0.0);
  for (auto* share : {&solar_share_, &wind_share_, &battery_share_}) std::fill(share->begin(), share->end(), 0.0);
  settings_ = regulator_settings(*network_);
  conditions_ = rated_conditions(*network_);  // reactive power outlasts a step, but not a day
  flow_.set_state(initial_state_);
  flow_.flat_start();
  Applied idle;
  const auto soc = soc_;
  apply(std::vector<float>(action_size(), 0.0f), idle);
  soc_ = soc;
  if (!settle(idle)) {
    throw Error("the power flow of network '{}' does not converge at the start of a day (largest mismatch at {}): check its loads and DERs",
                network_->data().name, network_->node_name(std::max(0, flow_.mismatch().node)));
  }
  measure();
}

/// Cost of each step with every action at zero; a step that diverges costs what a diverged step costs, and so do those after it.
const std::vector<double>& GridEnvironment::idle_costs(std::uint64_t seed, int client, int day) {
  auto [entry, added] = idle_costs_.try_emplace({seed, client, day});
  if (!added) return entry->second;
  start_day();
  const std::vector<float> nothing(action_size(), 0.0f);
  for (; step_ < scenario_.steps; ++step_) {
    Applied a;
    const auto before = soc_;
    apply(nothing, a);
    a.info.diverged = !settle(a);
    if (!a.info.diverged) measure();
    entry->second.push_back(account(a, step_, before));
  }
  return entry->second;
}

std::span<const float> GridEnvironment::reset(std::uint64_t seed, int client, int day) {
  scenario_ = draw_scenario(*network_, scenario_options_, seed, client, day, history_.get());
  idle_ = &idle_costs(seed, client, day);
  start_day();
  observe();
  return observation_;
}

/// Protection opens a line that fails: what hangs behind it has no supply until it is repaired, and the rest of the feeder goes on. A step
/// in which a line is out for half the time or more counts whole.
void GridEnvironment::mark_outages(int step) {
  std::vector<int> out;
  const double middle = (step + 0.5) * scenario_options_.timestep;
  for (const auto& outage : scenario_.outages) {
    if (outage.begin <= middle && middle < outage.end) out.push_back(outage.line);
  }
  if (out == lines_out_) return;
  lines_out_ = out;
  dark_buses_ = dark_buses(*network_, initial_state_, lines_out_);
  const auto mark = [&](const auto& devices, std::vector<char>& flags) {
    for (std::size_t i = 0; i < devices.size(); ++i) flags[i] = dark_buses_[network_->bus_of(devices[i].terminal)];
  };
  const auto& data = network_->data();
  mark(data.loads, dark_loads_);
  mark(data.solar, dark_solar_);
  mark(data.wind, dark_wind_);
  mark(data.batteries, dark_batteries_);
}

void GridEnvironment::apply(std::span<const float> action, Applied& a) {
  const auto& data = network_->data();
  const int zones = options_.zones, t = std::min(step_, scenario_.steps - 1);
  const double hours = scenario_options_.timestep / 3600.0;
  const auto component = [&](ZoneAction wanted) {
    std::vector<double> values(zones, 0.0);
    const auto found = std::find(actions_.begin(), actions_.end(), wanted);
    if (found == actions_.end()) return values;
    for (int z = 0; z < zones; ++z) {
      const double raw = action[(found - actions_.begin()) * zones + z];
      values[z] = std::clamp(raw, -1.0, 1.0);
      a.info.clipped_actions += values[z] != raw;
    }
    return values;
  };
  a.battery = component(ZoneAction::battery);
  a.reactive = component(ZoneAction::reactive);
  a.curtailment = component(ZoneAction::curtailment);
  a.flexible = component(ZoneAction::flexible_load);
  a.tap = component(ZoneAction::tap);
  a.capacitor = component(ZoneAction::capacitor);
  mark_outages(t);

  for (int z = 0; z < zones; ++z) {
    const auto& zone = zones_.zones[z];
    for (const int load : zone.loads) {
      const double factor = scenario_.load_factor(t, load);
      const Complex drawn = data.loads[load].power * factor;
      if (dark_loads_[load]) {
        a.info.unserved += drawn.real();
        conditions_.load_power[load] = 0;
        continue;
      }
      a.info.load += drawn.real();
      // Moved load comes back over the next hours: what was taken now is a debt that decays into extra load, and the other way round.
      const double limit = options_.flexible_share * data.loads[load].power.real() * flexible_recovery_hours;
      const double rebound = flexible_[load] / flexible_recovery_hours;
      double moved = a.flexible[z] * options_.flexible_share * drawn.real();
      moved = std::clamp(moved, (-limit - flexible_[load]) / hours, (limit - flexible_[load]) / hours);
      flexible_[load] += (moved - rebound) * hours;
      conditions_.load_power[load] = drawn.real() > 0 ? drawn * (1.0 + (moved - rebound) / drawn.real()) : drawn;
    }
    const double keep = 1.0 - std::max(0.0, a.curtailment[z]);
    for (const int plant : zone.solar) {
      const double power = dark_solar_[plant] ? 0.0 : data.solar[plant].capacity * scenario_.solar_factor(t, plant);
      const double available = std::min(power, data.solar[plant].inverter_rating);
      conditions_.solar_power[plant] = {available * keep, conditions_.solar_power[plant].imag()};
      a.info.solar += available * keep;
      a.info.curtailed += available * (1 - keep);
    }
    for (const int plant : zone.wind) {
      const double power = dark_wind_[plant] ? 0.0 : data.wind[plant].capacity * scenario_.wind_factor(t, plant);
      const double available = std::min(power, data.wind[plant].inverter_rating);
      conditions_.wind_power[plant] = {available * keep, conditions_.wind_power[plant].imag()};
      a.info.wind += available * keep;
      a.info.curtailed += available * (1 - keep);
    }
    // The zone's setpoint goes to its batteries in proportion to what each can do in this step.
    double able = 0;
    for (const int b : zone.batteries)
      if (!dark_batteries_[b])
        able += std::abs(battery_step(data.batteries[b], soc_[b], std::copysign(1e30, a.battery[z]), scenario_options_.timestep).power);
    const double wanted = a.battery[z] * zone.battery_power;
    const double share = able > 0 ? std::min(1.0, std::abs(wanted) / able) : 0.0;
    for (const int b : zone.batteries) {
      if (dark_batteries_[b]) {
        conditions_.battery_power[b] = 0;
        continue;
      }
      const double most = battery_step(data.batteries[b], soc_[b], std::copysign(1e30, a.battery[z]), scenario_options_.timestep).power;
      const BatteryStep done = battery_step(data.batteries[b], soc_[b], share * most, scenario_options_.timestep);
      soc_[b] = done.soc;
      conditions_.battery_power[b] = {done.power, conditions_.battery_power[b].imag()};
      a.info.battery += done.power;
    }
    for (const int regulator : zone.regulators) {
      settings_.setpoint[regulator] = data.regulators[regulator].setpoint * (1.0 + a.tap[z] * options_.tap_bias / 120.0);
    }
  }
  if (std::find(actions_.begin(), actions_.end(), ZoneAction::capacitor) != actions_.end()) {
    GridState state = flow_.state();
    for (int z = 0; z < zones; ++z) {
      for (const int c : zones_.zones[z].capacitors) {
        for (std::size_t k = 0; k < state.capacitors[c].size(); ++k)
          state.capacitors[c][k] = a.capacitor[z] < -0.5 ? 0 : data.capacitors[c].states[k];
      }
    }
    flow_.set_state(state);
  }
}

double GridEnvironment::inverter_voltage(std::span<const int> nodes, double rated_voltage, Connection connection, int phases) const {
  const auto& v = flow_.solution().bus_voltages;
  const auto at = [&](int node) { return node == ground ? Complex{} : v[node]; };
  double sum = 0;
  int count = 0;
  if (connection == Connection::wye) {
    for (int p = 0; p < phases; ++p, ++count) sum += std::abs(at(nodes[p]) - at(nodes.back()));
    if (phases > 1) rated_voltage /= std::numbers::sqrt3;
  } else {
    const int n = static_cast<int>(nodes.size());
    for (int p = 0; p < (n == 2 ? 1 : n); ++p, ++count) sum += std::abs(at(nodes[p]) - at(nodes[(p + 1) % n]));
  }
  return sum / count / rated_voltage;
}

/// Volt-var settles within seconds, regulators follow after their delay: the step ends where neither wants to move.
bool GridEnvironment::settle(Applied& a) {
  const auto& data = network_->data();
  double largest = 0;
  const auto reactive = [&](const auto& devices, auto nodes, const std::vector<char>& dark, std::vector<double>& share,
                            std::vector<Complex>& power, auto zone_list) {
    for (int z = 0; z < options_.zones; ++z) {
      for (const int i : zone_list(zones_.zones[z])) {
        const auto& device = devices[i];
        if (dark[i]) {
          share[i] = 0;
          power[i] = 0;
          continue;
        }
        const double curve =
            options_.volt_var ? volt_var(inverter_voltage(nodes[i], device.rated_voltage, device.connection, device.phases)) : 0.0;
        double wanted = std::clamp(curve + a.reactive[z] * reactive_capability, -reactive_capability, reactive_capability);
        const double p = power[i].real() / device.inverter_rating;
        const double room = std::sqrt(std::max(0.0, 1.0 - p * p));
        wanted = std::clamp(wanted, -room, room);
        const double change = wanted - share[i];
        largest = std::max(largest, std::abs(change));
        share[i] += volt_var_damping * change;
        share[i] = std::clamp(share[i], -room, room);
        power[i] = {power[i].real(), share[i] * device.inverter_rating};
      }
    }
  };
  if (!flow_.solve(conditions_).converged) return false;
  for (int round = 0; round < control_rounds; ++round) {
    for (int inner = 0; inner < volt_var_rounds; ++inner) {
      largest = 0;
      reactive(
          data.solar, network_->solar_nodes(), dark_solar_, solar_share_, conditions_.solar_power,
          [](const Zones::Zone& z) -> const auto& { return z.solar; });
      reactive(
          data.wind, network_->wind_nodes(), dark_wind_, wind_share_, conditions_.wind_power,
          [](const Zones::Zone& z) -> const auto& { return z.wind; });
      reactive(
          data.batteries, network_->battery_nodes(), dark_batteries_, battery_share_, conditions_.battery_power,
          [](const Zones::Zone& z) -> const auto& { return z.batteries; });
      if (!flow_.solve(conditions_).converged) return false;
      if (largest < volt_var_settled) break;
    }
    const int operations = move_regulators(flow_, settings_);
    if (operations == 0) return true;
    a.info.tap_operations += operations;
    if (!flow_.solve(conditions_).converged) return false;
  }
  return true;
}

void GridEnvironment::measure() {
  const auto& v = flow_.solution().bus_voltages;
  const auto measurements = network_->measured_voltages();
  for (std::size_t i = 0; i < measurements.size(); ++i) {
    const auto& m = measurements[i];
    if (dark_buses_[m.bus]) {
      voltages_[i] = 1;  // nobody judges a voltage that is not there
      continue;
    }
    voltages_[i] = std::abs(v[m.node] - (m.reference == ground ? Complex{} : v[m.reference])) / m.base;
  }
  flow_.loadings(line_loading_, transformer_loading_);
}

void GridEnvironment::observe() {
  std::size_t at = 0;
  const auto put = [&](double value) { observation_[at++] = static_cast<float>(std::clamp(value, -10.0, 10.0)); };
  for (int z = 0; z < options_.zones; ++z) {
    const auto& zone = zones_.zones[z];
    double lowest = 2, highest = 0, sum = 0;
    for (const int m : zone.measurements) {
      lowest = std::min(lowest, voltages_[m]);
      highest = std::max(highest, voltages_[m]);
      sum += voltages_[m];
    }
    const double count = static_cast<double>(zone.measurements.size());
    if (zone.measurements.empty()) lowest = highest = 1;
    put((lowest - 1) / voltage_unit);
    put(zone.measurements.empty() ? 0.0 : (sum / count - 1) / voltage_unit);
    put((highest - 1) / voltage_unit);
    double load = 0, solar = 0, wind = 0, battery = 0, charge = 0, loading = 0;
    for (const int i : zone.loads) load += conditions_.load_power[i].real();
    for (const int i : zone.solar) solar += conditions_.solar_power[i].real();
    for (const int i : zone.wind) wind += conditions_.wind_power[i].real();
    for (const int i : zone.batteries) {
      battery += conditions_.battery_power[i].real();
      charge += soc_[i] * network_->data().batteries[i].capacity_wh;
    }
    for (const int i : zone.lines) loading = std::max(loading, line_loading_[i]);
    const double peak = zone_peak(z);
    put((load - solar - wind - battery) / peak);
    put(solar / peak);
    put(wind / peak);
    put(zone.battery_energy > 0 ? 2 * charge / zone.battery_energy - 1 : 0.0);
    put(loading);
  }
  const auto balance = flow_.balance();
  put(balance.source_power.real() / peak_load_);
  put(balance.source_power.imag() / peak_load_);
  const double day_share = (step_ * scenario_options_.timestep) / 86400.0;
  put(std::sin(2 * std::numbers::pi * day_share));
  put(std::cos(2 * std::numbers::pi * day_share));
  put(1.0 - static_cast<double>(step_) / scenario_.steps);

  // Look-ahead on the day-ahead price, which is public at midnight.
  const auto& price = scenario_.price;
  const int n = scenario_.steps, now = std::min(step_, n - 1);
  const double mean = scenario_options_.energy_price, unit = price_unit * mean, present = price[now];
  const int per_hour = std::max(1, static_cast<int>(std::lround(3600.0 / scenario_options_.timestep)));
  const auto mean_ahead = [&](int from, int to) {  // of hours [from, to) ahead, the last price beyond the end of the day
    double sum = 0;
    for (int k = from * per_hour; k < to * per_hour; ++k) sum += price[std::min(n - 1, now + k)];
    return sum / ((to - from) * per_hour);
  };
  put((present - mean) / unit);
  put((mean_ahead(1, 2) - mean) / unit);
  put((mean_ahead(2, 3) - mean) / unit);
  put((mean_ahead(3, 5) - mean) / unit);
  double remaining = 0, highest = present, lowest = present;
  int dearer = 0, cheaper = 0, dearer_remaining = 0;
  const int horizon = 8 * per_hour;
  for (int k = now; k < n; ++k) {
    remaining += price[k];
    dearer_remaining += price[k] > present;
    if (k - now >= horizon) continue;
    highest = std::max(highest, price[k]);
    lowest = std::min(lowest, price[k]);
    dearer += price[k] > present;
    cheaper += price[k] < present;
  }
  put((present - remaining / (n - now)) / unit);
  put((highest - present) / unit);
  put((present - lowest) / unit);
  put(static_cast<double>(dearer) / (3 * per_hour));
  put(static_cast<double>(cheaper) / (3 * per_hour));
  put(static_cast<double>(dearer_remaining) / (6 * per_hour));
  put((present - stored_energy_price()) / unit);
}

/// Fills in the costs of a settled step and returns what it costs in all, less the value of the energy it stored [$].
double GridEnvironment::account(Applied& a, int step, std::span<const double> charge_before) const {
  StepInfo& info = a.info;
  const double hours = scenario_options_.timestep / 3600.0, price = scenario_.price[step];
  if (!info.diverged) {
    const auto balance = flow_.balance();
    info.head_power = balance.source_power.real();
    info.losses = balance.losses.real();
    info.voltage_lowest = *std::min_element(voltages_.begin(), voltages_.end());
    info.voltage_highest = *std::max_element(voltages_.begin(), voltages_.end());
    info.stability_violation = stability_violation(info.voltage_lowest);
    for (const double v : voltages_) {
      const double excess = std::max({0.0, v - options_.voltage_max, options_.voltage_min - v});
      info.voltage_violation += excess / 0.05 / static_cast<double>(voltages_.size());
      info.nodes_violated += excess > 0;
    }
    const double branches = static_cast<double>(line_loading_.size() + transformer_loading_.size());
    for (const auto* loadings : {&line_loading_, &transformer_loading_}) {
      for (const double loading : *loadings) {
        info.thermal_violation += std::max(0.0, loading - 1.0) / branches;
        info.branches_overloaded += loading > 1.0;
      }
    }
  } else {
    info.stability_violation = 1;
    info.voltage_violation = 1;  // as if every node stood 0.05 p.u. outside its limits, with the loads served from the head
    info.nodes_violated = static_cast<int>(voltages_.size());
    info.head_power = info.load;
  }
  info.energy_cost = price * (info.head_power - info.losses) / 1000 * hours;
  info.loss_cost = options_.loss_weight * price * info.losses / 1000 * hours;
  info.tap_wear = options_.tap_wear * info.tap_operations;
  double stored_before = 0, stored_after = 0;
  for (std::size_t i = 0; i < soc_.size(); ++i) {
    info.battery_wear += options_.battery_wear * std::abs(conditions_.battery_power[i].real()) / 1000 * hours;
    const double worth = network_->data().batteries[i].capacity_wh / 1000 * stored_energy_price();
    stored_before += charge_before[i] * worth;
    stored_after += soc_[i] * worth;
  }
  info.stored_energy_value = stored_after - stored_before;
  info.violation_penalty = options_.safety_penalty * violation(info) * hours * scale();
  return info.energy_cost + info.loss_cost + info.violation_penalty + info.tap_wear + info.battery_wear - info.stored_energy_value;
}

double GridEnvironment::violation(const StepInfo& info) const {
  double sum = 0;
  for (const ConstraintCost cost : constraints_) sum += cost(info);
  return sum;
}

StepResult GridEnvironment::step(std::span<const float> action) {
  if (static_cast<int>(action.size()) != action_size())
    throw Error("an action has {} components, this environment takes {}", action.size(), action_size());
  for (const float value : action) {
    if (!std::isfinite(value)) throw Error("an action is not finite at step {}: the policy that sent it is broken", step_);
  }
  if (!idle_ || step_ >= scenario_.steps) throw Error("the episode is over: reset the environment before the next step");
  Applied a;
  const auto charge_before = soc_;
  apply(action, a);
  StepInfo& info = a.info;
  info.diverged = !settle(a);
  if (!info.diverged) measure();
  const double paid = account(a, step_, charge_before);
  info.idle_cost = (*idle_)[step_];
  info.scaled_return = (info.idle_cost - paid) / scale();
  ++step_;
  StepResult result;
  result.cost = violation(info);
  result.reward = std::max(options_.reward_floor, info.scaled_return);
  result.terminated = info.diverged || step_ == scenario_.steps;
  if (!info.diverged) observe();
  result.observation = observation_;
  result.info = info;
  return result;
}

}  // namespace gridfed
