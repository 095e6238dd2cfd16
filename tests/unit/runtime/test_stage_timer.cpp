#include "runtime/hdf5.hpp"
#include "runtime/memory.hpp"
#include "runtime/stage_timer.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <thread>

namespace gridfed {
namespace {

TEST(StageTimes, AccumulatesOverScopes) {
  StageTimes times;
  for (int i = 0; i < 2; ++i) {
    const auto outer = times.stage("outer");
    const auto inner = times.stage("inner");
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  EXPECT_GE(times.seconds("outer"), 0.010);
  EXPECT_GE(times.seconds("outer"), times.seconds("inner"));
  EXPECT_EQ(times.seconds("never"), 0.0);
}

TEST(StageTimes, PeakMemoryGrowsWithMemory) {
  const double before = peak_memory_mb();
  const std::vector<char> block(200'000'000, 1);
  EXPECT_GT(before, 1.0);
  EXPECT_GT(peak_memory_mb() + block[7], before + 100);
}

TEST(StageTimes, ResidentMemoryFallsWhenMemoryIsFreed) {
  release_free_memory();
  const double before = resident_memory_mb();
  std::vector<char> block(200'000'000, 1);
  const double full = resident_memory_mb();
  EXPECT_LE(full - block[7], peak_memory_mb() + 1);
  std::vector<char>().swap(block);
  release_free_memory();
  EXPECT_GT(full, before + 100);
  EXPECT_LT(resident_memory_mb(), full - 100);
}

TEST(TimingSummary, IsWrittenAsText) {
  const TimingSummary summary{.stages = {{.name = "solve", .min = 1, .mean = 1.5, .max = 2, .peak_memory_mb = 290}}, .peak_memory_mb = 310};
  EXPECT_EQ(summary.text(), "stage=solve min_s=1.000 mean_s=1.500 max_s=2.000 peak_mb=290\npeak_memory_mb=310");
}

TEST(TimingSummary, IsWrittenToFile) {
  const auto path = std::filesystem::path(testing::TempDir()) / "gridfed_timing.h5";
  File file = File::create(path);
  TimingSummary{.stages = {{.name = "solve", .min = 1, .mean = 1.5, .max = 2}}, .peak_memory_mb = 310}.write(file, "/timing");
  file.commit();
  const File back = File::open(path);
  EXPECT_EQ(back.read_texts("/timing/stages"), std::vector<std::string>{"solve"});
  EXPECT_EQ(back.read<double>("/timing/seconds_min_mean_max"), (std::vector<double>{1, 1.5, 2}));
  EXPECT_EQ(back.attribute<double>("/timing", "peak_memory_mb"), 310.0);
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace gridfed
