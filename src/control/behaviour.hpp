#pragma once

#include "control/rules.hpp"
#include "runtime/random.hpp"

#include <boost/program_options/options_description.hpp>

#include <string>
#include <vector>

namespace gridfed {

/// How history came about: which operator ran a day and how far its hand strayed.
struct BehaviourOptions {
  double price_follower_share = 0.40;               ///< of days run by an operator who follows the price
  double random_share = 0.10;                       ///< of days with random setpoints
  std::vector<double> noise_levels{0.1, 0.3, 0.5};  ///< standard deviations, one drawn a day [action]
  double noise_correlation = 0.9;                   ///< between 15-minute steps
  double noise_common = 0.5;                        ///< share of its variance that all zones have in common
};

void declare(boost::program_options::options_description& deck, BehaviourOptions& options);
void validate(const BehaviourOptions& options);

/// The behaviour policy: rules, a price follower or random setpoints by the day, under AR(1) exploration noise. Curtailment strays
/// rarely: only noise beyond one and a half standard deviations reaches it.
class BehaviourPolicy final : public Policy {
 public:
  BehaviourPolicy(const BehaviourOptions& options, std::uint64_t seed, int client);
  void begin_episode(const GridEnvironment& environment, int day) override;
  void act(std::span<const float> observation, std::span<float> action) override;

 private:
  enum class Operator { rules, price_follower, random };
  void follow_price(std::span<const float> observation, std::span<float> action) const;

  BehaviourOptions options_;
  std::uint64_t seed_;
  int client_;
  RulePolicy rules_;
  RandomStream stream_;
  Operator operator_ = Operator::rules;
  int zones_ = 0, battery_offset_ = -1, curtailment_offset_ = -1;
  double level_ = 0, correlation_ = 0;
  double patience_charge_ = 0, patience_discharge_ = 0, margin_ = 0, rate_ = 1;
  std::vector<double> common_, local_;  // noise by action kind, by component
};

}  // namespace gridfed
