// Our side of `./gridfed bench powerflow`: times UnbalancedPowerFlow on one thread and writes rows {case, seconds, iterations, what}.
#include "grid/opendss_reader.hpp"
#include "powerflow/batch_power_flow.hpp"
#include "powerflow/lanes.hpp"
#include "powerflow/snapshot_files.hpp"
#include "powerflow/static_control.hpp"
#include "powerflow/time_series.hpp"
#include "runtime/memory.hpp"
#include "runtime/session.hpp"
#include "runtime/stage_timer.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <fstream>
#include <memory>
#include <sstream>
#include <vector>

using namespace gridfed;

namespace {

struct Options {
  std::string feeders, out;
  double seconds = 1;
};

class Timings {
 public:
  explicit Timings(double seconds) : seconds_(seconds) {}

  /// Median time of work() after reset(), which is not timed, over as many repetitions as fit; divided by `solves`.
  template <class Reset, class Work>
  void measure(const std::string& name, const std::string& what, int iterations_of_one, Reset reset, Work work, double solves = 1) {
    std::vector<double> times;
    double spent = 0;
    for (int i = 0; i < 2; ++i) reset(), work();
    while (times.size() < 5 || (spent < seconds_ && times.size() < 100000)) {
      reset();
      const auto begin = std::chrono::steady_clock::now();
      work();
      times.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
      spent += times.back();
    }
    std::nth_element(times.begin(), times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2), times.end());
    add(name, what, iterations_of_one, times[times.size() / 2] / solves, times.size());
  }

  void add(const std::string& name, const std::string& what, int iterations, double seconds, std::size_t repetitions) {
    rows_.push_back(fmt::format(R"( {{"case": "{}", "seconds": {:.9g}, "iterations": {}, "repetitions": {}, "what": "{}"}})", name, seconds,
                                iterations, repetitions, what));
  }

  /// What a feeder takes: seconds to prepare, memory beside what was there before.
  void add_growth(const std::string& feeder, std::size_t buses, double read, double factorise, double network_mb, double solver_mb) {
    rows_.push_back(fmt::format(
        R"( {{"growth": "{}", "buses": {}, "read_seconds": {:.3f}, "factorise_seconds": {:.3f}, "network_bytes_per_bus": {:.0f}, "solver_bytes_per_bus": {:.0f}}})",
        feeder, buses, read, factorise, 1e6 * network_mb / static_cast<double>(buses), 1e6 * solver_mb / static_cast<double>(buses)));
  }

  void write(const std::string& path) const {
    std::ofstream out(path);
    out << "[\n" << fmt::format("{}", fmt::join(rows_, ",\n")) << "\n]\n";
    if (!out) throw Error("cannot write '{}': check the path", path);
  }

 private:
  double seconds_;
  std::vector<std::string> rows_;
};

/// What the processor can do at most: one multiply-add of eight doubles, the unit of which iterations are made.
void multiply_add(Timings& timings) {
  Lanes sums[12];
  for (int k = 0; k < 12; ++k) sums[k] = k;
  const Lanes factor = 0.999, term = 1e-3;
  constexpr int rounds = 100'000;
  timings.measure(
      "machine/multiply_add", "one vector multiply-add of eight doubles, twelve independent chains", 0, [] {},
      [&] {
        for (int i = 0; i < rounds; ++i) {
          for (auto& sum : sums) sum = sum * factor + term;
        }
      },
      12.0 * rounds);
  Lanes total = 0;
  for (const auto& sum : sums) total += sum;
  if (!(gridfed::sum(total) > 0)) throw Error("multiply-adds of positive numbers came to {}", gridfed::sum(total));
}

/// Hours in a row, every load on one daily shape, static controls from neutral taps. The peers' file holds the same shape.
void time_series(const std::string& name, const std::filesystem::path& path, Timings& timings) {
  NetworkData data = read_feeder(path);
  data.load_shapes.push_back({.name = "benchmark_day", .active = {0.55, 0.52, 0.5,  0.49, 0.5,  0.55, 0.65, 0.75, 0.8,  0.8,  0.79, 0.78,
                                                                  0.77, 0.76, 0.76, 0.78, 0.83, 0.92, 1.0,  0.98, 0.93, 0.85, 0.72, 0.62}});
  for (auto& load : data.loads) load.shapes.daily = "benchmark_day";
  const auto network = make_network(std::move(data));
  GridState neutral = initial_state(*network);
  set_neutral_taps(neutral);
  for (const int hours : {24, 168, 8760}) {
    UnbalancedPowerFlow flow(network, {.tolerance = 1e-4, .max_iterations = 200});
    flow.set_state(neutral);
    TimeSeries series(flow, {.steps = hours, .tolerance = 1e-4});
    std::int64_t control_iterations = 0;
    const auto begin = std::chrono::steady_clock::now();
    while (!series.done()) control_iterations += series.advance().control_iterations;
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    timings.add(fmt::format("{}/series.{}/1e-4", name, hours),
                "TimeSeries::advance() for all hours, static controls, taps from 0; iterations: control iterations",
                static_cast<int>(control_iterations), seconds, 1);
  }
}

