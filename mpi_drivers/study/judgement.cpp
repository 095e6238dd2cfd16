#include "study/judgement.hpp"

#include "data/dataset_file.hpp"
#include "data/episodes.hpp"
#include "evaluation/recorded_episodes.hpp"
#include "rl/fitted_value.hpp"

#include <fmt/ranges.h>
#include <boost/math/distributions/normal.hpp>

#include <array>
#include <cmath>

namespace gridfed {

namespace {

constexpr int resamples = 1000;
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

Judgement judge_client(const StudyOptions& study, const JudgementOptions& options, const PolicyNetwork& network,
                       const std::filesystem::path& dataset, int client, std::uint64_t seed) {
  Dataset data = read_dataset(dataset, client);
  require_learnable(data, fmt::format("client {} of '{}'", client, dataset.string()));
  if (network.observation_size() != data.observation_size || network.action_size() != data.action_size) {
    throw Error("a policy of {} observations and {} actions cannot be judged by data of {} and {}: name the data it was trained on",
                network.observation_size(), network.action_size(), data.observation_size, data.action_size);
  }
  // The critic sees what learners do, observations and rewards of about one; the policy takes plain observations.
  const ObservationScale scale = observation_scale(data);
  normalise(data, scale);
  double unit = 0, mean = 0;
  for (const float r : data.rewards) mean += r / static_cast<double>(data.size());
  for (const float r : data.rewards) unit += (r - mean) * (r - mean) / static_cast<double>(data.size());
  unit = unit > 0 ? std::sqrt(unit) : 1;
  for (float& r : data.rewards) r = static_cast<float>(r / unit);
  const ActionOf act = [&, plain = std::vector<float>(data.observation_size)](std::span<const float> observation,
                                                                              std::span<float> action) mutable {
    for (std::size_t j = 0; j < plain.size(); ++j) plain[j] = observation[j] * scale.deviation[j] + scale.mean[j];
    network.act(plain, action);
  };
  if (options.estimator == OffPolicyEstimator::fitted_q) {
    const FittedValue value = fitted_value(study.rl, data, act, options.fits, seed);
    const double quantile = boost::math::quantile(boost::math::normal(), options.confidence);
    return {.policy = {},
            .estimate = unit * value.estimate,
            .lower = unit * (value.estimate - quantile * value.deviation),
            .value_at_risk = {}};
  }
  const auto densities = read_action_log_densities(dataset, client);
  if (densities.empty()) {
    throw Error("'{}' holds no action_log_probs, which importance sampling needs: record them, or set evaluate.estimator = fitted_q",
                dataset.string());
  }
  const GaussianPolicy policy{.mean = act, .deviation = options.deviation};
  RandomStream stream(seed, Draw::evaluation, 1);
  const FittedQ critic(study.rl, data, policy.sampled(stream), seed);
  const auto recorded = recorded_episodes(data, densities, policy, critic, seed);
  const OffPolicyInterval interval =
      off_policy_interval(options.estimator, recorded, study.rl.discount, options.confidence, resamples, seed);
  return {.policy = {},
          .estimate = unit * interval.estimate,
          .lower = unit * interval.lower,
          .value_at_risk = unit * off_policy_value_at_risk(recorded, study.rl.discount, options.worst_share)};
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

std::string describe(const Judgement& j, const JudgementOptions& o) {
  return fmt::format("policy={} return={:.4g} lower_bound={:.4g} confidence={}{}", j.policy, j.estimate, j.lower, o.confidence,
                     j.value_at_risk ? fmt::format(" cvar={:.4g} worst_share={}", *j.value_at_risk, o.worst_share) : "");
}

std::vector<Judgement> judge_played(const Comparison& c, const JudgementOptions& o, std::uint64_t seed) {
  std::vector<Judgement> judgements;
  const int clients = static_cast<int>(c.feeders.size());
  for (int p = 3; p < static_cast<int>(c.policies.size()); ++p) {  // after rules, behaviour and reference
    for (int s = 0; s < c.seeds[static_cast<std::size_t>(p)]; ++s) {
      std::vector<RecordedEpisode> days;  // of the policy itself: every ratio is one
      for (int day = 0; day < c.days; ++day) {
        double mean = 0;
        for (int client = 0; client < clients; ++client) mean += c.score(p, s, client, day, 0) / clients;
        days.push_back({.ratio = {1}, .reward = {mean}, .q = {}, .value = {}});
      }
      const auto interval = off_policy_interval(OffPolicyEstimator::per_decision, days, 1, o.confidence, resamples, seed);
      judgements.push_back({.policy = fmt::format("{}_{}", c.policies[static_cast<std::size_t>(p)], s),
                            .estimate = interval.estimate,
                            .lower = interval.lower,
                            .value_at_risk = off_policy_value_at_risk(days, 1, o.worst_share)});
    }
  }
  return judgements;
}

std::vector<Judgement> judge_recorded(const Communicator& comm, const StudyOptions& study, const JudgementOptions& options,
                                      const std::vector<TrainedPolicies>& policies, const std::filesystem::path& dataset,
                                      std::uint64_t seed) {
  constexpr std::size_t columns = 4;
  const int clients = study.fed.num_clients;
  std::vector<double> mine;
  agreed(comm, [&] {
    for (const int client : block_range(clients, comm)) {
      for (const auto& policy : policies) {
        const Judgement j = judge_client(study, options, policy.networks[static_cast<std::size_t>(client)], dataset, client, seed);
        mine.insert(mine.end(), {j.estimate, j.lower, static_cast<double>(j.value_at_risk.has_value()), j.value_at_risk.value_or(0)});
      }
    }
  });
  const auto all = comm.all_gather_v<double>(mine);  // in client order
  std::vector<Judgement> judgements;
  for (std::size_t i = 0; i < all.size() / columns; ++i) {
    const auto& policy = policies[i % policies.size()];
    const double* j = &all[i * columns];
    judgements.push_back({.policy = fmt::format("{}_{}_client_{:03d}", policy.variant, policy.training_seed, i / policies.size()),
                          .estimate = j[0],
                          .lower = j[1],
                          .value_at_risk = j[2] != 0 ? std::optional(j[3]) : std::nullopt});
  }
  return judgements;
}

std::vector<std::string> missed_demands(const std::vector<Judgement>& judgements, const JudgementOptions& o) {
  std::vector<std::string> missed;
  for (const Judgement& j : judgements) {
    if (o.required_bound && !(j.lower >= *o.required_bound)) {
      missed.push_back(
          fmt::format("policy {} is not to be used: its return may be as low as {:.4g}, below the {:.4g} that "
                      "--require-lower-bound asks for",
                      j.policy, j.lower, *o.required_bound));
    }
    if (o.required_value_at_risk && !(j.value_at_risk && *j.value_at_risk >= *o.required_value_at_risk)) {
      missed.push_back(
          j.value_at_risk
              ? fmt::format("policy {} is not to be used: the worst {:.0f} % return {:.4g} in the mean, below the {:.4g} that "
                            "--require-cvar asks for",
                            j.policy, 100 * o.worst_share, *j.value_at_risk, *o.required_value_at_risk)
              : fmt::format(
                    "policy {} is not to be used: fitted Q evaluation tells no conditional value at risk, which --require-cvar asks "
                    "for: set evaluate.estimator to another on data with action_log_probs",
                    j.policy));
    }
  }
  return missed;
}

}  // namespace gridfed
