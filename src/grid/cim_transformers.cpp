// Two ways to a transformer: PowerTransformerEnds with mesh impedances in ohm, or TransformerTanks of a catalogue type
// (TransformerTankInfo) with factory tests. Either becomes one TransformerData, a tank by itself.
#include "grid/cim_transformers.hpp"

#include "runtime/error.hpp"

#include <algorithm>
#include <cmath>

namespace gridfed::cim {

namespace {

/// What both ways say about a winding.
struct End {
  const Object* object = nullptr;  // PowerTransformerEnd or TransformerTankEnd
  const Object* rating = nullptr;  // PowerTransformerEnd or TransformerEndInfo: ratedU, ratedS, r, connectionKind, clock
};

class TransformerReader {
 public:
  TransformerReader(const Document& document, Connectivity& connectivity, NetworkData& network)
      : document_(document), connectivity_(connectivity), network_(network) {}

  void read() {
    for (const Object* transformer : document_.of_kind("PowerTransformer")) {
      if (!in_service(*transformer)) continue;
      const auto ends = document_.referring(*transformer, "PowerTransformerEnd", "PowerTransformer");
      const auto tanks = document_.referring(*transformer, "TransformerTank", "PowerTransformer");
      if (ends.empty() == tanks.empty()) transformer->fail("must have either PowerTransformerEnds or TransformerTanks");
      if (!ends.empty()) {
        whole(*transformer, ends);
      } else {
        for (const Object* one : tanks) tank(*transformer, *one, tanks.size() > 1);
      }
    }
    for (const Object* changer : document_.of_kind("RatioTapChanger")) tap_changer(*changer);
  }

 private:
  struct Position {
    std::size_t transformer = 0, winding = 0;
  };

  /// Sorted by endNumber, which must count from 1.
  std::vector<const Object*> in_order(const Object& owner, std::vector<const Object*> ends) const {
    std::stable_sort(ends.begin(), ends.end(),
                     [](const Object* a, const Object* b) { return a->number("endNumber") < b->number("endNumber"); });
    for (std::size_t i = 0; i < ends.size(); ++i) {
      if (ends[i]->number("endNumber") != static_cast<double>(i + 1))
        ends[i]->fail(fmt::format("has no neighbour {} in {}: ends count from 1", i + 1, owner.title()));
    }
    if (ends.size() < 2) owner.fail("has fewer than two ends: a transformer has at least two");
    return ends;
  }

  /// Node of a star point: ground, a conductor of its own behind an impedance to ground, the bus's neutral, or floating.
  int neutral(const Object& end, const std::string& bus, bool has_n, const std::string& transformer) {
    if (!end.flag("grounded", end.choice("connectionKind") == "Yn")) return has_n ? node_of(end, "N") : connectivity_.own_neutral(bus);
    const Complex impedance(end.number("rground", 0), end.number("xground", 0));
    if (impedance == Complex{}) return 0;
    const int node = connectivity_.own_neutral(bus);
    network_.reactors.push_back({.name = fmt::format("{}_neutral_{:.0f}", transformer, end.number("endNumber")),
                                 .terminal = {bus, {node}},
                                 .to = std::nullopt,
                                 .phases = 1,
                                 .impedance = impedance,
                                 .origin = end.origin});
    return node;
  }

