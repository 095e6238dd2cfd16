#include "rl/torchscript.hpp"

#include "refusals.hpp"
#include "rl/learner.hpp"

#include <gtest/gtest.h>
#include <torch/script.h>

#include <cstdlib>
#include <filesystem>

namespace gridfed {
namespace {

// Loaded back by LibTorch, the module acts as the policy does, on one observation and on a batch.
TEST(TorchScript, LoadedBackActsAsThePolicy) {
  std::string folder = (std::filesystem::temp_directory_path() / "torchscript_XXXXXX").string();
  ASSERT_NE(mkdtemp(folder.data()), nullptr);
  const auto path = std::filesystem::path(folder) / "policy.pt";
  const PolicyNetwork policy = Learner({.hidden_dims = {32, 24}}, 7, 3, 5).policy();
  write_torchscript(path, policy);
  torch::jit::Module module = torch::jit::load(path.string());
  std::filesystem::remove_all(folder);

  constexpr std::int64_t rows = 50;
  RandomStream stream(1, Draw::test);
  std::vector<float> observations(rows * 7), action(3);
  for (float& x : observations) x = static_cast<float>(3 * stream.normal());
  const at::Tensor batch = module.forward({torch::from_blob(observations.data(), {rows, 7})}).toTensor();
  ASSERT_EQ(batch.sizes(), at::IntArrayRef({rows, 3}));
  double spread = 0;
  for (std::int64_t i = 0; i < rows; ++i) {
    policy.act(std::span<const float>(observations).subspan(static_cast<std::size_t>(i) * 7, 7), action);
    const at::Tensor alone = module.forward({torch::from_blob(observations.data() + i * 7, {7})}).toTensor();
    for (std::int64_t j = 0; j < 3; ++j) {
      EXPECT_NEAR(batch[i][j].item<float>(), action[static_cast<std::size_t>(j)], 1e-6);
      EXPECT_NEAR(alone[j].item<float>(), action[static_cast<std::size_t>(j)], 1e-6);
      spread = std::max<double>(spread, std::abs(action[static_cast<std::size_t>(j)]));
    }
  }
  EXPECT_GT(spread, 0.1) << "actions that are all near zero would agree anyhow";
}

TEST(TorchScript, SaysWhereItCannotWrite) {
  const PolicyNetwork policy = Learner({.hidden_dims = {4}}, 2, 1, 1).policy();
  EXPECT_TRUE(refuses([&] { write_torchscript("/nowhere/policy.pt", policy); }, "'/nowhere/policy.pt'"));
}

}  // namespace
}  // namespace gridfed
