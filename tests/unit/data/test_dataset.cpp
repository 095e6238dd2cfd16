#include "data/dataset.hpp"

#include "runtime/error.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <set>

namespace gridfed {
namespace {

/// Row i: observation (i, -i), action i / 100, reward 10 i, next observation (i + 1, -i - 1), cost i / 2; the last row is terminal.
Dataset counted(int rows) {
  Dataset data{.observation_size = 2, .action_size = 1};
  for (int i = 0; i < rows; ++i) {
    const auto x = static_cast<float>(i);
    data.append(std::array{x, -x}, std::array{x / 100}, 10 * x, std::array{x + 1, -x - 1}, i + 1 == rows, false, x / 2);
  }
  return data;
}

template <class Work>
std::string error_of(Work work) {
  try {
    work();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(Dataset, AppendKeepsEveryArrayInStep) {
  Dataset data{.observation_size = 2, .action_size = 1};
  EXPECT_EQ(data.size(), 0u);
  data.append(std::array{1.0f, 2.0f}, std::array{0.5f}, 3.0f, std::array{4.0f, 5.0f}, false, true, 0.25f);
  EXPECT_EQ(data.size(), 1u);
  EXPECT_EQ(data.observations, (std::vector<float>{1, 2}));
  EXPECT_EQ(data.actions, (std::vector<float>{0.5f}));
  EXPECT_EQ(data.rewards, (std::vector<float>{3}));
  EXPECT_EQ(data.next_observations, (std::vector<float>{4, 5}));
  EXPECT_EQ(data.costs, (std::vector<float>{0.25f}));
  EXPECT_EQ(data.terminals, (std::vector<std::uint8_t>{0}));
  EXPECT_EQ(data.timeouts, (std::vector<std::uint8_t>{1}));
}

TEST(Dataset, AppendRefusesAWrongSizeAndChangesNothing) {
  Dataset data = counted(2);
  const std::array one{1.0f};
  const std::array two{1.0f, 2.0f};
  const std::string text = error_of([&] { data.append(one, one, 0, two, false, false, 0); });
  EXPECT_EQ(text, "transition 2 has 1 observations and 1 actions (the dataset holds 2 and 1): record one feeder and interface per dataset");
  EXPECT_NE(error_of([&] { data.append(two, two, 0, two, false, false, 0); }), "no error");
  EXPECT_NE(error_of([&] { data.append(two, one, 0, one, false, false, 0); }), "no error");
  EXPECT_EQ(data.size(), 2u);
  EXPECT_EQ(data.observations.size(), 4u);
}

TEST(Dataset, AppendRefusesWhatIsNotFiniteInEachArray) {
  constexpr float nan = std::numeric_limits<float>::quiet_NaN(), inf = std::numeric_limits<float>::infinity();
  const std::array good{1.0f, 2.0f}, bad{1.0f, nan};
  const std::array act{0.5f}, bad_act{-inf};
  Dataset data = counted(1);
  for (const std::string& text : {error_of([&] { data.append(bad, act, 0, good, false, false, 0); }),
                                  error_of([&] { data.append(good, bad_act, 0, good, false, false, 0); }),
                                  error_of([&] { data.append(good, act, inf, good, false, false, 0); }),
                                  error_of([&] { data.append(good, act, 0, bad, false, false, 0); }),
                                  error_of([&] { data.append(good, act, 0, good, false, false, nan); })}) {
    EXPECT_EQ(text, "transition 1 is not finite: check the profiles and the power flow that produced it");
  }
  EXPECT_EQ(data.size(), 1u);
}

TEST(Dataset, GatherTakesTheRowsInTheGivenOrder) {
  const Dataset data = counted(5);
  BatchBuffer buffer;
  const Batch batch = data.gather(std::vector<std::size_t>{4, 0, 4}, buffer);
  EXPECT_EQ(batch.size, 3);
  EXPECT_EQ(std::vector(batch.observations.begin(), batch.observations.end()), (std::vector<float>{4, -4, 0, -0.0f, 4, -4}));
  EXPECT_EQ(std::vector(batch.next_observations.begin(), batch.next_observations.end()), (std::vector<float>{5, -5, 1, -1, 5, -5}));
  EXPECT_EQ(std::vector(batch.actions.begin(), batch.actions.end()), (std::vector<float>{0.04f, 0, 0.04f}));
  EXPECT_EQ(std::vector(batch.rewards.begin(), batch.rewards.end()), (std::vector<float>{40, 0, 40}));
  EXPECT_EQ(std::vector(batch.terminals.begin(), batch.terminals.end()), (std::vector<float>{1, 0, 1}));
  EXPECT_EQ(std::vector(batch.costs.begin(), batch.costs.end()), (std::vector<float>{2, 0, 2}));
}

TEST(Dataset, AReusedBufferShrinksWithTheBatch) {
  const Dataset data = counted(5);
  BatchBuffer buffer;
  data.gather(std::vector<std::size_t>{0, 1, 2, 3}, buffer);
  const Batch batch = data.gather(std::vector<std::size_t>{2}, buffer);
  EXPECT_EQ(batch.size, 1);
  EXPECT_EQ(batch.observations.size(), 2u);
  EXPECT_EQ(batch.rewards[0], 20);
  EXPECT_EQ(data.gather({}, buffer).rewards.size(), 0u);
}

TEST(Dataset, SampleDrawsEveryRowEquallyOftenAndRepeatsWithTheStream) {
  constexpr std::size_t draws = 50000, rows = 5;
  const Dataset data = counted(rows);
  BatchBuffer buffer, again;
  RandomStream stream(7, Draw::minibatch), same(7, Draw::minibatch);
  const Batch batch = data.sample(stream, draws, buffer);
  ASSERT_EQ(batch.size, static_cast<std::int64_t>(draws));
  std::array<int, rows> count{};
  for (const float reward : batch.rewards) ++count[static_cast<std::size_t>(reward / 10)];
  const double deviation = std::sqrt(draws * 0.2 * 0.8);  // of a binomial count
  for (const int n : count) EXPECT_NEAR(n, draws * 0.2, 5 * deviation);
  EXPECT_TRUE(std::ranges::equal(batch.rewards, data.sample(same, draws, again).rewards));
}

TEST(Dataset, SampleOfNothingIsAnError) {
  const Dataset data{.observation_size = 2, .action_size = 1};
  BatchBuffer buffer;
  RandomStream stream(1, Draw::minibatch);
  EXPECT_EQ(error_of([&] { data.sample(stream, 4, buffer); }), "the dataset is empty: generate it with gridfed_dataset first");
}

TEST(Dataset, PoissonSamplingHasTheMeanAndSpreadOfItsRate) {
  constexpr int rows = 200, draws = 2000;
  constexpr double rate = 0.1;
  const Dataset data = counted(rows);
  BatchBuffer buffer;
  RandomStream stream(3, Draw::minibatch);
  double sum = 0, squares = 0;
  for (int i = 0; i < draws; ++i) {
    const Batch batch = data.sample_poisson(stream, rate, buffer);
    const auto n = static_cast<double>(batch.size);
    sum += n;
    squares += n * n;
    const std::set<float> distinct(batch.rewards.begin(), batch.rewards.end());
    EXPECT_EQ(distinct.size(), batch.rewards.size());  // a row joins at most once
  }
  const double mean = sum / draws, variance = squares / draws - mean * mean;
  const double expected_variance = rows * rate * (1 - rate);  // binomial
  EXPECT_NEAR(mean, rows * rate, 5 * std::sqrt(expected_variance / draws));
  EXPECT_NEAR(variance, expected_variance, 5 * expected_variance * std::sqrt(2.0 / draws));
}

TEST(Dataset, PoissonSamplingTakesNothingAtRateZeroAndEverythingAtOne) {
  const Dataset data = counted(6);
  BatchBuffer buffer;
  RandomStream stream(3, Draw::minibatch);
  EXPECT_EQ(data.sample_poisson(stream, 0.0, buffer).size, 0);
  EXPECT_EQ(data.sample_poisson(stream, 1.0, buffer).size, 6);
}

}  // namespace
}  // namespace gridfed
