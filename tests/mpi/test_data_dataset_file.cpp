#include "data/dataset_file.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace gridfed {
namespace {

namespace fs = std::filesystem;

constexpr int clients = 3;
constexpr std::size_t observation_size = 2, action_size = 1;

/// Client c holds 4 + c rows whose numbers are its own.
Dataset data_of(int client) {
  Dataset data{.observation_size = observation_size, .action_size = action_size};
  RandomStream stream(11, Draw::test, static_cast<std::uint64_t>(client));
  const auto draw = [&] { return static_cast<float>(stream.uniform(-1, 1)); };
  for (int i = 0; i < 4 + client; ++i) {
    const std::array observation{draw(), draw()}, next{draw(), draw()};
    data.append(observation, std::array{draw()}, draw(), next, i == 3, i == 2, std::abs(draw()));
  }
  return data;
}

DatasetNotes notes_of(int client) {
  return {.feeder = "feeder_" + std::to_string(client) + ".dss",
          .observation_names = {"voltage [p.u.]", "load [W]"},
          .action_names = {"battery [-1..1]"},
          .episode_steps = 4,
          .reward_unit = 0.5 + client};
}

class DatasetFileTest : public testing::Test {
 protected:
  DatasetFileTest() {
    if (comm.rank() == 0) fs::create_directories(folder);
    comm.barrier();
  }
  ~DatasetFileTest() override {
    comm.barrier();
    if (comm.rank() == 0) fs::remove_all(folder);
  }
  /// Writes the clients hosted here; some ranks host none when there are four.
  void write(const Communicator& on, const fs::path& path) const {
    std::map<int, Dataset> mine;
    std::map<int, DatasetNotes> notes;
    for (const int client : block_range(clients, on)) {
      mine[client] = data_of(client);
      notes[client] = notes_of(client);
    }
    // The header counts the ranks of a run, the only thing in which two files may differ.
    const FileHeader header{
        .kind = "dataset", .version = dataset_version, .deck = "seed = 11\n", .seed = 11, .ranks = 1, .writer = "", .commit = ""};
    write_datasets(on, path, header, clients, mine, notes);
  }
  template <class Work>
  std::string agreed_error_of(Work work) const {
    try {
      work();
    } catch (const AgreedError& error) {
      return comm.broadcast(error.what(), 0) == error.what() ? error.what() : "another text than rank 0";
    }
    return "no agreed error";
  }

