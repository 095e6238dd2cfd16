#include "control/make_policy.hpp"

#include "control/adversarial_policy.hpp"
#include "control/der_policies.hpp"
#include "control/dispatch_reference.hpp"
#include "control/voltage_policy.hpp"
#include "runtime/error.hpp"

namespace gridfed {

std::unique_ptr<Policy> make_policy(const std::string& name, const BehaviourOptions& behaviour, std::uint64_t seed, int client) {
  if (name == "idle") return std::make_unique<IdlePolicy>();
  if (name == "rules") return std::make_unique<RulePolicy>();
  if (name == "self_consumption") return std::make_unique<SelfConsumptionPolicy>();
  if (name == "voltage") return std::make_unique<VoltagePolicy>();
  if (name == "curtailment") return std::make_unique<CurtailmentPolicy>();
  if (name == "reference") return std::make_unique<DispatchReference>();
  if (name == "behaviour") return std::make_unique<BehaviourPolicy>(behaviour, seed, client);
  if (name == "adversarial") return std::make_unique<AdversarialPolicy>();
  if (name == "random") {
    BehaviourOptions random = behaviour;
    random.price_follower_share = 0;
    random.random_share = 1;
    return std::make_unique<BehaviourPolicy>(random, seed, client);
  }
  throw Error(
      "there is no policy '{}': take idle, random, rules, self_consumption, voltage, curtailment, reference, behaviour or adversarial",
      name);
}

}  // namespace gridfed
