#include "runtime/stop.hpp"

#include <csignal>

namespace gridfed {

namespace {

volatile std::sig_atomic_t signalled = 0;  // the one thing a handler may write; signals belong to the process, so it is global

}  // namespace

void catch_stop_signals() {
  struct sigaction action {};
  action.sa_handler = [](int) { signalled = 1; };
  action.sa_flags = SA_RESTART;
  sigaction(SIGTERM, &action, nullptr);
  sigaction(SIGUSR1, &action, nullptr);
}

bool stop_signalled() {
  return signalled != 0;
}

}  // namespace gridfed
