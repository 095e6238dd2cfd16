#include "study/comparison.hpp"

#include "control/behaviour.hpp"
#include "control/dispatch_reference.hpp"
#include "control/rules.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <map>
#include <numeric>

namespace gridfed {

namespace {

constexpr int columns = sizeof(DayScore) / sizeof(double);
enum Column { scaled_return, cost, voltage_violation, thermal_violation, steps_violated };
constexpr std::array reactive_settings{-0.5, -0.25, 0.0, 0.25, 0.5};  // of the reference; the best of a day counts

std::array<double, columns> flat(const DayScore& score) {
  std::array<double, columns> values;
  static_assert(sizeof(DayScore) == columns * sizeof(double));
  std::memcpy(values.data(), &score, sizeof score);
  return values;
}

ExampleDay example_day(GridEnvironment& environment, Policy& policy, const std::string& name, std::uint64_t seed, int client, int day) {
  ExampleDay example{.policy = name, .client = client};
  rollout(environment, policy, seed, client, day, [&](const Transition& t) {
    const StepInfo& i = *t.info;
    double charge = 0, capacity = 0;
    const auto& batteries = environment.network().data().batteries;
    for (std::size_t b = 0; b < batteries.size(); ++b) {
      charge += environment.battery_charge()[b] * batteries[b].capacity_wh;
      capacity += batteries[b].capacity_wh;
    }
    const double price = environment.scenario().price[static_cast<std::size_t>(environment.step_number() - 1)];
    example.rows.insert(example.rows.end(), {i.head_power / 1e3, i.battery / 1e3, capacity > 0 ? charge / capacity : 0.0, price,
                                             i.voltage_lowest, i.voltage_highest, i.scaled_return});
  });
  return example;
}

}  // namespace

std::vector<std::string> example_column_names() {
  return {"head_power [kW]",       "battery_power [kW]",     "battery_charge [share]", "price [$/kWh]",
          "voltage_lowest [p.u.]", "voltage_highest [p.u.]", "return [scaled]"};
}

std::vector<std::string> score_column_names() {
  return {"return [peak load x energy price x hour]",
          "violation [-]",
          "voltage_violation [-]",
          "thermal_violation [-]",
          "steps_violated [share]",
          "energy_cost [$]",
          "loss_cost [$]",
          "violation_penalty [$]",
          "tap_wear [$]",
          "battery_wear [$]",
          "idle_cost [$]",
          "stored_energy_value [$]",
          "losses [kWh]",
          "curtailed [kWh]",
          "battery_throughput [kWh]",
          "tap_operations [-]",
          "voltage_lowest [p.u.]",
          "voltage_highest [p.u.]",
          "diverged [-]"};
}

double Comparison::score(int policy, int seed, int client, int day, int column) const {
  const int run = std::accumulate(seeds.begin(), seeds.begin() + policy, 0) + seed;
  return scores[((static_cast<std::size_t>(run) * feeders.size() + client) * days + day) * columns + column];
}

std::vector<TrainedPolicies> open_policies(const StudyOptions& options, const std::filesystem::path& folder) {
  std::vector<TrainedPolicies> policies;
  if (folder.empty()) return policies;
  for (const auto& variant : make_variants(options)) {
    for (int s = 0; s < options.train_seeds; ++s) {
      const auto path = folder / fmt::format("policy_{}_{}.h5", variant.name, s);
      policies.push_back({.variant = variant.name,
                          .training_seed = s,
                          .networks = read_policies(path),
                          .privacy = File::open(path).attribute<std::string>("/", "privacy")});
      auto& networks = policies.back().networks;
      if (const int chosen = options.evaluate_policy_of; chosen >= 0) {
        if (chosen >= static_cast<int>(networks.size())) {
          throw Error("'{}' holds policies of {} clients (evaluate.policy_of is {}): choose one of them", path.string(), networks.size(),
                      chosen);
        }
        networks =
            std::vector<PolicyNetwork>(static_cast<std::size_t>(options.fed.num_clients), networks[static_cast<std::size_t>(chosen)]);
      }
      if (static_cast<int>(networks.size()) != options.fed.num_clients) {
        throw Error("'{}' holds policies of {} clients, the deck names {}: train again with this deck", path.string(), networks.size(),
                    options.fed.num_clients);
      }
    }
  }
  return policies;
}

Comparison compare(const Session& session, const StudyOptions& options, const std::vector<TrainedPolicies>& trained) {
  const Communicator& comm = session.world();
  const std::uint64_t seed = session.seed();
  Comparison c{.policies = {"rules", "behaviour", "reference"}, .seeds = {1, 1, 1}, .privacy = {"", "", ""}, .days = options.evaluate_days};
  for (const auto& policy : trained) {
    if (policy.training_seed == 0) {
      c.policies.push_back(policy.variant);
      c.seeds.push_back(0);
      c.privacy.push_back(policy.privacy);
    }
    ++c.seeds.back();
  }
  const int clients = options.fed.num_clients, runs = 3 + static_cast<int>(trained.size());
  for (int client = 0; client < clients; ++client) c.feeders.push_back(options.feeder(client));
  const Range mine = block_range(clients, comm);
  Progress progress(session.log(), static_cast<std::int64_t>(mine.size()) * c.days * runs, "evaluate days");

  std::vector<double> scores;  // [hosted client, run, day, column]
  std::vector<double> example_rows;
  const std::string shown = trained.empty() ? "behaviour" : trained.back().variant;
  agreed(comm, [&] {
    for (const int client : mine) {
      GridEnvironment environment = make_environment(options, client);
      const auto play = [&](Policy& policy) {
        for (int day = 0; day < c.days; ++day) {
          session.require_time();
          const auto values = flat(score_day(environment, policy, seed, client, first_test_day + day));
          scores.insert(scores.end(), values.begin(), values.end());
          progress.advance();
        }
      };
      RulePolicy rules;
      play(rules);
      BehaviourPolicy behaviour(options.behaviour, seed, client);
      play(behaviour);
      for (int day = 0; day < c.days; ++day) {
        session.require_time();
        DayScore best;
        for (std::size_t k = 0; k < reactive_settings.size(); ++k) {
          DispatchReference reference(reactive_settings[k]);
          const DayScore score = score_day(environment, reference, seed, client, first_test_day + day);
          if (k == 0 || score.scaled_return > best.scaled_return) best = score;
        }
        const auto values = flat(best);
        scores.insert(scores.end(), values.begin(), values.end());
        progress.advance();
      }
      for (const auto& t : trained) {
        const auto& network = t.networks[static_cast<std::size_t>(client)];
        if (static_cast<int>(network.observation_size()) != environment.observation_size() ||
            static_cast<int>(network.action_size()) != environment.action_size()) {
          throw Error(
              "policy '{}' maps {} observations to {} actions, the environment of client {} has {} and {}: train again with this deck",
              t.variant, network.observation_size(), network.action_size(), client, environment.observation_size(),
              environment.action_size());
        }
        LearnedPolicy policy(network);
        play(policy);
      }
      const auto day_of = [&](Policy& policy, const std::string& name) {
        const auto example = example_day(environment, policy, name, seed, client, first_test_day);
        example_rows.insert(example_rows.end(), example.rows.begin(), example.rows.end());
      };
      day_of(rules, "rules");
      if (trained.empty()) {
        day_of(behaviour, shown);
      } else {
        LearnedPolicy policy(trained.back().networks[static_cast<std::size_t>(client)]);
        day_of(policy, shown);
      }
    }
  });
  const auto all = comm.all_gather_v<double>(scores);
  const auto all_examples = comm.all_gather_v<double>(example_rows);
  c.scores.resize(all.size());
  const std::size_t block = static_cast<std::size_t>(c.days) * columns;
  for (int client = 0; client < clients; ++client) {
    for (int run = 0; run < runs; ++run) {
      std::copy_n(all.begin() + static_cast<std::ptrdiff_t>((static_cast<std::size_t>(client) * runs + run) * block), block,
                  c.scores.begin() + static_cast<std::ptrdiff_t>((static_cast<std::size_t>(run) * clients + client) * block));
    }
  }
  const std::size_t length = all_examples.size() / (2 * static_cast<std::size_t>(clients));
  for (int client = 0; client < clients; ++client) {
    for (int k = 0; k < 2; ++k) {
      const auto first = all_examples.begin() + static_cast<std::ptrdiff_t>((2 * static_cast<std::size_t>(client) + k) * length);
      c.examples.push_back({.policy = k == 0 ? "rules" : shown,
                            .client = client,
                            .rows = std::vector<double>(first, first + static_cast<std::ptrdiff_t>(length))});
    }
  }
  return c;
}

std::string table(const Comparison& c) {
  const int clients = static_cast<int>(c.feeders.size());
  // Per day, mean over the clients of [first, last) and the training seeds of a policy.
  const auto by_day = [&](int policy, int first, int last, int column) {
    std::vector<double> values(static_cast<std::size_t>(c.days), 0.0);
    for (int day = 0; day < c.days; ++day) {
      for (int client = first; client < last; ++client) {
        for (int s = 0; s < c.seeds[policy]; ++s)
          values[day] += c.score(policy, s, client, day, column) / ((last - first) * c.seeds[policy]);
      }
    }
    return values;
  };
  const auto difference = [](std::vector<double> a, const std::vector<double>& b) {
    for (std::size_t i = 0; i < a.size(); ++i) a[i] -= b[i];
    return a;
  };
  std::string text = fmt::format(
      "\n{} unseen days on each of {} feeders; return in peak load x energy price x hour a day, +- standard error over days; differences "
      "paired by day\n",
      c.days, clients);
  text += fmt::format("{:<16} {:>16} {:>17} {:>7} {:>9} {:>12} {:>9} {:>9}\n", "policy", "return", "over rules", "won", "head-room",
                      "violation", "seeds", "seed sd");
  const auto rules = by_day(0, 0, clients, scaled_return);
  const double gap = estimate(difference(by_day(2, 0, clients, scaled_return), rules)).mean;
  for (int p = 0; p < static_cast<int>(c.policies.size()); ++p) {
    const auto values = by_day(p, 0, clients, scaled_return);
    const auto total = estimate(values), over = estimate(difference(values, rules));
    int won = 0;
    for (int client = 0; client < clients; ++client) {
      for (int s = 0; s < c.seeds[p]; ++s) {
        for (int day = 0; day < c.days; ++day) won += c.score(p, s, client, day, scaled_return) > c.score(0, 0, client, day, scaled_return);
      }
    }
    std::vector<double> by_seed;
    for (int s = 0; s < c.seeds[p]; ++s) {
      double mean = 0;
      for (int client = 0; client < clients; ++client) {
        for (int day = 0; day < c.days; ++day) mean += c.score(p, s, client, day, scaled_return) / (clients * c.days);
      }
      by_seed.push_back(mean);
    }
    const double spread = estimate(by_seed).standard_error * std::sqrt(static_cast<double>(by_seed.size()));
    text += fmt::format("{:<16} {:>8.3f} +-{:>5.3f} {:>9.3f} +-{:>5.3f} {:>5.0f} % {:>7.0f} % {:>12.6f} {:>9} {:>9}\n", c.policies[p],
                        total.mean, total.standard_error, over.mean, over.standard_error, 100.0 * won / (clients * c.seeds[p] * c.days),
                        gap != 0 ? 100 * over.mean / gap : 0.0, estimate(by_day(p, 0, clients, cost)).mean, c.seeds[p],
                        c.seeds[p] > 1 ? fmt::format("{:.3f}", spread) : "-");
  }
  text += fmt::format("\n{:<16}", "by feeder");
  for (const auto& feeder : c.feeders) text += fmt::format(" {:>31}", std::filesystem::path(feeder).stem().string());
  text += fmt::format("\n{:<16}", "");
  for (int client = 0; client < clients; ++client) text += fmt::format(" {:>7} {:>8} {:>4} {:>9}", "return", "o.rules", "won", "violation");
  text += '\n';
  for (int p = 0; p < static_cast<int>(c.policies.size()); ++p) {
    text += fmt::format("{:<16}", c.policies[p]);
    for (int client = 0; client < clients; ++client) {
      const auto values = by_day(p, client, client + 1, scaled_return);
      const auto against = by_day(0, client, client + 1, scaled_return);
      int won = 0;
      for (int day = 0; day < c.days; ++day) won += values[day] > against[day];
      text += fmt::format(" {:>7.3f} {:>8.3f} {:>3.0f}% {:>9.6f}", estimate(values).mean, estimate(difference(values, against)).mean,
                          100.0 * won / c.days, estimate(by_day(p, client, client + 1, cost)).mean);
    }
    text += '\n';
  }
  return text;
}

void write_report(const Communicator& comm, const std::filesystem::path& path, const FileHeader& header, const Comparison& c,
                  const std::filesystem::path& folder, const TimingSummary& times) {
  agreed(comm, [&] {
    if (comm.rank() != 0) return;
    File file = File::create(path);
    file.write_header(header);
    file.write_texts("/policies", c.policies);
    file.write<std::int32_t>("/seeds", std::vector<std::int32_t>(c.seeds.begin(), c.seeds.end()));
    file.write_texts("/privacy", c.privacy);
    file.write_texts("/feeders", c.feeders);
    file.write_texts("/score_columns", score_column_names());
    const auto runs = static_cast<hsize_t>(std::accumulate(c.seeds.begin(), c.seeds.end(), 0));
    file.write<double>("/scores", c.scores, {runs, c.feeders.size(), static_cast<hsize_t>(c.days), columns}, "see score_columns");
    file.write_text("/table", table(c));
    file.write_texts("/examples/columns", example_column_names());
    for (const auto& example : c.examples) {
      file.write<double>(fmt::format("/examples/client_{:03d}/{}", example.client, example.policy), example.rows,
                         {example.rows.size() / example_columns, static_cast<hsize_t>(example_columns)}, "see columns");
    }
    times.write(file, "/timing/evaluate");
    // Training curves and the other stages' times come from the files beside the report, where they are.
    const auto copy_timing = [&](const File& from, const std::string& stage) {
      if (!from.exists("/timing/stages")) return;
      file.write_texts("/timing/" + stage + "/stages", from.read_texts("/timing/stages"));
      const auto seconds = from.read<double>("/timing/seconds_min_mean_max");
      file.write<double>("/timing/" + stage + "/seconds_min_mean_max", seconds, {seconds.size() / 3, 3}, "s");
      file.set_attribute("/timing/" + stage, "peak_memory_mb", from.attribute<double>("/timing", "peak_memory_mb"));
    };
    if (std::filesystem::exists(folder / "dataset.h5")) copy_timing(File::open(folder / "dataset.h5"), "dataset");
    if (std::filesystem::exists(folder / "metrics.h5")) {
      const File metrics = File::open(folder / "metrics.h5");
      copy_timing(metrics, "train");
      file.write_texts("/training/columns", metrics.read_texts("/columns"));
      for (std::size_t p = 3; p < c.policies.size(); ++p) {
        for (int s = 0; s < c.seeds[p]; ++s) {
          const std::string name = fmt::format("/{}/seed_{}", c.policies[p], s);
          const auto rows = metrics.read<double>(name);
          file.write<double>("/training" + name, rows, {rows.size() / training_columns, training_columns});
        }
      }
    }
    file.commit();
  });
}

}  // namespace gridfed
