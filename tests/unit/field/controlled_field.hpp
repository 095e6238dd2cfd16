#pragma once

#include "control/der_policies.hpp"
#include "feeders.hpp"
#include "field/control_loop.hpp"
#include "field/twin_outstation.hpp"
#include "powerflow/make_power_flow.hpp"
#include "stations.hpp"

namespace gridfed {

using namespace dnp3;

/// Discharges and sheds by the same amount in every zone.
struct Steady final : Policy {
  float battery = 0.5f, shed = 0.0f;
  void act(std::span<const float>, std::span<float> action) override {
    std::fill_n(action.begin(), 4, battery);
    std::fill_n(action.begin() + 4, 4, shed);
  }
};

/// The example's twin as an outstation, and a control loop at the other end of a wire, in time that passes as told.
struct Field {
  explicit Field(ControlOptions options = {}, const std::string& replaced = "", const std::string& by = "", SafetyOptions safety = {},
                 std::uint16_t address = 10)
      : network(make_network(read_feeder(std::filesystem::path(GRIDFED_SOURCE_DIR) / "inputs/examples/day_of_ieee123.dss"))),
        flow(make_power_flow(network, {})),
        twin(*flow, {.step = 1, .start = 3600 * start_hour}),
        map(map_with(replaced, by)),
        readings(*network, map),
        model(environment(), environment(), readings, {.stale_after = options.stale_after, .most_residual = options.most_residual}),
        shield(policy, backup, environment(), safety),
        loop(
            options, {.link = {.local = 1, .remote = address, .master = true}, .unsolicited = false}, readings, model, shield,
            [this] { return now; }, [this] { return hour; }, [this](const Cycle& cycle) { cycles.push_back(cycle); }) {
    start_outstation();
  }
  void start_outstation() {
    outstation.emplace(twin, *network, map, OutstationOptions{},
                       [this](const MappedPoint&, double value, CommandStatus) { commanded.push_back(value); });
  }

  GridEnvironment environment() const { return {network, {}, {.actions = "battery,curtailment", .volt_var = false}}; }
  static PointMap map_with(const std::string& replaced, const std::string& by) {
    std::ifstream in(std::filesystem::path(GRIDFED_SOURCE_DIR) / "inputs/examples/control_ieee123_points.csv");
    std::string text((std::istreambuf_iterator<char>(in)), {});
    if (!replaced.empty()) text.replace(text.find(replaced), replaced.size(), by);
    const auto file = std::filesystem::temp_directory_path() / ("gridfed_control_" + std::to_string(getpid()) + ".csv");
    std::ofstream(file) << text;
    PointMap map(file);
    std::filesystem::remove(file);
    return map;
  }
  void connect() {
    outstation->report(now);
    outstation->station().connected(now);
    loop.master().connected(now);
    exchange();
  }
  void disconnect() {
    outstation->station().disconnected(now);
    loop.master().disconnected(now);
  }
  void exchange() {
    for (int turn = 0; turn < 1000; ++turn) {
      const auto down = taken(loop.master().output()), up = taken(outstation->station().output());
      if (down.empty() && up.empty()) return;
      if (cut) continue;
      if (record) record(down, up);
      for (int copy = 0; copy < copies; ++copy) outstation->station().receive(down, now);
      outstation->settle(now);
      if (!deaf) loop.master().receive(up, now);
    }
  }
  /// Time passes; the outstation measures, the loop does what is due.
  void wait(double seconds) {
    for (const auto end = now + std::chrono::milliseconds(static_cast<long>(1000 * seconds)); now < end;) {
      now += 100ms;
      hour += 0.1 / 3600;
      if (measures) outstation->report(now);
      outstation->station().tick(now);
      loop.master().tick(now);
      exchange();
      loop.tick();
      exchange();
      loop.tick();
    }
  }
  const Cycle& last() const { return cycles.back(); }

  static constexpr double start_hour = 12;
  Instant now{};
  double hour = start_hour;
  int copies = 1;  // of what the loop says
  bool cut = false, deaf = false, measures = true;
  std::function<void(ByteSpan down, ByteSpan up)> record;
  std::shared_ptr<const Network> network;
  std::unique_ptr<PowerFlow> flow;
  Twin twin;
  PointMap map;
  std::vector<double> commanded;
  std::optional<TwinOutstation> outstation;
  Readings readings;
  FieldModel model;
  Steady policy;
  IdlePolicy backup;
  SafetyShield shield;
  std::vector<Cycle> cycles;
  ControlLoop loop;
};

}  // namespace gridfed
