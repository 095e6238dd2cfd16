#include "control/make_policy.hpp"
#include "data/trajectory_file.hpp"
#include "study/study_options.hpp"
#include "study/training.hpp"

#include <map>

using namespace gridfed;

namespace {

struct Options {
  StudyOptions study;
  std::string feeder, policy = "rules";
  int days = 1, first_day = first_test_day, client = 0;
};

void declare(po::options_description& deck, Options& o) {
  declare(deck, o.study);
  deck.add_options()("feeder", po::value(&o.feeder)->default_value(o.feeder), "feeder file; empty = that of the client in study.feeders")(
      "policy", po::value(&o.policy)->default_value(o.policy),
      "idle, random, rules, self_consumption, voltage, curtailment, reference, behaviour, or a policy file (.h5)")(
      "days", po::value(&o.days)->default_value(o.days), "days to play")("first_day", po::value(&o.first_day)->default_value(o.first_day),
                                                                         "number of the first day; judging begins at 200000")(
      "client", po::value(&o.client)->default_value(o.client), "client whose days, feeder and learned policy are taken");
}

void validate(const Options& o) {
  validate(o.study);
  if (o.days < 1) throw Error("days is {}: play one or more", o.days);
  if (o.first_day < 0) throw Error("first_day is {}: it must not be negative", o.first_day);
  if (o.client < 0) throw Error("client is {}: it must not be negative", o.client);
}

std::unique_ptr<Policy> chosen_policy(const Options& o, const GridEnvironment& environment, std::uint64_t seed) {
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
  Trajectory trajectory;
  std::array<double, 4> sums{};  // steps, diverged days, clipped components, steps with a violation
  agreed(world, [&] {
    for (const int d : block_range(options.days, world)) {
      session.require_time();
      int step = 0;
      rollout(environment, *policy, session.seed(), options.client, options.first_day + d, [&](const Transition& t) {
        trajectory.append(options.first_day + d, step++, t);
        sums[0] += 1;
        sums[1] += t.info->diverged;
        sums[2] += t.info->clipped_actions;
        sums[3] += t.cost > 0;
      });
    }
  });
  world.all_reduce_sum(std::span<double>(sums));
  const auto path = session.output() / "trajectory.h5";
  write_trajectory(world, path, session.header("trajectory", trajectory_version), trajectory, environment,
                   options.study.feeder(options.client), options.policy);
  session.log().line("wrote {} (policy={} days={} steps={} violated={} diverged={} clipped={})", path.string(), options.policy,
                     options.days, sums[0], sums[3], sums[1], sums[2]);
}

}  // namespace

int main(int argc, char** argv) {
  return run_driver(argc, argv, run);
}
