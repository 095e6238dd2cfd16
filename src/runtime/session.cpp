#include "runtime/session.hpp"

#include "runtime/petsc_handle.hpp"
#include "runtime/stop.hpp"

#include <dlfcn.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <sstream>
#include <string_view>
#include <system_error>

namespace gridfed {

namespace {

/// OpenMP and OpenBLAS read their variables when they are loaded, before main, so a default must also go through their own functions.
void limit_threads(const char* variable, const char* setter) {
  if (std::getenv(variable)) return;
  setenv(variable, "1", 1);
  if (void* function = dlsym(RTLD_DEFAULT, setter)) reinterpret_cast<void (*)(int)>(function)(1);
}

void start_petsc() {
  std::array<char, 8> program{"gridfed"};
  std::array<char, 20> no_signals{"-no_signal_handler"}, no_file{"-skip_petscrc"};
  std::array<char*, 4> words{program.data(), no_signals.data(), no_file.data(), nullptr};
  int count = 3;
  char** arguments = words.data();
  check_petsc(PetscInitialize(&count, &arguments, nullptr, nullptr));
  check_petsc(PetscPushErrorHandler(PetscReturnErrorHandler, nullptr));
}

}  // namespace

Session::Session(int argc, char** argv)
    : argc_(argc), argv_(argv), name_(argc > 0 ? std::filesystem::path(argv[0]).filename().string() : "gridfed") {
  limit_threads("OMP_NUM_THREADS", "omp_set_num_threads");
  limit_threads("OPENBLAS_NUM_THREADS", "openblas_set_num_threads");
  int provided = 0;
  check(MPI_Init_thread(&argc_, &argv_, MPI_THREAD_FUNNELED, &provided));
  start_petsc();
  world_ = Communicator::duplicate(MPI_COMM_WORLD);
  log_ = Log(world_->rank());
  catch_stop_signals();
}

Session::~Session() {
  world_.reset();
  (void)PetscFinalize();
  MPI_Finalize();
}

bool Session::parse_schema(const std::string& name, const std::string& summary, po::options_description& schema) {
  name_ = name;
  bool quiet = false;
  std::string output, petsc_options;
  po::options_description common("Options of every driver");
  auto add = common.add_options();
  add("help", po::bool_switch(), "print this and stop");
  add("config", po::value<std::string>(), "deck file; the command line wins over it");
  add("dry-run", po::bool_switch(&dry_run_), "check deck and inputs, then stop");
  add("seed", po::value(&seed_)->default_value(seed_), "of all random streams");
  add("output", po::value(&output)->default_value("out"), "folder of the files written");
  add("quiet", po::bool_switch(&quiet), "no progress on stdout");
  add("walltime", po::value(&walltime_)->default_value(walltime_), "stop cleanly after this long, 0 for never [s]");
  add("petsc.options", po::value(&petsc_options)->default_value(""), "solver options handed to PETSc as they are");

  const auto asks_help = [](std::string_view word) { return word == "--help" || word == "-h"; };
  if (std::any_of(argv_ + std::min(argc_, 1), argv_ + argc_, asks_help)) {
    std::ostringstream text;
    text << schema << '\n' << common;
    log_.line("{}: {}\n\nUsage: {} [--config deck.ini] [--section.key value]...\n\n{}", name, summary, name, text.str());
    return false;
  }
  agreed(*world_, [&] {
    po::options_description all;
    all.add(schema).add(common);
    const Deck deck = Deck::parse(argc_, argv_, all);
    if (!(walltime_ >= 0)) throw Error("bad walltime {} ({}): give seconds, or 0 for no limit", walltime_, deck.origin("walltime"));
    check_petsc(PetscOptionsInsertString(nullptr, petsc_options.c_str()));
    deck_ = deck.resolved({"help", "config", "dry-run", "output", "quiet", "walltime"});
  });
  output_ = output;
  log_ = Log(world_->rank(), quiet);
  return true;
}

const std::filesystem::path& Session::output() {
  if (output_exists_ || dry_run_) return output_;
  agreed(*world_, [&] {
    if (world_->rank() != 0) return;
    std::error_code problem;
    std::filesystem::create_directories(output_, problem);
    if (problem) throw Error("cannot make the output folder '{}' ({}): choose another --output", output_.string(), problem.message());
  });
  output_exists_ = true;
  return output_;
}

FileHeader Session::header(const std::string& kind, Version version) const {
  return {.kind = kind, .version = version, .deck = deck_, .seed = seed_, .ranks = world_->size(), .writer = "", .commit = ""};
}

bool Session::stop_requested() {
  const bool over = walltime_ > 0 && elapsed() >= walltime_;
  int stop = stop_signalled() || over ? 1 : 0;
  world_->all_reduce_max(std::span(&stop, 1));
  if (stop && !stopping_) log_.line("stop requested at wall_s={:.1f}", elapsed());
  stopping_ = stop != 0;
  return stopping_;
}

void Session::require_time() const {
  const bool over = walltime_ > 0 && elapsed() >= walltime_;
  if (!over && !stop_signalled()) return;
  throw Error("stopped at wall_s={:.1f} ({}): nothing was written, run it again with more time", elapsed(),
              over ? "the walltime is over" : "a signal asked for it");
}

double Session::elapsed() const {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
}

int run_driver(int argc, char** argv, const std::function<void(Session&)>& body) {
  Session session(argc, argv);
  const int rank = session.world().rank(), ranks = session.world().size();
  try {
    body(session);
  } catch (const AgreedError& error) {
    if (rank == 0) fmt::print(stderr, "{}: error: {}\n", session.name(), error.what());
    return 1;
  } catch (const std::exception& error) {
    if (ranks == 1) {
      fmt::print(stderr, "{}: error: {}\n", session.name(), error.what());
      return 1;
    }
    fmt::print(stderr, "{}: error: rank {}: {}\n", session.name(), rank, error.what());
    std::fflush(stderr);
    MPI_Abort(MPI_COMM_WORLD, 1);
  }
  return session.status();
}

}  // namespace gridfed
