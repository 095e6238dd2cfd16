#include "field/options.hpp"
#include "field/twin_outstation.hpp"
#include "grid/opendss_reader.hpp"
#include "powerflow/make_power_flow.hpp"
#include "runtime/session.hpp"

#include <algorithm>

using namespace gridfed;

namespace {

struct Options {
  std::string feeder, points, control = "off", shapes = "daily";
  double step = 1, start_hour = 0, speed = 1, duration = 0, load_scale = 1, log_every = 60;
  bool unsolicited = true, needs_time = false;
  int event_buffer = 1000;
};

void declare(po::options_description& deck, Options& o) {
  deck.add_options()("feeder", po::value(&o.feeder)->required(), "feeder file (.dss, .m, .xml)")(
      "points", po::value(&o.points)->required(), "point map (.csv)")("twin.shapes", po::value(&o.shapes)->default_value(o.shapes),
                                                                      "load shapes to follow: daily, yearly or duty")(
      "twin.step_seconds", po::value(&o.step)->default_value(o.step), "simulated time between power flows [s]")(
      "twin.start_hour", po::value(&o.start_hour)->default_value(o.start_hour), "simulated time of the start, since midnight [h]")(
      "twin.speed", po::value(&o.speed)->default_value(o.speed), "simulated seconds in a second; 1 = real time")(
      "twin.duration", po::value(&o.duration)->default_value(o.duration), "simulated time to serve [s]; 0 = until it is stopped")(
      "twin.control", po::value(&o.control)->default_value(o.control),
      "off: taps, capacitors and inverters move by command alone; static: the feeder's own controls act at each step until none wants "
      "to; time: after their delays")("twin.load_scale", po::value(&o.load_scale)->default_value(o.load_scale), "factor on every load")(
      "twin.log_every", po::value(&o.log_every)->default_value(o.log_every), "simulated time between lines of the log [s]")(
      "outstation.unsolicited", po::value(&o.unsolicited)->default_value(o.unsolicited), "report by itself where the master allows it")(
      "outstation.needs_time", po::value(&o.needs_time)->default_value(o.needs_time), "ask the master for the time")(
      "outstation.event_buffer", po::value(&o.event_buffer)->default_value(o.event_buffer), "events that each class holds");
}

TwinOptions twin_options(const Options& o, double tolerance) {
  if (!(o.step > 0)) throw Error("twin.step_seconds is {}: it must be positive", o.step);
  if (!(o.start_hour >= 0)) throw Error("twin.start_hour is {}: it must not be negative", o.start_hour);
  if (!(o.speed > 0)) throw Error("twin.speed is {}: it must be positive, 1 is real time", o.speed);
  if (!(o.load_scale >= 0)) throw Error("twin.load_scale is {}: it must not be negative", o.load_scale);
  if (!(o.duration >= 0)) throw Error("twin.duration is {}: it must not be negative", o.duration);
  if (!(o.log_every > 0)) throw Error("twin.log_every is {}: it must be positive", o.log_every);
  if (o.event_buffer < 1) throw Error("outstation.event_buffer is {}: it must be at least 1", o.event_buffer);
  if (o.control != "off" && o.control != "static" && o.control != "time")
    throw Error("twin.control is '{}': it must be off, static or time", o.control);
  if (o.shapes != "daily" && o.shapes != "yearly" && o.shapes != "duty")
    throw Error("twin.shapes is '{}': it must be daily, yearly or duty", o.shapes);
  return {.shapes = o.shapes == "daily"    ? ShapeKind::daily
                    : o.shapes == "yearly" ? ShapeKind::yearly
                                           : ShapeKind::duty,
          .step = o.step,
          .start = 3600 * o.start_hour,
          .control = o.control == "off"      ? ControlMode::off
                     : o.control == "static" ? ControlMode::fixed
                                             : ControlMode::time,
          .load_scale = o.load_scale,
          .tolerance = tolerance};
}

/// Steps that the wall clock asks for; what was missed is not made up for, as that would never end where a step takes too long.
class Pace {
 public:
  Pace(double step, double speed) : step_(std::chrono::duration_cast<Duration>(std::chrono::duration<double>(step / speed))) {}
  bool due(Instant now) {
    if (now < next_) return false;
    late_ = std::max(late_, now - next_);
    next_ = std::max(next_ + step_, now - step_);
    return true;
  }
  Duration left(Instant now) const { return std::max(next_ - now, Duration(0)); }
  Duration late() const { return late_; }

