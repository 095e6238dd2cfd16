#include "runtime/session.hpp"

#include <gtest/gtest.h>

#include <memory>

namespace {

/// Rank 0 prints everything, the other ranks their failures.
class FailurePrinter final : public testing::EmptyTestEventListener {
 public:
  explicit FailurePrinter(int rank) : rank_(rank) {}
  void OnTestPartResult(const testing::TestPartResult& result) override {
    if (result.failed())
      fmt::print(stderr, "rank {}: {}:{}: {}\n", rank_, result.file_name() ? result.file_name() : "", result.line_number(),
                 result.summary());
  }

 private:
  int rank_;
};

}  // namespace

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  const gridfed::Session session(argc, argv);
  if (session.world().rank() != 0) {
    auto& listeners = testing::UnitTest::GetInstance()->listeners();
    delete listeners.Release(listeners.default_result_printer());  // GoogleTest hands over a raw pointer
    listeners.Append(std::make_unique<FailurePrinter>(session.world().rank()).release());
  }
  int failed = RUN_ALL_TESTS();
  session.world().all_reduce_max(std::span(&failed, 1));
  return failed;
}
