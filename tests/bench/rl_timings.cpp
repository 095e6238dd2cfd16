#include "rl/learner.hpp"
#include "rl/linear_algebra.hpp"
#include "runtime/error.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <fstream>
#include <iostream>
#include <vector>

// Usage: rl_timings OUTPUT.json: updates a second of the learners with the networks of their papers, batch 256, one thread, on a dataset of
// 17 observations and 6 actions (those of HalfCheetah) filled with random numbers. postprocess/bench_rl_peers.py times the others alike.

namespace gridfed {
namespace {

constexpr std::size_t observations = 17, actions = 6, rows = 20000;
constexpr double seconds = 2.0;
constexpr int repeats = 5;

Dataset random_data() {
  Dataset data{.observation_size = observations, .action_size = actions};
  RandomStream stream(1, Draw::test);
  std::vector<float> observation(observations), next(observations), action(actions);
  for (std::size_t i = 0; i < rows; ++i) {
    for (float& x : observation) x = static_cast<float>(stream.normal());
    for (float& x : next) x = static_cast<float>(stream.normal());
    for (float& x : action) x = static_cast<float>(stream.uniform(-1, 1));
    data.append(observation, action, static_cast<float>(stream.normal()), next, false, i % 1000 == 999, 0);
  }
  return data;
}

/// Seconds of the process's own processor time, which other programs disturb less than the clock on the wall.
double processor_seconds() {
  return static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
}

/// Best of some repeats.
double updates_per_second(const RlOptions& options, const Dataset& data) {
  Learner learner(options, observations, actions, 1);
  BatchBuffer buffer;
  RandomStream stream(1, Draw::minibatch);
  const auto update = [&] { learner.update(data.sample(stream, static_cast<std::size_t>(options.batch_size), buffer)); };
  for (int i = 0; i < 3; ++i) update();
  double best = 0;
  for (int repeat = 0; repeat < repeats; ++repeat) {
    const double start = processor_seconds();
    int count = 0;
    double elapsed = 0;
    while (elapsed < seconds / repeats) {
      update();
      ++count;
      elapsed = processor_seconds() - start;
    }
    best = std::max(best, count / elapsed);
  }
  return best;
}

/// Speed of 256 x 256 x 256 products, the size of most here.
double product_gflops() {
  constexpr std::int64_t n = 256;
  std::vector<float> a(n * n, 0.5F), b(n * n, 0.25F), c(n * n);
  double best = 0;
  for (int repeat = 0; repeat < repeats; ++repeat) {
    const double start = processor_seconds();
    for (int i = 0; i < 100; ++i) {
      multiply(as_matrix(std::span(c), n, n), as_matrix(std::span<const float>(a), n, n), as_matrix(std::span<const float>(b), n, n));
    }
    best = std::max(best, 100 * 2e-9 * n * n * n / (processor_seconds() - start));
  }
  return best;
}

/// Floating-point operations of the matrix products of one update: 2 for each weight and row, forward; twice that for a pass with
/// gradients.
double operations(const RlOptions& options) {
  const auto weights = [&](std::int64_t inputs, std::int64_t outputs) {
    double count = 0;
    for (const std::int64_t width : options.hidden_dims) {
      count += static_cast<double>(inputs * width);
      inputs = width;
    }
    return count + static_cast<double>(inputs * outputs);
  };
  constexpr auto o = static_cast<std::int64_t>(observations), a = static_cast<std::int64_t>(actions);
  const auto n = static_cast<double>(options.batch_size);
  const double first = static_cast<double>(options.hidden_dims.front());
  const double q = weights(o + a, 1);
  if (options.algorithm == LearnerKind::cql) {
    const double policy = weights(o, 2 * a), fan = 3.0 * static_cast<double>(options.action_samples) + 1;
    // In a fan the state's columns are multiplied once a state, forward and for their gradient; no first layer passes gradients on.
    const double fans = 2 * 2 * n *
                        (3 * fan * (q - first * static_cast<double>(o + a)) + 2 * fan * first * static_cast<double>(a) +
                         2 * first * static_cast<double>(o));
    const double policies = 2 * n * (2 * policy + 2 * policy - first * static_cast<double>(o)), goals = 2 * 2 * n * q;
    return fans + policies + goals + 2 * 2 * n * (2 * q - first * static_cast<double>(o));
  }
  const double value = weights(o, 1), policy = weights(o, a);
  return 2 * n * (4 * value - first * o + 2 * (3 * q - first * static_cast<double>(o + a)) + 2 * q + 3 * policy - first * o);
}

void run(const std::string& path) {
  set_threads(1);
  const Dataset data = random_data();
  const RlOptions iql{.actor_update = ActorUpdate::advantage_weighted, .hidden_dims = {256, 256}, .updates = 1000000};
  const RlOptions cql{.algorithm = LearnerKind::cql, .hidden_dims = {256, 256, 256}, .cosine_decay = CosineDecay::none};
  const double peak = product_gflops();
  std::string json = fmt::format("{{\n  \"gemm_gflops\": {:.1f}", peak);
  for (const auto& [name, options] : {std::pair{"iql", iql}, std::pair{"cql", cql}}) {
    const double rate = updates_per_second(options, data), gflops = rate * operations(options) * 1e-9;
    json += fmt::format(",\n  \"{}\": {{\"updates_per_second\": {:.2f}, \"gflops\": {:.1f}, \"peak_share\": {:.3f}}}", name, rate, gflops,
                        gflops / peak);
  }
  std::ofstream out(path);
  out << json << "\n}\n";
  if (!out.flush()) throw Error("cannot write '{}': check the folder", path);
  std::cout << json << "\n}\n";
}

}  // namespace
}  // namespace gridfed

int main(int argc, char** argv) {
  try {
    if (argc != 2) throw gridfed::Error("usage: rl_timings OUTPUT.json");
    gridfed::run(argv[1]);
  } catch (const std::exception& error) {
    std::cerr << "rl_timings: error: " << error.what() << "\n";
    return 1;
  }
}
