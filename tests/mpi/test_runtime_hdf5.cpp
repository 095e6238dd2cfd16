#include "runtime/communicator.hpp"
#include "runtime/hdf5.hpp"

#include <gtest/gtest.h>

#include <filesystem>

namespace gridfed {
namespace {

namespace fs = std::filesystem;

class ParallelFileTest : public testing::Test {
 protected:
  ParallelFileTest() {
    if (rank == 0) fs::create_directories(folder);
    comm.barrier();
  }
  ~ParallelFileTest() override {
    comm.barrier();
    if (rank == 0) fs::remove_all(folder);
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
  const int rank = comm.rank(), ranks = comm.size();
  const fs::path folder = fs::path(testing::TempDir()) /
                          ("gridfed_n" + std::to_string(ranks) + "_" + testing::UnitTest::GetInstance()->current_test_info()->name());
  const fs::path path = folder / "parallel.h5";
};

TEST_F(ParallelFileTest, ContentDoesNotDependOnTheNumberOfRanks) {
  constexpr int rows = 11;
  std::vector<float> expected;
  for (int i = 0; i < rows * 3; ++i) expected.push_back(0.5f * static_cast<float>(i));
  const Range mine = block_range(rows, comm);
  const auto values =
      std::span<const float>(expected).subspan(static_cast<std::size_t>(mine.first) * 3, static_cast<std::size_t>(mine.size()) * 3);

  File file = File::create(comm, path);
  file.write_header({.kind = "dataset", .version = {1, 0}, .deck = "seed = 3\n", .seed = 3, .ranks = ranks, .writer = "", .commit = ""});
  file.write_all("/client/observations", values, rows, static_cast<hsize_t>(mine.first), {3}, "V");
  file.write("/zones", std::vector<std::int32_t>{1, 2, 3, 4}, {2, 2});
  file.write_texts("/names", std::vector<std::string>{"a", "bc"});
  file.set_attribute("/client", "count", rows);
  file.commit();

  const File back = File::open(path);
  EXPECT_EQ(back.read<float>("/client/observations"), expected);
  EXPECT_EQ(back.shape("/client/observations"), (std::vector<hsize_t>{rows, 3}));
  EXPECT_EQ(back.attribute<std::string>("/client/observations", "unit"), "V");
  EXPECT_EQ(back.read<std::int32_t>("/zones"), (std::vector<std::int32_t>{1, 2, 3, 4}));
  EXPECT_EQ(back.read_texts("/names"), (std::vector<std::string>{"a", "bc"}));
  EXPECT_EQ(back.attribute<std::int64_t>("/client", "count"), rows);
  EXPECT_EQ(back.read_header().ranks, ranks);
}

TEST_F(ParallelFileTest, RanksWithoutRowsTakePart) {
  File file = File::create(comm, path);
  const std::vector<double> mine(rank == 0 ? 2 : 0, 1.5);
  file.write_all<double>("/few", mine, 2, rank == 0 ? 0 : 2);
  file.write_all<double>("/none", {}, 0, 0, {4});
  file.commit();
  const File back = File::open(path);
  EXPECT_EQ(back.read<double>("/few"), (std::vector<double>{1.5, 1.5}));
  EXPECT_EQ(back.shape("/none"), (std::vector<hsize_t>{0, 4}));
}

TEST_F(ParallelFileTest, BadRowsOnOneRankThrowEverywhereAndLeaveNothing) {
  const std::string text = agreed_error_of([&] {
    File file = File::create(comm, path);
    const std::vector<double> mine(rank == ranks - 1 ? 3 : 0, 1.0);
    file.write_all<double>("/rows", mine, 2, 0);
  });
  EXPECT_NE(text.find("do not fit 2 rows"), std::string::npos) << text;
  comm.barrier();
  EXPECT_TRUE(fs::is_empty(folder));
}

TEST_F(ParallelFileTest, UncommittedFileLeavesNothing) {
  { const File file = File::create(comm, path); }
  comm.barrier();
  EXPECT_TRUE(fs::is_empty(folder));
}

TEST_F(ParallelFileTest, FolderMissingOnOneRankThrowsEverywhere) {
  const fs::path elsewhere = rank == ranks - 1 ? folder / "absent" / "x.h5" : path;
  const std::string text = agreed_error_of([&] { File::create(comm, elsewhere); });
  EXPECT_NE(text.find("create it first"), std::string::npos) << text;
}

TEST_F(ParallelFileTest, FailedRenameThrowsEverywhere) {
  if (rank == 0) fs::create_directories(path / "in the way");
  comm.barrier();
  const std::string text = agreed_error_of([&] {
    File file = File::create(comm, path);
    file.commit();
  });
  EXPECT_NE(text.find("cannot finish"), std::string::npos) << text;
}

}  // namespace
}  // namespace gridfed
