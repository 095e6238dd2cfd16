#include "dynamics/frequency_response.hpp"

#include "dynamics/ieee1547.hpp"
#include "runtime/error.hpp"

#include <algorithm>
#include <boost/program_options.hpp>
#include <cmath>
#include <utility>

namespace gridfed {

void declare(boost::program_options::options_description& deck, FrequencyOptions& o) {
  namespace po = boost::program_options;
  const auto value = [](auto& field) { return po::value(&field)->default_value(field); };
  deck.add_options()("frequency.nominal", value(o.nominal), "nominal frequency [Hz]")(
      "frequency.inertia", value(o.inertia), "inertia constant H [s]")("frequency.damping", value(o.damping), "load damping [p.u.]")(
      "frequency.droop", value(o.droop), "droop of the governor [p.u.]; 0 = none")(
      "frequency.valve_time", value(o.valve_time), "T1 of the turbine [s]")("frequency.lead_time", value(o.lead_time),
                                                                            "T2 of the turbine [s]")(
      "frequency.reheat_time", value(o.reheat_time), "T3 of the turbine [s]")("frequency.inverter_share", value(o.inverter_share),
                                                                              "rating of the inverters that respond [share of the system]")(
      "frequency.inverter_droop", value(o.inverter_droop), "droop of the inverters [p.u.]")(
      "frequency.inverter_deadband", value(o.inverter_deadband), "deadband of the inverters [Hz]")(
      "frequency.inverter_response", value(o.inverter_response), "open-loop response time of the inverters, to 90 % [s]")(
      "frequency.inverter_headroom", value(o.inverter_headroom), "by which inverters can rise [share of their rating]")(
      "frequency.inverter_footroom", value(o.inverter_footroom), "by which inverters can fall [share of their rating]");
}

void validate(const FrequencyOptions& o) {
  for (const auto& [key, value] : {std::pair{"frequency.nominal", o.nominal},
                                   {"frequency.inertia", o.inertia},
                                   {"frequency.valve_time", o.valve_time},
                                   {"frequency.reheat_time", o.reheat_time},
                                   {"frequency.inverter_droop", o.inverter_droop},
                                   {"frequency.inverter_response", o.inverter_response}}) {
    if (!(value > 0)) throw Error("{} is {}: it must be positive", key, value);
  }
  for (const auto& [key, value] : {std::pair{"frequency.damping", o.damping},
                                   {"frequency.droop", o.droop},
                                   {"frequency.lead_time", o.lead_time},
                                   {"frequency.inverter_share", o.inverter_share},
                                   {"frequency.inverter_deadband", o.inverter_deadband},
                                   {"frequency.inverter_headroom", o.inverter_headroom},
                                   {"frequency.inverter_footroom", o.inverter_footroom}}) {
    if (!(value >= 0)) throw Error("{} is {}: it must not be negative", key, value);
  }
}

FrequencyResponse::FrequencyResponse(const FrequencyOptions& options)
    : options_(options), lowest_{options.nominal, 0}, highest_{options.nominal, 0}, step_(states, 1e-9) {
  validate(options);
}

double FrequencyResponse::turbine_power() const {
  return x_[reheat] + options_.lead_time / options_.reheat_time * (x_[valve] - x_[reheat]);
}

double FrequencyResponse::rate_of_change() const {
  std::array<double, states> dx;
  rate(x_, dx);
  return options_.nominal * dx[speed];
}

void FrequencyResponse::rate(std::span<const double> x, std::span<double> dx) const {
  const auto& o = options_;
  const double turbine = x[reheat] + o.lead_time / o.reheat_time * (x[valve] - x[reheat]);
  dx[speed] = (turbine + x[inverter] - load_change_ - o.damping * x[speed]) / (2 * o.inertia);
  const double asked = std::min(reference_ - (o.droop > 0 ? x[speed] / o.droop : 0), o.reserve);
  dx[valve] = (asked - x[valve]) / o.valve_time;
  dx[reheat] = (x[valve] - x[reheat]) / o.reheat_time;
  const double wanted = frequency_droop(x[speed] * o.nominal, {o.inverter_deadband, o.inverter_droop, o.nominal});
  const double lag = lag_of_response_time(o.inverter_response);
  dx[inverter] = (o.inverter_share * std::clamp(wanted, -o.inverter_footroom, o.inverter_headroom) - x[inverter]) / lag;
}

/// Extremes lie at ends of substeps or inside, where the cubic through both ends and their slopes is level.
void FrequencyResponse::note(double begin, double length, double w0, double rate0, double w1, double rate1) {
  const auto consider = [&](double s) {
    const double h00 = (1 + 2 * s) * (1 - s) * (1 - s), h10 = s * (1 - s) * (1 - s), h01 = s * s * (3 - 2 * s), h11 = s * s * (s - 1);
    const double f = options_.nominal * (1 + h00 * w0 + h10 * length * rate0 + h01 * w1 + h11 * length * rate1);
    const double t = time_ + begin + s * length;
    if (f < lowest_.frequency) lowest_ = {f, t};
    if (f > highest_.frequency) highest_ = {f, t};
  };
  consider(1);
  if (rate0 * rate1 >= 0) return;
  // a s^2 + b s + c = 0 of the slope; the root between 0 and 1.
  const double d = w1 - w0, a = 3 * (length * (rate0 + rate1) - 2 * d), b = 2 * (3 * d - length * (2 * rate0 + rate1)), c = length * rate0;
  const double root = std::sqrt(std::max(0.0, b * b - 4 * a * c)), q = -(b + std::copysign(root, b)) / 2;
  for (const double s : {q / a, c / q}) {
    if (s > 0 && s < 1) consider(s);
  }
}

void FrequencyResponse::advance(double load_change, double seconds) {
  load_change_ = load_change;
  step_.advance(
      x_, seconds, [this](std::span<const double> x, std::span<double> dx) { rate(x, dx); },
      [this](double begin, double length, std::span<const double> x0, std::span<const double> rate0, std::span<const double> x1,
             std::span<const double> rate1) { note(begin, length, x0[speed], rate0[speed], x1[speed], rate1[speed]); });
  time_ += seconds;
}

}  // namespace gridfed
