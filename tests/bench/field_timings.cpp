// Our side of `./gridfed bench field`: a master against an outstation over the loopback, ours in a thread of its own or another's at a
// port. field_timings OUT.json [PORT]
#include "control/make_policy.hpp"
#include "control/safety_shield.hpp"
#include "field/dnp3/master.hpp"
#include "field/dnp3/outstation.hpp"
#include "field/net/station_loop.hpp"
#include "grid/opendss_reader.hpp"
#include "rl/learner.hpp"
#include "runtime/error.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <atomic>
#include <ctime>
#include <fstream>
#include <thread>

using namespace gridfed;
using namespace gridfed::dnp3;

namespace {

constexpr std::uint16_t analog_inputs = 76;  // a response of 400 bytes
constexpr int fleet = 100, repetitions = 2000;
constexpr double fleet_seconds = 10.5;

std::vector<PointOptions> points() {
  std::vector<PointOptions> all;
  for (std::uint16_t i = 0; i < analog_inputs; ++i) all.push_back({.type = PointType::analog_input, .index = i, .event_class = 2});
  all.push_back({.type = PointType::binary_output, .index = 0});
  return all;
}

/// Outstations that serve in a thread of their own.
class Servers {
 public:
  explicit Servers(int count) {
    for (int i = 0; i < count; ++i) {
      stations_.push_back(
          std::make_unique<Dnp3Outstation>(OutstationOptions{.unsolicited = false, .needs_time = false}, points(),
                                           OutstationHandler{.operate = [](const Command&) { return CommandStatus::success; }}));
      for (std::uint16_t k = 0; k < analog_inputs; ++k) stations_.back()->update(PointType::analog_input, k, {.value = 0.5 * k}, {});
      ports.push_back(loop_.serve(*stations_.back(), {.endpoint = {"127.0.0.1", 0}}));
    }
    thread_ = std::thread([this] {
      while (!stop_) loop_.run_once(std::chrono::milliseconds(100));
      timespec used{};
      clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
      cpu_seconds_ = static_cast<double>(used.tv_sec) + 1e-9 * static_cast<double>(used.tv_nsec);
    });
  }
  ~Servers() { join(); }
  double join() {
    stop_ = true;
    if (thread_.joinable()) thread_.join();
    return cpu_seconds_;
  }
  std::vector<std::uint16_t> ports;

 private:
  StationLoop loop_;
  std::vector<std::unique_ptr<Dnp3Outstation>> stations_;
  std::thread thread_;
  std::atomic<bool> stop_ = false;
  double cpu_seconds_ = 0;
};

struct Row {
  std::string name, unit;
  double value;
};

template <class Begin, class Done>
double median_ms(StationLoop& loop, Begin&& begin, Done&& done) {
  std::vector<double> times;
  for (int i = 0; i < repetitions + 50; ++i) {
    const auto from = std::chrono::steady_clock::now();
    begin();
    while (!done()) loop.run_once(std::chrono::seconds(1));
    const double ms = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - from).count();
    if (i >= 50) times.push_back(ms);
  }
  std::ranges::nth_element(times, times.begin() + repetitions / 2);
  return times[repetitions / 2];
}

void measure_one(std::uint16_t port, std::vector<Row>& rows) {
  int polls = 0, answers = 0;
  Dnp3Master master({.unsolicited = false, .time_sync = TimeSync::none}, {.polled = [&] { ++polls; }});
  StationLoop loop;
  loop.connect(master, {.endpoint = {"127.0.0.1", port}, .reconnect = std::chrono::milliseconds(100)});
  for (const auto end = StationLoop::now() + std::chrono::seconds(20); !master.online();) {
    if (StationLoop::now() > end) throw Error("the outstation at port {} does not answer: start it first", port);
    loop.run_once(std::chrono::milliseconds(10));
  }
  int before = polls;
  rows.push_back({"integrity poll, 400 bytes", "ms",
                  median_ms(
                      loop,
                      [&] {
                        before = polls;
                        master.poll_integrity();
                      },
                      [&] { return polls > before; })});
  const auto command = Command::latch(0, true);
  rows.push_back({"direct operate", "ms",
                  median_ms(
                      loop,
                      [&] {
                        before = answers;
                        master.operate({&command, 1}, CommandMode::direct, StationLoop::now(), [&](const CommandResult& result) {
                          if (result.outcome != CommandResult::Outcome::done)
                            throw Error("a command was not done: the figure would mean nothing");
                          ++answers;
                        });
                      },
                      [&] { return answers > before; })});
}

