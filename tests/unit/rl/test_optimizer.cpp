#include "rl/optimizer.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace gridfed {
namespace {

// By hand: step 1 with g = 0.5 has m = 0.05, v = 0.00025, both corrected to g and g^2, so p moves by the learning rate. Step 2 with
// g = -0.25: m = 0.9 * 0.05 - 0.025 = 0.02, v = 0.999 * 0.00025 + 0.001 * 0.0625 = 0.00031225; corrected 0.02 / 0.19 = 0.1052632 and
// 0.00031225 / 0.001999 = 0.1562031, whose root is 0.3952254; p moves by 0.1052632 / 0.3952254 = 0.2663371 learning rates.
TEST(AdamStep, FollowsTwoStepsByHandOverVectorsAndTail) {
  const std::size_t n = 37;
  std::vector<float> p(n, 1.0F), g(n, 0.5F), m(n), v(n);
  AdamStep{.learning_rate = 0.1, .step = 1}.apply(p, g, m, v);
  for (const float x : p) EXPECT_NEAR(x, 0.9, 1e-6);
  g.assign(n, -0.25F);
  AdamStep{.learning_rate = 0.1, .step = 2}.apply(p, g, m, v);
  for (std::size_t i = 0; i < n; ++i) {
    EXPECT_NEAR(m[i], 0.02, 1e-7);
    EXPECT_NEAR(v[i], 0.00031225, 1e-9);
    EXPECT_NEAR(p[i], 0.9 - 0.02663371, 1e-6);
    EXPECT_EQ(p[i], p[0]);
  }
}

TEST(AdamStep, ShrinksParametersByDecoupledDecayAndSurvivesNegativeMoments) {
  std::vector<float> p{2.0F}, g{0.0F}, m{0.0F}, v{-1e-3F};
  AdamStep{.learning_rate = 0.1, .weight_decay = 0.5, .step = 1}.apply(p, g, m, v);
  EXPECT_NEAR(p[0], 2.0 * (1 - 0.05), 1e-6);
  EXPECT_EQ(v[0], 0.0F);
}

// The target follows the parameters of after the step: 1 -> 0.9 by a learning rate of 0.1, target -1 + 0.25 (0.9 + 1).
TEST(AdamStep, MovesTheTargetByTauTowardsTheNewParameters) {
  const std::size_t n = 37;
  std::vector<float> p(n, 1.0F), m(n), v(n), target(n, -1.0F);
  AdamStep{.learning_rate = 0.1, .step = 1, .tau = 0.25}.apply(p, std::vector<float>(n, 0.5F), m, v, target);
  for (const float x : target) EXPECT_NEAR(x, -0.525, 1e-6);
}

TEST(CosineDecay, FallsFromOneToZeroAndStays) {
  EXPECT_DOUBLE_EQ(cosine_decay(0, 100), 1.0);
  EXPECT_NEAR(cosine_decay(50, 100), 0.5, 1e-12);
  EXPECT_NEAR(cosine_decay(100, 100), 0.0, 1e-12);
  EXPECT_NEAR(cosine_decay(250, 100), 0.0, 1e-12);
}

}  // namespace
}  // namespace gridfed
