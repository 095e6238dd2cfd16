#include "runtime/log.hpp"

#include <gtest/gtest.h>

#include <array>
#include <memory>

namespace gridfed {
namespace {

/// A stream that is no terminal.
class Capture {
 public:
  std::FILE* stream() const { return file_.get(); }
  std::string text() const {
    std::rewind(file_.get());
    std::string all;
    for (int c = std::fgetc(file_.get()); c != EOF; c = std::fgetc(file_.get())) all += static_cast<char>(c);
    return all;
  }

 private:
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file_{std::tmpfile(), std::fclose};
};

TEST(Log, OnlyRankZeroTalksAndEveryRankWarns) {
  const Capture out, err;
  Log(0, false, out.stream(), err.stream()).line("round={} loss={:.3f}", 12, 0.031);
  Log(1, false, out.stream(), err.stream()).line("never");
  Log(0, true, out.stream(), err.stream()).line("never");
  Log(1, true, out.stream(), err.stream()).warn("load {} is negative", "s1");
  EXPECT_EQ(out.text(), "round=12 loss=0.031\n");
  EXPECT_EQ(err.text(), "rank 1: warning: load s1 is negative\n");
}

TEST(Progress, BatchPrintsOnlyTheEndOfAQuickJob) {
  const Capture out;
  const Log log(0, false, out.stream());
  Progress progress(log, 1000, "simulate");
  for (int i = 0; i < 1000; ++i) progress.advance();
  progress.advance(0);
  const std::string text = out.text();
  EXPECT_TRUE(text.starts_with("simulate done=1000/1000 rate=")) << text;
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1);
  EXPECT_EQ(text.find('\r'), std::string::npos);
}

TEST(Progress, BatchPrintsAtEveryIntervalWithTimeLeft) {
  const Capture out;
  const Log log(0, false, out.stream());
  Progress progress(log, 4, "simulate", std::chrono::seconds(0));
  for (int i = 0; i < 4; ++i) progress.advance();
  const std::string text = out.text();
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 4);
  EXPECT_NE(text.find("done=1/4"), std::string::npos);
  EXPECT_NE(text.find("left_s="), std::string::npos);
}

TEST(Progress, OtherRanksAreSilent) {
  const Capture out;
  const Log log(3, false, out.stream());
  Progress(log, 1, "simulate").advance();
  EXPECT_EQ(out.text(), "");
}

}  // namespace
}  // namespace gridfed
