#include "data/dataset_file.hpp"
#include "rl/linear_algebra.hpp"
#include "runtime/stage_timer.hpp"
#include "study/training.hpp"

#include <fmt/ranges.h>

#include <filesystem>

using namespace gridfed;

namespace {

std::filesystem::path policy_path(Session& session, const Variant& variant, int training_seed) {
  return session.output() / fmt::format("policy_{}_{}.h5", variant.name, training_seed);
}

/// Where a stopped run stands; nothing if there is no checkpoint.
struct Resume {
  int variant = 0, training_seed = 0;
  std::optional<File> file;
};

Resume find_checkpoint(Session& session, const std::filesystem::path& path) {
  return agreed(session.world(), [&] {
    Resume resume;
    if (!std::filesystem::exists(path)) return resume;
    resume.file = File::open(path);
    resume.file->check_kind("checkpoint", checkpoint_version.major);
    if (resume.file->read_header().deck != session.deck()) {
      throw Error("'{}' belongs to a run with another deck or seed: give another --output, or remove it to start again", path.string());
    }
    resume.variant = static_cast<int>(resume.file->attribute<std::int64_t>("/", "variant_index"));
    resume.training_seed = static_cast<int>(resume.file->attribute<std::int64_t>("/", "training_seed"));
    return resume;
  });
}

void write_metrics(Session& session, const std::vector<Variant>& variants, const StudyOptions& options, const TimingSummary& times) {
  agreed(session.world(), [&] {
    if (session.world().rank() != 0) return;
    File metrics = File::create(session.output() / "metrics.h5");
    metrics.write_header(session.header("metrics", {1, 1}));
    metrics.write_texts("/columns", training_column_names());
    for (const auto& variant : variants) {
      for (int s = 0; s < options.train_seeds; ++s) {
        const File policy = File::open(policy_path(session, variant, s));
        const auto rows = policy.read<double>("/training/rows");
        metrics.write<double>(fmt::format("/{}/seed_{}", variant.name, s), rows, {rows.size() / training_columns, training_columns});
        metrics.set_attribute(fmt::format("/{}/seed_{}", variant.name, s), "privacy", policy.attribute<std::string>("/", "privacy"));
      }
    }
    times.write(metrics, "/timing");
    metrics.commit();
  });
}

void run(Session& session) {
  StudyOptions options;
  if (!parse_study(session, "gridfed_train", "The main job: trains every variant of the deck, round by round over the ranks.", options))
    return;
  const Communicator& world = session.world();
  const auto variants = make_variants(options);
  const auto data = dataset_path(options, session);
  set_threads(1);
  StageTimes times;
  if (session.dry_run()) {
    agreed(world, [&] {
      if (options.gridless()) read_dataset(data, 0);
      for (int client = 0; client < options.fed.num_clients && !options.gridless(); ++client) make_environment(options, client);
    });
    session.log().line("deck ok: {} variants x {} seeds", variants.size(), options.train_seeds);
    return;
  }

  const auto checkpoint = session.output() / "checkpoint.h5";
  Resume resume = find_checkpoint(session, checkpoint);
  const bool resumed = resume.file.has_value();
  if (resumed) session.log().line("resuming {} from {}", variants[resume.variant].name, checkpoint.string());
  Progress progress(session.log(), static_cast<std::int64_t>(variants.size()) * options.train_seeds * options.fed.rounds,
                    "training rounds");
  for (int v = 0; v < static_cast<int>(variants.size()); ++v) {
    for (int s = 0; s < options.train_seeds; ++s) {
      if (resumed && std::pair(v, s) < std::pair(resume.variant, resume.training_seed)) {
        progress.advance(options.fed.rounds);
        continue;
      }
      TrainingRun training = [&] {
        auto scope = times.stage("load");
        return TrainingRun(world, options, variants[v], data, s, session.seed());
      }();
      if (s == 0) {
        const auto covered = training.coverages();
        for (std::size_t client = 0; client < covered.size(); ++client)
          session.log().line("variant={} client={} data: {}", variants[v].name, client, describe(covered[client]));
      }
      if (resume.file) {
        training.restore(*resume.file);
        resume.file.reset();
        progress.advance(training.round());
      }
      while (!training.done()) {
        if (session.stop_requested()) {
          training.write_checkpoint(checkpoint, session.header("checkpoint", checkpoint_version), v);
          session.log().line("stopped in round {} of {}: the same command goes on from {}", training.round(), variants[v].name,
                             checkpoint.string());
          return;
        }
        const TrainingRow row = [&] {
          auto scope = times.stage("train " + variants[v].name);
          return training.run_round();
        }();
        const int round = training.round();
        if (!training.excluded().empty() && world.rank() == 0) {
          session.log().warn("variant={} round={} left out {} clients whose values were not finite or left all bounds: {}",
                             variants[v].name, round, training.excluded().size(), fmt::join(training.excluded(), ","));
        }
        if (const auto client = training.diverged()) {
          training.write_policies(policy_path(session, variants[v], s), session.header("policy", policy_version));
          session.log().line(
              "variant={} seed={} stopped in round {}: client {} diverged (a loss or weight is not finite, or values left all bounds); {} "
              "holds "
              "the last good policies{}: lower rl.learning_rate, or look at the rewards of its data",
              variants[v].name, s, round, *client, policy_path(session, variants[v], s).string(),
              std::filesystem::exists(checkpoint) ? fmt::format(" and {} the last good checkpoint", checkpoint.string()) : "");
          return session.exit_with(2);
        }
        if (round % options.validate_every == 0 || training.done()) {
          session.log().line("variant={} seed={} round={} updates={:.0f} critic_loss={:.4f} {}{} bytes={:.0f} epsilon={:.3g} wall_s={:.1f}",
                             variants[v].name, s, round, row.updates, row.critic_loss,
                             variants[v].rl.safety_critic ? fmt::format("cost={:.3g} multiplier={:.3g} ", row.cost, row.multiplier) : "",
                             options.gridless() ? fmt::format("validation_critic_loss={:.4f} validation_actor_loss={:.4f}",
                                                              row.validation_critic_loss, row.validation_actor_loss)
                                                : fmt::format("validation_return={:.4f}", row.validation_return),
                             row.bytes_sent, row.epsilon, session.elapsed());
        }
        if (round % options.checkpoint_every == 0 && !training.done()) {
          auto scope = times.stage("checkpoint");
          training.write_checkpoint(checkpoint, session.header("checkpoint", checkpoint_version), v);
        }
        progress.advance();
      }
      if (!training.affords_round() && training.round() < variants[v].fed.rounds) {
        session.log().line("variant={} seed={} stopped after round {} of {}: another one would exceed privacy.privacy_budget",
                           variants[v].name, s, training.round(), variants[v].fed.rounds);
      }
      if (options.gridless() && options.evaluation_fits > 0) {
        auto scope = times.stage("evaluate");
        for (const auto& [client, value] : training.judge(options.evaluation_fits)) {
          session.log().line("variant={} seed={} client={} fitted_return={:.4g} lower_bound={:.4g} recorded_return={:.4g}",
                             variants[v].name, s, client, value.estimate, value.lower, value.recorded);
        }
      }
      training.write_policies(policy_path(session, variants[v], s), session.header("policy", policy_version));
      session.log().line("variant={} seed={} done: {}", variants[v].name, s, training.statement().describe());
    }
  }
  const TimingSummary summary = times.summary(world);
  write_metrics(session, variants, options, summary);
  agreed(world, [&] {
    if (world.rank() == 0) std::filesystem::remove(checkpoint);
  });
  session.log().line("{}", summary.text());
}

}  // namespace

int main(int argc, char** argv) {
  return run_driver(argc, argv, run);
}
