#include "grid/matpower_reader.hpp"

#include "grid/matpower_parser.hpp"
#include "runtime/error.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <fstream>
#include <iterator>
#include <map>
#include <numbers>
#include <set>
#include <string_view>

namespace gridfed {

using namespace matpower;

namespace {

enum BusColumn { bus_number, bus_type, load_p, load_q, shunt_g, shunt_b, bus_area, bus_vm, bus_va, base_kv };
enum GenColumn { gen_bus, gen_p, gen_q, gen_qmax, gen_qmin, gen_v, gen_mva, gen_status };
enum BranchColumn {
  branch_from,
  branch_to,
  branch_r,
  branch_x,
  branch_b,
  rate_a,
  rate_b,
  rate_c,
  branch_ratio,
  branch_angle,
  branch_status
};
enum BusType { pq = 1, pv = 2, reference = 3, isolated = 4 };

/// Turns per-unit tables into elements in SI units.
class CaseBuilder {
 public:
  CaseBuilder(std::string file, std::string name, CaseTables tables) : file_(std::move(file)), tables_(std::move(tables)) {
    network_.name = std::move(name);
    base_power_ = tables_.base_mva * 1e6;
  }

  NetworkData build() {
    index_buses();
    choose_reference();
    buses();
    machines();
    branches();
    if (dropped_ > 0) network_.notes.push_back(fmt::format("{} isolated buses and what stands at them are left out", dropped_));
    return std::move(network_);
  }

 private:
  struct CaseBus {
    const Row* row = nullptr;
    int type = pq;
    double voltage = 0;  // [V]
    bool has_machine = false;
    double setpoint = 0;  // of its last machine [p.u.]
  };

  [[noreturn]] void fail(const Row& row, const std::string& message) const { throw Error("{}:{}: {}", file_, row.line, message); }
  Origin origin(const Row& row) const { return {file_, row.line}; }
  double finite(const Row& row, int column, const char* what) const {
    if (!std::isfinite(row.values[column])) fail(row, fmt::format("{} is not finite: give a number", what));
    return row.values[column];
  }
  Complex complex(const Row& row, int column, const char* what) const { return {finite(row, column, what), finite(row, column + 1, what)}; }

  int number_of(const Row& row, double value) const {
    if (value != std::floor(value) || !(std::abs(value) < 1e9)) fail(row, fmt::format("{} is not a bus number: give an integer", value));
    return static_cast<int>(value);
  }
  CaseBus& bus_at(const Row& row, double number) {
    const auto found = buses_.find(number_of(row, number));
    if (found == buses_.end()) fail(row, fmt::format("bus {} is not in the bus table: add it there", number));
    return found->second;
  }
  static std::string bus_name(const CaseBus& bus) { return fmt::format("{:.0f}", bus.row->values[bus_number]); }
  static Terminal to_ground(const CaseBus& bus) { return {bus_name(bus), {1, 0}}; }
  static Terminal conductor(const CaseBus& bus) { return {bus_name(bus), {1}}; }

  void index_buses() {
    for (const auto& row : tables_.bus) {
      const int number = number_of(row, row.values[bus_number]);
      const double type = row.values[bus_type];
      if (!(type >= 1 && type <= 4) || type != std::floor(type))
        fail(row, fmt::format("bus {} has type {}: types are 1 (PQ), 2 (PV), 3 (reference) and 4 (isolated)", number, type));
      CaseBus bus{.row = &row, .type = static_cast<int>(type)};
      const double kv = finite(row, base_kv, "baseKV");
      if (kv < 0) fail(row, fmt::format("bus {} has baseKV {}: it must not be negative", number, kv));
      bus.voltage = kv > 0 ? kv * 1e3 : 1e3;
      if (!buses_.emplace(number, bus).second) fail(row, fmt::format("bus {} is defined twice: renumber one", number));
      dropped_ += bus.type == isolated;
    }
    for (const auto& row : tables_.gen) {
      auto& bus = bus_at(row, row.values[gen_bus]);
      if (!(row.values[gen_status] > 0)) continue;
      const double setpoint = finite(row, gen_v, "Vg");
      if (bus.has_machine && setpoint != bus.setpoint && (bus.type == pv || bus.type == reference)) {
        network_.notes.push_back(
            fmt::format("bus {} is held at {} p.u. as its last machine says, another says {}", bus_name(bus), setpoint, bus.setpoint));
      }
      bus.has_machine = true;
      bus.setpoint = setpoint;
    }
    for (auto& [number, bus] : buses_) {  // as MATPOWER's bustypes: a voltage is held where a machine runs
      if ((bus.type == pv || bus.type == reference) && !bus.has_machine) bus.type = pq;
    }
  }

  void choose_reference() {
    for (const auto& row : tables_.bus) {
      if (bus_at(row, row.values[bus_number]).type == reference) return;
    }
    for (const auto& row : tables_.bus) {
      auto& bus = bus_at(row, row.values[bus_number]);
      if (bus.type == pv) {
        bus.type = reference;
        network_.notes.push_back(fmt::format("no reference bus has a machine in service: PV bus {} takes its place", bus_name(bus)));
        return;
      }
    }
    throw Error("{}: no bus of type 3 (reference) or 2 (PV) has a machine in service: add one to the gen table", file_);
  }

