#include "rl/options.hpp"

#include "runtime/error.hpp"

#include <fmt/format.h>
#include <boost/program_options/value_semantic.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <string>
#include <string_view>

namespace gridfed {

namespace po = boost::program_options;

namespace {

template <class Enum>
struct Choice {
  std::string_view name;
  Enum value;
};

constexpr std::array algorithms{Choice{"iql", LearnerKind::iql}, Choice{"cql", LearnerKind::cql}, Choice{"td3_bc", LearnerKind::td3_bc},
                                Choice{"bc", LearnerKind::behaviour_cloning}};
constexpr std::array actor_updates{Choice{"q_ascent", ActorUpdate::q_ascent},
                                   Choice{"advantage_weighted", ActorUpdate::advantage_weighted}};
constexpr std::array sharings{Choice{"trunk", Sharing::trunk}, Choice{"all", Sharing::all}};
constexpr std::array decays{Choice{"actor", CosineDecay::actor}, Choice{"all", CosineDecay::all}, Choice{"none", CosineDecay::none}};

/// A deck value that is one of a few words; kept as text so that the resolved deck prints as it was written.
template <class Enum, std::size_t n>
po::typed_value<std::string>* choice(const char* key, const std::array<Choice<Enum>, n>& choices, Enum& target) {
  std::string initial;
  for (const auto& c : choices) {
    if (c.value == target) initial = c.name;
  }
  return po::value<std::string>()->default_value(initial)->notifier([key, &choices, &target](const std::string& text) {
    std::string names;
    for (const auto& c : choices) {
      if (c.name == text) {
        target = c.value;
        return;
      }
      names += fmt::format("{}{}", names.empty() ? "" : ", ", c.name);
    }
    throw Error("{} has no choice '{}': use one of {}", key, text, names);
  });
}

po::typed_value<std::string>* gains(const char* key, MultiplierGains& target) {
  return po::value<std::string>()
      ->default_value(fmt::format("{},{},{}", target.proportional, target.integral, target.derivative))
      ->notifier([key, &target](const std::string& text) {
        MultiplierGains read;
        char rest = 0;
        if (std::sscanf(text.c_str(), "%lf ,%lf ,%lf %c", &read.proportional, &read.integral, &read.derivative, &rest) != 3)
          throw Error("{} = '{}' is not three numbers: write it as 20,0.05,4000", key, text);
        target = read;
      });
}

po::typed_value<std::string>* integers(const char* key, std::vector<std::int64_t>& target) {
  return po::value<std::string>()
      ->default_value(fmt::format("{}", fmt::join(target, ",")))
      ->notifier([key, &target](const std::string& text) {
        std::vector<std::int64_t> values;
        for (std::size_t at = 0; !text.empty() && at <= text.size();) {
          const std::size_t end = std::min(text.find(',', at), text.size());
          const std::string_view field = std::string_view(text).substr(at, end - at);
          const std::string_view digits = field.substr(std::min(field.find_first_not_of(' '), field.size()));
          std::int64_t value = 0;
          const auto [stop, fault] = std::from_chars(digits.begin(), digits.end(), value);
          if (fault != std::errc() || stop != digits.end())
            throw Error("{} = '{}' is not a list of integers: write it as 128,128", key, text);
          values.push_back(value);
          at = end + 1;
        }
        target = values;
      });
}

}  // namespace

void declare(po::options_description& deck, RlOptions& o) {
  const auto number = [](auto& target) { return po::value(&target)->default_value(target); };
  // clang-format off
  deck.add_options()
    ("rl.algorithm", choice("rl.algorithm", algorithms, o.algorithm), "learner: iql, cql, td3_bc, or bc (behaviour cloning)")
    ("rl.actor_update", choice("rl.actor_update", actor_updates, o.actor_update), "policy step of iql: q_ascent or advantage_weighted")
    ("rl.shared", choice("rl.shared", sharings, o.shared), "parameters a federation exchanges: trunk (hidden layers) or all")
    ("rl.hidden_dims", integers("rl.hidden_dims", o.hidden_dims), "widths of the hidden layers, comma-separated")
    ("rl.discount", number(o.discount), "discount per step")
    ("rl.expectile", number(o.expectile), "expectile of the value regression, 0.5 is the mean")
    ("rl.temperature", number(o.temperature), "advantage_weighted: examples weigh exp(temperature * advantage)")
    ("rl.q_weight", number(o.q_weight), "q_ascent: weight of Q over the scale of the advantage, against the cloning error")
    ("rl.advantage_scale", number(o.advantage_scale), "q_ascent in private updates: scale of the advantage, fixed as a measured one leaks")
    ("rl.conservative_weight", number(o.conservative_weight), "cql: weight of logsumexp Q - Q(data) against the temporal-difference error")
    ("rl.lagrange_threshold", number(o.lagrange_threshold),
      "cql: gap logsumexp Q - Q(data) that a multiplier on the weight steers to; negative: no multiplier")
    ("rl.action_samples", number(o.action_samples), "cql: actions each from the uniform distribution, the policy at s and the policy at s'")
    ("rl.alpha", number(o.alpha), "td3_bc: weight of Q over the mean |Q|, against the cloning error")
    ("rl.tau", number(o.tau), "step of the target networks towards the critics each update")
    ("rl.safety_weight", number(o.safety_weight),
      "learn from reward - safety_weight * cost; with rl.safety_critic the critic's weight against Q, where a limit is set its start")
    ("rl.safety_critic", number(o.safety_critic), "learn the costs to come apart from the rewards; iql, cql, td3_bc")
    ("rl.cost_discount", number(o.cost_discount), "the safety critic's discount per step")
    ("rl.cost_limit", number(o.cost_limit),
      "mean cost of a step that the safety critic's weight is steered to (PID-Lagrangian); negative: the weight stays")
    ("rl.multiplier_gains", gains("rl.multiplier_gains", o.multiplier_gains),
      "proportional, integral (per update) and derivative gain of that steering, of the cost's excess over its limit")
    ("rl.learning_rate", number(o.learning_rate), "Adam learning rate")
    ("rl.actor_learning_rate", number(o.actor_learning_rate),
      "policy's own learning rate; 0: 1e-4 for cql, 3e-4 for td3_bc, else rl.learning_rate")
    ("rl.critic_learning_rate", number(o.critic_learning_rate),
      "critics' own learning rate; 0: 3e-4 for cql and td3_bc, else rl.learning_rate")
    ("rl.cosine_decay", choice("rl.cosine_decay", decays, o.cosine_decay),
      "learning rates that fall to zero over rl.updates: actor, all or none")
    ("rl.weight_decay", number(o.weight_decay), "decoupled weight decay, per unit of learning rate")
    ("rl.updates", number(o.updates), "gradient updates of a whole training")
    ("rl.batch_size", number(o.batch_size), "transitions per update");
  // clang-format on
}

void validate(const RlOptions& o) {
  const auto require = [](bool holds, std::string_view key, std::string_view domain) {
    if (!holds) throw Error("rl.{} is out of range: it must be {}", key, domain);
  };
  for (const std::int64_t width : o.hidden_dims) require(width > 0, "hidden_dims", "a list of positive widths");
  require(o.discount >= 0 && o.discount <= 1, "discount", "in [0, 1]");
  require(o.expectile > 0 && o.expectile < 1, "expectile", "in (0, 1)");
  require(o.temperature >= 0, "temperature", "zero or positive");
  require(o.q_weight >= 0, "q_weight", "zero or positive");
  require(o.advantage_scale > 0, "advantage_scale", "positive");
  require(o.conservative_weight >= 0, "conservative_weight", "zero or positive");
  require(std::isfinite(o.lagrange_threshold), "lagrange_threshold", "a number");
  require(o.action_samples > 0, "action_samples", "positive");
  require(o.alpha >= 0, "alpha", "zero or positive");
  require(o.safety_weight >= 0, "safety_weight", "zero or positive");
  require(o.cost_discount >= 0 && o.cost_discount < 1, "cost_discount", "in [0, 1)");
  require(std::isfinite(o.cost_limit), "cost_limit", "a number");
  const MultiplierGains& g = o.multiplier_gains;
  require(g.proportional >= 0 && g.integral >= 0 && g.derivative >= 0, "multiplier_gains", "three numbers, none negative");
  if (o.safety_critic && o.algorithm == LearnerKind::behaviour_cloning)
    throw Error("rl.safety_critic judges by values, and rl.algorithm = bc has none: use iql, cql or td3_bc");
  if (!o.safety_critic && o.cost_limit >= 0)
    throw Error("rl.cost_limit is {} and no safety critic looks at costs: set rl.safety_critic = true", o.cost_limit);
  require(o.tau > 0 && o.tau <= 1, "tau", "in (0, 1]");
  require(o.learning_rate > 0, "learning_rate", "positive");
  require(o.actor_learning_rate >= 0, "actor_learning_rate", "zero or positive");
  require(o.critic_learning_rate >= 0, "critic_learning_rate", "zero or positive");
  require(o.weight_decay >= 0, "weight_decay", "zero or positive");
  require(o.updates > 0, "updates", "positive");
  require(o.batch_size > 0, "batch_size", "positive");
}

}  // namespace gridfed
