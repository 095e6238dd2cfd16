#include "grid/cim_reader.hpp"

#include "grid/cim_transformers.hpp"
#include "runtime/error.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace gridfed {
namespace cim {
namespace {

constexpr double switch_resistance = 1e-6;  // [ohm]

const std::set<std::string_view> switch_kinds{
    "Switch", "LoadBreakSwitch", "Breaker", "Fuse", "Recloser", "Disconnector", "Sectionaliser", "Jumper", "DisconnectingCircuitBreaker"};
const std::set<std::string_view> equipment_kinds{"EnergySource",           "ACLineSegment",    "EnergyConsumer",
                                                 "LinearShuntCompensator", "PowerTransformer", "PowerElectronicsConnection",
                                                 "BusbarSection",          "Junction"};
/// Classes that say where, how or for whom, and those that the readers of other classes take in.
const std::set<std::string_view> quiet_kinds{"IEC61970CIMVersion",
                                             "CoordinateSystem",
                                             "Location",
                                             "PositionPoint",
                                             "GeographicalRegion",
                                             "SubGeographicalRegion",
                                             "Substation",
                                             "Feeder",
                                             "VoltageLevel",
                                             "Bay",
                                             "Terminal",
                                             "ConnectivityNode",
                                             "TopologicalNode",
                                             "TopologicalIsland",
                                             "BaseVoltage",
                                             "BaseFrequency",
                                             "BasePower",
                                             "OperationalLimitSet",
                                             "OperationalLimitType",
                                             "VoltageLimit",
                                             "CurrentLimit",
                                             "ACLineSegmentPhase",
                                             "PerLengthPhaseImpedance",
                                             "PerLengthSequenceImpedance",
                                             "PhaseImpedanceData",
                                             "EnergyConsumerPhase",
                                             "EnergySourcePhase",
                                             "LoadResponseCharacteristic",
                                             "LinearShuntCompensatorPhase",
                                             "PowerTransformerEnd",
                                             "TransformerMeshImpedance",
                                             "TransformerCoreAdmittance",
                                             "TransformerTank",
                                             "TransformerTankEnd",
                                             "TransformerTankInfo",
                                             "PowerTransformerInfo",
                                             "TransformerEndInfo",
                                             "ShortCircuitTest",
                                             "NoLoadTest",
                                             "RatioTapChanger",
                                             "TapChangerControl",
                                             "SwitchPhase",
                                             "PowerElectronicsConnectionPhase",
                                             "PhotovoltaicUnit",
                                             "BatteryUnit",
                                             "PowerElectronicsWindUnit"};

/// Phases of a device with their powers.
struct PhasePower {
  std::string phase;
  Complex power;
};

class FeederReader {
 public:
  explicit FeederReader(const std::filesystem::path& path) : document_(path), connectivity_(document_) {
    network_.name = plain_name(path.stem().string());
  }

  NetworkData read() {
    check_classes();
    base_values();
    for (const Object& object : document_.objects()) {
      if (!in_service(object)) continue;
      if (object.kind == "EnergySource") source(object);
      if (object.kind == "ACLineSegment") line(object);
      if (switch_kinds.contains(object.kind)) switching(object);
      if (object.kind == "EnergyConsumer") consumer(object);
      if (object.kind == "LinearShuntCompensator") compensator(object);
      if (object.kind == "PowerElectronicsConnection") converter(object);
    }
    read_transformers(document_, connectivity_, network_);
    network_.buses = connectivity_.positions();
    return std::move(network_);
  }

 private:
  void check_classes() {
    std::map<std::string, int> unread;
    for (const Object& object : document_.objects()) {
      if (quiet_kinds.contains(object.kind) || equipment_kinds.contains(object.kind) || switch_kinds.contains(object.kind)) continue;
      if (!document_.referring(object, "Terminal", "ConductingEquipment").empty())
        object.fail("is connected to the network but of a class that is not read: remove it or set Equipment.inService to false");
      ++unread[object.kind];
    }
    for (const auto& [kind, count] : unread) network_.notes.push_back(fmt::format("{} objects of class {} are not read", count, kind));
  }

  void base_values() {
    std::set<double> bases;
    for (const Object* base : document_.of_kind("BaseVoltage")) bases.insert(base->number("nominalVoltage"));
    network_.voltage_bases.assign(bases.begin(), bases.end());
    for (const Object* base : document_.of_kind("BaseFrequency")) network_.frequency = base->number("frequency");
    for (const Object* feeder : document_.of_kind("Feeder")) network_.name = plain_name(feeder->name());
  }