  WindingData winding(const End& end, const std::vector<std::string>& phases, TransformerData& transformer) {
    WindingData winding;
    winding.rated_voltage = end.rating->number("ratedU");
    winding.rated_power = end.rating->number("ratedS");
    if (!(winding.rated_voltage > 0 && winding.rated_power > 0)) end.rating->fail("has ratings that are not positive");
    winding.resistance_pu = end.rating->number("r", 0) * winding.rated_power / (winding.rated_voltage * winding.rated_voltage);
    winding.terminal.bus = connectivity_.bus(document_.required_target(*end.object, "Terminal"));
    const std::string kind = end.rating->choice("connectionKind");
    const bool has_n = std::find(phases.begin(), phases.end(), "N") != phases.end();
    const auto live = static_cast<int>(phases.size()) - has_n;
    auto& nodes = winding.terminal.nodes;
    if (kind == "I" && phases.size() <= 2 && live >= 1) {  // one coil, end to end
      transformer.phases = 1;
      const int ground_or_n = live == 2 ? 0 : neutral(*end.object, winding.terminal.bus, has_n, transformer.name);
      for (const auto& phase : phases) nodes.push_back(phase == "N" ? ground_or_n : node_of(*end.object, phase));
      if (phases.size() == 1) nodes.push_back(ground_or_n);
      winding.connection = live == 2 ? Connection::delta : Connection::wye;
      // A clock of 6 turns the coil around, which an order such as "Ns2" has already said.
      if (end.rating->number("phaseAngleClock", 0) == 6 && phases.front() != "N") std::swap(nodes[0], nodes[1]);
    } else if ((kind == "D" || kind == "Y" || kind == "Yn") && live == 3) {
      transformer.phases = 3;
      winding.connection = kind == "D" ? Connection::delta : Connection::wye;
      for (const auto& phase : phases) {
        if (phase != "N") nodes.push_back(node_of(*end.object, phase));
      }
      if (kind != "D") nodes.push_back(neutral(*end.object, winding.terminal.bus, has_n, transformer.name));
    } else {
      end.object->fail(fmt::format("connects {} phases as '{}': known are D, Y and Yn of three, I of one", live, kind));
    }
    return winding;
  }

  /// Clock numbers say by how many twelfths of a turn a winding lags. Delta and star differ by one, to one side or the other.
  static void set_shift(const std::vector<End>& ends, TransformerData& transformer) {
    if (transformer.phases == 1) return;
    const auto& windings = transformer.windings;
    for (std::size_t i = 1; i < ends.size(); ++i) {
      if (!ends[i].rating->has("phaseAngleClock")) continue;  // the low side lags
      const double clock = std::fmod(ends[i].rating->number("phaseAngleClock") - ends[0].rating->number("phaseAngleClock", 0) + 12, 12);
      const bool shifts = windings[i].connection != windings[0].connection;
      if (shifts ? clock != 1 && clock != 11 : clock != 0)
        ends[i].object->fail(fmt::format("has the clock number {}: between delta and star it must be 1 or 11, else 0", clock));
      if (!shifts) continue;
      const bool first_is_high = windings[0].rated_voltage >= windings[i].rated_voltage;
      transformer.lag_leads = (clock == 1) != first_is_high;
    }
  }

  std::size_t pair(std::size_t a, std::size_t b, std::size_t count) const {
    if (a > b) std::swap(a, b);
    std::size_t position = 0;
    for (std::size_t i = 0; i < a; ++i) position += count - 1 - i;
    return position + b - a - 1;
  }

  static std::size_t find(const std::vector<End>& ends, const Object& wanted, const Object& source) {
    for (std::size_t i = 0; i < ends.size(); ++i) {
      if (ends[i].object == &wanted || ends[i].rating == &wanted) return i;
    }
    source.fail(fmt::format("names {}, which is not an end of the transformer", wanted.title()));
  }

  void finish(const Object& owner, const std::vector<End>& ends, TransformerData transformer) {
    for (const double x : transformer.reactance_pu) {
      if (x == 0) owner.fail("has no leakage reactance between two of its ends: give each pair an impedance or a short-circuit test");
    }
    set_shift(ends, transformer);
    for (std::size_t i = 0; i < ends.size(); ++i) positions_[ends[i].object->id] = {network_.transformers.size(), i};
    network_.transformers.push_back(std::move(transformer));
  }

