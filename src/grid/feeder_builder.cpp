#include "grid/feeder_builder.hpp"

#include "runtime/error.hpp"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <filesystem>
#include <numbers>

namespace gridfed {

namespace {

constexpr double switch_resistance = 1e-4;    // [ohm]
constexpr double standard_irradiance = 1000;  // [W/m2]
constexpr double secondary_base = 120;        // of potential transformers [V]

Origin origin_of(const std::source_location& here) {
  return {.file = std::filesystem::path(here.file_name()).filename().string(), .line = static_cast<int>(here.line())};
}

std::string lower_case(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

template <class... Args>
[[noreturn]] void refuse(const Origin& origin, fmt::format_string<Args...> format, Args&&... args) {
  throw Error("{}:{}: {}", origin.file, origin.line, fmt::format(format, std::forward<Args>(args)...));
}

void require_positive(double value, const std::string& element, const char* quantity, const Origin& origin) {
  if (!(value > 0) || !std::isfinite(value)) refuse(origin, "{} has the {} {}: give a positive number", element, quantity, value);
}

double phase_voltage(const components::Bus& bus) {
  return bus.voltage_level / std::numbers::sqrt3;
}

/// Matrix of a line whose sequence quantities are given: equal on the diagonal and equal beside it.
template <class Number>
Eigen::Matrix<Number, Eigen::Dynamic, Eigen::Dynamic> balanced(std::size_t phases, Number own, Number mutual) {
  const auto n = static_cast<Eigen::Index>(phases);
  Eigen::Matrix<Number, Eigen::Dynamic, Eigen::Dynamic> matrix(n, n);
  matrix.setConstant(mutual);
  matrix.diagonal().setConstant(own);
  return matrix;
}

}  // namespace

/// Where a device stands and what that makes of it.
struct FeederBuilder::Place {
  Terminal terminal;
  int phases = 3;
  Connection connection = Connection::wye;
  double rated_voltage = 0;
};

struct FeederBuilder::Ends {
  const components::Bus &from, &to;
  Terminal from_terminal, to_terminal;
};

FeederBuilder::FeederBuilder(std::string name, double frequency) {
  data_.name = std::move(name);
  data_.frequency = frequency;
}

template <class Elements>
std::string FeederBuilder::named(const std::string& name, const char* kind, const Elements& elements, const Origin& origin) const {
  const std::string chosen = name.empty() ? kind + std::to_string(elements.size() + 1) : lower_case(name);
  const bool taken = std::any_of(elements.begin(), elements.end(), [&](const auto& e) { return e.name == chosen; });
  if (taken) refuse(origin, "{} '{}' is there already: give another name", kind, chosen);
  return chosen;
}

const components::Bus& FeederBuilder::bus(const std::string& name, const std::string& element, const Origin& origin) const {
  if (name.empty()) refuse(origin, "{} names no bus: give one", element);
  const auto found = buses_.find(lower_case(name));
  if (found == buses_.end()) refuse(origin, "{} stands at bus '{}', which does not exist: add_bus() it first", element, name);
  return found->second;
}

void FeederBuilder::check_phases(const std::vector<int>& phases, const components::Bus& bus, const std::string& element,
                                 const Origin& origin) const {
  if (phases.empty()) refuse(origin, "{} has no phase: give one to three of 1, 2, 3", element);
  for (std::size_t i = 0; i < phases.size(); ++i) {
    if (std::count(phases.begin(), phases.end(), phases[i]) > 1) refuse(origin, "{} has phase {} twice: give it once", element, phases[i]);
    if (std::find(bus.phases.begin(), bus.phases.end(), phases[i]) == bus.phases.end())
      refuse(origin, "{} uses phase {} of bus '{}', which does not have it: correct one of them", element, phases[i], bus.name);
  }
}

FeederBuilder::Ends FeederBuilder::ends(const std::string& from, const std::string& to, const std::vector<int>& phases,
                                        const std::string& element, const Origin& origin) const {
  const auto &one = bus(from, element, origin), &other = bus(to, element, origin);
  if (one.name == other.name) refuse(origin, "{} joins bus '{}' to itself: name two buses", element, one.name);
  check_phases(phases, one, element, origin);
  check_phases(phases, other, element, origin);
  return {one, other, {.bus = one.name, .nodes = phases}, {.bus = other.name, .nodes = phases}};
}

FeederBuilder::Place FeederBuilder::place(const std::string& name, const std::vector<int>& phases, Connection connection,
                                          const std::string& element, const Origin& origin) const {
  const auto& at = bus(name, element, origin);
  check_phases(phases, at, element, origin);
  if (connection == Connection::delta && phases.size() == 1)
    refuse(origin, "{} has one phase in delta: give two or three phases, or Connection::wye", element);
  Place place{.terminal = {.bus = at.name, .nodes = phases}, .phases = static_cast<int>(phases.size()), .connection = connection};
  if (connection == Connection::wye) place.terminal.nodes.push_back(0);
  if (connection == Connection::delta && phases.size() == 2) place.phases = 1;
  place.rated_voltage = phases.size() == 1 ? phase_voltage(at) : at.voltage_level;
  return place;
}

template <class Device>
void FeederBuilder::put(Device& device, const Place& place, const Origin& origin) const {
  device.terminal = place.terminal;
  device.phases = place.phases;
  device.connection = place.connection;
  device.rated_voltage = place.rated_voltage;
  device.origin = origin;
}

FeederBuilder& FeederBuilder::add_bus(const components::Bus& given, Here here) {
  const Origin origin = origin_of(here);
  components::Bus bus = given;
  bus.name = lower_case(bus.name);
  if (bus.name.empty()) refuse(origin, "a bus has no name: give one");
  const std::string element = "bus '" + bus.name + "'";
  require_positive(bus.voltage_level, element, "voltage level", origin);
  for (const int phase : bus.phases) {
    if (phase < 1 || phase > 3) refuse(origin, "{} has phase {}: phases are 1, 2, 3", element, phase);
  }
  check_phases(bus.phases, bus, element, origin);
  if (!buses_.emplace(bus.name, bus).second) refuse(origin, "{} is there already: give another name", element);
  if (bus.position) data_.buses.push_back({.name = bus.name, .nominal_voltage = {}, .position = bus.position});
  auto& bases = data_.voltage_bases;
  if (std::find(bases.begin(), bases.end(), bus.voltage_level) == bases.end()) bases.push_back(bus.voltage_level);
  if (bus.type == components::BusType::pq) return *this;
  require_positive(bus.voltage_pu, element, "voltage_pu", origin);
  require_positive(bus.short_circuit_power, element, "short_circuit_power", origin);
  if (bus.phases.size() == 2) refuse(origin, "{} is a slack bus of two phases: give it one or three", element);
  const Complex z(0, bus.voltage_level * bus.voltage_level / bus.short_circuit_power);
  data_.sources.push_back({.name = bus.name,
                           .terminal = {.bus = bus.name, .nodes = bus.phases},
                           .voltage_base = bus.phases.size() == 1 ? phase_voltage(bus) : bus.voltage_level,
                           .voltage_pu = bus.voltage_pu,
                           .angle_deg = bus.phases.size() == 1 ? -120.0 * (bus.phases[0] - 1) : 0,
                           .z1 = z,
                           .z0 = z,
                           .origin = origin});
  return *this;
}

FeederBuilder& FeederBuilder::add_line(const components::Line& line, Here here) {
  const Origin origin = origin_of(here);
  const std::string name = named(line.name, "line", data_.lines, origin), element = "line '" + name + "'";
  auto [from, to, from_terminal, to_terminal] = ends(line.from_bus, line.to_bus, line.phases, element, origin);
  if (std::abs(from.voltage_level / to.voltage_level - 1) > 1e-3) {
    refuse(origin, "{} joins bus '{}' of {} V to bus '{}' of {} V: put a transformer between them", element, from.name, from.voltage_level,
           to.name, to.voltage_level);
  }
  const Complex z1(line.resistance, line.reactance);
  const Complex z0(line.zero_sequence_resistance.value_or(line.resistance), line.zero_sequence_reactance.value_or(line.reactance));
  if (!line.impedance && !(line.resistance >= 0 && std::abs(z1) > 0))
    refuse(origin, "{} has the impedance {} + j{} ohm: give one that is not zero, or make it a switch", element, z1.real(), z1.imag());
  const std::size_t n = line.phases.size();
  data_.lines.push_back({.name = name,
                         .from = from_terminal,
                         .to = to_terminal,
                         .series_impedance = line.impedance.value_or(balanced<Complex>(n, (z0 + 2.0 * z1) / 3.0, (z0 - z1) / 3.0)),
                         .shunt_susceptance = balanced<double>(n, line.susceptance, 0),
                         .rating = line.rating / (static_cast<double>(n) * phase_voltage(from)),
                         .length = line.length,
                         .origin = origin});
  return *this;
}

FeederBuilder& FeederBuilder::add_switch(const components::Switch& device, Here here) {
  const Origin origin = origin_of(here);
  const std::string name = named(device.name, "switch", data_.lines, origin), element = "switch '" + name + "'";
  const auto [from, to, from_terminal, to_terminal] = ends(device.from_bus, device.to_bus, device.phases, element, origin);
  const std::size_t n = device.phases.size();
  data_.lines.push_back({.name = name,
                         .from = from_terminal,
                         .to = to_terminal,
                         .series_impedance = balanced<Complex>(n, switch_resistance, 0),
                         .shunt_susceptance = balanced<double>(n, 0, 0),
                         .rating = device.rating / (static_cast<double>(n) * phase_voltage(from)),
                         .is_switch = true,
                         .closed = device.closed,
                         .origin = origin});
  return *this;
}

WindingData FeederBuilder::winding(const components::Bus& bus, const std::vector<int>& phases, Connection connection, double rating) const {
  WindingData w{.terminal = {.bus = bus.name, .nodes = phases},
                .connection = phases.size() == 2 ? Connection::delta : connection,
                .rated_voltage = phases.size() == 1 ? phase_voltage(bus) : bus.voltage_level,
                .rated_power = rating};
  if (w.connection == Connection::wye) w.terminal.nodes.push_back(0);
  return w;
}

FeederBuilder& FeederBuilder::add_transformer(const components::Transformer& t, Here here) {
  const Origin origin = origin_of(here);
  const std::string name = named(t.name, "transformer", data_.transformers, origin), element = "transformer '" + name + "'";
  const auto [from, to, from_terminal, to_terminal] = ends(t.from_bus, t.to_bus, t.phases, element, origin);
  require_positive(t.rating, element, "rating", origin);
  require_positive(t.reactance, element, "reactance", origin);
  require_positive(t.tap, element, "tap", origin);
  const bool three = t.phases.size() == 3;
  TransformerData data{.name = name,
                       .phases = three ? 3 : 1,
                       .windings = {winding(from, t.phases, three ? t.from_connection : Connection::wye, t.rating),
                                    winding(to, t.phases, three ? t.to_connection : Connection::wye, t.rating)},
                       .reactance_pu = {t.reactance},
                       .no_load_loss_pu = t.no_load_loss,
                       .magnetising_current_pu = t.magnetising_current,
                       .origin = origin};
  for (auto& w : data.windings) w.resistance_pu = t.resistance / 2;
  data.windings[1].tap = t.tap;
  data_.transformers.push_back(std::move(data));
  return *this;
}

FeederBuilder& FeederBuilder::add_regulator(const components::Regulator& r, Here here) {
  const Origin origin = origin_of(here);
  const std::string bank = r.name.empty() ? "regulator" + std::to_string(data_.regulators.size() + 1) : lower_case(r.name);
  const std::string element = "regulator '" + bank + "'";
  const auto [from, to, from_terminal, to_terminal] = ends(r.from_bus, r.to_bus, r.phases, element, origin);
  require_positive(r.rating, element, "rating", origin);
  require_positive(r.setpoint, element, "setpoint", origin);
  require_positive(r.band, element, "band", origin);
  const double rating = r.rating / static_cast<double>(r.phases.size());
  for (const int phase : r.phases) {
    const std::string name = named(fmt::format("{}_{}", bank, phase), "regulator", data_.transformers, origin);
    TransformerData unit{.name = name,
                         .bank = bank,
                         .phases = 1,
                         .windings = {winding(from, {phase}, Connection::wye, rating), winding(to, {phase}, Connection::wye, rating)},
                         .reactance_pu = {1e-4},
                         .origin = origin};
    for (auto& w : unit.windings) w.resistance_pu = 5e-5;
    data_.transformers.push_back(std::move(unit));
    data_.regulators.push_back({.name = name,
                                .transformer = name,
                                .setpoint = r.setpoint,
                                .band = r.band,
                                .pt_ratio = phase_voltage(to) / secondary_base,
                                .ct_rating = rating / phase_voltage(to),
                                .r = r.resistance_drop,
                                .x = r.reactance_drop,
                                .delay = r.delay,
                                .origin = origin});
  }
  return *this;
}

FeederBuilder& FeederBuilder::add_load(const components::Load& load, Here here) {
  const Origin origin = origin_of(here);
  const std::string name = named(load.name, "load", data_.loads, origin), element = "load '" + name + "'";
  if (!std::isfinite(load.active_power) || !std::isfinite(load.reactive_power))
    refuse(origin, "{} draws {} W and {} var: give finite numbers", element, load.active_power, load.reactive_power);
  LoadData data{.name = name, .power = {load.active_power, load.reactive_power}, .model = load.model, .zip = load.zip};
  put(data, place(load.bus, load.phases, load.connection, element, origin), origin);
  data_.loads.push_back(std::move(data));
  return *this;
}

FeederBuilder& FeederBuilder::add_capacitor(const components::Capacitor& capacitor, Here here) {
  const Origin origin = origin_of(here);
  const std::string name = named(capacitor.name, "capacitor", data_.capacitors, origin), element = "capacitor '" + name + "'";
  require_positive(capacitor.reactive_power, element, "reactive power", origin);
  if (capacitor.steps < 1) refuse(origin, "{} has {} steps: give at least one", element, capacitor.steps);
  CapacitorData data{.name = name,
                     .step_power = std::vector<double>(capacitor.steps, capacitor.reactive_power / capacitor.steps),
                     .states = std::vector<int>(capacitor.steps, capacitor.in_service)};
  put(data, place(capacitor.bus, capacitor.phases, capacitor.connection, element, origin), origin);
  if (data.connection == Connection::wye) data.terminal.nodes.pop_back();  // a bank names its phases alone
  data_.capacitors.push_back(std::move(data));
  return *this;
}

FeederBuilder& FeederBuilder::add_der(const components::SolarPV& plant, Here here) {
  const Origin origin = origin_of(here);
  const std::string name = named(plant.name, "solar", data_.solar, origin), element = "solar plant '" + name + "'";
  if ((plant.efficiency > 0) != (plant.panel_area > 0))
    refuse(origin, "{} has efficiency {} and panel area {} m2: give both or neither", element, plant.efficiency, plant.panel_area);
  if (plant.efficiency > 1) refuse(origin, "{} has efficiency {}: give a share below 1, such as 0.18", element, plant.efficiency);
  const double panels = plant.efficiency > 0 ? plant.efficiency * plant.panel_area * standard_irradiance : plant.capacity;
  const double capacity = plant.capacity > 0 ? plant.capacity : panels;
  require_positive(capacity, element, "capacity", origin);
  SolarPvData data{.name = name,
                   .capacity = std::min(capacity, panels),
                   .panel_rating = panels,
                   .panel_power = panels,
                   .inverter_rating = plant.inverter_rating > 0 ? plant.inverter_rating : capacity,
                   .efficiency = plant.efficiency,
                   .panel_area = plant.panel_area,
                   .power = std::min(capacity, panels)};
  put(data, place(plant.bus, plant.phases, Connection::wye, element, origin), origin);
  data_.solar.push_back(std::move(data));
  return *this;
}

FeederBuilder& FeederBuilder::add_der(const components::WindTurbine& turbine, Here here) {
  const Origin origin = origin_of(here);
  const std::string name = named(turbine.name, "wind", data_.wind, origin), element = "wind turbine '" + name + "'";
  require_positive(turbine.capacity, element, "capacity", origin);
  if (!(0 <= turbine.cut_in_speed && turbine.cut_in_speed < turbine.rated_speed && turbine.rated_speed <= turbine.cut_out_speed)) {
    refuse(origin, "{} cuts in at {}, is rated at {} and cuts out at {} m/s: give them in rising order", element, turbine.cut_in_speed,
           turbine.rated_speed, turbine.cut_out_speed);
  }
  WindTurbineData data{.name = name,
                       .capacity = turbine.capacity,
                       .inverter_rating = turbine.inverter_rating > 0 ? turbine.inverter_rating : turbine.capacity,
                       .cut_in_speed = turbine.cut_in_speed,
                       .rated_speed = turbine.rated_speed,
                       .cut_out_speed = turbine.cut_out_speed,
                       .wind_speed = turbine.rated_speed};
  put(data, place(turbine.bus, turbine.phases, Connection::wye, element, origin), origin);
  data_.wind.push_back(std::move(data));
  return *this;
}

FeederBuilder& FeederBuilder::add_der(const components::Battery& battery, Here here) {
  const Origin origin = origin_of(here);
  const std::string name = named(battery.name, "battery", data_.batteries, origin), element = "battery '" + name + "'";
  require_positive(battery.capacity, element, "capacity", origin);
  require_positive(battery.power_rating, element, "power rating", origin);
  if (!(battery.efficiency > 0 && battery.efficiency <= 1))
    refuse(origin, "{} has efficiency {}: it must lie in (0, 1]", element, battery.efficiency);
  if (!(0 <= battery.min_soc && battery.min_soc <= battery.initial_soc && battery.initial_soc <= 1)) {
    refuse(origin, "{} has min_soc {} and initial_soc {}: they must lie in [0, 1], the first not above the second", element,
           battery.min_soc, battery.initial_soc);
  }
  BatteryData data{.name = name,
                   .capacity_wh = battery.capacity,
                   .power_rating = battery.power_rating,
                   .inverter_rating = battery.inverter_rating > 0 ? battery.inverter_rating : battery.power_rating,
                   .charge_efficiency = battery.efficiency,
                   .discharge_efficiency = battery.efficiency,
                   .idling_loss = battery.idling_loss,
                   .initial_soc = battery.initial_soc,
                   .min_soc = battery.min_soc,
                   .power = -battery.idling_loss * battery.power_rating};
  put(data, place(battery.bus, battery.phases, Connection::wye, element, origin), origin);
  data_.batteries.push_back(std::move(data));
  return *this;
}

std::shared_ptr<const Network> FeederBuilder::build() const {
  auto network = make_network(data_);
  for (const auto& [name, bus] : buses_) {
    if (network->find_bus(name) < 0)
      throw Error("bus '{}' of feeder '{}' has nothing at it: add a line to it or leave it out", name, data_.name);
  }
  return network;
}

}  // namespace gridfed
