#include "control/generation_control.hpp"

#include "runtime/error.hpp"

#include <algorithm>

namespace gridfed {

GenerationControl::GenerationControl(const GenerationControlOptions& options) : options_(options) {
  if (!(options.period > 0 && options.integral_time > 0 && options.bias > 0 && options.nominal > 0))
    throw Error("generation control has period {} s, integral time {} s, bias {}: all must be positive", options.period,
                options.integral_time, options.bias);
}

double GenerationControl::act(double frequency, double seconds) {
  constexpr double rounding = 1e-9;
  since_ += seconds;
  if (since_ < options_.period - rounding) return reference_;
  const double error = options_.bias * (frequency / options_.nominal - 1);
  reference_ = std::clamp(reference_ - error * since_ / options_.integral_time, -options_.limit, options_.limit);
  since_ = 0;
  return reference_;
}

}  // namespace gridfed
