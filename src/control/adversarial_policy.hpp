#pragma once

#include "env/rollout.hpp"

namespace gridfed {

/// What a broken or hostile controller does: pushes the voltage that is nearest to a limit over it with all it has.
class AdversarialPolicy final : public Policy {
 public:
  void begin_episode(const GridEnvironment& environment, int day) override;
  void act(std::span<const float> observation, std::span<float> action) override;

 private:
  const GridEnvironment* environment_ = nullptr;
};

}  // namespace gridfed
