#pragma once

#include "powerflow/time_series.hpp"
#include "runtime/hdf5.hpp"

#include <functional>
#include <string>
#include <vector>

namespace gridfed {

inline constexpr Version series_version{1, 0};

/// The numbers of a step that everybody asks for.
struct StepSummary {
  PowerBalance balance;
  double lowest = 0, highest = 0;           ///< of Network::measured_voltages() [p.u.]
  int lowest_node = -1, highest_node = -1;  ///< NaN and -1 where nothing is measured
};

StepSummary summary_of(const PowerFlow& flow);

/// Nodes that a list names: bus.conductor or bus (all its conductors), separated by commas; `all`; or none. Throws an Error.
std::vector<int> named_nodes(const Network& network, const std::string& list);

/// Results of a TimeSeries, step by step, written in blocks: memory does not grow with the number of steps. Layout, one row a step:
///
///   /time                [s] end of the step, from midnight of the first day
///   /converged /settled  0 or 1; /iterations of the last power flow, /control_iterations
///   /source_power /load_power /losses   [W, var]
///   /voltage_lowest /voltage_highest    [p.u.] of the voltages an operator judges; /lowest_node /highest_node index /node
///   /taps                [regulators] number from neutral; /regulator
///   /capacitor_steps     [banks] in service; /capacitor
///   /control_operations  taps moved, capacitor steps switched
///   /battery_charge      [batteries] share of capacity at the end of the step; /battery
///   /solar_power /battery_power         [devices, 2] delivered [W, var]; /solar
///   /voltages            [nodes, 2] real and imaginary part [V] of the nodes that were asked for; /voltage_node
class SeriesFile {
 public:
  SeriesFile(const std::filesystem::path& path, const FileHeader& header, const Network& network, int steps, std::vector<int> nodes);

  /// The step that the simulation did last.
  void add(const TimeSeries& series, const StepSummary& summary);
  /// Writes what is left and gives the file its name.
  void commit();

 private:
  /// A dataset of one row a step, and the rows that are not in it yet.
  template <class T>
  struct Column {
    std::string path;
    std::size_t width = 1;
    std::vector<T> rows;
  };
  template <class T>
  Column<T> column(const std::string& path, std::size_t width, const std::string& unit, int steps, bool scalar = false);
  template <class T>
  void flush(Column<T>& column);
  void flush();

  File file_;
  const Network& network_;
  std::vector<int> nodes_;
  int written_ = 0, waiting_ = 0, block_ = 1;
  Column<double> time_, source_, load_, losses_, lowest_, highest_, charge_, solar_, battery_;
  Column<std::int32_t> lowest_node_, highest_node_, iterations_, control_iterations_, taps_, capacitors_, operations_;
  Column<std::uint8_t> converged_, settled_;
  Column<float> voltages_;
};

}  // namespace gridfed
