#pragma once

#include <fmt/core.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <utility>

namespace gridfed {

/// Progress from rank 0 on stdout, one flushed line each (`round=12 loss=0.031 wall_s=8.2`); warnings of any rank on stderr.
class Log {
 public:
  explicit Log(int rank, bool quiet = false, std::FILE* out = stdout, std::FILE* err = stderr)
      : rank_(rank), quiet_(quiet), out_(out), err_(err) {}

  /// Prints on rank 0 unless quiet; other ranks do nothing.
  template <class... Args>
  void line(fmt::format_string<Args...> format, Args&&... args) const {
    if (speaks()) print_line(fmt::format(format, std::forward<Args>(args)...));
  }
  /// Prints on the calling rank, even when quiet: "rank 2: warning: ...".
  template <class... Args>
  void warn(fmt::format_string<Args...> format, Args&&... args) const {
    print_warning(fmt::format(format, std::forward<Args>(args)...));
  }
  bool speaks() const { return rank_ == 0 && !quiet_; }
  std::FILE* out() const { return out_; }

 private:
  void print_line(std::string_view text) const;
  void print_warning(std::string_view text) const;

  int rank_;
  bool quiet_;
  std::FILE* out_;
  std::FILE* err_;
};

/// Rate and time left of a counted job on rank 0: one self-overwriting line on a terminal, else a plain line every `interval` and at 100 %.
class Progress {
 public:
  Progress(const Log& log, std::int64_t total, std::string label, std::chrono::duration<double> interval = std::chrono::seconds(5));
  /// Counts n more items; ranks other than 0 only count.
  void advance(std::int64_t n = 1);

 private:
  using Clock = std::chrono::steady_clock;
  void print(Clock::time_point now);

  const Log& log_;
  std::int64_t total_, done_ = 0;
  std::string label_;
  bool terminal_;
  std::chrono::duration<double> interval_;
  Clock::time_point start_, last_print_;
};

}  // namespace gridfed
