#include "powerflow/power_flow.hpp"

#include "runtime/error.hpp"

#include <algorithm>
#include <boost/program_options.hpp>
#include <cmath>

namespace gridfed {

void declare(boost::program_options::options_description& deck, PowerFlowOptions& o) {
  namespace po = boost::program_options;
  deck.add_options()("powerflow.tolerance", po::value(&o.tolerance)->default_value(o.tolerance),
                     "largest estimated voltage error accepted [p.u.]")("powerflow.max_iterations",
                                                                        po::value(&o.max_iterations)->default_value(o.max_iterations),
                                                                        "iterations before a case counts as diverged")(
      "powerflow.acceleration_factor", po::value(&o.acceleration_factor)->default_value(o.acceleration_factor),
      "step length of the fixed point; 1 = plain, above 1 over-relaxes");
}

PowerFlow::PowerFlow(std::shared_ptr<const Network> network, const PowerFlowOptions& options)
    : model_(std::move(network)), options_(options) {
  if (!(options.tolerance > 0)) throw Error("powerflow.tolerance is {}: it must be positive", options.tolerance);
  if (options.max_iterations < 1) throw Error("powerflow.max_iterations is {}: it must be at least 1", options.max_iterations);
  if (!(options.acceleration_factor > 0 && options.acceleration_factor < 2)) {
    throw Error("powerflow.acceleration_factor is {}: it must lie in (0, 2)", options.acceleration_factor);
  }
  solution_.bus_voltages.assign(model_.network().node_count(), 0);
}

void PowerFlow::set_state(const GridState& state) {
  const StateChange change = model_.set_state(state);
  if (change.any()) refresh(change);
}

const PowerFlowSolution& PowerFlow::solve(const LoadingConditions& conditions) {
  const auto& data = network().data();
  if (conditions.load_power.size() != data.loads.size() || conditions.solar_power.size() != data.solar.size() ||
      conditions.wind_power.size() != data.wind.size() || conditions.battery_power.size() != data.batteries.size()) {
    throw Error("loading conditions do not match network '{}': give one power for each of its {} loads and {} DERs", data.name,
                data.loads.size(), data.solar.size() + data.wind.size() + data.batteries.size());
  }
  solution_.converged = false;
  solution_.iterations = 0;
  if (!warm_) start();
  warm_ = false;
  conditions_ = conditions;
  iterate(conditions_, solution_);
  warm_ = solution_.converged;
  return solution_;
}

}  // namespace gridfed
