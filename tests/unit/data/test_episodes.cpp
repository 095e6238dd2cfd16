#include "data/episodes.hpp"
#include "refusals.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

namespace gridfed {
namespace {

/// Episodes of so many rows; the observation is (row, episode), the action grows with the row, the reward is 1, the cost that of odd rows.
Dataset episodes_of(const std::vector<int>& lengths) {
  Dataset data{.observation_size = 2, .action_size = 1};
  for (std::size_t e = 0; e < lengths.size(); ++e) {
    for (int i = 0; i < lengths[e]; ++i) {
      const float o[] = {static_cast<float>(i), static_cast<float>(e)}, next[] = {static_cast<float>(i + 1), static_cast<float>(e)};
      const float a[] = {-0.95F + 0.1F * static_cast<float>(i)};
      const bool last = i + 1 == lengths[e];
      data.append(o, a, 1, next, last && e % 2 == 0, last && e % 2 == 1, static_cast<float>(i % 2));
    }
  }
  return data;
}

TEST(Episodes, EndAtTerminalsTimeoutsAndTheLastRow) {
  Dataset data = episodes_of({3, 2, 4});
  data.terminals.back() = 0;
  const auto found = episodes(data);
  ASSERT_EQ(found.size(), 3u);
  EXPECT_EQ(found[1].first, 3u);
  EXPECT_EQ(found[1].last, 5u);
  EXPECT_EQ(found[2].last, 9u);
}

TEST(Episodes, SplitKeepsThemWhole) {
  const Dataset data = episodes_of({3, 2, 4, 5, 1, 2, 3, 4, 2, 3});
  const Split split = split_by_episode(data, 0.2, 1);
  EXPECT_EQ(split.training.size() + split.validation.size(), data.size());
  EXPECT_EQ(episodes(split.validation).size(), 2u);
  std::set<float> training, validation;
  for (std::size_t i = 0; i < split.training.size(); ++i) training.insert(split.training.observations[2 * i + 1]);
  for (std::size_t i = 0; i < split.validation.size(); ++i) validation.insert(split.validation.observations[2 * i + 1]);
  for (const float episode : validation) EXPECT_FALSE(training.contains(episode));
  EXPECT_EQ(split.validation.observations, split_by_episode(data, 0.2, 1).validation.observations);
  EXPECT_NE(split.validation.observations, split_by_episode(data, 0.2, 4).validation.observations);
  EXPECT_EQ(split_by_episode(data, 0, 1).validation.size(), 0u);
  EXPECT_EQ(episodes(split_by_episode(episodes_of({2, 2}), 0.01, 1).validation).size(), 1u);
}

TEST(Episodes, AppendedRowsEndTheirEpisode) {
  const Dataset data = episodes_of({3, 2});
  Dataset to{.observation_size = 2, .action_size = 1};
  append_rows(to, data, {0, 2});
  append_rows(to, data, {0, 3});
  EXPECT_EQ(to.size(), 5u);
  EXPECT_EQ(to.timeouts, (std::vector<std::uint8_t>{0, 1, 0, 0, 0}));
  EXPECT_EQ(episodes(to).size(), 2u);
}

TEST(Episodes, WhatCannotBeLearnedFromIsRefusedByNameAndRow) {
  Dataset data = episodes_of({3, 3});
  EXPECT_NO_THROW(require_learnable(data, "'a.h5'"));
  EXPECT_TRUE(refuses([&] { require_learnable(episodes_of({5}), "'a.h5'"); }, "'a.h5' holds a single episode of 5 rows"));
  EXPECT_TRUE(
      refuses([&] { require_learnable(Dataset{.observation_size = 2, .action_size = 1}, "'a.h5'"); }, "'a.h5' holds no transition"));
  data.actions[4] = 1.5F;
  EXPECT_TRUE(
      refuses([&] { require_learnable(data, "'a.h5'"); }, "'a.h5': row 4 of actions holds 1.5 in column 0, beyond [-1, 1]: divide"));
  data = episodes_of({3, 3});
  for (std::size_t i = 0; i < 6; ++i) data.observations[2 * i + 1] = 7;
  EXPECT_TRUE(
      refuses([&] { require_learnable(data, "'a.h5'"); }, "'a.h5': column 1 of observations is 7 in all 6 rows: leave the column out"));
}

// Costs in 10 of 200 rows. A third of the draws should be of those: 0.05 of them are anyway.
TEST(Episodes, SafetyViolationsAreDrawnAsOftenAsAsked) {
  Dataset data = episodes_of(std::vector<int>(20, 10));
  for (std::size_t i = 0; i < data.size(); ++i) data.costs[i] = i % 20 == 7 ? 1 : 0;
  const Emphasis emphasis = augment_safety_violations(data, 1.0 / 3, "'a.h5'");
  EXPECT_EQ(emphasis.rows.size(), 10u);
  EXPECT_NEAR(emphasis.chance, (1.0 / 3 - 0.05) / 0.95, 1e-12);
  BatchBuffer buffer;
  RandomStream stream(1, Draw::test);
  const Batch batch = data.sample(stream, 60000, buffer, emphasis);
  double share = 0;
  for (const float cost : batch.costs) share += cost / 60000;
  EXPECT_NEAR(share, 1.0 / 3, 0.01);
  EXPECT_EQ(augment_safety_violations(data, 0.01, "'a.h5'").chance, 0) << "there are more than that";
  data.costs.assign(data.size(), 0);
  EXPECT_TRUE(refuses([&] { augment_safety_violations(data, 0.5, "'a.h5'"); }, "'a.h5': no transition has a positive cost"));
}

TEST(Episodes, NormalisedObservationsHaveMeanZeroAndDeviationOne) {
  Dataset data = episodes_of({4, 6});
  const ObservationScale scale = observation_scale(data);
  EXPECT_FLOAT_EQ(scale.mean[1], 0.6F);
  EXPECT_FLOAT_EQ(scale.deviation[1], std::sqrt(0.24F));
  normalise(data, scale);
  const ObservationScale after = observation_scale(data);
  for (const float mean : after.mean) EXPECT_NEAR(mean, 0, 1e-6);
  for (const float deviation : after.deviation) EXPECT_NEAR(deviation, 1, 1e-6);
  EXPECT_FLOAT_EQ(data.next_observations[1], data.observations[1]);
}

// Returns 4 and 6; actions -0.95, -0.85, ... amid bins of width 0.1, which share 10 rows as 2 2 2 2 1 1; costs in 2 of 4 and 3 of 6 rows.
TEST(Episodes, CoverageByHand) {
  Dataset data = episodes_of({4, 6});
  data.actions[0] = -1;
  const Coverage c = coverage(data);
  EXPECT_EQ(c.transitions, 10);
  EXPECT_EQ(c.episodes, 2);
  EXPECT_NEAR(c.return_mean, 5, 1e-12);
  EXPECT_NEAR(c.return_deviation, 1, 1e-12);
  EXPECT_EQ(c.return_lowest, 4);
  EXPECT_EQ(c.return_highest, 6);
  EXPECT_NEAR(c.action_entropy, -(4 * 0.2 * std::log(0.2) + 2 * 0.1 * std::log(0.1)) / std::log(20.0), 1e-9);
  EXPECT_NEAR(c.saturated_share, 0.1, 1e-12);
  EXPECT_NEAR(c.violation_share, 0.5, 1e-12);
  EXPECT_NEAR(c.cost_mean, 0.5, 1e-12);
}

// Discount 0.5. Three rows that end: 1.5 and 1 steps to come after the first two; two rows that are cut: 2 after each.
TEST(Episodes, DiscountedHorizonByHand) {
  EXPECT_NEAR(discounted_horizon(episodes_of({3, 2}), 0.5), (1.5 + 1 + 2 + 2) / 4, 1e-12);
  EXPECT_EQ(discounted_horizon(episodes_of({1}), 0.5), 1);
}

}  // namespace
}  // namespace gridfed
