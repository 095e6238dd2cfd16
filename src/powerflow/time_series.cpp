#include "powerflow/time_series.hpp"

#include "runtime/error.hpp"

#include <cmath>

namespace gridfed {

void validate(const SeriesOptions& options) {
  if (options.steps < 1) throw Error("series.steps is {}: it must be at least 1", options.steps);
  if (!(options.step > 0)) throw Error("series.step_seconds is {}: it must be positive", options.step);
  if (!(options.start >= 0)) throw Error("series.start_hour is {}: it must not be negative", options.start / 3600);
}

TimeSeries::TimeSeries(PowerFlow& flow, const SeriesOptions& options)
    : flow_(flow),
      options_(options),
      points_(flow.network(), options.shapes, options.load_scale),
      controlled_(flow, options.control, options.tolerance, options.max_control_iterations) {
  validate(options);
}

double TimeSeries::time() const {
  return options_.start + step_ * options_.step;
}

const ControlResult& TimeSeries::advance() {
  ++step_;
  const double hours = std::floor(time() / 3600), seconds = time() - 3600 * hours;
  points_.set_hour(hours + seconds / 3600, options_.step / 3600);
  conditions_ = points_.conditions();
  result_ = controlled_.solve(conditions_, points_.panel_power(), points_.battery_states(), time());
  if (flow_.solution().converged) points_.store(conditions_, options_.step / 3600);
  return result_;
}

}  // namespace gridfed
