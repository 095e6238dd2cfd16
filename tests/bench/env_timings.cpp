// Steps a second of the environment on one core: what ./gridfed bench env prints. Usage: env_timings NAME=FEEDER...
#include "env/batch_environment.hpp"
#include "grid/opendss_reader.hpp"
#include "runtime/random.hpp"

#include <fmt/core.h>

#include <chrono>

using namespace gridfed;

namespace {

constexpr double measured_seconds = 5;

/// Days of random actions, one after the other, until enough time has passed.
double steps_a_second(BatchEnvironment& batch) {
  using Clock = std::chrono::steady_clock;
  RandomStream stream(1, Draw::test);
  std::vector<float> actions(static_cast<std::size_t>(batch.lanes()) * batch.action_size());
  std::vector<BatchEnvironment::Start> starts(batch.lanes());
  double seconds = 0;
  long steps = 0;
  for (int day = 0; seconds < measured_seconds; day += batch.lanes()) {
    for (int k = 0; k < batch.lanes(); ++k) starts[k].day = day + k;
    batch.reset(starts);
    const auto begin = Clock::now();
    while (!batch.all_done()) {
      for (auto& a : actions) a = static_cast<float>(stream.uniform(-1, 1));
      batch.step(actions);
      steps += batch.lanes();
    }
    seconds += std::chrono::duration<double>(Clock::now() - begin).count();
  }
  return static_cast<double>(steps) / seconds;
}

}  // namespace

int main(int argc, char** argv) {
  fmt::print("{:24} {:>12} {:>12} {:>14}\n", "feeder", "nodes", "steps/s", "steps/s, 16 lanes");
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    const auto equals = word.find('=');
    if (equals == std::string::npos) {
      fmt::print(stderr, "env_timings: '{}' names no feeder: give NAME=FILE\n", word);
      return 1;
    }
    const auto network = make_network(read_feeder(word.substr(equals + 1)));
    const ScenarioOptions scenario{.timestep = 60};
    BatchEnvironment alone(network, scenario, {}, 1), lanes(network, scenario, {}, 16);
    const double one = steps_a_second(alone), many = steps_a_second(lanes);
    fmt::print("{:24} {:>12} {:>12.0f} {:>14.0f}\n", word.substr(0, equals), network->node_count(), one, many);
  }
}