  void buses() {
    for (const auto& row : tables_.bus) {
      const auto& bus = bus_at(row, row.values[bus_number]);
      if (bus.type == isolated) continue;
      const std::string name = bus_name(bus);
      const double magnitude = finite(row, bus_vm, "Vm"), angle = finite(row, bus_va, "Va") * std::numbers::pi / 180;
      if (magnitude < 0) fail(row, fmt::format("bus {} has the voltage {}: it must not be negative", name, magnitude));
      network_.buses.push_back({.name = name,
                                .nominal_voltage = bus.voltage,
                                .start_voltage = std::polar(magnitude > 0 ? magnitude : 1.0, angle),
                                .position = {}});
      const Complex load = complex(row, load_p, "Pd or Qd") * 1e6;
      if (load != Complex{}) {  // constant power at any voltage that is one
        network_.loads.push_back({.name = "load_" + name,
                                  .terminal = to_ground(bus),
                                  .phases = 1,
                                  .power = load,
                                  .rated_voltage = bus.voltage,
                                  .vmin_pu = 0.1,
                                  .vmax_pu = 10,
                                  .vlow_pu = 0.05,
                                  .origin = origin(row)});
      }
      const Complex shunt = complex(row, shunt_g, "Gs or Bs") * 1e6 / (bus.voltage * bus.voltage);  // [S]
      if (shunt != Complex{}) {
        network_.reactors.push_back({.name = "shunt_" + name,
                                     .terminal = conductor(bus),
                                     .to = std::nullopt,
                                     .phases = 1,
                                     .impedance = 1.0 / shunt,
                                     .origin = origin(row)});
      }
    }
  }

  /// The first machine of a reference bus is the source; any other there injects what its row says. The last machine of a bus says at what
  /// voltage all of them hold it, as in MATPOWER.
  void machines() {
    std::map<const CaseBus*, int> count;
    for (const auto& row : tables_.gen) {
      auto& bus = bus_at(row, row.values[gen_bus]);
      if (!(row.values[gen_status] > 0) || bus.type == isolated) continue;
      const int machine = ++count[&bus];
      const std::string name = machine == 1 ? "gen_" + bus_name(bus) : fmt::format("gen_{}_{}", bus_name(bus), machine);
      if (bus.type == reference && machine == 1) {
        network_.sources.push_back({.name = name,
                                    .terminal = conductor(bus),
                                    .voltage_base = bus.voltage,
                                    .voltage_pu = bus.setpoint,
                                    .angle_deg = finite(*bus.row, bus_va, "Va"),
                                    .z1 = Complex(0, 1e-9 * bus.voltage * bus.voltage / base_power_),
                                    .z0 = Complex(0, 1e-9 * bus.voltage * bus.voltage / base_power_),
                                    .ideal = true,
                                    .origin = origin(row)});
        continue;
      }
      GeneratorData generator{.name = name,
                              .terminal = to_ground(bus),
                              .phases = 1,
                              .rated_voltage = bus.voltage,
                              .power = complex(row, gen_p, "Pg or Qg") * 1e6,
                              .voltage_setpoint_pu = std::nullopt,
                              .min_reactive = row.values[gen_qmin] * 1e6,
                              .max_reactive = row.values[gen_qmax] * 1e6,
                              .origin = origin(row)};
      if (bus.type == pv) generator.voltage_setpoint_pu = bus.setpoint;
      network_.generators.push_back(std::move(generator));
    }
  }

  // MATPOWER's branch (manual, figure 3-1): an ideal transformer of ratio tau e^(j theta) at the from bus, then the pi-model.
  void branches() {
    std::map<std::string, int> parallel;
    for (const auto& row : tables_.branch) {
      const auto& from = bus_at(row, row.values[branch_from]);
      const auto& to = bus_at(row, row.values[branch_to]);
      if (from.type == isolated || to.type == isolated) continue;
      std::string name = fmt::format("branch_{}_{}", bus_name(from), bus_name(to));
      const int circuit = ++parallel[name];
      if (circuit > 1) name += fmt::format("_{}", circuit);
      const double base = to.voltage * to.voltage / base_power_;
      const double tau = finite(row, branch_ratio, "ratio") == 0 ? 1.0 : row.values[branch_ratio];
      if (tau < 0) fail(row, fmt::format("{} has the ratio {}: it must be positive, or 0 for a line", name, tau));
      const double theta = finite(row, branch_angle, "angle") * std::numbers::pi / 180;
      const double rating = row.values[rate_a];
      network_.lines.push_back({.name = name,
                                .from = conductor(from),
                                .to = conductor(to),
                                .series_impedance = Eigen::MatrixXcd::Constant(1, 1, complex(row, branch_r, "r or x") * base),
                                .shunt_susceptance = Eigen::MatrixXd::Constant(1, 1, finite(row, branch_b, "b") / base),
                                .ratio = std::polar(tau * from.voltage / to.voltage, theta),
                                .rating = std::isfinite(rating) && rating > 0 ? rating * 1e6 / from.voltage : 0.0,
                                .closed = row.values[branch_status] > 0,
                                .origin = origin(row)});
    }
  }

  std::string file_;
  CaseTables tables_;
  double base_power_ = 0;  // [VA]
  std::map<int, CaseBus> buses_;
  NetworkData network_;
  int dropped_ = 0;
};

}  // namespace

NetworkData read_matpower(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  if (!stream) throw Error("cannot read '{}' (no such file, or no permission): check the path", path.string());
  std::string text((std::istreambuf_iterator<char>(stream)), {});
  std::string name = path.stem().string();
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return CaseBuilder(path.string(), std::move(name), parse_case(path.string(), text)).build();
}

}  // namespace gridfed
