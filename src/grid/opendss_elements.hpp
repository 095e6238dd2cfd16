#pragma once

#include "grid/line_constants.hpp"
#include "grid/name_index.hpp"
#include "grid/network_data.hpp"
#include "grid/opendss_parser.hpp"
#include "runtime/memory.hpp"

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <unordered_set>
#include <vector>

/// What an OpenDSS script says, object by object, in OpenDSS's own units and with its defaults. Every assignment in the script edits these;
/// network_data_of() turns the final state into SI.
namespace gridfed::opendss {

enum class LengthUnit { none, mi, kft, km, m, ft, in, cm, mm };

double metres(LengthUnit unit);                     ///< none counts as metres
double conversion(LengthUnit from, LengthUnit to);  ///< lengths `to` in one length `from`; 1 if either is none

struct BusReference {
  std::string bus;
  std::vector<int> nodes;  ///< as written after the dots
};

/// An Origin of one of the files the interpreter holds.
struct Place {
  const std::string* file = nullptr;  ///< nullptr: in none
  int line = 0;
  operator Origin() const { return {file ? *file : "", line}; }
};

struct Object {
  std::string name;
  Place origin;
  bool enabled = true;
  bool closed = true;                               ///< by the commands open and close
  std::vector<std::array<int, 2>> open_conductors;  ///< {terminal, conductor}, 1-based, of a line or transformer, ascending
};

/// Where a bus is drawn.
struct Coordinates {
  std::string name;
  std::array<double, 2> position;
};

struct LoadShape : Object {
  int points = 0;       ///< values beyond are left out; 0 = all
  double interval = 1;  ///< [h], 0 = at `hours`
  std::vector<double> hours, active, reactive;
  bool use_actual = false;
  double active_base = 0, reactive_base = 0;
};

struct XyCurve : Object {
  int points = 0;
  std::vector<double> x, y;
};

enum class ConductorKind { bare, concentric_neutral, tape_shield };

/// WireData, or with what lies around the core CNData or TSData.
struct Wire : Object {
  double rdc = -1, rac = -1, gmr = -1, radius = -1, capacitance_radius = -1, normamps = -1;
  LengthUnit resistance_unit = LengthUnit::none, gmr_unit = LengthUnit::none, radius_unit = LengthUnit::none;
  int strands = 2;
  double strand_diameter = -1, strand_gmr = -1, strand_resistance = -1, shield_diameter = -1, tape_thickness = -1, tape_lap = 20;
  double permittivity = 2.3, insulation = -1, insulation_diameter = -1, cable_diameter = -1;
};

struct Spacing : Object {
  int phases = 3, conductors = 3;
  std::vector<double> x = std::vector<double>(3), h = std::vector<double>(3);
  LengthUnit unit = LengthUnit::ft;
};

struct Geometry : Object {
  struct Position {
    std::string wire;
    ConductorKind kind = ConductorKind::bare;
    double x = 0, h = 0;
    LengthUnit unit = LengthUnit::none;
  };
  int phases = 3, active = 1;
  bool reduce = false;
  double normamps = 0;
  std::vector<Position> conductors = std::vector<Position>(3);
};

/// Impedance per unit length of a line or line code: from symmetrical components, or matrices that overwrite what came of them.
struct LineImpedance {
  int phases = 3;
  bool symmetrical = true, capacitance_given = false;
  double r1 = 0.058, x1 = 0.1206, r0 = 0.1784, x0 = 0.4047;  // ohm per 1000 ft
  double c1 = 3.4, c0 = 1.6;                                 // nF per 1000 ft
  double rg = 0.01805, xg = 0.155081, rho = 100;             // how R and X follow the frequency through the earth return
  double base_frequency = 60;
  Eigen::MatrixXd r, x, c;  // ohm, ohm, nF per unit length

