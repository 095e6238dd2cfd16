#include "grid/network.hpp"
#include "grid/network_tables.hpp"
#include "grid/opendss_reader.hpp"
#include "grid/opendss_writer.hpp"
#include "powerflow/diagnostics.hpp"
#include "powerflow/make_power_flow.hpp"
#include "powerflow/snapshot_files.hpp"
#include "powerflow/static_control.hpp"
#include "runtime/session.hpp"

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
      "off, or static: regulators and capacitor controls act until none wants to")(
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

void run(Session& session) {
  Options options;
  PowerFlowOptions solver_options;
  const bool go = session.parse(
      "gridfed_powerflow", "Solves a snapshot of one feeder.", [&](po::options_description& d) { declare(d, options); },
      [&](po::options_description& d) { declare(d, solver_options); });
  if (!go) return;
  if (options.tolerance > 0) solver_options.tolerance = options.tolerance;

  const auto network = agreed(session.world(), [&] {
    if (options.controls != "off" && options.controls != "static")
      throw Error("controls is '{}': it must be off or static", options.controls);
    if (!(options.load_scale >= 0)) throw Error("load-scale is {}: it must not be negative", options.load_scale);
    return make_network(read_feeder(options.feeder, options.reading));
  });
  for (const auto& note : network->data().notes) session.log().line("note: {}", note);
  if (session.dry_run()) {
    session.log().line("deck ok: {} buses, {} nodes, {} loads", network->buses().size(), network->node_count(),
                       network->data().loads.size());
    return;
  }
  const bool solved = agreed(session.world(), [&] {
    if (session.world().rank() != 0) return true;
    if (options.diagnose) {
      for (const auto& sentence : suspicious_structure(*network, initial_state(*network))) session.log().line("diagnosis: {}", sentence);
    }
    const auto solver = make_power_flow(network, solver_options);
    PowerFlow& flow = *solver;
    GridState state = initial_state(*network);
    if (options.neutral_taps) set_neutral_taps(state);
    if (!options.taps.empty()) impose_taps(*network, options.taps, state);
    if (!options.capacitors.empty()) impose_capacitors(*network, options.capacitors, state);
    flow.set_state(state);
    const auto conditions = rated_conditions(*network, options.load_scale);
    ControlResult control{.settled = true};
    if (options.controls == "static") {
      control = solve_with_controls(flow, conditions, regulator_settings(*network));
    } else {
      flow.solve(conditions);
    }
    const auto& solution = flow.solution();
    const auto balance = flow.balance();
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
      session.log().warn("regulators or capacitors still want to act after {} control iterations: check their bands",
                         control.control_iterations);
    }
    if (!options.voltages.empty()) write_voltages(flow, options.voltages);
    if (!options.flows.empty()) write_flows(flow, options.flows);
    if (!options.summary.empty()) write_summary(flow, control, options.summary);
    if (!options.write_feeder.empty()) write_opendss(*network, flow.state(), options.write_feeder);
    if (options.write_network.ends_with(".h5")) {
      write_network_tables(options.write_network, session.header("network", network_tables_version), *network);
    } else if (!options.write_network.empty()) {
      write_network_csv(options.write_network, *network);
    }
    const bool converged = solution.converged;
    if (!converged && !options.diagnose) {
      for (const auto& sentence : suspicious_structure(*network, flow.state())) session.log().line("diagnosis: {}", sentence);
    }
    if (!converged || options.diagnose) diagnose_case(session, flow, conditions);
    return converged;
  });
  if (!solved) session.exit_with(2);
}

}  // namespace

int main(int argc, char** argv) {
  return run_driver(argc, argv, run);
}
