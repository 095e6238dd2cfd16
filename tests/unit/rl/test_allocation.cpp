#include "examples.hpp"
#include "rl/learner.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <new>

// Counts what a thread takes from the heap through operator new; what oneDNN takes for itself is not counted.

namespace {
thread_local bool counting = false;
thread_local int blocks = 0;
}  // namespace

[[gnu::noinline]] void* operator new(std::size_t size) {
  if (counting) ++blocks;
  if (void* block = std::malloc(size)) return block;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* block) noexcept {
  std::free(block);
}
[[gnu::noinline]] void operator delete(void* block, std::size_t) noexcept {
  std::free(block);
}

namespace gridfed {
namespace {

TEST(Allocation, AnUpdateReusesItsStorage) {
  const Dataset data = random_dataset(17, 6, 500);
  for (const auto algorithm : {LearnerKind::iql, LearnerKind::cql, LearnerKind::td3_bc, LearnerKind::behaviour_cloning}) {
    const bool safe = algorithm != LearnerKind::behaviour_cloning;
    Learner learner({.algorithm = algorithm, .hidden_dims = {64, 64}, .safety_critic = safe, .cost_limit = safe ? 0.1 : -1.0}, 17, 6, 1);
    BatchBuffer buffer;
    RandomStream stream(1, Draw::minibatch);
    const auto update = [&] { learner.update(data.sample(stream, 256, buffer)); };
    for (int i = 0; i < 2; ++i) update();
    blocks = 0;
    counting = true;
    for (int i = 0; i < 4; ++i) update();
    counting = false;
    EXPECT_EQ(blocks, 0) << "algorithm " << static_cast<int>(algorithm);
  }
}

}  // namespace
}  // namespace gridfed
