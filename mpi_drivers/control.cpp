#include "control/make_policy.hpp"
#include "field/control_record.hpp"
#include "field/options.hpp"
#include "grid/opendss_reader.hpp"
#include "study/study_options.hpp"
#include "study/training.hpp"

#include <fmt/ranges.h>
#include <poll.h>
#include <unistd.h>

#include <ctime>

using namespace gridfed;

namespace {

struct Options {
  std::string feeder, points, policy = "rules", profile = "none";
  double start_hour = -1, duration = 0;
  int client = 0;
  ScenarioOptions scenario;
  EnvironmentOptions environment;
  BehaviourOptions behaviour;
  SafetyOptions safety;
  ControlOptions control;
  FieldLinkOptions link;
};

void declare(po::options_description& deck, Options& o) {
  deck.add_options()("feeder", po::value(&o.feeder)->required(), "feeder file (.dss, .m, .xml)")("points", po::value(&o.points)->required(),
                                                                                                 "point map (.csv)")(
      "policy", po::value(&o.policy)->default_value(o.policy),
      "policy file (.h5), or idle, rules, self_consumption, voltage, curtailment, behaviour, reference")(
      "client", po::value(&o.client)->default_value(o.client), "client of the policy file")(
      "profile", po::value(&o.profile)->default_value(o.profile), "days of prices as in study.profiles; none = drawn from the seed")(
      "control.start_hour", po::value(&o.start_hour)->default_value(o.start_hour),
      "hour of the day at the start; below 0 = that of this machine's clock")(
      "control.duration", po::value(&o.duration)->default_value(o.duration), "time to run [s]; 0 = until it is stopped");
  declare(deck, o.scenario);
  declare(deck, o.environment);
  declare(deck, o.safety);
  declare(deck, o.control);
  declare(deck, o.link);
}

void validate(const Options& o) {
  validate(o.safety);
  validate(o.control);
  if (!(o.start_hour < 24)) throw Error("control.start_hour is {}: a day has 24 hours", o.start_hour);
  if (!(o.duration >= 0)) throw Error("control.duration is {}: it must not be negative", o.duration);
  if (o.control.speed != 1 && o.start_hour < 0)
    throw Error("control.speed is {} but the clock of this machine is not: give control.start_hour", o.control.speed);
}

std::unique_ptr<Policy> chosen_policy(const Options& o, const GridEnvironment& environment, std::uint64_t seed) {
  if (!o.policy.ends_with(".h5")) return make_policy(o.policy, o.behaviour, seed, o.client);
  const auto networks = read_policies(o.policy);
  if (o.client < 0 || o.client >= static_cast<int>(networks.size()))
    throw Error("policy file '{}' holds {} clients: client must be less", o.policy, networks.size());
  const auto& network = networks[static_cast<std::size_t>(o.client)];
  if (static_cast<int>(network.observation_size()) != environment.observation_size() ||
      static_cast<int>(network.action_size()) != environment.action_size())
    throw Error(
        "policy file '{}' maps {} observations to {} actions, this deck has {} and {}: set env.zones and env.actions as in training",
        o.policy, network.observation_size(), network.action_size(), environment.observation_size(), environment.action_size());
  return std::make_unique<LearnedPolicy>(network);
}

double clock_hour() {
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  localtime_r(&now, &local);
  return local.tm_hour + local.tm_min / 60.0 + local.tm_sec / 3600.0;
}

std::string text(const Readings& readings, std::span<const Setpoint> setpoints) {
  std::vector<std::string> all;
  for (const auto& s : setpoints) {
    const auto& point = readings.map().points()[s.point];
    all.push_back(fmt::format("{}={:.6g}{}", point.name, s.value, point.unit));
  }
  return fmt::format("{}", fmt::join(all, ","));
}

void log_cycle(const Log& log, std::size_t number, const Cycle& c, const Readings& readings, const SafetyShield& shield) {
  constexpr const char* decisions[] = {"policy", "projected", "backup", "projected_backup"};
  const char* decision = c.action.empty() ? "none" : c.safe ? "safe" : decisions[static_cast<int>(c.shield.decision)];
  const Limit worst = c.shield.foreseen.worst();
  log.line(
      "cycle={} hour={:.4f} status={} decision={} foreseen={:.3f} of={} at={} good={} missing={} stale={} bad={} residual={:.4f} "
      "late_ms={:.1f} deciding_ms={:.2f} commands={}{}",
      number, c.hour, word(c.status), decision, c.shield.foreseen.severity(), word(worst),
      shield.monitor().place_name(shield.model().network(), worst, c.shield.foreseen.place[static_cast<std::size_t>(worst)]),
      c.estimate.good, c.estimate.missing, c.estimate.stale, c.estimate.bad, c.estimate.residual, 1e3 * c.late, 1e3 * c.deciding,
      text(readings, c.setpoints), c.reason.empty() ? "" : " reason=" + c.reason);
}

/// A line of the terminal that begins with y or n; nothing without one.
std::optional<bool> operator_says() {
  pollfd terminal{.fd = STDIN_FILENO, .events = POLLIN, .revents = 0};
  if (::poll(&terminal, 1, 0) <= 0 || !(terminal.revents & POLLIN)) return {};
  char line[80];
  const auto count = ::read(STDIN_FILENO, line, sizeof line);
  if (count <= 0) return {};
  return line[0] == 'y' || line[0] == 'Y';
}

void run(Session& session) {
  Options options;
  if (!session.parse("gridfed_control", "Runs a policy behind its shield against a DNP3 outstation.",
                     [&](po::options_description& d) { declare(d, options); }))
    return;
  if (session.world().size() != 1) throw Error("a control loop is one process: start it on one rank");
  validate(options);
  const auto network = make_network(read_feeder(options.feeder));
  const auto history = options.profile == "none" ? nullptr : std::make_shared<const History>(read_history(options.profile, *network));
  const auto environment = [&] { return GridEnvironment(network, options.scenario, options.environment, history); };
  const PointMap map(options.points);
  Readings readings(*network, map);
  FieldModel model(environment(), environment(), readings,
                   {.stale_after = options.control.stale_after,
                    .most_residual = options.control.most_residual,
                    .seed = session.seed(),
                    .client = options.client});
  const auto policy = chosen_policy(options, model.environment(), session.seed());
  const auto backup = make_policy(options.safety.backup, options.behaviour, session.seed(), options.client);
  SafetyShield shield(*policy, *backup, environment(), options.safety);
  const auto client = client_options(options.link);
  const dnp3::MasterOptions master{.link = link_options(options.link, true), .unsolicited = false};
  const auto started = StationLoop::now();
  const auto hour = [&] {
    if (options.start_hour < 0) return clock_hour();
    const double passed = std::chrono::duration<double>(StationLoop::now() - started).count();
    return std::fmod(options.start_hour + options.control.speed * passed / 3600, 24.0);
  };
  ControlRecord record(readings);
  ControlLoop control(options.control, master, readings, model, shield, StationLoop::now, hour, [&](const Cycle& cycle) {
    log_cycle(session.log(), record.size(), cycle, readings, shield);
    record.append(cycle);
  });
  if (session.dry_run()) {
    session.log().line("deck ok: {} points of {} nodes", map.points().size(), network->node_count());
    return;
  }
  StationLoop loop;
  loop.connect(control.master(), client);
  session.log().line("controlling at={}:{} outstation={} policy={} mode={} period_s={}", options.link.host, options.link.port,
                     options.link.outstation, options.policy, options.control.mode, options.control.period);
  const auto length = std::chrono::duration<double>(options.duration);
  bool asked = false, was_safe = false;
  while (!session.stop_requested() && (options.duration == 0 || StationLoop::now() - started < length)) {
    loop.run_once(std::min<Duration>(control.left(), std::chrono::milliseconds(100)));
    control.tick();
    if (control.safe() && !was_safe) session.log().warn("no usable state for {} s: safe state, no commands", options.control.watchdog);
    was_safe = control.safe();
    const auto waiting = control.waiting();
    if (!waiting.empty() && !asked) session.log().line("confirm {} [y/n]", text(readings, waiting));
    asked = !waiting.empty();
    if (!asked) continue;
    if (const auto said = operator_says()) control.confirm(*said);
  }
  const auto path = session.output() / "control.h5";
  record.write(path, session.header("control", control_version), model.environment(), options.policy);
  const auto& counts = shield.counts();
  const auto& statistics = control.master().statistics();
  session.log().line("cycles={} projected={} backup={} handovers={} requests={} timeouts={} connections={} wrote={}", record.size(),
                     counts.projected, counts.backup + counts.projected_backup, counts.handovers, statistics.requests, statistics.timeouts,
                     loop.statistics().connections, record.size() > 0 ? path.string() : "nothing");
  if (!loop.statistics().last_problem.empty()) session.log().warn("last problem of a connection: {}", loop.statistics().last_problem);
}

}  // namespace

int main(int argc, char** argv) {
  return run_driver(argc, argv, run);
}