  double base_voltage(const Object& equipment) const {
    return document_.required_target(equipment, "BaseVoltage").number("nominalVoltage");
  }

  /// Phases from the objects that list them, all three if none does.
  std::vector<std::string> phases(const Object& owner, std::string_view kind, std::string_view reference,
                                  std::string_view attribute) const {
    auto found = document_.referring(owner, kind, reference);
    std::stable_sort(found.begin(), found.end(),
                     [](const Object* a, const Object* b) { return a->number("sequenceNumber", 0) < b->number("sequenceNumber", 0); });
    std::vector<std::string> phases;
    for (const Object* phase : found) {
      phases.push_back(phase->choice(attribute));
      if (std::count(phases.begin(), phases.end(), phases.back()) > 1) phase->fail("repeats a phase of its equipment");
    }
    return phases.empty() ? std::vector<std::string>{"A", "B", "C"} : phases;
  }

  static std::vector<int> nodes(const Object& object, const std::vector<std::string>& phases) {
    std::vector<int> nodes;
    for (const auto& phase : phases) nodes.push_back(node_of(object, phase));
    return nodes;
  }

  void source(const Object& object) {
    const auto on = phases(object, "EnergySourcePhase", "EnergySource", "phase");
    const double nominal = object.number("nominalVoltage");
    const double scale = on.size() > 1 ? 1.0 : std::numbers::sqrt3;
    if (!(nominal > 0)) object.fail("has a nominalVoltage that is not positive");
    Complex z1(object.number("r", 0), object.number("x", 0));
    const bool ideal = z1 == Complex{};
    if (ideal) z1 = Complex(0, 1e-9 * nominal * nominal / 1e6);
    network_.sources.push_back({.name = source_names_.unique(object),
                                .terminal = {connectivity_.buses(object, 1)[0], nodes(object, on)},
                                .voltage_base = nominal / scale,
                                .voltage_pu = object.number("voltageMagnitude", nominal) / nominal,
                                .angle_deg = object.number("voltageAngle", 0) * 180 / std::numbers::pi,
                                .z1 = z1,
                                .z0 = {object.number("r0", z1.real()), object.number("x0", z1.imag())},
                                .ideal = ideal,
                                .origin = object.origin});
  }

  /// The longest-lasting current limit of the first terminal that has one [A], 0 if none has.
  double rating(const Object& equipment) const {
    for (const Object* terminal : document_.referring(equipment, "Terminal", "ConductingEquipment")) {
      const Object* set = document_.target(*terminal, "OperationalLimitSet");
      if (!set) continue;
      double rating = 0, longest = -1;
      for (const Object* limit : document_.referring(*set, "CurrentLimit", "OperationalLimitSet")) {
        const Object* type = document_.target(*limit, "OperationalLimitType");
        const double duration = type ? type->number("acceptableDuration", 0) : 0;
        if (duration > longest) rating = limit->number("value");
        longest = std::max(longest, duration);
      }
      if (rating > 0) return rating;
    }
    return 0;
  }

  /// r, x, b of the sequences named as ACLineSegment and PerLengthSequenceImpedance name them, spread over n conductors.
  static void fill_sequences(const Object& values, double length, LineData& line) {
    const Complex z1(values.number("r", 0), values.number("x", 0)), z0(values.number("r0", z1.real()), values.number("x0", z1.imag()));
    const double b1 = values.number("bch", 0), b0 = values.number("b0ch", b1);
    line.series_impedance.setConstant((z0 - z1) / 3.0 * length);
    line.series_impedance.diagonal().setConstant((2.0 * z1 + z0) / 3.0 * length);
    line.shunt_susceptance.setConstant((b0 - b1) / 3.0 * length);
    line.shunt_susceptance.diagonal().setConstant((2.0 * b1 + b0) / 3.0 * length);
  }

