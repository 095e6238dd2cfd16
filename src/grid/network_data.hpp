#pragma once

#include <Eigen/Dense>

#include <algorithm>
#include <array>
#include <complex>
#include <limits>
#include <optional>
#include <string>
#include <vector>

namespace gridfed {

using Complex = std::complex<double>;

/// Where an element was defined, for error messages.
struct Origin {
  std::string file;
  int line = 0;
};

/// One end of an element: the bus and, conductor by conductor, the node number it lands on (1, 2, 3 phases, 4 and up neutrals, 0 ground).
struct Terminal {
  std::string bus;  ///< lower case
  std::vector<int> nodes;
  std::vector<int> open = {};  ///< positions in `nodes` of conductors that land on nothing, of a line or winding; each once

  bool is_open(int conductor) const { return std::find(open.begin(), open.end(), conductor) != open.end(); }
  bool all_open() const { return !nodes.empty() && open.size() == nodes.size(); }
};

enum class Connection { wye, delta };

/// Points (x, y), x rising: linear between them, and on along the end segments.
using Curve = std::vector<std::array<double, 2>>;

/// A bus that needs saying more than its name. Buses exist because elements name them.
struct BusData {
  std::string name;
  std::optional<double> nominal_voltage;          ///< line-to-neutral [V], where it does not follow from sources and transformers
  std::optional<Complex> start_voltage = {};      ///< where an iteration begins [p.u.], of a network with one conductor a bus
  std::optional<std::array<double, 2>> position;  ///< drawing coordinates, the feeder's own unit
};

/// Thevenin source behind a coupled impedance; conductors of `terminal` are its phases (0 = neutral to ground implied).
struct SourceData {
  std::string name;
  Terminal terminal;        ///< one node a phase
  double voltage_base = 0;  ///< line-to-line [V] (line-to-neutral if single-phase)
  double voltage_pu = 1;
  double angle_deg = 0;  ///< of the first phase
  Complex z1, z0;        ///< positive- and zero-sequence impedance [ohm]
  bool ideal = false;    ///< an infinite bus: its nodes are held at the voltage; z1 is then a number small enough not to matter
  Origin origin;
};

/// Pi-model of a coupled multi-conductor line or cable, a switch, or the branch of a transmission case, which may transform and shift
/// phase.
struct LineData {
  std::string name;
  Terminal from, to;                  ///< equal numbers of conductors
  Eigen::MatrixXcd series_impedance;  ///< whole length [ohm], conductors x conductors
  Eigen::MatrixXd shunt_susceptance;  ///< whole length [S], half goes to each end
  Complex ratio = 1.0;                ///< of an ideal transformer between `from` and the pi-model: voltage at `from` over that behind it
  double rating = 0;                  ///< normal current per conductor [A]; 0 = none given
  double length = 0;                  ///< [m], 0 when the script gives no unit
  bool is_switch = false;
  bool closed = true;
  Origin origin;
};

struct WindingData {
  Terminal terminal;  ///< wye: phases then neutral (0 = solidly grounded); delta: phases (2 nodes if single-phase)
  Connection connection = Connection::wye;
  double rated_voltage = 0;                  ///< line-to-line [V]; across the winding if the transformer is single-phase
  double rated_power = 0;                    ///< whole transformer [VA]
  double resistance_pu = 0;                  ///< on its own rating
  std::optional<Complex> neutral_impedance;  ///< that earths a wye's neutral [ohm]; none = the neutral's node alone counts
  double tap = 1;                            ///< per unit of rated_voltage
  double min_tap = 0.9, max_tap = 1.1;
  int num_taps = 32;  ///< steps between min_tap and max_tap
};

/// Two or more windings; leakage reactances by pair in the order 12, 13, 23 (OpenDSS XHL, XHT, XLT) on winding 1's rating.
struct TransformerData {
  std::string name;
  std::string bank;  ///< group of single-phase units that form one device; may be empty
  int phases = 3;
  std::vector<WindingData> windings;
  std::vector<double> reactance_pu;
  double no_load_loss_pu = 0, magnetising_current_pu = 0;
  double antifloat_ppm = 1;  ///< inductive shunt to ground at every winding end, parts per million of rating (OpenDSS ppm_antifloat)
  bool lag_leads = false;    ///< delta-wye phase shift: false = the low side lags (OpenDSS LeadLag=Lag, the ANSI default)
  double rating = 0;         ///< normal loading limit on |S| into winding 1 [VA] (OpenDSS normhkva; 0 = rated power)
  Origin origin;
};

/// How power follows time. Each name is a LoadShapeData's; empty = constant.
struct ShapeNames {
  std::string daily, yearly, duty;
};

/// Values in time: of power relative to an element's own, or of power itself.
struct LoadShapeData {
  std::string name;
  double interval = 3600;                     ///< between values [s]; 0 = at `times`
  std::vector<double> times;                  ///< [s], rising; empty unless interval is 0
  std::vector<double> active;                 ///< [-], or [W] if use_actual
  std::vector<double> reactive;               ///< [-], or [var] if use_actual; empty = as `active`
  bool use_actual = false;                    ///< the values are powers
  double active_base = 0, reactive_base = 0;  ///< what the values were or would be normalised by; 0 = their largest
  Origin origin;
};

/// Voltage dependence of a load, numbered as in OpenDSS. The reactive power of models 6 and 7 stays what the script says, whatever scales
/// the load.
enum class LoadModel {
  constant_power = 1,
  constant_impedance = 2,
  constant_p_quadratic_q = 3,
  exponential = 4,
  constant_current = 5,
  constant_p_fixed_q = 6,
  constant_p_fixed_x = 7,
  zip = 8
};

struct LoadData {
  std::string name;
  Terminal terminal;  ///< wye: phases then neutral; delta: phases, and one more end for fewer than 3
  int phases = 3;
  Connection connection = Connection::wye;
  Complex power;             ///< all phases, consumed [VA]
  double rated_voltage = 0;  ///< line-to-line [V] for 2 or 3 phases, across the load if single-phase
  LoadModel model = LoadModel::constant_power;
  double vmin_pu = 0.95, vmax_pu = 1.05;  ///< outside, the load is a constant impedance
  double vlow_pu = 0.50;                  ///< below, the nominal impedance; the current is interpolated up to vmin_pu
  double exponent_p = 1, exponent_q = 2;  ///< of model 4 (OpenDSS CVRwatts, CVRvars)
  std::array<double, 7> zip{};            ///< of model 8: P (z, i, p), Q (z, i, p), cut-off voltage pu
  ShapeNames shapes;
  bool fixed = false;               ///< keeps its power whatever factor scales the others (OpenDSS status=fixed or exempt)
  bool keeps_power_factor = false;  ///< where a shape states active powers alone; else its reactive power is then zero
  Origin origin;
};

/// Shunt capacitor bank; `to` is ground unless given.
struct CapacitorData {
  std::string name;
  Terminal terminal;           ///< wye: phases; delta: phases
  std::optional<Terminal> to;  ///< the other end of a series or neutral-connected bank
  int phases = 3;
  Connection connection = Connection::wye;
  std::vector<double> step_power;  ///< per step, all phases [var] at rated voltage
  std::vector<int> states;         ///< 1 = in service, per step
  double rated_voltage = 0;        ///< line-to-line [V] for 2 or 3 phases, across the bank if single-phase
  Origin origin;
};

/// Shunt or series reactor: impedance per phase.
struct ReactorData {
  std::string name;
  Terminal terminal;
  std::optional<Terminal> to;
  int phases = 3;
  Connection connection = Connection::wye;
  Complex impedance;  ///< per phase [ohm]
  Origin origin;
};

/// Phases of a terminal that an instrument transformer feeds a controller from.
enum class PhaseSelection { one, average, maximum, minimum };

/// What a regulator makes of power that flows back through it for a while: nothing, regulate the other side, or go on with other settings.
enum class ReversePower { disregarded, reverses, cogeneration };

/// Settings of a regulator for reverse power (OpenDSS RegControl reversible, Cogen and rev...).
struct ReverseData {
  ReversePower action = ReversePower::disregarded;
  bool to_neutral = false;          ///< goes to its neutral tap and stays there
  double threshold = 100e3;         ///< [W] back, and forward again
  double delay = 60;                ///< [s] that power must flow so
  double setpoint = 120, band = 3;  ///< [V] on the secondary of the potential transformer
  double r = 0, x = 0, z = 0;       ///< line-drop compensation as in forward direction, where there is any
};

/// Line-drop-compensated tap controller of one transformer winding (OpenDSS RegControl).
struct RegulatorData {
  std::string name, transformer;                      ///< transformer by name
  int winding = 2;                                    ///< whose tap moves, 1-based
  int measured_winding = 2;                           ///< whose voltage and current it measures, 1-based
  double setpoint = 120, band = 3;                    ///< [V] on the secondary of the potential transformer
  double pt_ratio = 60, ct_rating = 300;              ///< -, [A]
  double r = 0, x = 0;                                ///< line-drop compensation [V at ct_rating]
  double z = 0;                                       ///< instead of r and x, by magnitudes alone (Beckwith) [V at ct_rating]
  double delay = 15, tap_delay = 2;                   ///< [s]
  bool inverse_time = false;                          ///< the delay shrinks as the voltage leaves the band
  int max_tap_change = 16;                            ///< per control iteration in static mode
  PhaseSelection pt_selection = PhaseSelection::one;  ///< one, maximum or minimum
  int pt_phase = 1;                                   ///< phase that is measured on a multi-phase winding, 1-based
  double voltage_limit = 0;                           ///< the winding itself never goes above [V on the PT's secondary]; 0 = no limit
  std::optional<Terminal> remote;                     ///< regulated bus if not the winding itself
  double remote_pt_ratio = 60;                        ///< of the potential transformer at the remote bus
  ReverseData reverse;                                ///< without meaning where a remote bus is regulated
  Origin origin;
};

enum class ElementKind { source, line, transformer, load, capacitor, reactor, solar, wind, battery };

/// Another element and which of its ends is meant.
struct ElementTerminal {
  ElementKind kind = ElementKind::line;
  std::string name;
  int terminal = 1;  ///< 1-based; windings of a transformer
};

enum class SwitchingDeviceKind { disconnector, fuse, recloser, breaker };

/// A device at one end of a line or transformer that opens it (OpenDSS SwtControl, Fuse, Recloser, Relay). Its state is that of the
/// element.
struct SwitchingDeviceData {
  std::string name;
  SwitchingDeviceKind kind = SwitchingDeviceKind::disconnector;
  ElementTerminal element;
  Origin origin;
};

/// What a capacitor controller compares with its settings.
enum class CapacitorControlKind { current, voltage, reactive_power, time, power_factor };

/// Switching controller of a capacitor bank (OpenDSS CapControl).
struct CapacitorControlData {
  std::string name, capacitor;  ///< capacitor by name
  ElementTerminal monitored;    ///< where current, voltage and power are measured, positive into the element
  CapacitorControlKind kind = CapacitorControlKind::current;
  /// The bank closes and opens beyond these. Current [A] and voltage [V] on the secondaries of the instrument transformers; reactive power
  /// [var] of all phases on the primary side; time [h] of the day; power factor, negative = leading.
  double on_setting = 300, off_setting = 200;
  double pt_ratio = 60, ct_ratio = 60;
  PhaseSelection pt_selection = PhaseSelection::one, ct_selection = PhaseSelection::one;
  int pt_phase = 1, ct_phase = 1;       ///< 1-based, of the monitored terminal
  bool voltage_override = false;        ///< v_min and v_max come before the settings
  double v_max = 126, v_min = 115;      ///< [V] on the secondary of the potential transformer: opens above, closes below
  std::optional<Terminal> voltage_bus;  ///< where the override measures if not at the monitored terminal
  double delay = 15, delay_off = 15;    ///< before closing, before opening [s]
  double dead_time = 300;               ///< between opening and closing again [s]
  double min_reactive_share = 0.5;      ///< of a step's power that must flow before a power-factor control closes it
  Origin origin;
};

/// How an inverter makes apparent power of the active power behind it. Shares are of its rating.
struct InverterData {
  std::optional<double> power_factor = 1.0;  ///< negative: absorbs reactive power while it delivers active; none = reactive_power counts
  double reactive_power = 0;                 ///< [var]
  double max_delivered = std::numeric_limits<double>::infinity();  ///< reactive power [var]
  double max_absorbed = std::numeric_limits<double>::infinity();
  bool active_first = false;       ///< where the rating does not hold both: reactive power gives way, else active
  bool factor_first = false;       ///< or both, in proportion
  double cut_in = 0, cut_out = 0;  ///< starts at this power behind it, stops below that
  bool reactive_stops = false;     ///< with the inverter
  Curve efficiency;                ///< over the power behind it by the rating; empty = 1
};

/// Photovoltaic plant behind an inverter (OpenDSS PVSystem).
struct SolarPvData {
  std::string name;
  Terminal terminal;
  int phases = 3;
  Connection connection = Connection::wye;
  double rated_voltage = 0;    ///< as LoadData
  double capacity = 0;         ///< largest output [W]
  double panel_rating = 0;     ///< DC at 1000 W/m2 and 25 C [W]
  double panel_power = 0;      ///< DC at the irradiance and temperature the script states [W]; load shapes scale it
  double inverter_rating = 0;  ///< [VA]
  InverterData inverter;
  double efficiency = 0;  ///< module efficiency, with panel_area an alternative to capacity; 0 = not given
  double panel_area = 0;  ///< [m2]
  Complex power;          ///< delivered at the operating point the script states [VA]
  ShapeNames shapes;
  Origin origin;
};

/// Wind turbine (OpenDSS WindGen).
struct WindTurbineData {
  std::string name;
  Terminal terminal;
  int phases = 3;
  Connection connection = Connection::wye;
  double rated_voltage = 0;
  double capacity = 0;                                            ///< rated output [W]
  double inverter_rating = 0;                                     ///< [VA]
  double cut_in_speed = 3, rated_speed = 12, cut_out_speed = 25;  ///< [m/s]
  double wind_speed = 12;                                         ///< that the script states [m/s]
  ShapeNames shapes;                                              ///< of the wind speed [m/s]
  Origin origin;
};

enum class BatteryState { charging, idling, discharging };

/// Battery behind an inverter (OpenDSS Storage).
struct BatteryData {
  /// How a load shape dispatches it in time: by thresholds, with its own rates; or the shape is its power relative to power_rating; or
  /// not at all.
  enum class Dispatch { thresholds, follow, none };

