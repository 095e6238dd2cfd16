#include "rl/linear_algebra.hpp"
#include "study/judgement.hpp"

using namespace gridfed;

namespace {

std::vector<Judgement> play(Session& session, const StudyOptions& options, const std::vector<TrainedPolicies>& policies,
                            const std::filesystem::path& from, StageTimes& times) {
  const Comparison comparison = [&] {
    auto scope = times.stage("evaluate");
    return compare(session, options, policies);
  }();
  session.log().line("{}", table(comparison));
  const auto path = session.output() / "report.h5";
  write_report(session.world(), path, session.header("report", report_version), comparison, from, times.summary(session.world()));
  session.log().line("wrote {}", path.string());
  return judge_played(comparison, options.judgement, session.seed());
}

void run(Session& session) {
  StudyOptions options;
  if (!parse_study(session, "gridfed_evaluate",
                   "Judges today's rules, the behaviour policy, a head-room reference and every trained policy on unseen days; without a "
                   "grid the trained policies from the recorded data alone.",
                   options)) {
    return;
  }
  StageTimes times;
  set_threads(1);
  const std::filesystem::path from =
      options.evaluate_policies.empty() ? session.output() : std::filesystem::path(options.evaluate_policies);
  const auto policies = agreed(session.world(), [&] { return open_policies(options, session.dry_run() ? "" : from); });
  if (session.dry_run()) {
    session.log().line("deck ok: {} days for each of {} clients", options.evaluate_days, options.fed.num_clients);
    return;
  }
  const auto judgements = options.gridless()
                              ? judge_recorded(session.world(), options, policies, dataset_path(options, session), session.seed())
                              : play(session, options, policies, from, times);
  for (const Judgement& judgement : judgements) session.log().line("{}", describe(judgement, options.judgement));
  const auto missed = missed_demands(judgements, options.judgement);
  for (const auto& sentence : missed) session.log().line("{}", sentence);
  if (!missed.empty()) session.exit_with(2);
}

}  // namespace

int main(int argc, char** argv) {
  return run_driver(argc, argv, run);
}
