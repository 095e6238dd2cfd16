#include "grid/synthetic_substation.hpp"

#include "grid/network.hpp"
#include "grid/synthetic_distributions.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <numbers>

namespace gridfed::synthetic {

namespace {

constexpr double european_kv = 10, american_kv = 12.47;
/// Peak load of a node in the mean, and at most what its largest transformer should carry [W].
constexpr double european_load = 170e3, european_most = 800e3, american_load = 18e3, american_most = 48e3;
constexpr double transformer_loading = 0.8;  ///< of what a transformer is bought for
constexpr double busbar_voltage = 1.04;      ///< that the tap changer holds [p.u.]
constexpr double substations_apart = 25e3;   ///< [m]
constexpr double lateral_power = 60e3;       ///< less hangs on one phase [VA]

}  // namespace

SubstationBuilder::SubstationBuilder(const Plan& plan, int index) : plan_(plan), index_(index), prefix_(fmt::format("s{}_", index)) {
  const int columns = static_cast<int>(std::ceil(std::sqrt(plan.substations())));
  origin_ = {substations_apart * (index % columns), substations_apart * (index / columns)};
}

RandomStream SubstationBuilder::stream(Stage stage, std::uint64_t trial) const {
  constexpr std::uint64_t stages = 16;
  return RandomStream(plan_.options().seed, Draw::synthetic_network, static_cast<std::uint64_t>(index_),
                      static_cast<std::uint64_t>(stage) + stages * trial);
}

Substation SubstationBuilder::build() {
  draw_nodes();
  draw_loads();
  assign_phases();
  sum_downstream();
  choose_lines();
  made_.statistics.add_tree(tree_);
  add_substation();
  add_lines();
  if (european()) {
    add_stations();
  } else {
    add_customers();
  }
  return std::move(made_);
}

/// As many nodes as make exactly plan_.buses(index_) buses with the busbar, its sections, and what stands below the nodes. What the
/// shares leave open is settled by the number of nodes without load (eu) or of customers (us).
void SubstationBuilder::draw_nodes() {
  auto shares = stream(Stage::tree);
  const double without_load = std::min(0.5, draw_no_load_share(shares));
  const double per_node = 1 + (1 - without_load) * (european() ? 1 : 1 + 3) + 0.14 / branches_a_section;
  int nodes = std::max(1, static_cast<int>((plan_.buses(index_) - 3) / per_node));
  int unloaded = 0;
  for (std::uint64_t trial = 1;; ++trial, ++nodes) {
    auto random = stream(Stage::tree, trial);
    tree_ = draw_tree(nodes, random);
    sections_ = (tree_.children[0] + branches_a_section - 1) / branches_a_section;
    if (!split_buses(without_load, unloaded)) continue;
    draw_no_load_nodes(tree_, unloaded, random);
    break;
  }
  auto random = stream(Stage::lengths);
  draw_lengths(tree_, random);
}

/// How the buses that nodes leave are used; false if there are too many of them for so few nodes.
bool SubstationBuilder::split_buses(double no_load_share, int& without_load) {
  const int nodes = tree_.size() - 1, left = plan_.buses(index_) - 2 - sections_ - nodes;
  if (european()) {
    without_load = nodes - left;
    return without_load >= 0;
  }
  without_load = static_cast<int>(no_load_share * nodes);
  const int loaded = nodes - without_load;
  customers_ = left - loaded;
  return customers_ <= 5 * loaded;
}

void SubstationBuilder::draw_loads() {
  sites_.resize(tree_.size());
  auto random = stream(Stage::loads);
  const double mean = european() ? european_load : american_load, most = (european() ? european_most : american_most) / mean;
  std::vector<int> loaded;
  for (int i = 1; i < tree_.size(); ++i) {
    if (tree_.no_load[i]) continue;
    loaded.push_back(i);
    const double draw = random.uniform();
    const auto classes = load_classes();
    // The service transformers of the American style feed homes.
    while (european() && sites_[i].load_class < 2 &&
           draw >= 1 - (sites_[i].load_class == 0 ? classes[1].share + classes[2].share : classes[2].share))
      ++sites_[i].load_class;
    const double power_factor = classes[sites_[i].load_class].power_factor;
    const double power = mean * draw_relative_load(tree_.size(), most, random);
    sites_[i].power = {power, power * std::tan(std::acos(power_factor))};
  }
  if (european()) return;
  // One to five customers each, then one more or less until they are as many as the buses.
  int all = 0;
  for (const int i : loaded) all += sites_[i].customers = 1 + static_cast<int>(random.below(5));
  while (all != customers_) {
    int& customers = sites_[loaded[random.below(loaded.size())]].customers;
    const int step = all < customers_ ? 1 : -1;
    if (customers + step < 1 || customers + step > 5) continue;
    customers += step;
    all += step;
  }
}

/// American laterals: a branch with little behind it has one phase, more often the one with the least load than another.
void SubstationBuilder::assign_phases() {
  for (int i = tree_.size() - 1; i > 0; --i) {
    sites_[i].downstream += sites_[i].power;
    sites_[tree_.parent[i]].downstream += sites_[i].downstream;
  }
  if (european()) return;
  auto random = stream(Stage::phases);
  std::array<double, 3> carried{};
  const auto choose = [&](double power) {
    const int least = static_cast<int>(std::min_element(carried.begin(), carried.end()) - carried.begin());
    const int phase = random.uniform() < 0.7 ? least : static_cast<int>(random.below(3));
    carried[phase] += power;
    return phase + 1;
  };
  for (int i = 1; i < tree_.size(); ++i) {
    Site& site = sites_[i];
    const Site& above = sites_[tree_.parent[i]];
    if (!above.three_phase) {
      site.three_phase = false;
      site.phase = above.phase;
    } else if (std::abs(site.downstream) <= lateral_power) {
      site.three_phase = false;
      site.phase = choose(std::abs(site.downstream));
    } else if (!tree_.no_load[i]) {
      site.phase = choose(std::abs(site.power));
    }
  }
}

void SubstationBuilder::sum_downstream() {
  for (int i = tree_.size() - 1; i > 0; --i) {
    Site& site = sites_[i];
    const double own = std::abs(site.power);
    if (site.phase > 0) {
      site.downstream_by_phase[site.phase - 1] += own;
    } else {
      for (double& phase : site.downstream_by_phase) phase += own / 3;
    }
    for (int p = 0; p < 3; ++p) sites_[tree_.parent[i]].downstream_by_phase[p] += site.downstream_by_phase[p];
  }
}

double SubstationBuilder::current(const Site& site) const {
  const double volts = (european() ? european_kv : american_kv) * 1e3 / std::numbers::sqrt3;
  return *std::max_element(site.downstream_by_phase.begin(), site.downstream_by_phase.end()) / volts;
}

/// The type whose rating comes nearest to the current over a drawn loading, not below the current or what goes on downstream; several
/// lines of the largest type where one cannot. Beyond hop 8 not above 450 A if that will do.
SubstationBuilder::LineChoice SubstationBuilder::draw_line(double current, double downstream_rating, int hop, RandomStream& random) const {
  constexpr int far_hop = 8;
  constexpr double far_rating = 450;
  const auto types = line_types(plan_.options().style);
  const int last = static_cast<int>(types.size()) - 1;
  const double least = std::max(current, downstream_rating), wanted = std::max(least, current / std::max(1e-3, draw_loading(random)));
  if (least > types[last].rating) {
    const int parallel = static_cast<int>(std::ceil(least / types[last].rating));
    return {last, parallel, parallel * types[last].rating};
  }
  LineChoice best{last, 1, types[last].rating};
  for (int t = last; t >= 0; --t) {
    const double rating = types[t].rating;
    if (rating < least) break;
    const bool too_large = hop >= far_hop && best.rating > far_rating;
    if (too_large || std::abs(rating - wanted) < std::abs(best.rating - wanted)) best = {t, 1, rating};
  }
  return best;
}

void SubstationBuilder::choose_lines() {
  auto random = stream(Stage::lines);
  std::vector<LineChoice> downstream(tree_.size());  // the largest line that leaves a node
  for (int i = tree_.size() - 1; i > 0; --i) {
    Site& site = sites_[i];
    const double amperes = current(site);
    if (amperes == 0) continue;
    const bool goes_on = random.uniform() < 2.0 / 3;  // two in three nodes have lines of one rating
    const LineChoice choice =
        goes_on && downstream[i].rating >= amperes ? downstream[i] : draw_line(amperes, downstream[i].rating, tree_.hop[i], random);
    site.type = choice.type;
    site.parallel = choice.parallel;
    site.line_rating = choice.rating;
    made_.statistics.add_loading(amperes / choice.rating);
    LineChoice& above = downstream[tree_.parent[i]];
    if (choice.rating > above.rating) above = choice;
  }
  // A branch without load behind it goes on as what it leaves.
  for (int i = 1; i < tree_.size(); ++i) {
    Site& site = sites_[i];
    if (site.line_rating > 0) continue;
    const Site& above = sites_[tree_.parent[i]];
    site.type = above.type;
    site.line_rating = line_types(plan_.options().style)[site.type].rating;
  }
}

int SubstationBuilder::section_of(int child) const {
  return (child - 1) / branches_a_section;  // the busbar's children are the nodes 1, 2, ... in order
}

void SubstationBuilder::add_bus(const std::string& bus, double x, double y) {
  const auto rounded = [](double metres) { return std::round(metres * 10) / 10; };
  made_.data.buses.push_back({.name = bus, .position = std::array{rounded(origin_[0] + x), rounded(origin_[1] + y)}});
}

void SubstationBuilder::add_substation() {
  NetworkData& data = made_.data;
  const double high = european() ? 110e3 : 115e3, medium = (european() ? european_kv : american_kv) * 1e3;
  data.name = (european() ? "eu_" : "us_") + std::to_string(plan_.options().buses) + "_" + std::to_string(plan_.options().seed);
  data.frequency = european() ? 50 : 60;
  data.voltage_bases = european() ? std::vector{high, medium, 400.0} : std::vector{high, medium, 208.0};
  const std::string high_bus = name("hv"), busbar = name("mv");
  const Complex grid(0.4, 4);  // short-circuit power of some 3 GVA
  add_bus(high_bus, -50, 0);
  add_bus(busbar, 0, 0);
  data.sources.push_back({.name = index_ == 0 ? "source" : name("source"),
                          .terminal = {high_bus, {1, 2, 3}},
                          .voltage_base = high,
                          .voltage_pu = 1.0,
                          .z1 = grid,
                          .z0 = grid});
  const Complex load = sites_[0].downstream;
  const auto& type = transformer_for(substation_transformers(), std::abs(load) / transformer_loading);
  const double p = load.real() / type.rating, q = load.imag() / type.rating;
  const double along = type.resistance * p + type.reactance * q, across = type.reactance * p - type.resistance * q;
  const double drop = along + across * across / 2;
  WindingData primary{.terminal = {high_bus, {1, 2, 3}},
                      .connection = Connection::delta,
                      .rated_voltage = high,
                      .rated_power = type.rating,
                      .resistance_pu = type.resistance / 2};
  WindingData secondary{.terminal = {busbar, {1, 2, 3, 0}},
                        .connection = Connection::wye,
                        .rated_voltage = medium,
                        .rated_power = type.rating,
                        .resistance_pu = type.resistance / 2};
  secondary.tap = tap_ratio(secondary, tap_number(secondary, busbar_voltage + drop));
  data.transformers.push_back({.name = name("t"),
                               .windings = {primary, secondary},
                               .reactance_pu = {type.reactance},
                               .no_load_loss_pu = type.no_load_loss,
                               .magnetising_current_pu = type.magnetising_current});
  const double pt_ratio = medium / std::numbers::sqrt3 / 120;
  data.regulators.push_back(
      {.name = name("oltc"), .transformer = name("t"), .winding = 2, .setpoint = 120 * busbar_voltage, .band = 3, .pt_ratio = pt_ratio});
  for (int s = 0; s < sections_; ++s) {
    const std::string bus = name("f", s + 1);
    add_bus(bus, 5.0 * (s + 1), 0);
    double rating = 0;
    for (int i = 1; i <= tree_.children[0]; ++i) rating += section_of(i) == s ? sites_[i].line_rating : 0;
    data.lines.push_back({.name = name("breaker", s + 1),
                          .from = {busbar, {1, 2, 3}},
                          .to = {bus, {1, 2, 3}},
                          .series_impedance = Eigen::MatrixXcd::Identity(3, 3) * Complex(1e-3, 1e-3),
                          .shunt_susceptance = Eigen::MatrixXd::Zero(3, 3),
                          .rating = rating,
                          .is_switch = true});
  }
}

void SubstationBuilder::add_lines() {
  const auto types = line_types(plan_.options().style);
  for (int i = 1; i < tree_.size(); ++i) {
    const Site& site = sites_[i];
    const LineType& type = types[site.type];
    const int parent = tree_.parent[i];
    const double metres = std::round(tree_.length[i] * 10) / 10;
    const std::vector<int> nodes = site.three_phase ? std::vector{1, 2, 3} : std::vector{site.phase};
    add_bus(bus_of(i), tree_.position[i][0], tree_.position[i][1]);
    made_.data.lines.push_back(
        {.name = name("l", i),
         .from = {parent == 0 ? name("f", section_of(i) + 1) : bus_of(parent), nodes},
         .to = {bus_of(i), nodes},
         .series_impedance = (site.three_phase ? type.three_phase_impedance : type.one_phase_impedance) * (metres / site.parallel),
         .shunt_susceptance = (site.three_phase ? type.three_phase_susceptance : type.one_phase_susceptance) * (metres * site.parallel),
         .rating = site.line_rating,
         .length = metres});
  }
}

/// Europe: a station with a delta-wye transformer at each node with load; homes unequally on its three phases, others on all alike.
void SubstationBuilder::add_stations() {
  auto random = stream(Stage::customers);
  NetworkData& data = made_.data;
  for (int i = 1; i < tree_.size(); ++i) {
    if (tree_.no_load[i]) continue;
    const Site& site = sites_[i];
    const auto& type = transformer_for(station_transformers(), std::abs(site.power) / transformer_loading);
    const std::string bus = name("v", i);
    add_bus(bus, tree_.position[i][0] + 10, tree_.position[i][1] + 10);
    const auto winding = [&](Terminal terminal, Connection connection, double volts) {
      return WindingData{.terminal = std::move(terminal),
                         .connection = connection,
                         .rated_voltage = volts,
                         .rated_power = type.rating,
                         .resistance_pu = type.resistance / 2};
    };
    data.transformers.push_back({.name = name("t", i),
                                 .windings = {winding({bus_of(i), {1, 2, 3}}, Connection::delta, european_kv * 1e3),
                                              winding({bus, {1, 2, 3, 0}}, Connection::wye, 400)},
                                 .reactance_pu = {type.reactance},
                                 .no_load_loss_pu = type.no_load_loss,
                                 .magnetising_current_pu = type.magnetising_current});
    LoadData load{.name = name("d", i), .rated_voltage = 400, .model = LoadModel::zip, .vmin_pu = 0.8, .vmax_pu = 1.2};
    load.zip = load_classes()[site.load_class].zip;
    if (site.load_class > 0) {
      load.terminal = {bus, {1, 2, 3, 0}};
      load.power = site.power;
      data.loads.push_back(load);
      continue;
    }
    std::array<double, 3> share{};
    for (double& s : share) s = random.uniform(0.7, 1.3);
    const double all = share[0] + share[1] + share[2];
    load.phases = 1;
    load.rated_voltage = 400 / std::numbers::sqrt3;
    for (int p = 0; p < 3; ++p) {
      load.name = name("d", i) + "_" + std::to_string(p + 1);
      load.terminal = {bus, {p + 1, 0}};
      load.power = site.power * (share[p] / all);
      data.loads.push_back(load);
    }
  }
}

/// America: a centre-tapped transformer at each node with load, and from it a service drop to each customer, who draws from both halves.
void SubstationBuilder::add_customers() {
  auto random = stream(Stage::customers);
  NetworkData& data = made_.data;
  const double primary_volts = american_kv * 1e3 / std::numbers::sqrt3;
  for (int i = 1; i < tree_.size(); ++i) {
    if (tree_.no_load[i]) continue;
    const Site& site = sites_[i];
    const auto& type = transformer_for(service_transformers(), std::abs(site.power));
    const std::string secondary = name("v", i);
    const auto [x, y] = tree_.position[i];
    add_bus(secondary, x + 5, y + 5);
    const auto winding = [&](Terminal terminal, double volts, double resistance) {
      return WindingData{.terminal = std::move(terminal),
                         .connection = Connection::wye,
                         .rated_voltage = volts,
                         .rated_power = type.rating,
                         .resistance_pu = resistance};
    };
    data.transformers.push_back(
        {.name = name("t", i),
         .phases = 1,
         .windings = {winding({bus_of(i), {site.phase, 0}}, primary_volts, type.resistance / 2),
                      winding({secondary, {1, 0}}, 120, type.resistance), winding({secondary, {0, 2}}, 120, type.resistance)},
         .reactance_pu = {type.reactance, type.reactance, type.reactance * 2 / 3},
         .no_load_loss_pu = type.no_load_loss,
         .magnetising_current_pu = type.magnetising_current});
    std::vector<double> share(site.customers);
    double all = 0;
    for (double& s : share) all += s = random.uniform(0.5, 1.5);
    for (int c = 0; c < site.customers; ++c) {
      const std::string number = std::to_string(i) + "_" + std::to_string(c + 1), bus = name("c" + number);
      const Complex power = site.power * (share[c] / all);
      const double metres = std::round(random.uniform(15, 45)), half = random.uniform(0.4, 0.6);
      const double angle = 2 * std::numbers::pi * c / site.customers;
      add_bus(bus, x + 5 + metres * std::cos(angle), y + 5 + metres * std::sin(angle));
      const double amperes = std::abs(power) * std::max(half, 1 - half) / 120;
      const auto services = service_types();
      const auto fits = std::find_if(services.begin(), services.end() - 1, [&](const auto& s) { return s.rating >= amperes; });
      data.lines.push_back({.name = name("drop" + number),
                            .from = {secondary, {1, 2}},
                            .to = {bus, {1, 2}},
                            .series_impedance = fits->impedance * metres,
                            .shunt_susceptance = fits->susceptance * metres,
                            .rating = fits->rating,
                            .length = metres});
      for (int leg = 1; leg <= 2; ++leg) {
        data.loads.push_back({.name = name("d" + number) + "_" + std::to_string(leg),
                              .terminal = {bus, {leg, 0}},
                              .phases = 1,
                              .power = power * (leg == 1 ? half : 1 - half),
                              .rated_voltage = 120,
                              .model = LoadModel::zip,
                              .vmin_pu = 0.8,
                              .vmax_pu = 1.2,
                              .zip = load_classes()[0].zip});
      }
    }
  }
}

}  // namespace gridfed::synthetic
