#pragma once

#include "runtime/communicator.hpp"
#include "runtime/hdf5.hpp"
#include "runtime/log.hpp"
#include "runtime/options.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <utility>

namespace gridfed {

/// The machine of one run: MPI, PETSc, threads, signals, common options. It stands at the top of main and outlives every handle.
class Session {
 public:
  /// Collective on MPI_COMM_WORLD. One thread a rank unless OMP_NUM_THREADS or OPENBLAS_NUM_THREADS says otherwise.
  Session(int argc, char** argv);
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  /// Collective on MPI_COMM_WORLD.
  ~Session();

  /// Collective on the world. Fills the options that the callbacks declare on a po::options_description; false after --help.
  template <class... Declare>
  bool parse(const std::string& name, const std::string& summary, Declare&&... declare) {
    po::options_description schema("Options of " + name);
    (std::forward<Declare>(declare)(schema), ...);
    return parse_schema(name, summary, schema);
  }

  const Communicator& world() const { return *world_; }
  const Log& log() const { return log_; }
  std::uint64_t seed() const { return seed_; }
  /// True with --dry-run: check the inputs, log "deck ok", write nothing.
  bool dry_run() const { return dry_run_; }
  /// Collective on the world. The output folder, made on first use except in a dry run.
  const std::filesystem::path& output();
  /// All options that decide the result, as a deck that repeats the run.
  const std::string& deck() const { return deck_; }
  /// Header of a file that this run writes.
  FileHeader header(const std::string& kind, Version version) const;
  /// Collective on the world. True on all ranks once a rank got SIGTERM or SIGUSR1, or the walltime is over.
  bool stop_requested();
  /// Throws Error once this rank got SIGTERM or SIGUSR1, or the walltime is over: for work that cannot go on later. Local.
  void require_time() const;
  /// Wall seconds since the start.
  double elapsed() const;

  /// Exit status of the program: 0 done, 2 ran but did not reach its goal. The same on every rank.
  void exit_with(int status) { status_ = status; }
  int status() const { return status_; }
  const std::string& name() const { return name_; }

 private:
  bool parse_schema(const std::string& name, const std::string& summary, po::options_description& schema);

  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  int argc_;
  char** argv_;
  std::string name_;
  std::optional<Communicator> world_;
  Log log_{0};
  std::filesystem::path output_;
  bool output_exists_ = false;
  std::string deck_;
  std::uint64_t seed_ = 1;
  double walltime_ = 0;
  bool dry_run_ = false, stopping_ = false;
  int status_ = 0;
};

/// The main of every driver: runs body in a Session and returns the exit status. The one catch-all: an agreed error, or any error of a
/// job of one rank, ends the program with one sentence and status 1; an error of one rank among several aborts the job.
int run_driver(int argc, char** argv, const std::function<void(Session&)>& body);

}  // namespace gridfed
