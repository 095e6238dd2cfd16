#pragma once

#include "control/behaviour.hpp"

#include <memory>
#include <string>

namespace gridfed {

/// The policies without learning, by name: idle, random, rules (peak shaving), self_consumption, voltage, curtailment, reference,
/// behaviour, adversarial. Random and behaviour draw from the seed. Throws Error for another name.
std::unique_ptr<Policy> make_policy(const std::string& name, const BehaviourOptions& behaviour, std::uint64_t seed, int client);

}  // namespace gridfed