  LineImpedance() { expand_sequences(); }
  void expand_sequences();
};

struct LineCode : Object, LineImpedance {
  LengthUnit unit = LengthUnit::none;
  double normamps = 0;
};

struct Line : Object, LineImpedance {
  BusReference bus1, bus2;
  std::string geometry;
  std::optional<LengthUnit> code_unit;  ///< of the line code in force, if there is one
  bool sequences_edited = false;
  double length = 1;
  LengthUnit unit = LengthUnit::none;
  double lengths_per_impedance_unit = 1;  ///< length / this = length in the unit of the impedances
  bool is_switch = false;
  double normamps = 0;
  EarthModel earth_model = EarthModel::deri;
};

struct Winding {
  BusReference bus;
  Connection connection = Connection::wye;
  double kv = 12.47, kva = 1000, percent_r = 0.2, tap = 1, rneut = -1, xneut = 0, min_tap = 0.9, max_tap = 1.1;
  int num_taps = 32;
};

struct Transformer : Object {
  int phases = 3, active = 1;
  std::vector<Winding> windings = std::vector<Winding>(2);
  double xhl = 7, xht = 35, xlt = 30;  // percent
  std::vector<double> xscarray;        // percent, for four windings and more
  double percent_no_load_loss = 0, percent_imag = 0, ppm_antifloat = 1, normhkva = 0;
  bool lead = false;
  std::string bank;
};

struct TransformerCode : Transformer {};

struct RegControl : Object {
  std::string transformer;
  int winding = 1, tap_winding = 1, max_tap_change = 16, pt_phase = 1;
  PhaseSelection pt_selection = PhaseSelection::one;
  double vreg = 120, band = 3, pt_ratio = 60, remote_pt_ratio = 60, ct_primary = 300, r = 0, x = 0, delay = 15, tap_delay = 2, vlimit = 0,
         ldc_z = 0;
  double rev_vreg = 120, rev_band = 3, rev_r = 0, rev_x = 0, rev_z = 0, rev_threshold = 100, rev_delay = 60;
  bool inverse_time = false, reversible = false, rev_neutral = false, cogen = false;
  std::optional<BusReference> bus;
};

struct CapControl : Object {
  std::string element, capacitor;  ///< element as class.name
  int terminal = 1, pt_phase = 1, ct_phase = 1;
  PhaseSelection pt_selection = PhaseSelection::one, ct_selection = PhaseSelection::one;
  CapacitorControlKind kind = CapacitorControlKind::current;
  double pt_ratio = 60, ct_ratio = 60, on = 300, off = 200, delay = 15, delay_off = 15, dead_time = 300, vmax = 126, vmin = 115;
  double percent_min_kvar = 50;
  bool voltage_override = false;
  std::optional<BusReference> voltage_bus;
};

struct InvControl : Object {
  std::optional<std::vector<std::string>> elements;  ///< as class.name; none = all
  std::string volt_var_curve, volt_watt_curve;
  bool volt_var = false, volt_watt = false;
  InverterControlData::ReactiveBase reactive_base = InverterControlData::ReactiveBase::available;
  InverterControlData::ActiveBase active_base = InverterControlData::ActiveBase::capacity;
  PhaseSelection selection = PhaseSelection::average;
  int phase = 1;
};

/// SwtControl, Fuse, Recloser, Relay: what they make of a snapshot is the state of the element they switch.
struct SwitchControl : Object {
  std::string monitored, switched;  ///< as class.name; the second is the first unless given
  int terminal = 1;
  bool locked = false, state_given = false;
  std::optional<bool> closes;        ///< what state= says, or action= and normal= until it does
  std::vector<int> open_conductors;  ///< of a fuse, 1-based
  bool single_phase = false;         ///< a fuse: its states are by conductor
};

struct Source : Object {
  BusReference bus{"sourcebus", {}};
  int phases = 3;
  double kv = 115, pu = 1, angle = 0, base_mva = 100;
  enum class Given { short_circuit_mva, short_circuit_amperes, impedance } given = Given::short_circuit_mva;
  double mva3 = 2000, mva1 = 2100, isc3 = 10000, isc1 = 10540, x1r1 = 4, x0r0 = 3;
  double r1 = 0, x1 = 0, r0 = 0, x0 = 0;  // ohm
};

/// Load shapes of the script; nullptr = constant.
struct Shapes {
  const LoadShape *daily = nullptr, *yearly = nullptr, *duty = nullptr;
  operator ShapeNames() const {
    const auto name = [](const LoadShape* shape) { return shape ? shape->name : std::string(); };
    return {name(daily), name(yearly), name(duty)};
  }
};

/// What loads and sources of power share: the terminal and its rated voltage.
struct PowerElement : Object {
  BusReference bus;
  int phases = 3;
  Connection connection = Connection::wye;
  double kv = 12.47;
  Shapes shapes;
};

struct Load : PowerElement {
  double kw = 10, kvar = 5, kva = 10 / 0.88, pf = 0.88;
  enum class Given { pf, kvar, kva } given = Given::pf;
  int model = 1;
  double vmin = 0.95, vmax = 1.05, vlow = 0.5, cvr_watts = 1, cvr_vars = 2, rneut = -1, xneut = 0;
  double xfkva = 0, allocation_factor = 0.5, kwh = 0, kwh_days = 30, c_factor = 4;
  std::vector<double> zipv;
  bool follows_loadmult = true, follows_shapes = true;
  bool pf_given = false;  ///< later than kvar
};

struct Generator : PowerElement {
  double kw = 1000, kvar = 60, pf = 0.88, vmin = 0.9, vmax = 1.1;
  double vpu = 1, max_kvar = 120, min_kvar = -120;  ///< of model 3
  bool follows_genmult = true;
  int model = 1;
};

/// What photovoltaics and storage share: how an inverter makes apparent power of what stands behind it.
struct Inverter : PowerElement {
  double pf = 1, kvar = 0, percent_cut_in = 0, percent_cut_out = 0;
  bool by_pf = true, watt_priority = false, pf_priority = false, var_follows_inverter = false;
  std::optional<double> kvar_max, kvar_max_abs;  ///< delivered, absorbed
  std::string efficiency_curve;                  ///< over the power behind the inverter by kVA
};

struct PvSystem : Inverter {
  PvSystem() { percent_cut_in = percent_cut_out = 20; }
  double pmpp = 500, percent_pmpp = 100, kva = 500, irradiance = 1, temperature = 25;
  std::string temperature_curve;  ///< factor on pmpp over the temperature
};

struct Storage : Inverter {
  BatteryState state = BatteryState::idling;
  BatteryData::Dispatch dispatch = BatteryData::Dispatch::thresholds;
  double charge_trigger = 0, discharge_trigger = 0, charge_hour = 2;
  double percent_discharge = 100, percent_charge = 100;
  double kw_rated = 25, kwh_rated = 50, percent_stored = 100, percent_reserve = 20, eff_charge = 90, eff_discharge = 90, idling = 1;
  std::optional<double> kva;
};

struct WindGen : PowerElement {
  double kw = 1000, cut_in = 5, cut_out = 23, wind_speed = 12;
  std::optional<double> kva, rotor_radius;
  double performance = 0.41, air_density = 1.225;
  int turbines = 1;
};

struct Capacitor : PowerElement {
  std::optional<BusReference> bus2;
  std::vector<double> kvar = {1200};
  std::vector<int> states = {1};
};

struct Reactor : PowerElement {
  std::optional<BusReference> bus2;
  double kvar = 100, r = 0, x = 0, rp = 0;
  bool kvar_given = true, parallel = false;
};

/// Objects of one class by name, in the order of their definition; references stay valid. They stand in blocks, which free as a whole.
template <class T>
class Table {
 public:
  T* find(std::string_view name) {
    const int position = index_.find(name, *this);
    return position < 0 ? nullptr : &(*this)[position];
  }
  T& add(std::string_view name) {
    if (blocks_.empty() || blocks_.back().size() == block) blocks_.emplace_back().reserve(block);
    T& object = blocks_.back().emplace_back();
    object.name = name;
    index_.add(static_cast<int>(size()) - 1, *this);
    return object;
  }
  T& add(std::string_view name, Place origin) {
    T& object = add(name);
    object.origin = origin;
    return object;
  }

