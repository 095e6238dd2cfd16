#include "data/dataset_file.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <limits>
#include <set>

namespace gridfed {
namespace {

namespace fs = std::filesystem;

/// Reads files written by hand, as another program would.
class DatasetFileTest : public testing::Test {
 protected:
  DatasetFileTest() { fs::create_directories(folder); }
  ~DatasetFileTest() override { fs::remove_all(folder); }
  template <class Work>
  static std::string error_of(Work work) {
    try {
      work();
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  }
  static void expect_contains(const std::string& text, const std::string& part) {
    EXPECT_NE(text.find(part), std::string::npos) << text << "\ndoes not contain: " << part;
  }
  /// Six rows of two observations and one action in D4RL's root layout; extra adds to them or leaves arrays out.
  template <class Extra>
  void write_plain(Extra extra, const std::set<std::string>& left_out = {}) const {
    File file = File::create(path);
    const auto put = [&](const char* name, const auto& values, const std::vector<hsize_t>& shape) {
      if (!left_out.contains(name)) file.write(name, values, shape);
    };
    put("/observations", std::vector<float>{0, 0, 1, 10, 2, 20, 3, 30, 4, 40, 5, 50}, {6, 2});
    put("/actions", std::vector<float>{0.0f, 0.1f, 0.2f, 0.3f, 0.4f, 0.5f}, {6, 1});
    put("/rewards", std::vector<float>{0, 1, 2, 3, 4, 5}, {6});
    put("/terminals", std::vector<std::uint8_t>{0, 0, 1, 0, 0, 0}, {6});
    extra(file);
    file.commit();
  }

  const fs::path folder =
      fs::path(testing::TempDir()) / (std::string("gridfed_data_") + testing::UnitTest::GetInstance()->current_test_info()->name());
  const fs::path path = folder / "plain.h5";
};

TEST_F(DatasetFileTest, PlainRootLayoutIsOneClientWithoutCosts) {
  write_plain([](File& file) {
    file.write("/timeouts", std::vector<std::uint8_t>{0, 0, 0, 0, 0, 1});
    file.write("/next_observations", std::vector<double>{1, 10, 2, 20, 0, 0, 4, 40, 5, 50, 6, 60}, {6, 2});
  });
  EXPECT_EQ(dataset_clients(path), 1);
  const Dataset data = read_dataset(path, 0);
  EXPECT_EQ(data.size(), 6u);
  EXPECT_EQ(data.observation_size, 2u);
  EXPECT_EQ(data.action_size, 1u);
  EXPECT_EQ(data.next_observations, (std::vector<float>{1, 10, 2, 20, 0, 0, 4, 40, 5, 50, 6, 60}));
  EXPECT_EQ(data.terminals, (std::vector<std::uint8_t>{0, 0, 1, 0, 0, 0}));
  EXPECT_EQ(data.timeouts, (std::vector<std::uint8_t>{0, 0, 0, 0, 0, 1}));
  EXPECT_EQ(data.costs, (std::vector<float>(6, 0.0f)));
  EXPECT_TRUE(read_notes(path, 0).feeder.empty());
  EXPECT_EQ(read_notes(path, 0).episode_steps, 0);
}

TEST_F(DatasetFileTest, WithoutNextObservationsTheNextRowServesInsideAnEpisode) {
  write_plain([](File& file) { file.write("/timeouts", std::vector<std::uint8_t>{0, 0, 0, 0, 1, 0}); });
  // Row 2 is terminal; row 4 was cut by a timeout and row 5 by the end of the file: nobody knows what came next.
  const Dataset data = read_dataset(path, 0);
  EXPECT_EQ(data.rewards, (std::vector<float>{0, 1, 2, 3}));
  EXPECT_EQ(data.observations, (std::vector<float>{0, 0, 1, 10, 2, 20, 3, 30}));
  EXPECT_EQ(data.next_observations, (std::vector<float>{1, 10, 2, 20, 2, 20, 4, 40}));
  EXPECT_EQ(data.terminals, (std::vector<std::uint8_t>{0, 0, 1, 0}));
  EXPECT_EQ(data.actions.size(), 4u);
  EXPECT_EQ(data.costs.size(), 4u);
  EXPECT_EQ(data.timeouts, (std::vector<std::uint8_t>{0, 0, 0, 1}));  // what was recorded of the last episode ends here
}

TEST_F(DatasetFileTest, WithoutTimeoutsAnEpisodeIsCutWhereTheNextRowIsNotTheNextObservation) {
  write_plain([](File& file) { file.write("/next_observations", std::vector<float>{1, 10, 9, 90, 0, 0, 4, 40, 5, 50, 6, 60}, {6, 2}); });
  EXPECT_EQ(read_dataset(path, 0).timeouts, (std::vector<std::uint8_t>{0, 1, 0, 0, 0, 0}));
}

/// Two episodes of Minari's layout, of 2 and 1 steps; `spoil` may add to them, what is named is left out of the second.
template <class Spoil>
void write_minari(const fs::path& path, Spoil spoil, const std::string& left_out = "") {
  File file = File::create(path);
  for (const int episode : {0, 1}) {
    const hsize_t steps = episode == 0 ? 2 : 1;
    const auto put = [&](const std::string& name, const auto& values, const std::vector<hsize_t>& shape) {
      if (episode == 0 || name != left_out) file.write("/episode_" + std::to_string(episode) + "/" + name, values, shape);
    };
    put("observations", episode == 0 ? std::vector<double>{0, 0, 1, 10, 2, 20} : std::vector<double>{5, 50, 6, 60}, {steps + 1, 2});
    put("actions", std::vector<float>(steps, 0.5F), {steps, 1});
    put("rewards", std::vector<double>(steps, 3.0), {steps});
    put("terminations", std::vector<std::uint8_t>(steps, static_cast<std::uint8_t>(episode)), {steps});
    put("truncations", std::vector<std::uint8_t>(steps, 0), {steps});
  }
  spoil(file);
  file.commit();
}

TEST_F(DatasetFileTest, MinarisEpisodesFollowEachOther) {
  write_minari(path, [](File& file) { file.write("/episode_0/infos/cost", std::vector<float>{0, 1}); });
  EXPECT_EQ(dataset_clients(path), 1);
  const Dataset data = read_dataset(path, 0);
  EXPECT_EQ(data.observations, (std::vector<float>{0, 0, 1, 10, 5, 50}));
  EXPECT_EQ(data.next_observations, (std::vector<float>{1, 10, 2, 20, 6, 60}));
  EXPECT_EQ(data.terminals, (std::vector<std::uint8_t>{0, 0, 1}));
  EXPECT_EQ(data.timeouts, (std::vector<std::uint8_t>{0, 1, 0}));  // the first episode was cut by whoever recorded it
  EXPECT_EQ(data.costs, (std::vector<float>{0, 1, 0}));
  EXPECT_EQ(read_dataset(path, 0, 2).size(), 2u);
  EXPECT_TRUE(read_notes(path, 0).feeder.empty());
}

TEST_F(DatasetFileTest, AFaultInAMinariEpisodeIsNamed) {
  write_minari(
      path, [](File&) {}, "rewards");
  expect_contains(error_of([&] { read_dataset(path, 0); }), "has no array /episode_1/rewards");
  write_minari(
      path,
      [](File& file) {
        file.write("/episode_1/rewards", std::vector<float>{1, 2});
      },
      "rewards");
  expect_contains(error_of([&] { read_dataset(path, 0); }), "/episode_1/rewards does not have one row for each of the 1 actions");
  write_minari(
      path, [](File& file) { file.write("/episode_1/rewards", std::vector<float>{std::numeric_limits<float>::quiet_NaN()}); }, "rewards");
  expect_contains(error_of([&] { read_dataset(path, 0); }), "/episode_1/rewards holds a value that is not finite in row 0");
  write_minari(
      path,
      [](File& file) {
        file.write("/episode_1/observations", std::vector<float>{1, 2}, {1, 2});
      },
      "observations");
  expect_contains(error_of([&] { read_dataset(path, 0); }), "/episode_1/observations is [1, 2] beside actions of [1, 1]");
  write_minari(
      path, [](File& file) { file.write_texts("/episode_1/actions", std::vector<std::string>{"left"}); }, "actions");
  expect_contains(error_of([&] { read_dataset(path, 0); }), "observations and actions must be tables");
}

TEST_F(DatasetFileTest, WordsWhereNumbersAreDueAreRefused) {
  write_plain([](File& file) { file.write_texts("/rewards", std::vector<std::string>(6, "good")); }, {"/rewards"});
  expect_contains(error_of([&] { read_dataset(path, 0); }), "cannot read '/rewards' of");
  expect_contains(error_of([&] { read_dataset(path, 0); }), "as real numbers (it holds no numbers)");
}

TEST_F(DatasetFileTest, MaxRowsReadsFromTheStart) {
  write_plain([](File& file) { file.write("/next_observations", std::vector<float>(12, 1.0f), {6, 2}); });
  EXPECT_EQ(read_dataset(path, 0, 4).rewards, (std::vector<float>{0, 1, 2, 3}));
  EXPECT_EQ(read_dataset(path, 0, 4).observations.size(), 8u);
  EXPECT_EQ(read_dataset(path, 0, 100).size(), 6u);
  EXPECT_EQ(read_dataset(path, 0, 0).size(), 6u);
}

TEST_F(DatasetFileTest, AMissingArrayIsNamed) {
  for (const char* name : {"actions", "rewards", "terminals"}) {
    write_plain([](File&) {}, {std::string("/") + name});
    const std::string text = error_of([&] { read_dataset(path, 0); });
    expect_contains(text, path.string());
    expect_contains(text, std::string("has no array /") + name);
  }
  write_plain([](File&) {}, {"/observations"});
  expect_contains(error_of([&] { read_dataset(path, 0); }), "has no client 0: generate it");
  expect_contains(error_of([&] { dataset_clients(path); }), "neither /observations nor /episode_0 nor /client_000");
}

TEST_F(DatasetFileTest, ARowThatIsNotFiniteIsNamed) {
  write_plain([](File& file) {
    std::vector<float> next(12, 1.0f);
    next[7] = std::numeric_limits<float>::infinity();
    file.write("/next_observations", next, {6, 2});
  });
  expect_contains(error_of([&] { read_dataset(path, 0); }), "/next_observations holds a value that is not finite in row 3: remove the row");
  EXPECT_EQ(read_dataset(path, 0, 3).size(), 3u);  // what is not read does no harm

  write_plain(
      [](File& file) {
        file.write("/rewards", std::vector<float>{0, std::numeric_limits<float>::quiet_NaN(), 0, 0, 0, 0});
      },
      {"/rewards"});
  expect_contains(error_of([&] { read_dataset(path, 0); }), "/rewards holds a value that is not finite in row 1");
}

TEST_F(DatasetFileTest, AnArrayOfAnotherShapeIsNamed) {
  const auto error_with = [&](const std::string& name, const std::vector<hsize_t>& shape) {
    write_plain(
        [&](File& file) {
          hsize_t count = 1;
          for (const hsize_t n : shape) count *= n;
          file.write(name, std::vector<float>(count, 0.0f), shape);
        },
        {name});
    return error_of([&] { read_dataset(path, 0); });
  };
  expect_contains(error_with("/rewards", {5}), "/rewards does not have one row of 1 for each of the 6 observations");
  expect_contains(error_with("/rewards", {6, 2}), "/rewards does not have one row of 1");
  expect_contains(error_with("/costs", {7}), "/costs does not have one row of 1");
  expect_contains(error_with("/actions", {4, 1}), "/actions does not have one row of 1 for each of the 6 observations");
  expect_contains(error_with("/actions", {6}), "observations and actions must be tables");
  expect_contains(error_with("/next_observations", {6, 3}), "/next_observations does not have one row of 2");
  EXPECT_EQ(error_with("/rewards", {6, 1}), "no error");  // a column is as good as a list
}

TEST_F(DatasetFileTest, AFileOfAnotherKindOrALaterVersionIsRefused) {
  const auto error_with = [&](const std::string& kind, int major) {
    write_plain([&](File& file) {
      file.write_header({.kind = kind, .version = {major, 0}, .deck = "", .seed = 1, .ranks = 1, .writer = "", .commit = ""});
    });
    return error_of([&] { read_dataset(path, 0); });
  };
  expect_contains(error_with("policy", 1), "is a policy file");
  expect_contains(error_with("dataset", dataset_version.major + 1), "use a newer gridfed");
  EXPECT_EQ(error_with("dataset", dataset_version.major), "no error");
}

}  // namespace
}  // namespace gridfed