  const Communicator comm = Communicator::duplicate(MPI_COMM_WORLD);
  const fs::path folder = fs::path(testing::TempDir()) / ("gridfed_data_n" + std::to_string(comm.size()) + "_" +
                                                          testing::UnitTest::GetInstance()->current_test_info()->name());
  const fs::path path = folder / "dataset.h5";
};

TEST_F(DatasetFileTest, EveryClientComesBack) {
  write(comm, path);
  EXPECT_EQ(dataset_clients(path), clients);
  for (int client = 0; client < clients; ++client) {
    const Dataset written = data_of(client), data = read_dataset(path, client);
    EXPECT_EQ(data.observation_size, observation_size);
    EXPECT_EQ(data.action_size, action_size);
    EXPECT_EQ(data.observations, written.observations);
    EXPECT_EQ(data.actions, written.actions);
    EXPECT_EQ(data.rewards, written.rewards);
    EXPECT_EQ(data.next_observations, written.next_observations);
    EXPECT_EQ(data.terminals, written.terminals);
    EXPECT_EQ(data.timeouts, written.timeouts);
    EXPECT_EQ(data.costs, written.costs);
    const DatasetNotes notes = read_notes(path, client);
    EXPECT_EQ(notes.feeder, notes_of(client).feeder);
    EXPECT_EQ(notes.observation_names, notes_of(client).observation_names);
    EXPECT_EQ(notes.action_names, notes_of(client).action_names);
    EXPECT_EQ(notes.episode_steps, 4);
    EXPECT_EQ(notes.reward_unit, notes_of(client).reward_unit);
  }
}

TEST_F(DatasetFileTest, NormalisationHoldsMeanAndDeviationOfEachColumn) {
  write(comm, path);
  const File file = File::open(path);
  for (int client = 0; client < clients; ++client) {
    const Dataset data = data_of(client);
    const auto n = static_cast<double>(data.size());
    const std::string group = fmt::format("/client_{:03d}/normalisation/", client);
    const auto expect_moments = [&](const std::string& name, std::span<const float> values, std::size_t columns) {
      const auto mean = file.read<double>(group + name + "_mean"), deviation = file.read<double>(group + name + "_deviation");
      EXPECT_EQ(mean.size(), columns);
      EXPECT_EQ(deviation.size(), columns);
      for (std::size_t column = 0; column < std::min(columns, mean.size()); ++column) {
        double sum = 0, squares = 0;
        for (std::size_t i = column; i < values.size(); i += columns)
          sum += values[i], squares += static_cast<double>(values[i]) * values[i];
        EXPECT_NEAR(mean[column], sum / n, 1e-12);
        EXPECT_NEAR(deviation[column], std::sqrt(squares / n - sum / n * sum / n), 1e-9);
      }
    };
    expect_moments("observation", data.observations, observation_size);
    expect_moments("reward", data.rewards, 1);
  }
}

TEST_F(DatasetFileTest, BytesDoNotDependOnTheNumberOfRanks) {
  write(comm, path);
  const Communicator alone = comm.split(comm.rank(), 0);
  if (comm.rank() == 0) write(alone, folder / "alone.h5");
  comm.barrier();
  const auto bytes = [](const fs::path& file) {
    std::ifstream in(file, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(in), {});
  };
  const std::string together = bytes(path);
  EXPECT_GT(together.size(), 1000u);
  EXPECT_TRUE(together == bytes(folder / "alone.h5"));
}

TEST_F(DatasetFileTest, FinishAddsBeforeTheFileGetsItsName) {
  write_datasets(comm, path,
                 {.kind = "dataset", .version = dataset_version, .deck = "", .seed = 1, .ranks = comm.size(), .writer = "", .commit = ""},
                 0, {}, {}, [&](File& file) {
                   EXPECT_FALSE(fs::exists(path));
                   file.write("/timing/more", std::vector<double>{1.5});
                 });
  EXPECT_EQ(File::open(path).read<double>("/timing/more"), (std::vector<double>{1.5}));
}

TEST_F(DatasetFileTest, AFolderMissingOnOneRankThrowsEverywhereAndLeavesNothing) {
  const fs::path target = comm.rank() == comm.size() - 1 ? folder / "absent" / "dataset.h5" : path;
  const std::string text = agreed_error_of([&] { write(comm, target); });
  EXPECT_NE(text.find("create it first"), std::string::npos) << text;
  comm.barrier();
  EXPECT_TRUE(fs::is_empty(folder));
}

TEST_F(DatasetFileTest, AnArrayTooShortOnOneRankThrowsEverywhereAndLeavesNothing) {
  std::map<int, Dataset> mine;
  std::map<int, DatasetNotes> notes;
  for (const int client : block_range(clients, comm)) {
    mine[client] = data_of(client);
    notes[client] = notes_of(client);
  }
  if (mine.contains(clients - 1)) mine.at(clients - 1).actions.pop_back();
  const std::string text = agreed_error_of([&] {
    write_datasets(comm, path,
                   {.kind = "dataset", .version = dataset_version, .deck = "", .seed = 1, .ranks = 1, .writer = "", .commit = ""}, clients,
                   mine, notes);
  });
  EXPECT_NE(text.find("/client_002/actions"), std::string::npos) << text;
  comm.barrier();
  EXPECT_TRUE(fs::is_empty(folder));
}

TEST_F(DatasetFileTest, AClientThatIsNotInTheFileIsAnError) {
  write(comm, path);
  EXPECT_THROW(read_dataset(path, clients), Error);
}

}  // namespace
}  // namespace gridfed
