#include "study/judgement_options.hpp"

#include "runtime/error.hpp"

#include <fmt/ranges.h>
#include <boost/program_options.hpp>

#include <array>
#include <string>

namespace gridfed {

namespace po = boost::program_options;

namespace {

constexpr std::array estimator_words{"fitted_q", "per_decision", "weighted", "doubly_robust"};

po::typed_value<std::string>* demand(const char* key, std::optional<double>& target) {
  return po::value<std::string>()->default_value("")->notifier([key, &target](const std::string& text) {
    if (text.empty()) return;
    std::size_t used = 0;
    try {
      target = std::stod(text, &used);
    } catch (const std::exception&) {
    }
    if (used != text.size()) throw Error("{} is '{}': give a number, or nothing to demand nothing", key, text);
  });
}

}  // namespace

void declare(po::options_description& deck, JudgementOptions& o) {
  deck.add_options()("evaluate.estimator",
                     po::value<std::string>()
                         ->default_value(estimator_words[static_cast<std::size_t>(o.estimator)])
                         ->notifier([&o](const std::string& text) {
                           for (std::size_t i = 0; i < estimator_words.size(); ++i) {
                             if (text == estimator_words[i]) {
                               o.estimator = static_cast<OffPolicyEstimator>(i);
                               return;
                             }
                           }
                           throw Error("evaluate.estimator has no choice '{}': use one of {}", text, fmt::join(estimator_words, ", "));
                         }),
                     "of returns from data alone (study.feeders = none): fitted_q, per_decision, weighted or doubly_robust")(
      "evaluate.policy_deviation", po::value(&o.deviation)->default_value(o.deviation),
      "of the policy's actions where the estimator needs their density")(
      "evaluate.confidence", po::value(&o.confidence)->default_value(o.confidence), "of the lower bound, one-sided")(
      "evaluate.worst_share", po::value(&o.worst_share)->default_value(o.worst_share),
      "of days or episodes whose mean return is the conditional value at risk")("evaluate.fits", po::value(&o.fits)->default_value(o.fits),
                                                                                "of fitted Q evaluation to samples of the episodes")(
      "require-lower-bound", demand("require-lower-bound", o.required_bound),
      "end with status 2 unless the lower bound of every trained policy's return reaches it")(
      "require-cvar", demand("require-cvar", o.required_value_at_risk),
      "end with status 2 unless the conditional value at risk of every trained policy reaches it");
}

void validate(const JudgementOptions& o) {
  if (!(o.deviation > 0)) throw Error("evaluate.policy_deviation is {}: it must be positive", o.deviation);
  if (!(o.confidence > 0 && o.confidence < 1)) throw Error("evaluate.confidence is {}: it must lie between 0 and 1", o.confidence);
  if (!(o.worst_share > 0 && o.worst_share <= 1)) throw Error("evaluate.worst_share is {}: it must lie in (0, 1]", o.worst_share);
  if (o.fits < 2) throw Error("evaluate.fits is {}: it must be at least 2 to tell a spread", o.fits);
}

}  // namespace gridfed
