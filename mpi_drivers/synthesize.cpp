#include "grid/network.hpp"
#include "grid/network_tables.hpp"
#include "grid/synthetic_script.hpp"
#include "grid/synthetic_tables.hpp"
#include "powerflow/make_power_flow.hpp"
#include "powerflow/static_control.hpp"
#include "runtime/session.hpp"

#include <algorithm>
#include <cmath>
#include <fstream>

using namespace gridfed;
using namespace gridfed::synthetic;

namespace {

/// Beyond as many buses a script takes longer to read than to solve.
constexpr std::int64_t largest_script = 100'000;

struct Options {
  std::int64_t buses = 1000;
  std::string style = "eu", format = "auto";

  bool tables() const { return format == "h5" || (format == "auto" && buses > largest_script); }
};

void declare(po::options_description& deck, Options& o) {
  deck.add_options()("buses", po::value(&o.buses)->default_value(o.buses), "buses of the network, 100 to 10000000")(
      "style", po::value(&o.style)->default_value(o.style),
      "eu: 10 kV cables and stations to 400 V; us: 12.47 kV overhead lines and centre-tapped transformers to 120/240 V")(
      "format", po::value(&o.format)->default_value(o.format),
      "dss: an OpenDSS script; h5: tables in HDF5; auto: tables beyond 100000 buses");
}

/// A table of all classes: quantity, class, share observed, share expected.
void write_statistics(const std::vector<Comparison>& comparisons, const std::filesystem::path& path) {
  std::ofstream out(path);
  out << "quantity,class,observed,expected\n";
  for (const auto& c : comparisons) {
    for (std::size_t i = 0; i < c.classes.size(); ++i)
      out << fmt::format("{},{},{},{}\n", c.quantity, c.classes[i], c.observed[i], c.expected[i]);
  }
  if (!out) throw Error("cannot write '{}': check the folder", path.string());
}

/// The first substations alone, as sources do not share anything: what voltages customers get.
void report_voltages(Session& session, const Plan& plan) {
  const int sample = std::min(10, plan.substations());
  double low = 2, high = 0;
  for (int i = 0; i < sample; ++i) {
    const auto network = make_network(synthesize(plan, i).data);
    const auto flow = make_power_flow(network, PowerFlowOptions{});
    solve_with_controls(*flow, rated_conditions(*network), regulator_settings(*network));
    if (!flow->solution().converged) throw Error("substation {} of the network has no solution: try another seed", i);
    for (const auto& m : network->measured_voltages()) {
      const Complex reference = m.reference == ground ? Complex{} : flow->solution().bus_voltages[m.reference];
      const double v = std::abs(flow->solution().bus_voltages[m.node] - reference) / m.base;
      low = std::min(low, v);
      high = std::max(high, v);
    }
  }
  session.log().line("voltages of {} of {} substations at peak load: {:.4f} to {:.4f} p.u.", sample, plan.substations(), low, high);
}

void run(Session& session) {
  Options options;
  if (!session.parse("gridfed_synthesize", "Writes a synthetic distribution network as an OpenDSS script or as tables.",
                     [&](po::options_description& d) { declare(d, options); }))
    return;
  const Communicator& world = session.world();
  const Plan plan = agreed(world, [&] {
    if (options.style != "eu" && options.style != "us") throw Error("style is '{}': it must be eu or us", options.style);
    if (options.format != "dss" && options.format != "h5" && options.format != "auto")
      throw Error("format is '{}': it must be dss, h5 or auto", options.format);
    return Plan({.buses = options.buses, .seed = session.seed(), .style = options.style == "eu" ? Style::eu : Style::us});
  });
  if (session.dry_run()) {
    session.log().line("deck ok: {} buses at {} substations", options.buses, plan.substations());
    return;
  }
  const auto path = session.output() / (options.tables() ? "network.h5" : "network.dss");
  const auto statistics = options.tables() ? write_tables(world, plan, session.header("network", network_tables_version), path)
                                           : write_script(world, plan, path);
  const auto comparisons = statistics.compare();
  session.log().line("wrote {} ({} buses, {} substations, {:.1f} s)", path.string(), options.buses, plan.substations(), session.elapsed());
  for (const auto& c : comparisons) session.log().line("divergence of {} from its law: {:.4f} nat", c.quantity, c.divergence());
  agreed(world, [&] {
    if (world.rank() != 0) return;
    write_statistics(comparisons, session.output() / "statistics.csv");
    report_voltages(session, plan);
  });
}

}  // namespace

int main(int argc, char** argv) {
  return run_driver(argc, argv, run);
}
