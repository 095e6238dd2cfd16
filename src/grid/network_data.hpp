#pragma once

#include <Eigen/Dense>

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
};

enum class Connection { wye, delta };

/// A bus that needs saying more than its name. Buses exist because elements name them.
struct BusData {
  std::string name;
  std::optional<double> nominal_voltage;          ///< line-to-neutral [V], where it does not follow from sources and transformers
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
  bool ideal = false;    ///< the terminal itself is held at the voltage (slack bus); z1 and z0 are small enough not to matter
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
  double rated_voltage = 0;  ///< line-to-line [V]; across the winding if the transformer is single-phase
  double rated_power = 0;    ///< whole transformer [VA]
  double resistance_pu = 0;  ///< on its own rating
  double tap = 1;            ///< per unit of rated_voltage
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

/// Voltage dependence of a load, numbered as in OpenDSS.
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
  Terminal terminal;  ///< wye: phases then neutral; delta: phases (2 nodes if single-phase)
  int phases = 3;
  Connection connection = Connection::wye;
  Complex power;             ///< all phases, consumed [VA]
  double rated_voltage = 0;  ///< line-to-line [V] for 2 or 3 phases, across the load if single-phase
  LoadModel model = LoadModel::constant_power;
  double vmin_pu = 0.95, vmax_pu = 1.05;  ///< outside, the load is a constant impedance
  double vlow_pu = 0.50;                  ///< below, the nominal impedance; the current is interpolated up to vmin_pu
  double exponent_p = 1, exponent_q = 2;  ///< of model 4 (OpenDSS CVRwatts, CVRvars)
  std::array<double, 7> zip{};            ///< of model 8: P (z, i, p), Q (z, i, p), cut-off voltage pu
  std::string load_class;                 ///< name of its daily shape; empty = residential
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

/// Line-drop-compensated tap controller of one transformer winding (OpenDSS RegControl).
struct RegulatorData {
  std::string name, transformer;          ///< transformer by name
  int winding = 2;                        ///< 1-based
  double setpoint = 120, band = 3;        ///< [V] on the secondary of the potential transformer
  double pt_ratio = 60, ct_rating = 300;  ///< -, [A]
  double r = 0, x = 0;                    ///< line-drop compensation [V at ct_rating]
  double delay = 15, tap_delay = 2;       ///< [s]
  int max_tap_change = 16;                ///< per control iteration in static mode
  int pt_phase = 1;                       ///< phase that is measured on a multi-phase winding, 1-based
  std::optional<Terminal> remote;         ///< regulated bus if not the winding itself
  Origin origin;
};

/// Photovoltaic plant behind an inverter (OpenDSS PVSystem).
struct SolarPvData {
  std::string name;
  Terminal terminal;
  int phases = 3;
  Connection connection = Connection::wye;
  double rated_voltage = 0;    ///< as LoadData
  double capacity = 0;         ///< DC peak at 1000 W/m2 and 25 C [W]
  double inverter_rating = 0;  ///< [VA]
  double efficiency = 0;       ///< module efficiency, with panel_area an alternative to capacity; 0 = not given
  double panel_area = 0;       ///< [m2]
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
  Origin origin;
};

/// Battery behind an inverter (OpenDSS Storage).
struct BatteryData {
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
  std::vector<RegulatorData> regulators;
  std::vector<SolarPvData> solar;
  std::vector<WindTurbineData> wind;
  std::vector<BatteryData> batteries;
  std::vector<GeneratorData> generators;
  std::vector<std::string> notes;  ///< what was read but has no physics here, one sentence each
};

}  // namespace gridfed
