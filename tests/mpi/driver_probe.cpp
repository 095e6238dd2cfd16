// A driver that misbehaves on request, for tests/mpi/test_driver.sh.
#include "runtime/session.hpp"

#include <unistd.h>

#include <csignal>

namespace {

struct ProbeOptions {
  std::string mode = "work";
  int rank = 1;
};

void declare(gridfed::po::options_description& deck, ProbeOptions& o) {
  deck.add_options()("probe.mode", gridfed::po::value(&o.mode)->default_value(o.mode), "work, agreed, alone, killed, goal or loop")(
      "probe.rank", gridfed::po::value(&o.rank)->default_value(o.rank), "rank that misbehaves");
}

}  // namespace

int main(int argc, char** argv) {
  using namespace gridfed;
  return run_driver(argc, argv, [](Session& session) {
    ProbeOptions options;
    if (!session.parse("driver_probe", "misbehaves on request", [&](po::options_description& deck) { declare(deck, options); })) return;
    if (session.dry_run()) return session.log().line("deck ok");
    const Communicator& comm = session.world();
    const bool chosen = comm.rank() == std::min(options.rank, comm.size() - 1);
    const auto fail = [&] {
      if (chosen) throw Error("feeder 'x' is missing: pass another");
    };
    if (options.mode == "agreed") agreed(comm, fail);
    if (options.mode == "alone") fail();
    if (options.mode == "killed" && chosen) raise(SIGKILL);
    if (options.mode == "goal") session.exit_with(2);
    while (options.mode == "loop" && !session.stop_requested()) usleep(20'000);
    comm.barrier();
    session.log().line("output={}", session.output().string());
  });
}
