#include "problems/control_problems.hpp"
#include "rl/linear_algebra.hpp"
#include "runtime/session.hpp"

#include <cmath>

// What the learners make of data from a mediocre controller where the optimum is known: share of the gap closed, by seed.

using namespace gridfed;

namespace {

int episodes_of(const ControlProblem& problem) {
  return problem.steps > 60 ? 250 : 300;
}

void write_d4rl(const std::string& path, const Dataset& data) {
  File file = File::create(path);
  file.write("/observations", data.observations, {data.size(), data.observation_size});
  file.write("/next_observations", data.next_observations, {data.size(), data.observation_size});
  file.write("/actions", data.actions, {data.size(), data.action_size});
  file.write("/rewards", data.rewards);
  file.write("/terminals", data.terminals);
  file.write("/timeouts", data.timeouts);
  file.commit();
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
                           "problems", po::value(&problems)->default_value(problems), "of lq2, lq6, pendulum")(
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
      {"lq2", linear_quadratic(1)}, {"lq6", linear_quadratic(3)}, {"pendulum", pendulum()}};
  for (const auto& [key, problem] : all) {
    if (!listed(problems, key)) continue;
    if (!export_file.empty()) return write_d4rl(export_file, history(problem, episodes_of(problem), 1));
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
      std::string each;
      double sum = 0, squares = 0;
      for (int seed = 1; seed <= seeds; ++seed) {
        const auto data = history(problem, episodes_of(problem), static_cast<std::uint64_t>(seed));
        const double gap = closed_gap(problem, learned_controller(problem, options, data, static_cast<std::uint64_t>(seed)));
        each += fmt::format(" {:.2f}", gap);
        sum += gap;
        squares += gap * gap;
      }
      const double mean = sum / seeds, spread = seeds > 1 ? std::sqrt(std::max(0.0, (squares - sum * mean) / (seeds - 1))) : 0.0;
      session.log().line("  {:<7} closes {:.2f} +- {:.2f} (seeds:{}; {:.0f} s)", name, mean, spread, each, session.elapsed());
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  return run_driver(argc, argv, run);
}
