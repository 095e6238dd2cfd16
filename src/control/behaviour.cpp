#include "control/behaviour.hpp"

#include "env/zonal_observation.hpp"
#include "runtime/error.hpp"

#include <algorithm>
#include <boost/program_options.hpp>
#include <cmath>
#include <sstream>

namespace gridfed {

void declare(boost::program_options::options_description& deck, BehaviourOptions& o) {
  namespace po = boost::program_options;
  const auto value = [](auto& field) { return po::value(&field)->default_value(field); };
  std::string levels;
  for (const double level : o.noise_levels) levels += fmt::format("{}{}", levels.empty() ? "" : ",", level);
  deck.add_options()("behaviour.price_follower_share", value(o.price_follower_share),
                     "share of days run by an operator who follows the price")("behaviour.random_share", value(o.random_share),
                                                                               "share of days with random setpoints")(
      "behaviour.noise_levels", po::value<std::string>()->default_value(levels)->notifier([&o](const std::string& text) {
        o.noise_levels.clear();
        std::istringstream in(text);
        for (std::string word; std::getline(in, word, ',');) {
          try {
            o.noise_levels.push_back(std::stod(word));
          } catch (const std::exception&) {
            throw Error("behaviour.noise_levels holds '{}': give numbers separated by commas, such as 0.1,0.3,0.5", word);
          }
        }
      }),
      "standard deviations of the exploration noise, one drawn a day")("behaviour.noise_correlation", value(o.noise_correlation),
                                                                       "correlation of the noise over a step")(
      "behaviour.noise_common", value(o.noise_common), "share of the noise variance that all zones have in common");
}

void validate(const BehaviourOptions& o) {
  const bool shares = o.price_follower_share >= 0 && o.random_share >= 0 && o.price_follower_share + o.random_share <= 1;
  if (!shares)
    throw Error("behaviour.price_follower_share and behaviour.random_share are {} and {}: both must be positive and sum to at most 1",
                o.price_follower_share, o.random_share);
  if (o.noise_levels.empty() || std::any_of(o.noise_levels.begin(), o.noise_levels.end(), [](double level) { return !(level >= 0); })) {
    throw Error("behaviour.noise_levels must hold at least one number, none negative");
  }
  if (!(o.noise_correlation >= 0 && o.noise_correlation < 1))
    throw Error("behaviour.noise_correlation is {}: it must lie in [0, 1)", o.noise_correlation);
  if (!(o.noise_common >= 0 && o.noise_common <= 1)) throw Error("behaviour.noise_common is {}: it must lie in [0, 1]", o.noise_common);
}

BehaviourPolicy::BehaviourPolicy(const BehaviourOptions& options, std::uint64_t seed, int client)
    : options_(options), seed_(seed), client_(client), stream_(seed, Draw::behaviour, static_cast<std::uint64_t>(client)) {
  validate(options);
}

void BehaviourPolicy::begin_episode(const GridEnvironment& environment, int day) {
  stream_ = RandomStream(seed_, Draw::behaviour, static_cast<std::uint64_t>(client_), static_cast<std::uint64_t>(day));
  rules_.begin_episode(environment, day);
  zones_ = environment.options().zones;
  battery_offset_ = action_offset(environment, ZoneAction::battery);
  curtailment_offset_ = action_offset(environment, ZoneAction::curtailment);
  const double who = stream_.uniform();
  operator_ = who < options_.random_share                                   ? Operator::random
              : who < options_.random_share + options_.price_follower_share ? Operator::price_follower
                                                                            : Operator::rules;
  level_ = operator_ == Operator::random ? 0.6 : options_.noise_levels[stream_.below(options_.noise_levels.size())];
  correlation_ = options_.noise_correlation;
  // No two operators judge a price alike: how many dearer (cheaper) hours may still come [3 h], how far from the day's mean [0.3 mean
  // price], how hard to run.
  patience_charge_ = stream_.uniform(0.13, 1.2);
  patience_discharge_ = stream_.uniform(0.13, 1.2);
  margin_ = stream_.uniform(0.0, 0.5);
  rate_ = stream_.uniform(0.5, 1.0);
  common_.assign(environment.zone_actions().size(), 0.0);
  local_.assign(environment.action_size(), 0.0);
  for (auto& value : common_) value = stream_.normal();
  for (auto& value : local_) value = stream_.normal();
}

void BehaviourPolicy::follow_price(std::span<const float> observation, std::span<float> action) const {
  std::fill(action.begin(), action.end(), 0.0f);
  if (battery_offset_ < 0) return;
  const ZonalObservation seen(observation, zones_);
  const double gap = seen(ZonalObservation::price_above_settlement);
  double power = 0;
  if (gap > margin_ && seen(ZonalObservation::hours_dearer_8h) < patience_discharge_) power = rate_;
  if (gap < -margin_ && seen(ZonalObservation::hours_cheaper_8h) < patience_charge_) power = -rate_;
  for (int z = 0; z < zones_; ++z) action[battery_offset_ + z] = static_cast<float>(power);
}

void BehaviourPolicy::act(std::span<const float> observation, std::span<float> action) {
  switch (operator_) {
    case Operator::rules:
      rules_.act(observation, action);
      break;
    case Operator::price_follower:
      follow_price(observation, action);
      break;
    case Operator::random:
      std::fill(action.begin(), action.end(), 0.0f);
      break;
  }
  const double innovation = std::sqrt(1 - correlation_ * correlation_);
  for (std::size_t i = 0; i < action.size(); ++i) {
    const double noise = std::sqrt(options_.noise_common) * common_[i / zones_] + std::sqrt(1 - options_.noise_common) * local_[i];
    const bool curtails =
        curtailment_offset_ >= 0 && static_cast<int>(i) >= curtailment_offset_ && static_cast<int>(i) < curtailment_offset_ + zones_;
    const double strayed = curtails ? std::max(0.0, noise - 1.5) : noise;
    action[i] = static_cast<float>(std::clamp(action[i] + level_ * strayed, -1.0, 1.0));
    local_[i] = correlation_ * local_[i] + innovation * stream_.normal();
  }
  for (auto& value : common_) value = correlation_ * value + innovation * stream_.normal();
}

}  // namespace gridfed
