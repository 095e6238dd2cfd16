#include "control/make_policy.hpp"
#include "control/safety_judge.hpp"
#include "data/trajectory_file.hpp"
#include "study/study_options.hpp"
#include "study/training.hpp"

#include <map>

using namespace gridfed;

namespace {

struct Options {
  StudyOptions study;
  SafetyOptions safety;
  std::string feeder, policy = "rules", shield = "none";
  int days = 1, first_day = first_test_day, client = 0;
};

void declare(po::options_description& deck, Options& o) {
  declare(deck, o.study);
  declare(deck, o.safety);
  deck.add_options()("feeder", po::value(&o.feeder)->default_value(o.feeder), "feeder file; empty = that of the client in study.feeders")(
      "policy", po::value(&o.policy)->default_value(o.policy),
      "idle, random, rules, self_consumption, voltage, curtailment, reference, behaviour, adversarial, untrained, or a policy file (.h5)")(
      "shield", po::value(&o.shield)->default_value(o.shield),
      "none; watch: count what violates limits and what the backup would have avoided; on: a shield guards the policy, too")(
      "days", po::value(&o.days)->default_value(o.days), "days to play")("first_day", po::value(&o.first_day)->default_value(o.first_day),
                                                                         "number of the first day; judging begins at 200000")(
      "client", po::value(&o.client)->default_value(o.client), "client whose days, feeder and learned policy are taken");
}

void validate(const Options& o) {
  validate(o.study);
  validate(o.safety);
  if (o.shield != "none" && o.shield != "watch" && o.shield != "on") throw Error("shield is '{}': it must be none, watch or on", o.shield);
  if (o.days < 1) throw Error("days is {}: play one or more", o.days);
  if (o.first_day < 0) throw Error("first_day is {}: it must not be negative", o.first_day);
  if (o.client < 0) throw Error("client is {}: it must not be negative", o.client);
}

std::unique_ptr<Policy> chosen_policy(const Options& o, const GridEnvironment& environment, std::uint64_t seed) {
  if (o.policy == "untrained")
    return std::make_unique<LearnedPolicy>(Learner(o.study.rl, static_cast<std::size_t>(environment.observation_size()),
                                                   static_cast<std::size_t>(environment.action_size()), seed)
                                               .policy());
  if (!o.policy.ends_with(".h5")) return make_policy(o.policy, o.study.behaviour, seed, o.client);
  const auto networks = read_policies(o.policy);
  if (o.client >= static_cast<int>(networks.size()))
    throw Error("policy file '{}' holds {} clients: client must be less", o.policy, networks.size());
  const auto& network = networks[static_cast<std::size_t>(o.client)];
  if (static_cast<int>(network.observation_size()) != environment.observation_size() ||
      static_cast<int>(network.action_size()) != environment.action_size()) {
    throw Error("policy file '{}' maps {} observations to {} actions, the environment has {} and {}: take the deck it was trained with",
                o.policy, network.observation_size(), network.action_size(), environment.observation_size(), environment.action_size());
  }
  return std::make_unique<LearnedPolicy>(network);
}

/// A policy under a shield, and what is made of its steps.
struct Guard {
  std::unique_ptr<Policy> backup;
  SafetyShield shield;
  SafetyJudge judge;

  Guard(const Options& o, Policy& policy, std::uint64_t seed)
      : backup(make_policy(o.safety.backup, o.study.behaviour, seed, o.client)),
        shield(policy, *backup, make_environment(o.study, o.client), o.safety,
               o.shield == "on" ? SafetyShield::Mode::guard : SafetyShield::Mode::watch),
        judge(make_environment(o.study, o.client)) {}

  void note(const GridEnvironment& environment, bool diverged, Trajectory& trajectory) {
    const auto used = judge.judge(environment, diverged, shield);
    trajectory.decisions.push_back(static_cast<std::uint8_t>(shield.last().decision));
    trajectory.foreseen.push_back(shield.last().foreseen.severity());
    trajectory.used.push_back(used.severity());
  }
};

/// Collective on the world.
void report(Session& session, const Guard& guard, const Options& options, double mean_return) {
  const auto& score = guard.judge.score();
  const auto& counts = guard.shield.counts();
  std::vector<double> sums{double(score.steps),      double(score.avoidable), double(score.unavoidable),
                           double(counts.projected), double(counts.backup),   double(counts.projected_backup),
                           double(counts.handovers), double(counts.releases), double(counts.invalid)};
  for (const long n : score.violated) sums.push_back(double(n));
  session.world().all_reduce_sum(std::span<double>(sums));
  session.log().line(
      "safety policy={} shield={} steps={} avoidable={} unavoidable={} projected={} backup={} projected_backup={} handovers={} releases={} "
      "invalid={} "
      "voltage={} line={} transformer={} frequency={} taps={} return={:.4f}",
      options.policy, options.shield, sums[0], sums[1], sums[2], sums[3], sums[4], sums[5], sums[6], sums[7], sums[8], sums[9], sums[10],
      sums[11], sums[12], sums[13], mean_return);
}

void run(Session& session) {
  Options options;
  if (!session.parse("gridfed_simulate", "Plays days of a feeder under a policy and writes the trajectory.",
                     [&](po::options_description& d) { declare(d, options); }))
    return;
  const Communicator& world = session.world();
  if (!options.feeder.empty()) options.study.feeders = {options.feeder};
  agreed(world, [&] { validate(options); });
  auto environment = agreed(world, [&] { return make_environment(options.study, options.client); });
  const auto policy = agreed(world, [&] { return chosen_policy(options, environment, session.seed()); });
  if (session.dry_run()) {
    session.log().line("deck ok");
    return;
  }
  const auto guard =
      agreed(world, [&] { return options.shield == "none" ? nullptr : std::make_unique<Guard>(options, *policy, session.seed()); });
  Trajectory trajectory;
  std::array<double, 5> sums{};  // steps, diverged days, clipped components, steps with a violation, return
  agreed(world, [&] {
    for (const int d : block_range(options.days, world)) {
      session.require_time();
      int step = 0;
      rollout(environment, guard ? guard->shield : *policy, session.seed(), options.client, options.first_day + d,
              [&](const Transition& t) {
                trajectory.append(options.first_day + d, step++, t);
                sums[0] += 1;
                sums[1] += t.info->diverged;
                sums[2] += t.info->clipped_actions;
                sums[3] += t.cost > 0;
                sums[4] += t.info->scaled_return;
                if (guard) guard->note(environment, t.info->diverged, trajectory);
              });
    }
  });
  world.all_reduce_sum(std::span<double>(sums));
  const auto path = session.output() / "trajectory.h5";
  write_trajectory(world, path, session.header("trajectory", trajectory_version), trajectory, environment,
                   options.study.feeder(options.client), options.policy);
  session.log().line("wrote {} (policy={} days={} steps={} violated={} diverged={} clipped={})", path.string(), options.policy,
                     options.days, sums[0], sums[3], sums[1], sums[2]);
  if (guard) report(session, *guard, options, sums[4] / options.days);
}

}  // namespace

int main(int argc, char** argv) {
  return run_driver(argc, argv, run);
}