  void fill_matrices(const Object& type, const Object& segment, double length, LineData& line) const {
    const auto n = line.series_impedance.rows();
    const double count = type.number("conductorCount", static_cast<double>(n));
    if (count != static_cast<double>(n)) segment.fail(fmt::format("has {} phases, its {} {}", n, type.title(), count));
    Eigen::MatrixXi known = Eigen::MatrixXi::Zero(n, n);
    for (const Object* entry : document_.referring(type, "PhaseImpedanceData", "PhaseImpedance")) {
      const double row = entry->number("row"), column = entry->number("column");
      if (!(row >= 1 && row <= static_cast<double>(n) && column >= 1 && column <= static_cast<double>(n)))
        entry->fail(fmt::format("is for row {} and column {} of a matrix of {}", row, column, n));
      const auto r = static_cast<Eigen::Index>(row) - 1, c = static_cast<Eigen::Index>(column) - 1;
      line.series_impedance(r, c) = line.series_impedance(c, r) = Complex(entry->number("r"), entry->number("x")) * length;
      line.shunt_susceptance(r, c) = line.shunt_susceptance(c, r) = entry->number("b", 0) * length;
      known(r, c) = known(c, r) = 1;
    }
    if (known.minCoeff() == 0) type.fail(fmt::format("lacks entries: it needs PhaseImpedanceData for all of {} x {}", n, n));
  }

  LineData two_ended(const Object& object, const std::vector<int>& from, const std::vector<int>& to) {
    const auto buses = connectivity_.buses(object, 2);
    const auto n = static_cast<Eigen::Index>(from.size());
    return {.name = line_names_.unique(object),
            .from = {buses[0], from},
            .to = {buses[1], to},
            .series_impedance = Eigen::MatrixXcd::Zero(n, n),
            .shunt_susceptance = Eigen::MatrixXd::Zero(n, n),
            .origin = object.origin};
  }

  void line(const Object& object) {
    const auto on = nodes(object, phases(object, "ACLineSegmentPhase", "ACLineSegment", "phase"));
    LineData line = two_ended(object, on, on);
    line.length = object.number("length", 0);
    line.rating = rating(object);
    const Object* type = document_.target(object, "PerLengthImpedance");
    if (!type) {
      if (!object.has("x")) object.fail("has neither PerLengthImpedance nor r and x: wire and cable data are not read");
      fill_sequences(object, 1, line);
    } else if (type->kind == "PerLengthPhaseImpedance") {
      fill_matrices(*type, object, object.number("length"), line);
    } else if (type->kind == "PerLengthSequenceImpedance") {
      fill_sequences(*type, object.number("length"), line);
    } else {
      type->fail("is not a PerLengthPhaseImpedance or PerLengthSequenceImpedance");
    }
    network_.lines.push_back(std::move(line));
  }

  /// A switch whose phases stand differently becomes one a phase.
  void switching(const Object& object) {
    auto listed = document_.referring(object, "SwitchPhase", "Switch");
    std::vector<int> from, to;
    std::vector<bool> closed;
    for (const Object* phase : listed) {
      from.push_back(node_of(*phase, phase->choice("phaseSide1")));
      to.push_back(phase->has("phaseSide2") ? node_of(*phase, phase->choice("phaseSide2")) : from.back());
      closed.push_back(phase->flag("closed", !object.flag("open", false)));
    }
    if (listed.empty()) {
      from = to = {1, 2, 3};
      closed.assign(3, !object.flag("open", object.flag("normalOpen", false)));
    }
    LineData whole = two_ended(object, from, to);
    whole.is_switch = true;
    whole.rating = rating(object);
    if (whole.rating == 0) whole.rating = object.number("ratedCurrent", 0);
    whole.series_impedance.diagonal().setConstant(switch_resistance);
    whole.closed = closed[0];
    if (std::count(closed.begin(), closed.end(), closed[0]) == static_cast<std::ptrdiff_t>(closed.size())) {
      network_.lines.push_back(std::move(whole));
      return;
    }
    for (std::size_t p = 0; p < from.size(); ++p) {
      LineData one = whole;
      one.name += fmt::format("_{}", from[p]);
      one.from.nodes = {from[p]};
      one.to.nodes = {to[p]};
      one.series_impedance = whole.series_impedance.topLeftCorner(1, 1);
      one.shunt_susceptance = whole.shunt_susceptance.topLeftCorner(1, 1);
      one.closed = closed[p];
      network_.lines.push_back(std::move(one));
    }
  }

  static bool all_equal(const std::vector<PhasePower>& phases) {
    return std::all_of(phases.begin(), phases.end(), [&](const auto& p) { return p.power == phases[0].power; });
  }

