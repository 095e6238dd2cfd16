#include "control/generation_control.hpp"
#include "dynamics/frequency_response.hpp"
#include "dynamics/ieee1547.hpp"
#include "runtime/session.hpp"

#include <algorithm>
#include <fstream>

using namespace gridfed;

namespace {

struct Options {
  FrequencyOptions frequency;
  double step = 0.1, seconds = 60, control_step = 1, limit = 59.5;
  double der_share = 0;
  int der_category = 2;
  bool agc = false;
};

void declare(po::options_description& deck, Options& o) {
  const auto value = [](auto& field) { return po::value(&field)->default_value(field); };
  declare(deck, o.frequency);
  deck.add_options()("step", value(o.step), "load that comes at once [p.u. of the system]; negative = goes")(
      "seconds", value(o.seconds), "time to simulate [s]")("control_step", value(o.control_step),
                                                           "between rows and between actions of control [s]")(
      "limit", value(o.limit), "lowest frequency that is allowed [Hz]")("agc", value(o.agc), "whether secondary control acts")(
      "der_share", value(o.der_share), "generation that leaves and returns as IEEE 1547-2018 asks [p.u. of the system]")(
      "der_category", value(o.der_category), "its abnormal operating performance category: 1, 2 or 3");
}

void validate(const Options& o) {
  validate(o.frequency);
  for (const auto& [key, number] : {std::pair{"seconds", o.seconds}, {"control_step", o.control_step}}) {
    if (!(number > 0)) throw Error("{} is {}: it must be positive", key, number);
  }
  if (!(o.der_share >= 0 && o.der_share <= 1)) throw Error("der_share is {}: it must lie in [0, 1]", o.der_share);
  if (o.der_category < 1 || o.der_category > 3) throw Error("der_category is {}: it must be 1, 2 or 3", o.der_category);
}

/// Goes on to a time [s], in shorter pieces where resources trip or return.
void advance_to(double time, const Options& o, FrequencyResponse& response, RideThrough& resources) {
  constexpr double finest = 0.01;  // between looks at whether resources leave
  while (response.time() < time - 1e-9) {
    const double left = time - response.time();
    const double piece = o.der_share > 0 ? std::min(left, finest) : left;
    response.advance(o.step + o.der_share * (1 - resources.power_limit()), piece);
    if (o.der_share > 0) resources.advance(1, response.frequency(), piece);
  }
}

void run(Session& session) {
  Options options;
  if (!session.parse("gridfed_disturbance", "Follows the frequency of a system after a step of its load.",
                     [&](po::options_description& d) { declare(d, options); }))
    return;
  const Communicator& world = session.world();
  agreed(world, [&] { validate(options); });
  if (session.dry_run()) {
    session.log().line("deck ok");
    return;
  }
  const auto path = session.output() / "frequency.csv";
  agreed(world, [&] {
    if (world.rank() != 0) return;
    std::ofstream out(path);
    out << "time [s],frequency [Hz],turbine [p.u.],inverters [p.u.],reference [p.u.],resources [p.u.]\n";
    FrequencyResponse response(options.frequency);
    GenerationControl control({.nominal = options.frequency.nominal});
    RideThrough resources(static_cast<PerformanceCategory>(options.der_category - 1));
    const auto row = [&] {
      out << fmt::format("{},{},{},{},{},{}\n", response.time(), response.frequency(), response.turbine_power(), response.inverter_power(),
                         control.reference(), options.der_share * resources.power_limit());
    };
    row();
    response.advance(options.step, 0);
    const double rate = response.rate_of_change();
    while (response.time() < options.seconds - 1e-9) {
      const double begin = response.time();
      advance_to(std::min(options.seconds, begin + options.control_step), options, response, resources);
      if (options.agc) response.set_reference(control.act(response.frequency(), response.time() - begin));
      row();
    }
    if (!out.flush()) throw Error("cannot write '{}' (disk full, or no permission): give another --output", path.string());
    session.log().line("lowest_hz={:.4f} at_s={:.2f} highest_hz={:.4f} rate_hz_s={:.4f} end_hz={:.4f} below_limit={} trips={} substeps={}",
                       response.lowest().frequency, response.lowest().time, response.highest().frequency, rate, response.frequency(),
                       response.lowest().frequency < options.limit, resources.trips(), response.substeps());
    session.log().line("wrote {}", path.string());
  });
}

}  // namespace

int main(int argc, char** argv) {
  return run_driver(argc, argv, run);
}