void measure_fleet(std::vector<Row>& rows) {
  Servers servers(fleet);
  StationLoop loop;
  std::vector<std::unique_ptr<Dnp3Master>> masters;
  int polls = 0;
  for (const auto port : servers.ports) {
    masters.push_back(std::make_unique<Dnp3Master>(
        MasterOptions{.integrity_period = std::chrono::seconds(1), .unsolicited = false, .time_sync = TimeSync::none},
        MasterHandler{.polled = [&] { ++polls; }}));
    loop.connect(*masters.back(), {.endpoint = {"127.0.0.1", port}});
  }
  while (!std::ranges::all_of(masters, [](const auto& m) { return m->online(); })) loop.run_once(std::chrono::milliseconds(10));
  const auto cpu = [] {
    timespec used{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    return static_cast<double>(used.tv_sec) + 1e-9 * static_cast<double>(used.tv_nsec);
  };
  const int polls_before = polls;
  const double before = cpu();
  const auto begin = std::chrono::steady_clock::now();
  const auto elapsed = [&] { return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count(); };
  while (elapsed() < fleet_seconds) loop.run_once(std::chrono::milliseconds(100));
  rows.push_back({"100 outstations at 1 Hz, master", "% of a core", 100 * (cpu() - before) / elapsed()});
  const double rate = (polls - polls_before) / elapsed();
  if (rate < 0.9 * fleet) throw Error("only {:.1f} polls a second came through: the machine is too busy to measure", rate);
  rows.push_back({"100 outstations at 1 Hz, outstations", "% of a core", 100 * servers.join() / elapsed()});
}

/// A policy network of the usual size at work.
struct NetworkPolicy final : Policy {
  PolicyNetwork network;
  explicit NetworkPolicy(PolicyNetwork n) : network(std::move(n)) {}
  void act(std::span<const float> observation, std::span<float> action) override { network.act(observation, action); }
};

/// Decisions on IEEE 123 over days: those that the policy is left with, and all, as projections and hand-overs take more power flows.
void measure_shield(std::vector<Row>& rows) {
  const auto network = make_network(read_feeder("inputs/feeders/ieee123_der.dss"));
  const auto environment = [&] { return GridEnvironment(network, {}, {}); };
  auto played = environment();
  NetworkPolicy policy(
      Learner({}, static_cast<std::size_t>(played.observation_size()), static_cast<std::size_t>(played.action_size()), 1).policy());
  const auto backup = make_policy("rules", {}, 1, 0);
  SafetyShield shield(policy, *backup, environment(), {});
  std::vector<double> passed, all;
  std::vector<float> action(static_cast<std::size_t>(played.action_size()));
  for (int day = 0; day < 10; ++day) {
    auto observation = played.reset(1, 0, first_test_day + day);
    shield.begin_episode(played, day);
    for (bool done = false; !done;) {
      const auto from = std::chrono::steady_clock::now();
      shield.act(observation, action);
      all.push_back(std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - from).count());
      if (shield.last().decision == Decision::policy) passed.push_back(all.back());
      const auto result = played.step(action);
      observation = result.observation;
      done = result.terminated || result.truncated;
    }
  }
  const auto quantile = [](std::vector<double>& times, double share) {
    const auto at = times.begin() + static_cast<std::ptrdiff_t>(share * static_cast<double>(times.size() - 1));
    std::ranges::nth_element(times, at);
    return *at;
  };
  rows.push_back({"policy and shield, policy acts, median", "ms", quantile(passed, 0.5)});
  rows.push_back({"policy and shield, all steps, 99 %", "ms", quantile(all, 0.99)});
}

}  // namespace

int main(int argc, char** argv) {
  try {
    if (argc < 2) throw Error("field_timings OUT.json [PORT]");
    std::vector<Row> rows;
    if (argc > 2) {
      measure_one(static_cast<std::uint16_t>(std::stoi(argv[2])), rows);
    } else {
      Servers server(1);
      measure_one(server.ports[0], rows);
      measure_fleet(rows);
      measure_shield(rows);
    }
    std::vector<std::string> lines;
    for (const auto& row : rows)
      lines.push_back(fmt::format(R"( {{"case": "{}", "value": {:.6g}, "unit": "{}"}})", row.name, row.value, row.unit));
    std::ofstream out(argv[1]);
    out << fmt::format("[\n{}\n]\n", fmt::join(lines, ",\n"));
    if (!out) throw Error("cannot write '{}': check the path", argv[1]);
  } catch (const std::exception& error) {
    fmt::print(stderr, "field_timings: error: {}\n", error.what());
    return 1;
  }
}
