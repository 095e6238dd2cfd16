#include "env/constraint_costs.hpp"

#include "env/grid_environment.hpp"
#include "refusals.hpp"

#include <gtest/gtest.h>

namespace gridfed {
namespace {

TEST(ConstraintCosts, AreTheViolationsOfAStepsAccount) {
  StepInfo step;
  step.voltage_violation = 1;
  step.thermal_violation = 2;
  step.stability_violation = 4;
  const auto sum = [&](const char* names) {
    double cost = 0;
    for (const ConstraintCost part : constraint_costs(names)) cost += part(step);
    return cost;
  };
  EXPECT_EQ(sum("voltage"), 1);
  EXPECT_EQ(sum("thermal, voltage"), 3);
  EXPECT_EQ(sum("voltage,thermal,stability"), 7);
  EXPECT_EQ(constraint_costs("stability,thermal").front()(step), 4);
}

TEST(ConstraintCosts, StabilityIsMeasuredTowardsTheNoseOfTheVoltageCurve) {
  EXPECT_EQ(stability_violation(1.02), 0);
  EXPECT_NEAR(stability_violation(0.8), 0, 1e-12);
  EXPECT_NEAR(stability_violation(0.5), 0.75, 1e-12);
}

TEST(ConstraintCosts, RefuseWhatTheyDoNotKnow) {
  EXPECT_TRUE(refuses([] { constraint_costs("voltage,frequency"); }, "env.constraints names 'frequency': it may list voltage"));
  EXPECT_TRUE(refuses([] { constraint_costs("thermal,thermal"); }, "env.constraints names 'thermal' twice"));
  EXPECT_TRUE(refuses([] { constraint_costs(""); }, "env.constraints is empty"));
}

}  // namespace
}  // namespace gridfed