  std::string name;
  Terminal terminal;
  int phases = 3;
  Connection connection = Connection::wye;
  double rated_voltage = 0;
  double capacity_wh = 0;      ///< energy [Wh]
  double power_rating = 0;     ///< [W], charge and discharge
  double inverter_rating = 0;  ///< [VA]
  double charge_efficiency = 0.9, discharge_efficiency = 0.9;
  double idling_loss = 0.01;                ///< share of power_rating drawn while idle
  double initial_soc = 0.5, min_soc = 0.2;  ///< share of capacity_wh
  InverterData inverter;
  BatteryState state = BatteryState::idling;   ///< that the script states
  double charge_rate = 1, discharge_rate = 1;  ///< share of power_rating
  Dispatch dispatch = Dispatch::thresholds;
  double charge_below = 0, discharge_above = 0;  ///< values of the shape; 0 = it never does by the shape
  double charge_hour = 2;                        ///< of the day, at which an idle one with a threshold charges; 0 or less = never
  Complex power;                                 ///< delivered at the operating point the script states, negative while charging [VA]
  ShapeNames shapes;
  Origin origin;
};

/// Control of inverters by the voltage at their terminals (OpenDSS InvControl): reactive power that follows it, a limit of active power, or
/// both. Curves are (voltage in p.u. of the inverter's rated voltage, share of a base).
struct InverterControlData {
  /// Positive shares deliver. The base of reactive power: what the rating leaves beside active power, or the rating.
  enum class ReactiveBase { available, rating };
  /// The base of the limit: capacity, what is available behind the inverter, or its rating.
  enum class ActiveBase { capacity, available, rating };

