#pragma once

#include "grid/network_data.hpp"

#include <limits>

/// What a feeder is built of, in the words of FeederBuilder: SI units, buses by name, `phases` the conductors 1 to 3 that are used. An
/// empty `name` is filled in with kind and number, such as "line3".
namespace gridfed::components {

enum class BusType { slack, pq };

struct Bus {
  std::string name;
  double voltage_level = 0;  ///< nominal, line-to-line, also where there is a single phase [V]
  BusType type = BusType::pq;
  std::vector<int> phases{1, 2, 3};
  double voltage_pu = 1;              ///< that a slack bus holds
  double short_circuit_power = 1e12;  ///< of the network behind a slack bus, three-phase [VA]
  std::optional<std::array<double, 2>> position = {};
};

/// Line or cable. Impedances are those of the whole length.
struct Line {
  std::string name = {};
  std::string from_bus, to_bus;
  double resistance = 0, reactance = 0;  ///< positive sequence [ohm]
  std::optional<double> zero_sequence_resistance = {},
                        zero_sequence_reactance = {};  ///< [ohm]; none = as the positive sequence: no coupling
  double susceptance = 0;                              ///< to ground, half at each end [S]
  std::optional<Eigen::MatrixXcd> impedance = {};      ///< phases x phases [ohm], instead of the sequences
  double rating = 0;                                   ///< all phases [VA]; 0 = none
  double length = 0;                                   ///< [m], for the record
  std::vector<int> phases{1, 2, 3};
};

/// A line without length that opens and closes.
struct Switch {
  std::string name = {};
  std::string from_bus, to_bus;
  bool closed = true;
  double rating = 0;  ///< all phases [VA]; 0 = none
  std::vector<int> phases{1, 2, 3};
};

/// Two windings between the voltage levels of its buses. Two phases mean one unit between them; wyes are solidly grounded.
struct Transformer {
  std::string name = {};
  std::string from_bus, to_bus;
  double rating = 0;                                                                ///< [VA]
  double resistance = 0.01, reactance = 0.05;                                       ///< of both windings together [p.u. of rating]
  double no_load_loss = 0, magnetising_current = 0;                                 ///< [p.u. of rating]
  Connection from_connection = Connection::delta, to_connection = Connection::wye;  ///< of a three-phase unit
  double tap = 1;                                                                   ///< of the `to` winding [p.u. of its voltage]
  std::vector<int> phases{1, 2, 3};
};

/// Step regulators, one a phase, each with 32 taps over +-10 % and line-drop compensation. Volts are those on a base of 120 V.
struct Regulator {
  std::string name = {};
  std::string from_bus, to_bus;
  double rating = 0;                               ///< all phases [VA]
  double setpoint = 120, band = 3;                 ///< [V]
  double resistance_drop = 0, reactance_drop = 0;  ///< compensated at rated current [V]
  double delay = 15;                               ///< before the first tap [s]
  std::vector<int> phases{1, 2, 3};
};

struct Load {
  std::string name = {};
  std::string bus;
  double active_power = 0, reactive_power = 0;  ///< all phases, consumed [W], [var]
  Connection connection = Connection::wye;      ///< two phases in delta are one load between them
  LoadModel model = LoadModel::constant_power;
  std::array<double, 7> zip{};  ///< see LoadData
  std::vector<int> phases{1, 2, 3};
};

struct Capacitor {
  std::string name = {};
  std::string bus;
  double reactive_power = 0;  ///< of all phases and steps at nominal voltage [var]
  int steps = 1;
  bool in_service = true;
  Connection connection = Connection::wye;
  std::vector<int> phases{1, 2, 3};
};

/// Photovoltaic plant. Where efficiency and panel_area are given the panels deliver efficiency * panel_area * 1000 W/m2 and capacity is
/// what the inverter lets through.
struct SolarPV {
  std::string name = {};
  std::string bus;
  double capacity = 0;         ///< largest output [W]; 0 = what the panels deliver
  double efficiency = 0;       ///< of the modules at 1000 W/m2 and 25 C; 0 = not given
  double panel_area = 0;       ///< [m2]
  double inverter_rating = 0;  ///< [VA]; 0 = as capacity
  std::vector<int> phases{1, 2, 3};
};

struct WindTurbine {
  std::string name = {};
  std::string bus;
  double capacity = 0;                                            ///< rated output [W]
  double cut_in_speed = 3, rated_speed = 12, cut_out_speed = 25;  ///< [m/s]
  double inverter_rating = 0;                                     ///< [VA]; 0 = as capacity
  std::vector<int> phases{1, 2, 3};
};

struct Battery {
  std::string name = {};
  std::string bus;
  double capacity = 0;                      ///< [Wh]
  double power_rating = 0;                  ///< of charging and discharging [W]
  double efficiency = 0.9;                  ///< of charging, and again of discharging
  double initial_soc = 0.5, min_soc = 0.2;  ///< share of capacity
  double idling_loss = 0.01;                ///< share of power_rating
  double inverter_rating = 0;               ///< [VA]; 0 = as power_rating
  std::vector<int> phases{1, 2, 3};
};

}  // namespace gridfed::components