  std::size_t size() const { return blocks_.empty() ? 0 : block * (blocks_.size() - 1) + blocks_.back().size(); }
  const T& operator[](std::size_t position) const { return blocks_[position / block][position % block]; }
  T& operator[](std::size_t position) { return blocks_[position / block][position % block]; }

  struct Iterator {
    Table* table;
    std::size_t position;
    T& operator*() const { return (*table)[position]; }
    Iterator& operator++() {
      ++position;
      return *this;
    }
    bool operator==(const Iterator& other) const { return position == other.position; }
  };
  Iterator begin() { return {this, 0}; }
  Iterator end() { return {this, size()}; }

  /// Hands over one object after the other and forgets them, so that a large table is never there twice.
  template <class Take>
  void drain(Take take) {
    index_ = {};
    for (auto& objects : blocks_) {
      for (T& object : objects) take(object);
      objects = {};
    }
    blocks_.clear();
    release_free_memory();
  }

 private:
  static constexpr std::size_t block = 256;
  std::vector<std::vector<T>> blocks_;
  NameIndex index_;
};

/// Everything a script has defined so far.
struct Script {
  std::string circuit;  ///< empty until `new circuit`
  double frequency = 60;
  double load_multiplier = 1, generation_multiplier = 1;
  double growth_percent = 2.5;  ///< of loads, a year
  int year = 0;
  EarthModel earth_model = EarthModel::deri;
  SimulationData simulation;
  std::vector<double> voltage_bases;  // kV
  Table<Coordinates> coordinates;
  bool ignore_unknown = false;
  std::vector<std::string> notes;
  /// Adds a note unless it is there.
  void note(const std::string& text) {
    if (noted.insert(text).second) notes.push_back(text);
  }
  std::unordered_set<std::string> noted;
  std::filesystem::path folder;  ///< of the file that is being read