/// Feeder given as NAME=PATH.
void time_feeder(const std::string& argument, Timings& timings) {
  const auto split = argument.find('=');
  if (split == std::string::npos) throw Error("'{}' names no feeder: write NAME=PATH", argument);
  const std::string name = argument.substr(0, split);
  const std::string path = argument.substr(split + 1);
  release_free_memory();
  const double before = resident_memory_mb();
  StageTimes times;
  const auto network = [&] {
    const auto scope = times.stage("read");
    return make_network(read_feeder(path));
  }();
  release_free_memory();
  const double with_network = resident_memory_mb();
  const auto rated = rated_conditions(*network);
  GridState neutral = initial_state(*network);
  set_neutral_taps(neutral);
  const bool large = network->buses().size() > 50'000;
  for (const auto& [label, tolerance] : {std::pair{"1e-8", 1e-8}, {"1e-4", 1e-4}, {"1e-10", 1e-10}}) {
    if (large && tolerance != 1e-8) continue;
    const std::unique_ptr<UnbalancedPowerFlow> solver = [&] {
      const auto scope = times.stage(label);
      return std::make_unique<UnbalancedPowerFlow>(network, PowerFlowOptions{.tolerance = tolerance, .max_iterations = 200});
    }();
    UnbalancedPowerFlow& flow = *solver;
    const int iterations = flow.solve(rated).iterations;
    timings.measure(
        fmt::format("{}/cold/{}", name, label), "flat_start() and solve(): voltages of all nodes; factorised before", iterations, [] {},
        [&] { flow.flat_start(), flow.solve(rated); });
    if (tolerance != 1e-8 || !name.starts_with("radial")) continue;
    release_free_memory();
    timings.add_growth(name, network->buses().size(), times.seconds("read"), times.seconds(label), with_network - before,
                       resident_memory_mb() - with_network);
  }
  if (large) return;
  std::vector<LoadingConditions> scenarios;
  for (int i = 0; i < 200; ++i) scenarios.push_back(rated_conditions(*network, 0.5 + 0.7 * ((i * 37) % 200) / 200.0));
  for (const auto& [label, tolerance] : {std::pair{"1e-4", 1e-4}, {"1e-8", 1e-8}}) {
    BatchPowerFlow batch(network, {.tolerance = tolerance, .max_iterations = 200});
    std::int64_t iterations = 0, lost = 0;
    const auto solve = [&] {
      batch.solve(scenarios, [&](const BatchSolution& some) {
        for (int k = 0; k < some.count(); ++k) iterations += some.iterations(k), lost += !some.converged(k);
      });
    };
    solve();
    if (lost > 0) throw Error("{} of the scenarios of '{}' do not converge", lost, name);
    const auto all = static_cast<double>(scenarios.size());
    timings.measure(
        fmt::format("{}/batch/{}", name, label),
        "BatchPowerFlow::solve(), 200 scenarios, loads scaled by 0.5 to 1.2: voltages of all nodes",
        static_cast<int>(std::lround(static_cast<double>(iterations) / all)), [] {}, solve, all);
  }
  if (network->regulator_transformers().empty()) return;
  if (name == "ieee8500") time_series(name, path, timings);
  const int regulated = network->regulator_transformers().front();
  for (const auto& [label, tolerance] : {std::pair{"1e-4", 1e-4}, {"1e-8", 1e-8}}) {
    UnbalancedPowerFlow tapped(network, {.tolerance = tolerance, .max_iterations = 200});
    tapped.set_state(neutral);
    tapped.solve(rated);
    bool up = false;
    timings.measure(
        fmt::format("{}/tap/{}", name, label), "operate() of one tap by one step and solve() from the last solution", 0, [&] { up = !up; },
        [&] {
          const Operation move{Operation::Kind::tap, regulated, 1, up ? 1.00625 : 1.0};
          tapped.operate({&move, 1});
          tapped.solve(rated);
        });
    const auto settings = regulator_settings(*network);
    UnbalancedPowerFlow controlled(network, {.tolerance = tolerance, .max_iterations = 200});
    controlled.set_state(neutral);
    const int rounds = solve_with_controls(controlled, rated, settings).control_iterations;
    timings.measure(
        fmt::format("{}/static/{}", name, label), "solve_with_controls() from neutral taps, cold", rounds,
        [&] {
          controlled.set_state(neutral);
          controlled.flat_start();
        },
        [&] { solve_with_controls(controlled, rated, settings); });
  }
}

}  // namespace

int main(int argc, char** argv) {
  return run_driver(argc, argv, [](Session& session) {
    Options options;
    const bool go = session.parse("powerflow_timings", "Times power flows.", [&](po::options_description& deck) {
      deck.add_options()("feeders", po::value(&options.feeders)->required(), "NAME=PATH of each feeder, separated by commas")(
          "out", po::value(&options.out)->required(), "JSON to write")("seconds", po::value(&options.seconds)->default_value(1),
                                                                       "time for each measurement [s]");
    });
    if (!go) return;
    Timings timings(options.seconds);
    multiply_add(timings);
    std::istringstream in(options.feeders);
    for (std::string feeder; std::getline(in, feeder, ',');) time_feeder(feeder, timings);
    timings.write(options.out);
  });
}