 private:
  Duration step_, late_{0};
  Instant next_ = StationLoop::now() + step_;
};

dnp3::UtcMilliseconds utc_now() {
  return static_cast<dnp3::UtcMilliseconds>(
      std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count());
}

void serve(Session& session, const Options& options, const FieldLinkOptions& link, Twin& twin, TwinOutstation& outstation) {
  StationLoop loop;
  const auto port = loop.serve(outstation.station(), server_options(link));
  outstation.station().set_clock(utc_now(), StationLoop::now());
  outstation.report(StationLoop::now());
  session.log().line("listening at={} port={} outstation={} master={} tls={}", link.host, port, link.outstation, link.master,
                     link.tls.certificate.empty() ? "no" : "yes");
  using namespace std::chrono_literals;
  const double start = twin.time();
  double next_log = start;
  Pace pace(options.step, options.speed);
  int diverged = 0;
  while (!session.stop_requested() && (options.duration == 0 || twin.time() - start < options.duration)) {
    loop.run_once(std::min<Duration>(pace.left(StationLoop::now()), 200ms));
    outstation.settle(StationLoop::now());
    if (!pace.due(StationLoop::now())) continue;
    twin.advance();
    outstation.report(StationLoop::now());
    diverged += !twin.converged();
    if (twin.time() < next_log) continue;
    next_log = twin.time() + options.log_every;
    session.log().line("hour={:.4f} converged={} v_min={:.5f} v_max={:.5f} events={} requests={} connections={} late_ms={:.1f}",
                       twin.time() / 3600, twin.converged(), twin.lowest_voltage(), twin.highest_voltage(),
                       outstation.station().events().size(), outstation.station().statistics().requests, loop.statistics().connections,
                       std::chrono::duration<double, std::milli>(pace.late()).count());
  }
  const auto& statistics = outstation.station().statistics();
  session.log().line("served_s={:.1f} requests={} commands={} refused_connections={} diverged={}", twin.time() - start, statistics.requests,
                     statistics.commands, loop.statistics().refused_addresses + loop.statistics().failed_handshakes, diverged);
  if (!loop.statistics().last_problem.empty()) session.log().warn("last problem of a connection: {}", loop.statistics().last_problem);
}

void run(Session& session) {
  Options options;
  FieldLinkOptions link;
  PowerFlowOptions solver;
  const bool go = session.parse(
      "gridfed_outstation", "Serves a feeder that lives on as a DNP3 outstation.", [&](po::options_description& d) { declare(d, options); },
      [&](po::options_description& d) { declare(d, link); }, [&](po::options_description& d) { declare(d, solver); });
  if (!go) return;
  if (session.world().size() != 1) throw Error("an outstation is one process: start it on one rank");
  const auto settings = twin_options(options, solver.tolerance);
  const auto network = make_network(read_feeder(options.feeder));
  for (const auto& note : network->data().notes) session.log().line("note: {}", note);
  const PointMap map(options.points);
  const auto flow = make_power_flow(network, solver);
  Twin twin(*flow, settings);
  const auto buffer = static_cast<std::size_t>(options.event_buffer);
  TwinOutstation outstation(twin, *network, map,
                            {.link = link_options(link, false),
                             .event_capacity = {buffer, buffer, buffer},
                             .unsolicited = options.unsolicited,
                             .needs_time = options.needs_time},
                            [&](const MappedPoint& point, double value, dnp3::CommandStatus status) {
                              session.log().line("command point={} value={} status={}", point.name, value, static_cast<int>(status));
                            });
  if (session.dry_run()) {
    server_options(link);
    session.log().line("deck ok: {} points of {} nodes", map.points().size(), network->node_count());
    return;
  }
  if (!twin.converged()) session.log().warn("the power flow of the start does not converge: what hangs on it is flagged as lost");
  serve(session, options, link, twin, outstation);
}

}  // namespace

int main(int argc, char** argv) {
  return run_driver(argc, argv, run);
}