  void whole(const Object& owner, const std::vector<const Object*>& unordered) {
    TransformerData transformer{.name = names_.unique(owner), .origin = owner.origin};
    std::vector<End> ends;
    for (const Object* end : in_order(owner, unordered)) ends.push_back({end, end});
    for (const End& end : ends) transformer.windings.push_back(winding(end, {"A", "B", "C"}, transformer));
    const std::size_t count = ends.size();
    const double power = transformer.windings[0].rated_power;
    transformer.reactance_pu.assign(count * (count - 1) / 2, 0);
    for (const End& end : ends) {
      for (const Object* mesh : document_.referring(*end.object, "TransformerMeshImpedance", "FromTransformerEnd")) {
        const std::size_t from = find(ends, *end.object, *mesh),
                          to = find(ends, document_.required_target(*mesh, "ToTransformerEnd"), *mesh);
        if (from == to) mesh->fail("leads from an end to itself");
        const double voltage = transformer.windings[from].rated_voltage;
        transformer.reactance_pu[pair(from, to, count)] = mesh->number("x") * power / (voltage * voltage);
      }
      for (const Object* core : document_.referring(*end.object, "TransformerCoreAdmittance", "TransformerEnd")) {
        const double voltage = transformer.windings[find(ends, *end.object, *core)].rated_voltage;
        transformer.no_load_loss_pu = core->number("g", 0) * voltage * voltage / power;
        transformer.magnetising_current_pu = std::abs(core->number("b", 0)) * voltage * voltage / power;
      }
      if (!document_.referring(*end.object, "TransformerStarImpedance", "TransformerEnd").empty())
        end.object->fail("has a TransformerStarImpedance, which is not read: give TransformerMeshImpedances");
    }
    finish(owner, ends, std::move(transformer));
  }

  void tank(const Object& owner, const Object& tank, bool bank) {
    TransformerData transformer{.name = names_.unique(tank), .bank = bank ? plain_name(owner.name()) : "", .origin = tank.origin};
    const Object& type = document_.required_target(tank, "TransformerTankInfo");
    const auto tank_ends = in_order(tank, document_.referring(tank, "TransformerTankEnd", "TransformerTank"));
    const auto ratings = in_order(type, document_.referring(type, "TransformerEndInfo", "TransformerTankInfo"));
    if (tank_ends.size() != ratings.size()) tank.fail(fmt::format("has {} ends, its type {}", tank_ends.size(), ratings.size()));
    std::vector<End> ends;
    for (std::size_t i = 0; i < ratings.size(); ++i) ends.push_back({tank_ends[i], ratings[i]});
    for (const End& end : ends) {
      const std::string code = end.object->has("orderedPhases") ? end.object->choice("orderedPhases") : end.object->choice("phases");
      const int phases_before = transformer.phases;
      transformer.windings.push_back(winding(end, phases_of(*end.object, code), transformer));
      if (transformer.windings.size() > 1 && transformer.phases != phases_before)
        end.object->fail("has another number of phases than the first end");
    }
    const std::size_t count = ends.size();
    const double power = transformer.windings[0].rated_power;
    transformer.reactance_pu.assign(count * (count - 1) / 2, 0);
    for (const End& end : ends) {
      // |z| in ohm at the energised end and the loss in kW on basePower (IEC 61970-302).
      for (const Object* test : document_.referring(*end.rating, "ShortCircuitTest", "EnergisedEnd")) {
        const std::size_t from = find(ends, *end.rating, *test), to = find(ends, document_.required_target(*test, "GroundedEnds"), *test);
        if (from == to) test->fail("grounds the end that it energises");
        const double base = test->number("basePower", transformer.windings[from].rated_power),
                     voltage = transformer.windings[from].rated_voltage;
        const double z = test->number("leakageImpedance") * base / (voltage * voltage), r = test->number("loss", 0) * 1e3 / base;
        if (!(base > 0 && z > r))
          test->fail("has a loss that its impedance cannot cause: check leakageImpedance [ohm], loss [kW] and basePower [VA]");
        transformer.reactance_pu[pair(from, to, count)] = std::sqrt(z * z - r * r) * power / base;
      }
      for (const Object* test : document_.referring(*end.rating, "NoLoadTest", "EnergisedEnd")) {
        const double base = test->number("basePower", power);
        const double current = test->number("excitingCurrent", 0) / 100, loss = test->number("loss", 0) * 1e3 / base;
        transformer.no_load_loss_pu = loss * base / power;
        transformer.magnetising_current_pu = std::sqrt(std::max(0.0, current * current - loss * loss)) * base / power;
      }
    }
    finish(tank, ends, std::move(transformer));
  }

