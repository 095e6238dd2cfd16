#include "study/judgement.hpp"

#include "data/dataset_file.hpp"
#include "data/episodes.hpp"
#include "evaluation/recorded_episodes.hpp"
#include "rl/fitted_value.hpp"

#include <boost/math/distributions/normal.hpp>

#include <cmath>

namespace gridfed {

namespace {

constexpr int resamples = 1000;
Judgement judge_client(const StudyOptions& study, const PolicyNetwork& network, const std::filesystem::path& dataset, int client,
                       std::uint64_t seed) {
  const JudgementOptions& options = study.judgement;
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

std::vector<Judgement> judge_recorded(const Communicator& comm, const StudyOptions& study, const std::vector<TrainedPolicies>& policies,
                                      const std::filesystem::path& dataset, std::uint64_t seed) {
  constexpr std::size_t columns = 4;
  const int clients = study.fed.num_clients;
  std::vector<double> mine;
  agreed(comm, [&] {
    for (const int client : block_range(clients, comm)) {
      for (const auto& policy : policies) {
        const Judgement j = judge_client(study, policy.networks[static_cast<std::size_t>(client)], dataset, client, seed);
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