  std::string name;
  std::vector<std::string> solar, batteries;  ///< those controlled, by name
  Curve volt_var, volt_watt;                  ///< empty = not in force
  ReactiveBase reactive_base = ReactiveBase::available;
  ActiveBase active_base = ActiveBase::capacity;
  PhaseSelection selection = PhaseSelection::average;  ///< of the terminal's phase voltages
  int phase = 1;                                       ///< 1-based, if one is selected
  Origin origin;
};

/// Machine that injects a set power. With a voltage setpoint it regulates: reactive power is whatever holds the mean magnitude of its phase
/// voltages there, within the limits (a PV bus).
struct GeneratorData {
  std::string name;
  Terminal terminal;
  int phases = 3;
  Connection connection = Connection::wye;
  double rated_voltage = 0;                   ///< as LoadData
  Complex power;                              ///< all phases, injected [VA]; of a regulating machine the imaginary part is a first guess
  std::optional<double> voltage_setpoint_pu;  ///< of rated_voltage
  double min_reactive = -std::numeric_limits<double>::infinity();  ///< all phases, injected [var]
  double max_reactive = std::numeric_limits<double>::infinity();
  Origin origin;
};

/// Which load shapes of ShapeNames a simulation in time follows.
enum class ShapeKind { daily, yearly, duty };

/// How controllers act: not at all, until none wants to at each instant, or after their delays.
enum class ControlMode { off, fixed, time };

/// Simulation in time that a script asks for.
struct SimulationData {
  std::optional<ShapeKind> shapes;  ///< none = a snapshot
  int steps = 100;
  double step = 0;   ///< [s]
  double start = 0;  ///< the first step ends `step` after this [s]
  ControlMode control = ControlMode::fixed;
};

/// A network as read, SI units, by name: what readers produce, writers consume and make_network() validates.
struct NetworkData {
  std::string name;
  double frequency = 60;              ///< [Hz]
  std::vector<double> voltage_bases;  ///< line-to-line [V]; a bus takes the nearest to its no-load voltage
  std::vector<BusData> buses;
  std::vector<SourceData> sources;
  std::vector<LineData> lines;
  std::vector<TransformerData> transformers;
  std::vector<LoadData> loads;
  std::vector<CapacitorData> capacitors;
  std::vector<ReactorData> reactors;
  std::vector<SwitchingDeviceData> switching_devices;
  std::vector<RegulatorData> regulators;
  std::vector<CapacitorControlData> capacitor_controls;
  std::vector<InverterControlData> inverter_controls;
  std::vector<SolarPvData> solar;
  std::vector<WindTurbineData> wind;
  std::vector<BatteryData> batteries;
  std::vector<GeneratorData> generators;
  std::vector<LoadShapeData> load_shapes;
  SimulationData simulation;
  std::vector<std::string> notes;  ///< what was read but has no physics here, one sentence each
};

}  // namespace gridfed