  Table<LoadShape> load_shapes;
  Table<XyCurve> curves;
  Table<Wire> wires, concentric_cables, tape_cables;
  Table<Spacing> spacings;
  Table<Geometry> geometries;
  Table<LineCode> line_codes;
  Table<Line> lines;
  Table<TransformerCode> transformer_codes;
  Table<Transformer> transformers;
  Table<RegControl> regulators;
  Table<CapControl> capacitor_controls;
  Table<InvControl> inverter_controls;
  Table<SwitchControl> switch_controls, fuses, reclosers, relays;
  Table<Source> sources;
  Table<Load> loads;
  Table<Generator> generators;
  Table<PvSystem> pv_systems;
  Table<Storage> storages;
  Table<WindGen> wind_generators;
  Table<Capacitor> capacitors;
  Table<Reactor> reactors;
};

/// One OpenDSS class as the interpreter sees it.
struct ElementClass {
  std::string_view name;
  Object& (*add)(Script&, const std::string& name, Place);
  Object* (*find)(Script&, const std::string& name);
  std::vector<Object*> (*all)(Script&);
  /// Assigns properties in order: named, abbreviated, or positional after the last one. Throws ScriptError.
  void (*edit)(Script&, Object&, std::span<const Argument>);
};

/// The file a script means, looked for beside it whatever the case of its letters. Throws ScriptError if there is none.
std::filesystem::path find_file(const std::filesystem::path& folder, std::string name);

/// The classes this reader knows: of curves, of lines, of transformers and banks, of controllers, and of what turns power from or into
/// something else.
std::span<const ElementClass> curve_classes();
std::span<const ElementClass> line_classes();
std::span<const ElementClass> transformer_classes();
std::span<const ElementClass> control_classes();
std::span<const ElementClass> switch_classes();
std::span<const ElementClass> source_and_load_classes();
std::span<const ElementClass> injection_classes();

/// The class of a name in lower case, nullptr if it is not known.
const ElementClass* find_class(std::string_view name);

/// Opens or closes a terminal of an object, or one conductor (1-based, 0 = all) of a line's or transformer's. Throws ScriptError for what
/// cannot be opened.
void switch_terminal(const ElementClass& type, Object& object, int terminal, int conductor, bool close);

/// Takes what an option says about simulation in time; false if it says nothing of that. Throws ScriptError. Modes other than daily, yearly
/// and dutycycle count as a snapshot, control modes other than off and static as time.
bool set_simulation_option(const std::string& name, const Value& value, SimulationData& simulation);

/// The script's final state in SI units.
NetworkData network_data_of(Script& script);

}  // namespace gridfed::opendss