  static void set_response(const Object& object, LoadData& load) {
    if (object.flag("exponentModel", false)) {
      load.model = LoadModel::exponential;
      load.exponent_p = object.number("pVoltageExponent", 0);
      load.exponent_q = object.number("qVoltageExponent", 0);
      return;
    }
    std::array<double, 6> share{object.number("pConstantImpedance", 0), object.number("pConstantCurrent", 0),
                                object.number("pConstantPower", 0),     object.number("qConstantImpedance", 0),
                                object.number("qConstantCurrent", 0),   object.number("qConstantPower", 0)};
    for (const int first : {0, 3}) {
      const double sum = share[first] + share[first + 1] + share[first + 2];
      if (sum == 0) object.fail("has shares of impedance, current and power that add up to 0");
      for (int i = first; i < first + 3; ++i) share[i] /= sum;
    }
    const auto is = [&](int p, int q) { return share[p] == 1 && share[3 + q] == 1; };
    if (is(2, 2)) {
      load.model = LoadModel::constant_power;
    } else if (is(0, 0)) {
      load.model = LoadModel::constant_impedance;
    } else if (is(1, 1)) {
      load.model = LoadModel::constant_current;
    } else if (is(2, 0)) {
      load.model = LoadModel::constant_p_quadratic_q;
    } else {
      load.model = LoadModel::zip;
      std::copy(share.begin(), share.end(), load.zip.begin());
    }
  }

  void consumer(const Object& object) {
    std::vector<PhasePower> on;
    bool has_n = false;
    const auto power = [](const Object& o) {
      return Complex(o.has("p") ? o.number("p") : o.number("pfixed", 0), o.has("q") ? o.number("q") : o.number("qfixed", 0));
    };
    for (const Object* phase : document_.referring(object, "EnergyConsumerPhase", "EnergyConsumer")) {
      if (phase->choice("phase") == "N") {
        has_n = true;
      } else {
        on.push_back({phase->choice("phase"), power(*phase)});
      }
    }
    const Complex total = power(object);
    if (on.empty()) on = {{"A", total / 3.0}, {"B", total / 3.0}, {"C", total / 3.0}};
    const std::string bus = connectivity_.buses(object, 1)[0];
    const bool delta = object.choice("phaseConnection") == "D";
    const double base = base_voltage(object);
    LoadData load{.name = load_names_.unique(object),
                  .phases = static_cast<int>(on.size()),
                  .connection = delta ? Connection::delta : Connection::wye,
                  .rated_voltage = base,
                  .vmin_pu = 0.1,
                  .vmax_pu = 10,
                  .vlow_pu = 0.05,
                  .origin = object.origin};
    load.terminal.bus = bus;
    if (const Object* response = document_.target(object, "LoadResponse")) set_response(*response, load);
    const bool together = all_equal(on) && (delta ? on.size() == 3 : on.size() > 1);
    int star = 0;
    if (!delta && !object.flag("grounded", true)) {
      if (!has_n && on.size() == 1) object.fail("has one phase and no return: add phase N or set grounded to true");
      if (!has_n && !together) object.fail("has unequal phases around a floating star point, which is not read");
      star = has_n ? 4 : connectivity_.own_neutral(bus);
    }
    if (together) {
      for (const auto& phase : on) {
        load.terminal.nodes.push_back(node_of(object, phase.phase));
        load.power += phase.power;
      }
      if (std::abs(load.power - total) <= 1e-9 * std::abs(total)) load.power = total;  // rather than the sum of thirds
      if (!delta) load.terminal.nodes.push_back(star);
      network_.loads.push_back(std::move(load));
      return;
    }
    for (const auto& phase : on) {
      LoadData one = load;
      if (on.size() > 1) one.name = fmt::format("{}_{}", load.name, plain_name(phase.phase));
      one.phases = 1;
      one.power = phase.power;
      const int node = node_of(object, phase.phase);
      const bool split_phase = phase.phase[0] == 's';
      if (delta) {  // a phase names the branch from itself to the next one
        one.terminal.nodes = {node, split_phase ? 3 - node : node % 3 + 1};
        if (split_phase) one.rated_voltage = 2 * base / std::numbers::sqrt3;
      } else {
        one.terminal.nodes = {node, star};
        one.rated_voltage = base / std::numbers::sqrt3;
      }
      network_.loads.push_back(std::move(one));
    }
  }

