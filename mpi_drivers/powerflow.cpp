#include "grid/network.hpp"
#include "grid/network_tables.hpp"
#include "grid/opendss_reader.hpp"
#include "grid/opendss_writer.hpp"
#include "powerflow/diagnostics.hpp"
#include "powerflow/make_power_flow.hpp"
#include "powerflow/series_file.hpp"
#include "powerflow/snapshot_files.hpp"
#include "runtime/session.hpp"
#include "runtime/stage_timer.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <initializer_list>
#include <limits>
#include <optional>

using namespace gridfed;

namespace {

struct Options {
  std::string feeder, controls = "static", taps, capacitors, voltages, flows, summary, write_feeder, write_network;
  bool neutral_taps = false, diagnose = false;
  ReadOptions reading;
  double load_scale = 1.0, tolerance = 0;
};

void declare(po::options_description& deck, Options& o) {
  deck.add_options()("feeder", po::value(&o.feeder)->required(), "feeder file (.dss, .m, .xml)")(
      "controls", po::value(&o.controls)->default_value(o.controls),
      "off, or static: regulators, capacitor and inverter controls act until none wants to")(
      "neutral-taps", po::bool_switch(&o.neutral_taps), "put every tap of a second or later winding to 1.0 first")(
      "taps", po::value(&o.taps)->default_value(""), "CSV of regulator taps to impose")(
      "capacitors", po::value(&o.capacitors)->default_value(""), "CSV of capacitor states to impose")(
      "feeder.ignore-unknown", po::bool_switch(&o.reading.ignore_unknown),
      "note unknown classes, properties, commands and options of an OpenDSS script instead of refusing them")(
      "diagnose", po::bool_switch(&o.diagnose),
      "say what looks wrong with the feeder and how much load it would carry; always said of a "
      "case that diverges")("load-scale", po::value(&o.load_scale)->default_value(o.load_scale), "factor on every load")(
      "tolerance", po::value(&o.tolerance)->default_value(o.tolerance), "same as powerflow.tolerance; 0 = that key's value")(
      "voltages", po::value(&o.voltages)->default_value(""), "CSV to write: node voltages [V]")(
      "flows", po::value(&o.flows)->default_value(""), "CSV to write: flow into terminal 1 of each line and transformer")(
      "summary", po::value(&o.summary)->default_value(""), "CSV to write: convergence, source power, losses")(
      "write-feeder", po::value(&o.write_feeder)->default_value(""), "OpenDSS script to write: the feeder in the state that was solved")(
      "write-network", po::value(&o.write_network)->default_value(""),
      "tables of the network's elements to write: an HDF5 file (.h5), or a folder of CSV files");
}

/// Where a key of [series] is left out, the script's `set` commands count.
struct SeriesKeys {
  std::string mode = "snapshot", control, output, nodes;
  int steps = 0;
  double step_seconds = 0, start_hour = -1;
};

void declare(po::options_description& deck, SeriesKeys& k) {
  deck.add_options()("series.mode", po::value(&k.mode)->default_value(k.mode),
                     "snapshot; daily, yearly or duty: a simulation in time that follows these load shapes; script: what the script's "
                     "`set mode` says")("series.steps", po::value(&k.steps)->default_value(k.steps),
                                        "number of steps; 0 = what the script says, or a day, a year, 100 of them")(
      "series.step_seconds", po::value(&k.step_seconds)->default_value(k.step_seconds),
      "length of a step [s]; 0 = what the script says, or an hour, of duty shapes a second")(
      "series.start_hour", po::value(&k.start_hour)->default_value(k.start_hour),
      "the first step ends a step after this hour of the first day; below 0 = what the script says, or midnight")(
      "series.control", po::value(&k.control)->default_value(""),
      "off; static: at each step until no control wants to act; time: after their delays; empty = what the script says, or static, with "
      "duty shapes time")("series.output", po::value(&k.output)->default_value("series.h5"), "HDF5 file to write")(
      "series.nodes", po::value(&k.nodes)->default_value(""),
      "nodes whose voltage is written at every step: bus or bus.conductor, separated by commas, or all");
}

void check(const SeriesKeys& k) {
  const auto among = [](const char* key, const std::string& value, std::initializer_list<const char*> names) {
    if (std::find(names.begin(), names.end(), value) == names.end())
      throw Error("{} is '{}': it must be one of {}", key, value, fmt::join(names, ", "));
  };
  among("series.mode", k.mode, {"snapshot", "script", "daily", "yearly", "duty"});
  among("series.control", k.control, {"", "off", "static", "time"});
}

/// The simulation that keys and script ask for; none for a snapshot.
std::optional<SeriesOptions> series_options(const SeriesKeys& k, const SimulationData& script) {
  const bool scripted = k.mode == "script";
  if (k.mode == "snapshot" || (scripted && !script.shapes)) return {};
  SeriesOptions o;
  o.shapes = scripted ? *script.shapes : k.mode == "daily" ? ShapeKind::daily : k.mode == "yearly" ? ShapeKind::yearly : ShapeKind::duty;
  const bool same = script.shapes == o.shapes;  // its numbers are about this mode
  const bool duty = o.shapes == ShapeKind::duty;
  const int usual = o.shapes == ShapeKind::daily ? 24 : o.shapes == ShapeKind::yearly ? 8760 : 100;
  o.steps = k.steps > 0 ? k.steps : same ? script.steps : usual;
  o.step = k.step_seconds > 0 ? k.step_seconds : same ? script.step : duty ? 1 : 3600;
  o.start = k.start_hour >= 0 ? 3600 * k.start_hour : same ? script.start : 0;
  o.control = k.control == "off"      ? ControlMode::off
              : k.control == "static" ? ControlMode::fixed
              : k.control == "time"   ? ControlMode::time
              : same                  ? script.control
              : duty                  ? ControlMode::time
                                      : ControlMode::fixed;
  return o;
}

/// A line every tenth of the simulation and at its end. Did every step converge?
bool run_series(Session& session, PowerFlow& flow, const SeriesOptions& options, const SeriesKeys& keys) {
  TimeSeries series(flow, options);
  SeriesFile file(keys.output, session.header("series", series_version), flow.network(), options.steps,
                  named_nodes(flow.network(), keys.nodes));
  double energy = 0, losses = 0, lowest = std::numeric_limits<double>::infinity(), highest = 0;
  int diverged = 0, unsettled = 0;
  long taps = 0, switched = 0;
  while (!series.done()) {
    const ControlResult& result = series.advance();
    const StepSummary summary = summary_of(flow);
    file.add(series, summary);
    diverged += !flow.solution().converged;
    unsettled += flow.solution().converged && !result.settled;
    taps += result.tap_operations;
    switched += result.capacitor_operations;
    energy += summary.balance.source_power.real() * options.step / 3.6e9;
    losses += summary.balance.losses.real() * options.step / 3.6e9;
    lowest = std::min(lowest, summary.lowest);
    highest = std::max(highest, summary.highest);
    if (series.done() || (series.step() * 10LL) / options.steps != ((series.step() - 1) * 10LL) / options.steps)
      session.log().line("step={} hour={:.4f} source_kW={:.3f} losses_kW={:.3f} v_min={:.5f} v_max={:.5f} taps_moved={} banks_switched={}",
                         series.step(), series.time() / 3600, summary.balance.source_power.real() / 1e3,
                         summary.balance.losses.real() / 1e3, summary.lowest, summary.highest, taps, switched);
  }
  file.commit();
  session.log().line("steps={} source_MWh={:.4f} losses_MWh={:.4f} v_min={:.5f} v_max={:.5f} taps_moved={} banks_switched={} wrote={}",
                     options.steps, energy, losses, lowest, highest, taps, switched, keys.output);
  if (diverged > 0) session.log().warn("{} of {} steps did not converge: see /converged in {}", diverged, options.steps, keys.output);
  if (unsettled > 0)
    session.log().warn("in {} of {} steps controls still wanted to act: see /settled in {}", unsettled, options.steps, keys.output);
  return diverged == 0;
}

void write_files(Session& session, PowerFlow& flow, const ControlResult& control, const Options& options) {
  if (!options.voltages.empty()) write_voltages(flow, options.voltages);
  if (!options.flows.empty()) write_flows(flow, options.flows);
  if (!options.summary.empty()) write_summary(flow, control, options.summary);
  if (!options.write_feeder.empty()) write_opendss(flow.network(), flow.state(), options.write_feeder);
  if (options.write_network.ends_with(".h5")) {
    write_network_tables(options.write_network, session.header("network", network_tables_version), flow.network());
  } else if (!options.write_network.empty()) {
    write_network_csv(options.write_network, flow.network());
  }
}

/// Says how close to balance the worst nodes are and how far the load could grow; moves the solver.
void diagnose_case(Session& session, PowerFlow& flow, const LoadingConditions& conditions) {
  for (const auto& sentence : worst_nodes(flow, conditions)) session.log().line("diagnosis: {}", sentence);
  if (const auto scale = largest_load_scale(flow, conditions)) {
    session.log().line("diagnosis: it converges up to {:.3g} times this load", *scale);
  } else {
    session.log().line(
        "diagnosis: it does not converge even at a hundredth of this load: look at impedances and connections, not at loads");
  }
}

/// Collective on the session's world. `before`: peak memory when nothing had been read [MB].
void log_times(Session& session, const StageTimes& times, const Network& network, double before) {
  const TimingSummary summary = times.summary(session.world());
  session.log().line("{}", summary.text());
  session.log().line("bytes_per_bus={:.0f}", 1e6 * (summary.peak_memory_mb - before) / static_cast<double>(network.buses().size()));
}

void run(Session& session) {
  Options options;
  SeriesKeys series;
  PowerFlowOptions solver_options;
  const bool go = session.parse(
      "gridfed_powerflow", "Solves one feeder at an instant or step by step in time.",
      [&](po::options_description& d) { declare(d, options); }, [&](po::options_description& d) { declare(d, series); },
      [&](po::options_description& d) { declare(d, solver_options); });
  if (!go) return;
  if (options.tolerance > 0) solver_options.tolerance = options.tolerance;
  StageTimes times;
  const double before = peak_memory_mb();

  const auto network = agreed(session.world(), [&] {
    if (options.controls != "off" && options.controls != "static")
      throw Error("controls is '{}': it must be off or static", options.controls);
    check(series);
    if (!(options.load_scale >= 0)) throw Error("load-scale is {}: it must not be negative", options.load_scale);
    NetworkData data = read_feeder(options.feeder, options.reading, &times);
    const auto scope = times.stage("network");
    return make_network(std::move(data));
  });
  for (const auto& note : network->data().notes) session.log().line("note: {}", note);
  if (session.dry_run()) {
    session.log().line("deck ok: {} buses, {} nodes, {} loads", network->buses().size(), network->node_count(),
                       network->data().loads.size());
    log_times(session, times, *network, before);
    return;
  }
  const bool solved = agreed(session.world(), [&] {
    if (session.world().rank() != 0) return true;
    if (options.diagnose) {
      for (const auto& sentence : suspicious_structure(*network, initial_state(*network))) session.log().line("diagnosis: {}", sentence);
    }
    const auto solver = [&] {
      const auto scope = times.stage("solver");
      return make_power_flow(network, solver_options);
    }();
    PowerFlow& flow = *solver;
    GridState state = initial_state(*network);
    if (options.neutral_taps) set_neutral_taps(state);
    if (!options.taps.empty()) impose_taps(*network, options.taps, state);
    if (!options.capacitors.empty()) impose_capacitors(*network, options.capacitors, state);
    flow.set_state(state);
    if (auto in_time = series_options(series, network->data().simulation)) {
      in_time->load_scale = options.load_scale;
      in_time->tolerance = solver_options.tolerance;
      const auto scope = times.stage("series");
      return run_series(session, flow, *in_time, series);
    }
    auto conditions = snapshot_conditions(*network, options.load_scale);
    const ControlResult control = [&] {
      const auto scope = times.stage("solve");
      return ControlledPowerFlow(flow, options.controls == "off" ? ControlMode::off : ControlMode::fixed, solver_options.tolerance)
          .solve_snapshot(conditions);
    }();
    const auto& solution = flow.solution();
    const auto balance = [&] {
      const auto scope = times.stage("balance");
      return flow.balance();
    }();
    session.log().line(
        "converged={} iterations={} control_iterations={} nodes={} source_kW={:.4f} source_kvar={:.4f} losses_kW={:.4f} losses_kvar={:.4f}",
        solution.converged, solution.iterations, control.control_iterations, network->node_count(), balance.source_power.real() / 1e3,
        balance.source_power.imag() / 1e3, balance.losses.real() / 1e3, balance.losses.imag() / 1e3);
    for (const auto& [name, number] : regulator_taps(flow)) session.log().line("regulator={} tap={}", name, number);
    if (!solution.converged) {
      const auto mismatch = flow.mismatch();
      session.log().warn(
          "the power flow did not converge in {} iterations: the largest mismatch is {:.3g} VA at {}; lower the load or raise "
          "powerflow.max_iterations",
          solution.iterations, mismatch.power, network->node_name(std::max(0, mismatch.node)));
    } else if (!control.settled) {
      session.log().warn("controls still want to act after {} control iterations: check their bands and curves",
                         control.control_iterations);
    }
    {
      const auto scope = times.stage("write");
      write_files(session, flow, control, options);
    }
    const bool converged = solution.converged;
    if (!converged && !options.diagnose) {
      for (const auto& sentence : suspicious_structure(*network, flow.state())) session.log().line("diagnosis: {}", sentence);
    }
    if (!converged || options.diagnose) diagnose_case(session, flow, conditions);
    return converged;
  });
  log_times(session, times, *network, before);
  if (!solved) session.exit_with(2);
}

}  // namespace

int main(int argc, char** argv) {
  return run_driver(argc, argv, run);
}
