#pragma once

#include "rl/cost_multiplier.hpp"

#include <boost/program_options/options_description.hpp>

#include <cstdint>
#include <vector>

namespace gridfed {

enum class LearnerKind { iql, cql, td3_bc, behaviour_cloning };
/// How the policy follows the critics: ascend Q under a cloning term, or clone weighted by exp(advantage).
enum class ActorUpdate { q_ascent, advantage_weighted };
/// What a federation exchanges: the hidden layers of every network, or all parameters.
enum class Sharing { trunk, all };
/// Which learning rates follow the cosine to zero.
enum class CosineDecay { actor, all, none };

/// Offline learning, the [rl] section of a deck. The only place its defaults live.
struct RlOptions {
  LearnerKind algorithm = LearnerKind::iql;
  ActorUpdate actor_update = ActorUpdate::q_ascent;
  Sharing shared = Sharing::trunk;
  std::vector<std::int64_t> hidden_dims{128, 128};
  double discount = 0.99;
  double expectile = 0.7;
  double temperature = 3.0;          ///< weight exp(temperature * advantage), clipped at 100; advantage_weighted only
  double q_weight = 0.1;             ///< weight of Q / advantage scale against the cloning error; q_ascent only
  double advantage_scale = 1.0;      ///< replaces the measured scale of the advantage in private updates
  double conservative_weight = 5.0;  ///< cql: weight of logsumexp Q - Q(data) against the temporal-difference error
  double lagrange_threshold = -1.0;  ///< cql: gap that the weight's multiplier steers to; negative: no multiplier
  std::int64_t action_samples = 10;  ///< cql: actions each from uniform, pi(s) and pi(s')
  double alpha = 2.5;                ///< td3_bc: weight of Q / mean |Q| against the cloning error
  double tau = 0.005;                ///< step of the target networks towards the critics
  double safety_weight = 0.0;        ///< learn from reward - safety_weight * cost; with a safety critic its weight against Q instead
  bool safety_critic = false;        ///< learn the costs to come apart from the rewards (SafetyCritic)
  double cost_discount = 0.99;       ///< the safety critic's own discount per step
  double cost_limit = -1.0;          ///< mean cost of a step that the safety critic's weight is steered to; negative: the weight is fixed
  MultiplierGains multiplier_gains;  ///< of that steering
  double cost_horizon = 0;           ///< discounted steps to come, mean over the data; 0: 1 / (1 - cost_discount), episodes without an end
  double learning_rate = 1e-3;
  double actor_learning_rate = 0;   ///< 0: the algorithm's own, 1e-4 for cql, 3e-4 for td3_bc, else learning_rate
  double critic_learning_rate = 0;  ///< 0: the algorithm's own, 3e-4 for cql and td3_bc, else learning_rate
  CosineDecay cosine_decay = CosineDecay::actor;
  double weight_decay = 0.0;    ///< decoupled (Loshchilov and Hutter, 2019)
  std::int64_t updates = 4000;  ///< length of training; the cosine reaches zero there and stays
  std::int64_t batch_size = 256;
};

void declare(boost::program_options::options_description& deck, RlOptions& options);

/// Throws Error if a value is outside its domain.
void validate(const RlOptions& options);

}  // namespace gridfed
