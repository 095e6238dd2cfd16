#include "problems/control_problems.hpp"
#include "rl/linear_algebra.hpp"
#include "runtime/session.hpp"

#include <cmath>
#include <numbers>

// What the learners make of data from a mediocre controller where the optimum is known: share of the gap closed, by seed. Where a limit on
// costs is known too: what a step of their policies costs over it, with and without a safety critic.

using namespace gridfed;

namespace {

int episodes_of(const ControlProblem& problem) {
  return problem.steps > 60 ? 250 : 300;
}

/// With the actions' log densities where the mediocre controller sees what is observed.
void write_d4rl(const std::string& path, const ControlProblem& problem, const Dataset& data) {
  File file = File::create(path);
  file.write("/observations", data.observations, {data.size(), data.observation_size});
  file.write("/next_observations", data.next_observations, {data.size(), data.observation_size});
  file.write("/actions", data.actions, {data.size(), data.action_size});
  file.write("/rewards", data.rewards);
  file.write("/terminals", data.terminals);
  file.write("/timeouts", data.timeouts);
  file.write("/costs", data.costs);
  RandomStream stream(1, Draw::test);
  if (problem.start(stream).size() == data.observation_size) {
    std::vector<float> densities;
    for (std::size_t i = 0; i < data.size(); ++i) {
      const auto row = data.observations.begin() + static_cast<std::ptrdiff_t>(i * data.observation_size);
      const Numbers mean = problem.mediocre({row, row + static_cast<std::ptrdiff_t>(data.observation_size)});
      double density = 0;
      for (std::size_t j = 0; j < mean.size(); ++j) {
        const double z = (data.actions[i * mean.size() + j] - mean[j]) / problem.noise;
        density -= 0.5 * z * z + std::log(problem.noise) + 0.5 * std::log(2 * std::numbers::pi);
      }
      densities.push_back(static_cast<float>(density));
    }
    file.write("/action_log_probs", densities);
  }
  file.commit();
}

struct Spread {
  double sum = 0, squares = 0;
  int count = 0;

  void add(double x) {
    sum += x;
    squares += x * x;
    ++count;
  }
  double mean() const { return sum / count; }
  double deviation() const { return count > 1 ? std::sqrt(std::max(0.0, (squares - sum * mean()) / (count - 1))) : 0.0; }
};

/// The policies are played from recorded states, which is what the limit speaks of.
void meet_limit(Session& session, const ControlProblem& problem, const char* name, RlOptions options, int seeds) {
  const RlOptions free = [&] {
    RlOptions o = options;
    o.safety_critic = false;
    return o;
  }();
  Spread with, without, value;
  for (int seed = 1; seed <= seeds; ++seed) {
    const auto data = history(problem, 200, static_cast<std::uint64_t>(seed));
    const double limit = mean_cost(problem, problem.best, data, options.cost_discount);
    options.safety_critic = true;
    options.cost_limit = limit;
    const auto share = [&](const Controller& controller) { return mean_cost(problem, controller, data, options.cost_discount) / limit; };
    const Controller steered = learned_controller(problem, options, data, static_cast<std::uint64_t>(seed));
    with.add(share(steered));
    without.add(share(learned_controller(problem, free, data, static_cast<std::uint64_t>(seed))));
    value.add(expected_return(problem, steered));
  }
  session.log().line(
      "  {:<7} costs {:.2f} +- {:.2f} of the limit with a safety critic, {:.2f} +- {:.2f} without; return {:.3f} +- {:.3f} ({:.0f} s)",
      name, with.mean(), with.deviation(), without.mean(), without.deviation(), value.mean(), value.deviation(), session.elapsed());
}

void run(Session& session) {
  int seeds = 5;
  std::string problems = "lq2,lq6,pendulum", algorithms = "iql,cql,bc", export_file;
  RlOptions options;
  if (!session.parse("rl_known_optimum", "Share of the gap between a mediocre and the best controller that learners close.",
                     [&](po::options_description& deck) {
                       declare(deck, options);
                       deck.add_options()("seeds", po::value(&seeds)->default_value(seeds),
                                          "runs of each, with different data and networks")(
                           "problems", po::value(&problems)->default_value(problems), "of lq2, lq6, pendulum, limit")(
                           "algorithms", po::value(&algorithms)->default_value(algorithms), "of iql, cql, td3_bc, bc")(
                           "export", po::value(&export_file)->default_value(""),
                           "write the data of the first problem's first seed to this HDF5 file in D4RL's layout, and stop");
                     })) {
    return;
  }
  set_threads(1);
  const auto listed = [](const std::string& list, const char* name) {
    return ("," + list + ",").find(std::string(",") + name + ",") != std::string::npos;
  };
  const std::pair<const char*, ControlProblem> all[] = {
      {"lq2", linear_quadratic(1)}, {"lq6", linear_quadratic(3)}, {"pendulum", pendulum()}, {"limit", forced_oscillator(2)}};
  for (const auto& [key, problem] : all) {
    if (!listed(problems, key)) continue;
    if (!export_file.empty()) return write_d4rl(export_file, problem, history(problem, episodes_of(problem), 1));
    session.log().line("{}: return {:.3f} of the mediocre controller, {:.3f} of the {} one", problem.name,
                       expected_return(problem, problem.mediocre), expected_return(problem, problem.best),
                       key == std::string("pendulum") ? "good" : "optimal");
    for (const auto& [name, kind] : {std::pair{"iql", LearnerKind::iql},
                                     {"cql", LearnerKind::cql},
                                     {"td3_bc", LearnerKind::td3_bc},
                                     {"bc", LearnerKind::behaviour_cloning}}) {
      if (!listed(algorithms, name)) continue;
      options.algorithm = kind;
      options.discount = problem.discount;
      if (key == std::string("limit")) {
        meet_limit(session, problem, name, options, seeds);
        continue;
      }
      std::string each;
      Spread gaps;
      for (int seed = 1; seed <= seeds; ++seed) {
        const auto data = history(problem, episodes_of(problem), static_cast<std::uint64_t>(seed));
        const double gap = closed_gap(problem, learned_controller(problem, options, data, static_cast<std::uint64_t>(seed)));
        each += fmt::format(" {:.2f}", gap);
        gaps.add(gap);
      }
      session.log().line("  {:<7} closes {:.2f} +- {:.2f} (seeds:{}; {:.0f} s)", name, gaps.mean(), gaps.deviation(), each,
                         session.elapsed());
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  return run_driver(argc, argv, run);
}
