#include "runtime/log.hpp"

#include <unistd.h>

#include <cstdlib>

namespace gridfed {

namespace {

/// Whether a person watches: mpirun gives its ranks a terminal even in batch, so under it the front door must say so.
bool watched(std::FILE* out) {
  if (isatty(fileno(out)) != 1) return false;
  return !std::getenv("OMPI_COMM_WORLD_SIZE") || std::getenv("GRIDFED_TERMINAL");
}

}  // namespace

void Log::print_line(std::string_view text) const {
  fmt::print(out_, "{}{}\n", watched(out_) ? "\r\033[K" : "", text);  // over a progress line
  std::fflush(out_);
}

void Log::print_warning(std::string_view text) const {
  fmt::print(err_, "rank {}: warning: {}\n", rank_, text);
  std::fflush(err_);
}

Progress::Progress(const Log& log, std::int64_t total, std::string label, std::chrono::duration<double> interval)
    : log_(log),
      total_(total),
      label_(std::move(label)),
      terminal_(watched(log.out())),
      interval_(terminal_ ? std::chrono::duration<double>(0.2) : interval),
      start_(Clock::now()),
      last_print_(start_) {}

void Progress::advance(std::int64_t n) {
  const bool was_complete = done_ >= total_;
  done_ += n;
  if (!log_.speaks() || was_complete) return;
  const auto now = Clock::now();
  if (done_ < total_ && now - last_print_ < interval_) return;
  last_print_ = now;
  print(now);
}

void Progress::print(Clock::time_point now) {
  const double elapsed = std::chrono::duration<double>(now - start_).count();
  const double rate = elapsed > 0 ? static_cast<double>(done_) / elapsed : 0;
  const double left = rate > 0 ? static_cast<double>(total_ - done_) / rate : 0;
  const bool complete = done_ >= total_;
  if (!terminal_) {
    log_.line("{} done={}/{} rate={:.3g}/s {}={:.1f}", label_, done_, total_, rate, complete ? "wall_s" : "left_s",
              complete ? elapsed : left);
    return;
  }
  const double percent = 100.0 * static_cast<double>(done_) / static_cast<double>(total_);
  fmt::print(log_.out(), "\r\033[K{} {:.0f} % ({}/{}) {:.3g}/s {:.0f} s {}{}", label_, percent, done_, total_, rate,
             complete ? elapsed : left, complete ? "in all" : "left", complete ? "\n" : "");
  std::fflush(log_.out());
}

}  // namespace gridfed
