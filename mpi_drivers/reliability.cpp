#include "evaluation/reliability/report.hpp"
#include "grid/opendss_reader.hpp"
#include "runtime/session.hpp"

using namespace gridfed;

namespace {

struct Options {
  std::string feeder, rates = "inputs/reliability/rates.csv", customers, damage = "inputs/reliability/customer_damage.csv", outages;
  bool spares = false;
  double momentary = 60 * momentary_limit;  // [min]
  double customers_served = 0;
  CustomerDefaults defaults;
  MonteCarloOptions simulation;
};

void declare(po::options_description& deck, Options& o) {
  const auto value = [](auto& field) { return po::value(&field)->default_value(field); };
  deck.add_options()("feeder", value(o.feeder), "feeder file (.dss, .xml); empty = only the outage log")(
      "reliability.rates", value(o.rates), "CSV of failure data by element")(
      "reliability.customers", value(o.customers), "CSV of the customers behind each load; empty = from the load's power")(
      "reliability.damage", value(o.damage), "CSV of what interruptions cost by customer class; empty = no costs")(
      "reliability.spares", value(o.spares), "components with a replacement time are replaced, not repaired")(
      "reliability.momentary", value(o.momentary), "longest momentary interruption [min]")(
      "reliability.kw_per_customer", value(o.defaults.kw_per_customer), "peak load of a customer, where no table counts them [kW]")(
      "reliability.load_factor", value(o.defaults.load_factor), "average over peak load, where no table gives the average")(
      "reliability.class", value(o.defaults.customer_class), "class of customers, where no table gives it")(
      "montecarlo.target_cv", value(o.simulation.target_cv), "coefficient of variation of the mean ENS to reach; 0 = no simulation")(
      "montecarlo.max_years", value(o.simulation.max_years), "years after which the simulation stops anyway")(
      "montecarlo.repair", value(o.simulation.repair), "distribution of repair times: exponential, lognormal or constant")(
      "montecarlo.repair_cv", value(o.simulation.repair_cv), "standard deviation over mean of a log-normal repair time")(
      "outages.log", value(o.outages), "CSV of recorded interruptions; its last year is reported")(
      "outages.customers", value(o.customers_served), "customers served in the area of the log");
}

void validate(const Options& o) {
  validate(o.simulation);
  if (o.feeder.empty() && o.outages.empty()) throw Error("neither feeder nor outages.log is given: name a feeder file or an outage log");
  if (!(o.momentary >= 0)) throw Error("reliability.momentary is {}: it must not be negative", o.momentary);
  if (!(o.defaults.kw_per_customer > 0)) throw Error("reliability.kw_per_customer is {}: it must be above 0", o.defaults.kw_per_customer);
  if (!(o.defaults.load_factor > 0 && o.defaults.load_factor <= 1))
    throw Error("reliability.load_factor is {}: it must lie above 0 and not above 1", o.defaults.load_factor);
  if (!o.outages.empty() && !(o.customers_served > 0))
    throw Error("outages.customers is {}: say how many customers the area of the log serves", o.customers_served);
}

void run(Session& session) {
  Options options;
  if (!session.parse("gridfed_reliability", "Reliability indices of a feeder, by cut sets and by simulation, and of an outage log.",
                     [&](po::options_description& deck) { declare(deck, options); })) {
    return;
  }
  const Communicator& comm = session.world();
  const double momentary = options.momentary / 60;
  agreed(comm, [&] {
    validate(options);
    if (options.outages.empty()) return;
    const auto record = read_outage_log(options.outages);
    if (!session.dry_run()) session.log().line("{}", record_table(record, options.customers_served, momentary));
  });
  if (options.feeder.empty()) return;

  std::vector<const CustomerDamage*> damage;
  std::map<std::string, CustomerDamage> classes;
  const auto model = agreed(comm, [&] {
    const auto network = make_network(read_feeder(options.feeder));
    std::vector<CustomerRow> customers;
    if (!options.customers.empty()) customers = read_customers(options.customers);
    auto built = make_reliability_model(*network, FailureTable::read(options.rates), customers, options.defaults);
    if (!options.damage.empty()) classes = read_customer_damage(options.damage);
    damage = damage_of(built, classes);
    return built;
  });
  if (session.dry_run()) {
    session.log().line("deck ok: {} load points, {} components, {} blocks", model.load_points.size(), model.components.size(),
                       model.blocks);
    return;
  }
  const Consequences consequences(model);
  ReliabilityReport report;
  report.analytic = expected_years(model, consequences, damage, options.spares, momentary);
  if (options.simulation.target_cv > 0) {
    report.simulated = simulate_years(comm, model, consequences, damage, options.spares, momentary, options.simulation, session.seed(),
                                      [&] { return session.stop_requested(); });
    session.log().line("years={} cv={:.5f} wall_s={:.1f}", report.simulated->years.size(), report.simulated->cv, session.elapsed());
  }
  session.log().line("{}", table(model, report));
  const auto path = session.output() / "reliability.h5";
  agreed(comm, [&] {
    if (comm.rank() == 0) write_reliability(path, session.header("reliability", reliability_version), model, report);
  });
  session.log().line("wrote {}", path.string());
  if (report.simulated && !report.simulated->converged) session.exit_with(2);
}

}  // namespace

int main(int argc, char** argv) {
  return run_driver(argc, argv, run);
}
