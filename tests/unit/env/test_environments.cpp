#include "env/batch_environment.hpp"
#include "env/multi_agent_environment.hpp"
#include "env/zonal_observation.hpp"
#include "feeders.hpp"
#include "refusals.hpp"
#include "runtime/random.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

namespace gridfed {
namespace {

const ScenarioOptions hourly{.timestep = 3600};

float drawn(int lane, int step, std::size_t component) {
  return static_cast<float>(RandomStream(9, Draw::test, lane, step * 1000 + component).uniform(-1, 1));
}

TEST(BatchEnvironment, ALaneIsBitForBitAnEpisodeAlone) {
  const auto network = test::feeder("ieee13_der");
  BatchEnvironment batch(network, hourly, {}, 3);
  const std::vector<BatchEnvironment::Start> starts{{1, 0, 4}, {1, 2, 7}, {5, 0, 4}};
  batch.reset(starts);
  std::vector<float> actions(static_cast<std::size_t>(3) * batch.action_size());
  std::vector<std::vector<float>> observations(3);
  std::vector<std::vector<double>> numbers(3);
  const auto n = static_cast<std::size_t>(batch.action_size()), o = static_cast<std::size_t>(batch.observation_size());
  for (int t = 0; t < 24; ++t) {
    for (int k = 0; k < 3; ++k) {
      for (std::size_t i = 0; i < n; ++i) actions[k * n + i] = drawn(k, t, i);
    }
    const auto steps = batch.step(actions);
    for (int k = 0; k < 3; ++k) {
      observations[k].insert(observations[k].end(), steps.observations.begin() + k * o, steps.observations.begin() + (k + 1) * o);
      numbers[k].insert(numbers[k].end(), {steps.results[k].reward, steps.results[k].cost, steps.results[k].info.losses});
    }
  }
  EXPECT_TRUE(batch.all_done());
  for (int k = 0; k < 3; ++k) {
    GridEnvironment alone(network, hourly, {});
    alone.reset(3, 3, 3);  // whatever came before
    alone.reset(starts[k].seed, starts[k].client, starts[k].day);
    std::vector<float> seen, action(n);
    std::vector<double> number;
    for (int t = 0; t < 24; ++t) {
      for (std::size_t i = 0; i < n; ++i) action[i] = drawn(k, t, i);
      const auto step = alone.step(action);
      seen.insert(seen.end(), step.observation.begin(), step.observation.end());
      number.insert(number.end(), {step.reward, step.cost, step.info.losses});
    }
    EXPECT_EQ(seen, observations[k]) << k;
    EXPECT_EQ(number, numbers[k]) << k;
  }
}

TEST(BatchEnvironment, ALaneThatIsDoneRestsUntilItBeginsAgain) {
  BatchEnvironment batch(test::feeder("ieee13_der"), {.timestep = 3600, .episode_length = 7200}, {}, 2);
  batch.reset(std::vector<BatchEnvironment::Start>{{1, 0, 0}, {1, 0, 1}});
  std::vector<float> actions(static_cast<std::size_t>(2) * batch.action_size(), 0.0f);
  batch.step(actions);
  batch.step(actions);
  EXPECT_TRUE(batch.all_done());
  batch.reset(1, {1, 0, 2});
  EXPECT_TRUE(batch.done(0));
  EXPECT_FALSE(batch.done(1));
  const double before = batch.step(actions).results[0].info.losses;
  EXPECT_EQ(batch.step(actions).results[0].info.losses, before);
  EXPECT_EQ(batch.lane(1).step_number(), 2);
}

TEST(BatchEnvironment, RefusesWhatItCannotTake) {
  BatchEnvironment batch(test::feeder("ieee13_der"), hourly, {}, 2);
  batch.reset(std::vector<BatchEnvironment::Start>{{1, 0, 0}, {1, 0, 1}});
  std::vector<float> actions(static_cast<std::size_t>(2) * batch.action_size(), 0.0f);
  EXPECT_TRUE(refuses([&] { batch.step(std::span(actions).subspan(1)); }, "a batch takes 2 x 12 action components, not 23"));
  actions[batch.action_size()] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_TRUE(refuses([&] { batch.step(actions); }, "lane 1: an action is not finite"));
  EXPECT_TRUE(refuses([&] { batch.reset(std::vector<BatchEnvironment::Start>(3)); }, "3 days begin in a batch of 2"));
  EXPECT_TRUE(refuses([&] { BatchEnvironment(test::feeder("ieee13_der"), hourly, {}, 0); }, "ask for one or more"));
}

const EnvironmentOptions all_actions{.actions = "battery,reactive,curtailment,flexible_load,tap,capacitor"};

TEST(MultiAgentEnvironment, AgentsOwnTheirDevicesAndNothingElse) {
  const GridEnvironment plain(test::feeder("ieee13_der"), hourly, all_actions);
  MultiAgentEnvironment zones({test::feeder("ieee13_der"), hourly, all_actions}, AgentScope::zone);
  MultiAgentEnvironment devices({test::feeder("ieee13_der"), hourly, all_actions}, AgentScope::device);
  ASSERT_EQ(zones.agents().size(), 4u);
  EXPECT_EQ(zones.agents()[1].name, "zone2");
  EXPECT_EQ(zones.action_size(1), 6);
  EXPECT_EQ(zones.agents()[1].components, (std::vector<int>{1, 5, 9, 13, 17, 21}));
  std::vector<int> owned;
  for (const auto& agent : devices.agents()) {
    ASSERT_EQ(agent.components.size(), 1u);
    owned.push_back(agent.components[0]);
    EXPECT_EQ(plain.action_names()[agent.components[0]], agent.name + " [-1..1]");
  }
  std::sort(owned.begin(), owned.end());
  EXPECT_EQ(std::unique(owned.begin(), owned.end()), owned.end());
  // What no zone agent may set has no device agent either.
  std::size_t able = 0;
  for (const auto& agent : zones.agents()) able += static_cast<std::size_t>(std::count(agent.mask.begin(), agent.mask.end(), 1));
  EXPECT_EQ(able, devices.agents().size());
  EXPECT_LT(able, 24u);
}

TEST(MultiAgentEnvironment, TogetherTheyPlayTheFeedersOwnEpisode) {
  GridEnvironment plain(test::feeder("ieee13_der"), hourly, all_actions);
  MultiAgentEnvironment agents({test::feeder("ieee13_der"), hourly, all_actions}, AgentScope::zone);
  plain.reset(1, 0, 3);
  agents.reset(1, 0, 3);
  std::vector<float> joint(plain.action_size()), actions;
  for (int t = 0; t < 24; ++t) {
    std::fill(joint.begin(), joint.end(), 0.0f);
    actions.clear();
    for (const auto& agent : agents.agents()) {
      for (std::size_t i = 0; i < agent.components.size(); ++i) {
        actions.push_back(drawn(0, t, agent.components[i]));
        if (agent.mask[i]) joint[agent.components[i]] = actions.back();
      }
    }
    const auto alone = plain.step(joint);
    const auto& together = agents.step(actions);
    EXPECT_EQ(alone.reward, together.reward);
    ASSERT_TRUE(std::equal(alone.observation.begin(), alone.observation.end(), agents.state().begin()));
    // A local observation is that of the agent's zone and the common part.
    const auto local = agents.observation(2);
    EXPECT_EQ(ZonalObservation(local, 1)(ZonalObservation::voltage_max, 0),
              ZonalObservation(alone.observation, 4)(ZonalObservation::voltage_max, 2));
    EXPECT_EQ(ZonalObservation(local, 1)(ZonalObservation::head_active),
              ZonalObservation(alone.observation, 4)(ZonalObservation::head_active));
    EXPECT_EQ(ZonalObservation(local, 1)(ZonalObservation::price_above_settlement),
              ZonalObservation(alone.observation, 4)(ZonalObservation::price_above_settlement));
  }
}

TEST(MultiAgentEnvironment, RefusesWhatItCannotTake) {
  MultiAgentEnvironment agents({test::feeder("ieee13_der"), hourly, {}}, AgentScope::zone);
  agents.reset(1, 0, 0);
  std::vector<float> actions(12, 0.0f);
  EXPECT_TRUE(refuses([&] { agents.step(std::span(actions).subspan(2)); }, "have 10 components, not 12"));
  actions[4] = std::numeric_limits<float>::infinity();
  EXPECT_TRUE(refuses([&] { agents.step(actions); }, "an action of agent 'zone2' is not finite"));
}

}  // namespace
}  // namespace gridfed
