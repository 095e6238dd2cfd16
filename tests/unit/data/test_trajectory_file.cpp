#include "data/trajectory_file.hpp"

#include "feeders.hpp"
#include "refusals.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace gridfed {
namespace {

class Halfway final : public Policy {
 public:
  void act(std::span<const float> /*observation*/, std::span<float> action) override { std::fill(action.begin(), action.end(), 0.5f); }
};

TEST(TrajectoryFile, HoldsEveryStepWithItsAccount) {
  GridEnvironment environment(test::feeder("ieee13_der"), {.timestep = 3600}, {});
  Halfway policy;
  Trajectory played;
  std::vector<double> loads;
  std::vector<float> last;
  for (const int day : {3, 7}) {
    int step = 0;
    rollout(environment, policy, 1, 0, day, [&](const Transition& t) {
      EXPECT_TRUE(step == 0 || std::equal(last.begin(), last.end(), t.observation.begin()));
      last.assign(t.next_observation.begin(), t.next_observation.end());
      loads.push_back(t.info->load);
      played.append(day, step++, t);
    });
  }
  const Communicator self = Communicator::duplicate(MPI_COMM_SELF);
  const auto path = std::filesystem::temp_directory_path() / ("gridfed_trajectory_" + std::to_string(getpid()) + ".h5");
  write_trajectory(self, path, {.kind = "trajectory", .version = trajectory_version}, played, environment, "f.dss", "halfway");
  const File file = File::open(path);
  file.check_kind("trajectory", 1);
  const auto columns = account_column_names();
  EXPECT_EQ(file.shape("/account"), (std::vector<hsize_t>{48, columns.size()}));
  EXPECT_EQ(file.shape("/observations"), (std::vector<hsize_t>{48, 48}));
  EXPECT_EQ(file.shape("/actions"), (std::vector<hsize_t>{48, 12}));
  const auto days = file.read<std::int32_t>("/days"), steps = file.read<std::int32_t>("/steps");
  EXPECT_EQ(days[23], 3);
  EXPECT_EQ(days[24], 7);
  EXPECT_EQ(steps[47], 23);
  const auto load = std::find(columns.begin(), columns.end(), "load [W]") - columns.begin();
  const auto account = file.read<double>("/account");
  for (std::size_t i = 0; i < 48; ++i) EXPECT_EQ(account[i * columns.size() + load], loads[i]);
  EXPECT_EQ(file.read<std::uint8_t>("/terminals")[23], 1);
  EXPECT_EQ(file.attribute<std::string>("/", "policy"), "halfway");
  std::filesystem::remove(path);
  EXPECT_TRUE(refuses([&] { write_trajectory(self, path, {.kind = "trajectory"}, {}, environment, "", ""); }, "play at least one day"));
}

}  // namespace
}  // namespace gridfed