  void compensator(const Object& object) {
    const auto on = phases(object, "LinearShuntCompensatorPhase", "ShuntCompensator", "phase");
    const auto listed = document_.referring(object, "LinearShuntCompensatorPhase", "ShuntCompensator");
    const bool delta = object.choice("phaseConnection") == "D";
    if (delta && on.size() != 3) object.fail("is a delta of fewer than three phases, which is not read");
    if (object.number("gPerSection", 0) != 0) object.fail("has a conductance, which is not read: set gPerSection to 0");
    double b = object.number("bPerSection"), sections = object.number("sections", 1);
    for (const Object* phase : listed) {
      if (phase == listed[0]) {
        b = phase->number("bPerSection", b);
        sections = phase->number("sections", sections);
      }
      if (phase->number("bPerSection", b) != b || phase->number("sections", sections) != sections)
        phase->fail("differs from the other phases, which is not read: make it a compensator of its own");
    }
    const double nominal = object.number("nomU"), steps = object.number("maximumSections", 1);
    if (!(nominal > 0 && steps >= 1 && steps < 1e4)) object.fail("has no sections or no nomU: they must be positive");
    // b is that of one phase of a wye (of the equivalent one for a delta), nomU line-to-line, for one phase across it.
    const double phase_power = b * nominal * nominal / (on.size() > 1 ? 3 : 1);
    CapacitorData capacitor{.name = capacitor_names_.unique(object),
                            .terminal = {connectivity_.buses(object, 1)[0], nodes(object, on)},
                            .to = std::nullopt,
                            .phases = static_cast<int>(on.size()),
                            .connection = delta ? Connection::delta : Connection::wye,
                            .rated_voltage = nominal,
                            .origin = object.origin};
    if (!delta && !object.flag("grounded", true))
      capacitor.to = Terminal{capacitor.terminal.bus, std::vector<int>(on.size(), connectivity_.own_neutral(capacitor.terminal.bus))};
    for (int step = 0; step < static_cast<int>(steps); ++step) {
      capacitor.step_power.push_back(phase_power * static_cast<double>(on.size()));
      capacitor.states.push_back(step < sections);
    }
    for (const Object* control : document_.referring(object, "RegulatingControl", "RegulatingCondEq"))
      network_.notes.push_back(control->title() + ": control of shunt compensators is not modelled");
    if (object.has("RegulatingControl")) network_.notes.push_back(object.title() + ": its control is not modelled");
    network_.capacitors.push_back(std::move(capacitor));
  }

  template <class Device>
  Device converter_device(const Object& object, Names& names) {
    const auto on = phases(object, "PowerElectronicsConnectionPhase", "PowerElectronicsConnection", "phase");
    Device device;
    device.name = names.unique(object);
    device.phases = static_cast<int>(on.size());
    device.terminal = {connectivity_.buses(object, 1)[0], nodes(object, on)};
    device.terminal.nodes.push_back(0);
    device.rated_voltage =
        object.has("ratedU") ? object.number("ratedU") : base_voltage(object) / (on.size() > 1 ? 1.0 : std::numbers::sqrt3);
    device.inverter_rating = object.number("ratedS");
    device.origin = object.origin;
    return device;
  }

  void converter(const Object& object) {
    const Object& unit = document_.required_target(object, "PowerElectronicsUnit");
    if (std::count_if(object.attributes.begin(), object.attributes.end(), [](const auto& a) { return a.first == "PowerElectronicsUnit"; }) >
        1)
      object.fail("has more than one unit, which is not read: give each a connection");
    if (unit.kind == "PhotovoltaicUnit") {
      auto plant = converter_device<SolarPvData>(object, solar_names_);
      plant.capacity = plant.panel_rating = unit.number("maxP");
      network_.solar.push_back(std::move(plant));
    } else if (unit.kind == "PowerElectronicsWindUnit") {
      auto turbine = converter_device<WindTurbineData>(object, wind_names_);
      turbine.capacity = unit.number("maxP");
      network_.wind.push_back(std::move(turbine));
    } else if (unit.kind == "BatteryUnit") {
      auto battery = converter_device<BatteryData>(object, battery_names_);
      battery.power_rating = unit.number("maxP");
      battery.capacity_wh = unit.number("ratedE");
      battery.initial_soc = unit.number("storedE", battery.capacity_wh / 2) / battery.capacity_wh;
      network_.batteries.push_back(std::move(battery));
    } else {
      unit.fail("is not a PhotovoltaicUnit, BatteryUnit or PowerElectronicsWindUnit");
    }
  }

  Document document_;
  Connectivity connectivity_;
  NetworkData network_;
  Names source_names_, line_names_, load_names_, capacitor_names_, solar_names_, wind_names_, battery_names_;
};

}  // namespace
}  // namespace cim

NetworkData read_cim(const std::filesystem::path& path) {
  return cim::FeederReader(path).read();
}

}  // namespace gridfed
