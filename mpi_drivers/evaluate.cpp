#include "study/comparison.hpp"

using namespace gridfed;

namespace {

void run(Session& session) {
  StudyOptions options;
  if (!parse_study(session, "gridfed_evaluate",
                   "Judges today's rules, the behaviour policy, a head-room reference and every trained policy on unseen days.", options)) {
    return;
  }
  StageTimes times;
  const std::filesystem::path from =
      options.evaluate_policies.empty() ? session.output() : std::filesystem::path(options.evaluate_policies);
  const auto policies = agreed(session.world(), [&] { return open_policies(options, session.dry_run() ? "" : from); });
  if (session.dry_run()) {
    session.log().line("deck ok: {} days for each of {} clients", options.evaluate_days, options.fed.num_clients);
    return;
  }
  Comparison comparison = [&] {
    auto scope = times.stage("evaluate");
    return compare(session, options, policies);
  }();
  session.log().line("{}", table(comparison));
  const auto path = session.output() / "report.h5";
  write_report(session.world(), path, session.header("report", report_version), comparison, from,
               times.summary(session.world()));
  session.log().line("wrote {}", path.string());
}

}  // namespace

int main(int argc, char** argv) {
  return run_driver(argc, argv, run);
}
