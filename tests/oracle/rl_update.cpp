#include "rl/learner.hpp"
#include "runtime/hdf5.hpp"
#include "runtime/session.hpp"

#include <string>
#include <vector>

// One update of a learner with all that decides it, for tests/oracle/rl.py to repeat in another library: batch, networks and targets
// before, the random numbers drawn, the gradient, networks and targets after.

using namespace gridfed;

namespace {

constexpr std::size_t observations = 5, actions = 3, rows = 64;
constexpr std::uint64_t seed = 4;

/// Networks of a flat buffer as /GROUP/NETWORK/LAYER/{weights, biases}.
void write_networks(File& file, const std::string& group, const ParameterLayout& layout, std::span<const float> values) {
  for (std::size_t network = 0; network < layout.networks.size(); ++network) {
    for (std::size_t l = 0; l < layout.networks[network].size(); ++l) {
      const LayerSlice& layer = layout.networks[network][l];
      const std::string name = fmt::format("{}/{}/{}", group, network, l);
      const auto width = static_cast<hsize_t>(layer.inputs), height = static_cast<hsize_t>(layer.outputs);
      if (width > 0) file.write(name + "/weights", values.subspan(layer.offset, layer.weight_count()), {height, width});
      file.write(name + "/biases", values.subspan(layer.offset + layer.weight_count(), layer.size() - layer.weight_count()));
    }
  }
}

/// The critics lie in the target buffer as in the parameters: hidden layers of both, then outputs of both.
ParameterLayout target_layout(const std::vector<std::int64_t>& hidden) {
  const NetworkShape q{.inputs = observations + actions, .hidden = hidden, .outputs = 1};
  return make_layout(std::vector<NetworkShape>{q, q}, Sharing::trunk);
}

Batch make_batch(BatchBuffer& buffer) {
  static Dataset data{.observation_size = observations, .action_size = actions};
  RandomStream stream(seed, Draw::test);
  std::vector<float> observation(observations), next(observations), action(actions);
  for (std::size_t i = 0; i < rows; ++i) {
    for (float& x : observation) x = static_cast<float>(stream.normal());
    for (float& x : next) x = static_cast<float>(stream.normal());
    for (float& x : action) x = static_cast<float>(stream.uniform(-1, 1));
    data.append(observation, action, static_cast<float>(stream.normal()), next, stream.uniform() < 0.2, false, 0);
    buffer.rows.push_back(i);
  }
  return data.gather(buffer.rows, buffer);
}

void run(Session& session) {
  std::string algorithm = "iql", path;
  double threshold = -1;
  if (!session.parse("rl_update", "One update of a learner, for tests/oracle/rl.py.", [&](po::options_description& deck) {
        deck.add_options()("algorithm", po::value(&algorithm)->default_value(algorithm), "iql or cql")(
            "threshold", po::value(&threshold)->default_value(threshold), "of cql's multiplier; negative: none")(
            "file", po::value(&path)->required(), "HDF5 file to write");
      })) {
    return;
  }
  RlOptions options{.actor_update = ActorUpdate::advantage_weighted,
                    .hidden_dims = {32, 32},
                    .lagrange_threshold = threshold,
                    .actor_learning_rate = 1e-4,
                    .critic_learning_rate = 3e-4,
                    .cosine_decay = CosineDecay::none};
  if (algorithm == "cql") options.algorithm = LearnerKind::cql;
  Learner learner(options, observations, actions, seed);
  LearnerState state = learner.state();
  RandomStream stream(seed, Draw::test, 1);
  for (float& x : state.targets) x += 0.05F * static_cast<float>(stream.normal());
  if (algorithm == "iql") {
    for (float& x : std::span(state.parameters).last(actions)) x = -1.5F;  // log_std where the other library starts
  }
  learner.restore(state);

  File file = File::create(path);
  BatchBuffer buffer;
  const Batch batch = make_batch(buffer);
  file.write("/batch/observations", batch.observations, {rows, observations});
  file.write("/batch/next_observations", batch.next_observations, {rows, observations});
  file.write("/batch/actions", batch.actions, {rows, actions});
  file.write("/batch/rewards", batch.rewards);
  file.write("/batch/terminals", batch.terminals);
  write_networks(file, "/before", learner.layout(), state.parameters);
  write_networks(file, "/targets_before", target_layout(options.hidden_dims), state.targets);
  if (options.algorithm == LearnerKind::cql) {
    const auto samples = static_cast<std::size_t>(options.action_samples);
    RandomStream draws(seed, Draw::policy_sample, 0, 1);
    std::vector<float> fan(rows * 3 * samples * actions), policy(rows * actions);
    for (std::size_t i = 0; i < fan.size(); ++i) {
      const bool uniform = i / actions % (3 * samples) < samples;
      fan[i] = static_cast<float>(uniform ? draws.uniform(-1, 1) : draws.normal());
    }
    for (float& x : policy) x = static_cast<float>(draws.normal());
    file.write("/draws/fan", fan, {rows, 3 * samples, actions});
    file.write("/draws/policy", policy, {rows, actions});
  }
  learner.update(batch);
  write_networks(file, "/gradient", learner.layout(), learner.gradient());
  write_networks(file, "/after", learner.layout(), learner.state().parameters);
  write_networks(file, "/targets_after", target_layout(options.hidden_dims), learner.state().targets);
  file.commit();
}

}  // namespace

int main(int argc, char** argv) {
  return run_driver(argc, argv, run);
}
