#include "data/dataset_file.hpp"
#include "env/rollout.hpp"
#include "runtime/stage_timer.hpp"
#include "study/study_options.hpp"

using namespace gridfed;

namespace {

void run(Session& session) {
  StudyOptions options;
  if (!parse_study(session, "gridfed_dataset", "Simulates the history of every client under the behaviour policy.", options)) return;
  const Communicator& world = session.world();
  const int clients = options.fed.num_clients;
  const Range mine = block_range(clients, world);
  StageTimes times;

  std::map<int, Dataset> datasets;
  std::map<int, DatasetNotes> notes;
  agreed(world, [&] {
    auto scope = times.stage("simulate");
    Progress progress(session.log(), static_cast<std::int64_t>(mine.size()) * options.data_days, "simulate days");
    for (const int client : mine) {
      GridEnvironment environment = make_environment(options, client);
      if (session.dry_run()) continue;
      Dataset& data = datasets[client];
      data.observation_size = static_cast<std::size_t>(environment.observation_size());
      data.action_size = static_cast<std::size_t>(environment.action_size());
      BehaviourPolicy behaviour(options.behaviour, session.seed(), client);
      for (int day = 0; day < options.data_days; ++day) {
        session.require_time();
        rollout(environment, behaviour, session.seed(), client, first_training_day + day, [&](const Transition& t) {
          data.append(t.observation, t.action, static_cast<float>(t.reward), t.next_observation, t.terminated, t.truncated,
                      static_cast<float>(t.cost));
        });
        progress.advance();
      }
      notes[client] = {.feeder = options.feeder(client),
                       .observation_names = environment.observation_names(),
                       .action_names = environment.action_names(),
                       .episode_steps = options.scenario.steps(),
                       .reward_unit = environment.scale()};
    }
  });
  if (session.dry_run()) {
    session.log().line("deck ok");
    return;
  }
  const auto path = session.output() / "dataset.h5";
  write_datasets(world, path, session.header("dataset", dataset_version), clients, datasets, notes,
                 [&](File& file) { times.summary(world).write(file, "/timing"); });
  session.log().line("wrote {} ({} clients, {} days each)", path.string(), clients, options.data_days);
  session.log().line("{}", times.summary(world).text());
}

}  // namespace

int main(int argc, char** argv) {
  return run_driver(argc, argv, run);
}