  void tap_changer(const Object& changer) {
    const Object& end = document_.required_target(changer, "TransformerEnd");
    const auto found = positions_.find(end.id);
    if (found == positions_.end()) return;  // its transformer is out of service
    auto& transformer = network_.transformers[found->second.transformer];
    auto& winding = transformer.windings[found->second.winding];
    const double step = changer.number("stepVoltageIncrement") / 100, neutral_step = changer.number("neutralStep", 0);
    const double low = changer.number("lowStep"), high = changer.number("highStep");
    if (!(step > 0 && high > low && high - low < 1e6))
      changer.fail("has no steps: highStep must exceed lowStep and stepVoltageIncrement 0");
    winding.tap = 1 + step * (changer.number("step", neutral_step) - neutral_step);
    winding.min_tap = 1 + step * (low - neutral_step);
    winding.max_tap = 1 + step * (high - neutral_step);
    winding.num_taps = static_cast<int>(high - low);
    const Object* control = document_.target(changer, "TapChangerControl");
    if (!control || !control->flag("enabled", true) || !changer.flag("controlEnabled", true)) return;
    if (control->has("mode") && control->choice("mode") != "voltage") control->fail("has a mode other than voltage, which is not read");
    RegulatorData regulator{.name = regulator_names_.unique(changer),
                            .transformer = transformer.name,
                            .winding = static_cast<int>(found->second.winding) + 1,
                            .measured_winding = static_cast<int>(found->second.winding) + 1,
                            .setpoint = control->number("targetValue"),
                            .band = control->number("targetDeadband"),
                            .pt_ratio = changer.number("ptRatio"),
                            .ct_rating = changer.number("ctRating", 0),
                            .delay = changer.number("initialDelay", 15),
                            .tap_delay = changer.number("subsequentDelay", 2),
                            .remote = std::nullopt,
                            .reverse = {},
                            .origin = changer.origin};
    if (control->flag("lineDropCompensation", false)) {
      regulator.r = control->number("lineDropR", 0);
      regulator.x = control->number("lineDropX", 0);
    }
    if (control->flag("reversible", false)) {
      regulator.reverse = {.action = ReversePower::reverses,
                           .to_neutral = control->flag("reverseToNeutral", false),
                           .threshold = control->number("reversingPowerThreshold", 100e3),
                           .delay = control->number("reversingDelay", 60),
                           .setpoint = regulator.setpoint,
                           .band = regulator.band,
                           .r = control->number("reverseLineDropR", 0),
                           .x = control->number("reverseLineDropX", 0)};
    }
    const auto& nodes = winding.terminal.nodes;
    const std::string phase = control->has("monitoredPhase") ? control->choice("monitoredPhase") : "";
    if (transformer.phases > 1 && !phase.empty()) {
      const auto place = std::find(nodes.begin(), nodes.end(), node_of(*control, phases_of(*control, phase).front()));
      if (place == nodes.end()) control->fail(fmt::format("monitors phase {}, which the winding does not have", phase));
      regulator.pt_phase = static_cast<int>(place - nodes.begin()) + 1;
    }
    if (const Object* terminal = document_.target(*control, "Terminal")) {
      const std::string& bus = connectivity_.bus(*terminal);
      if (bus != winding.terminal.bus)
        regulator.remote = Terminal{bus, {phase.empty() ? nodes[0] : node_of(*control, phases_of(*control, phase).front())}};
    }
    network_.regulators.push_back(std::move(regulator));
  }

  const Document& document_;
  Connectivity& connectivity_;
  NetworkData& network_;
  Names names_, regulator_names_;
  std::map<std::string, Position> positions_;  // by id of the end
};

}  // namespace

void read_transformers(const Document& document, Connectivity& connectivity, NetworkData& network) {
  TransformerReader(document, connectivity, network).read();
}

}  // namespace gridfed::cim
