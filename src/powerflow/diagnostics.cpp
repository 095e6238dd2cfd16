#include "powerflow/diagnostics.hpp"

#include "runtime/error.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <string_view>

namespace gridfed {

namespace {

// Limits beyond which a value is more likely a slip of units than a design. Overhead lines and cables lie between 0.03 and 5 ohm/km.
constexpr double smallest_ohm_per_metre = 1e-6, largest_ohm_per_metre = 5e-2;
constexpr double smallest_r_over_x = 0.01, largest_r_over_x = 30;
constexpr double negligible_ohm = 0.01;  // switches and bus bars
constexpr double smallest_reactance_pu = 1e-5, largest_reactance_pu = 1;

std::string where(const Origin& origin) {
  return origin.file.empty() ? "" : fmt::format("{}:{}: ", origin.file, origin.line);
}

/// Elements by the nodes they stand on, and which nodes they tie together.
struct Element {
  const char* kind;
  std::string_view name;
  const Origin* origin;
  std::vector<int> nodes;
  std::vector<std::vector<int>> ties;  ///< groups of nodes that it ties; none for what stands on a bus
};

std::vector<int> grounded_out(std::vector<int> nodes) {
  std::erase(nodes, ground);
  return nodes;
}

/// Nodes at both ends of each coil, over all windings of one phase.
std::vector<std::vector<int>> coils(const TransformerData& transformer, const std::vector<std::vector<int>>& windings) {
  std::vector<std::vector<int>> ties(transformer.phases);
  for (int phase = 0; phase < transformer.phases; ++phase) {
    for (std::size_t w = 0; w < windings.size(); ++w) {
      const auto& nodes = windings[w];
      const bool wye = transformer.windings[w].connection == Connection::wye;
      ties[phase].push_back(nodes[phase]);
      ties[phase].push_back(wye ? nodes.back() : nodes[(phase + 1) % nodes.size()]);
    }
    ties[phase] = grounded_out(std::move(ties[phase]));
  }
  return ties;
}

std::vector<Element> elements_of(const Network& network, const GridState& state) {
  const auto& data = network.data();
  std::vector<Element> elements;
  const auto two_ended = [&](const char* kind, const auto& list, std::span<const TerminalNodes> ends, auto in_service) {
    for (std::size_t i = 0; i < list.size(); ++i) {
      if (!in_service(i)) continue;
      Element element{kind, list[i].name, &list[i].origin, ends[i].from, {}};
      element.nodes.insert(element.nodes.end(), ends[i].to.begin(), ends[i].to.end());
      element.nodes = grounded_out(std::move(element.nodes));
      for (std::size_t c = 0; c < ends[i].to.size(); ++c) element.ties.push_back(grounded_out({ends[i].from[c], ends[i].to[c]}));
      elements.push_back(std::move(element));
    }
  };
  const auto always = [](std::size_t) { return true; };
  two_ended("line", data.lines, network.line_nodes(), [&](std::size_t i) { return state.closed[i] != 0; });
  two_ended("reactor", data.reactors, network.reactor_nodes(), always);
  two_ended("capacitor", data.capacitors, network.capacitor_nodes(), always);
  for (std::size_t i = 0; i < data.transformers.size(); ++i) {
    Element element{"transformer", data.transformers[i].name, &data.transformers[i].origin, {}, {}};
    for (const auto& winding : network.transformer_nodes()[i]) {
      for (const int node : winding) {
        if (node != ground) element.nodes.push_back(node);
      }
    }
    element.ties = coils(data.transformers[i], network.transformer_nodes()[i]);
    elements.push_back(std::move(element));
  }
  const auto one_ended = [&](const char* kind, const auto& list, std::span<const std::vector<int>> nodes) {
    for (std::size_t i = 0; i < list.size(); ++i) elements.push_back({kind, list[i].name, &list[i].origin, grounded_out(nodes[i]), {}});
  };
  one_ended("load", data.loads, network.load_nodes());
  one_ended("PVSystem", data.solar, network.solar_nodes());
  one_ended("WindGen", data.wind, network.wind_nodes());
  one_ended("Storage", data.batteries, network.battery_nodes());
  one_ended("generator", data.generators, network.generator_nodes());
  return elements;
}

/// Groups that grow together; of(i) is the representative.
class Groups {
 public:
  explicit Groups(int count) : parent_(count) { std::iota(parent_.begin(), parent_.end(), 0); }
  int of(int i) {
    while (parent_[i] != i) i = parent_[i] = parent_[parent_[i]];
    return i;
  }
  void join(int a, int b) { parent_[of(a)] = of(b); }

 private:
  std::vector<int> parent_;
};

std::string phases_of(const Network& network, int bus, const std::vector<char>& live) {
  std::string phases;
  for (int node = 0; node < network.node_count(); ++node) {
    if (network.nodes()[node].bus == bus && live[node]) phases += fmt::format(".{}", network.nodes()[node].conductor);
  }
  return phases;
}

/// Islands, and conductors that nothing ties to a source.
void find_dead_nodes(const Network& network, const GridState& state, std::vector<std::string>& findings) {
  const auto& data = network.data();
  const auto elements = elements_of(network, state);
  Groups buses(static_cast<int>(network.buses().size())), nodes(network.node_count());
  for (const auto& element : elements) {
    for (const auto& tie : element.ties) {
      for (std::size_t i = 1; i < tie.size(); ++i) {
        nodes.join(tie[0], tie[i]);
        buses.join(network.nodes()[tie[0]].bus, network.nodes()[tie[i]].bus);
      }
    }
  }
  std::vector<char> live(network.node_count(), 0), live_bus(network.buses().size(), 0);
  for (const auto& source : network.source_nodes()) {
    for (const int at : source) {
      if (at == ground) continue;
      for (int node = 0; node < network.node_count(); ++node) live[node] |= nodes.of(node) == nodes.of(at);
      for (std::size_t bus = 0; bus < live_bus.size(); ++bus)
        live_bus[bus] |= buses.of(static_cast<int>(bus)) == buses.of(network.nodes()[at].bus);
    }
  }
  std::map<int, std::vector<int>> islands;
  for (std::size_t bus = 0; bus < live_bus.size(); ++bus) {
    if (!live_bus[bus]) islands[buses.of(static_cast<int>(bus))].push_back(static_cast<int>(bus));
  }
  for (const auto& [island, members] : islands) {
    std::string remedy = "tie it to a source by a line or transformer";
    for (std::size_t i = 0; i < data.lines.size(); ++i) {
      const int from = network.bus_of(data.lines[i].from), to = network.bus_of(data.lines[i].to);
      if (state.closed[i] || (buses.of(from) == island) == (buses.of(to) == island)) continue;
      remedy = fmt::format("close line '{}' ({}:{})", data.lines[i].name, data.lines[i].origin.file, data.lines[i].origin.line);
    }
    findings.push_back(fmt::format("bus '{}' and {} more form an island without a source: {}", network.buses()[members[0]].name,
                                   members.size() - 1, remedy));
  }
  // Dead conductors of live buses, one sentence for all that hang together. The element nearest to the source is where the slip is.
  std::map<int, std::vector<int>> dead;
  for (int node = 0; node < network.node_count(); ++node) {
    if (!live[node] && live_bus[network.nodes()[node].bus]) dead[nodes.of(node)].push_back(node);
  }
  for (const auto& [group, members] : dead) {
    const int first = *std::min_element(members.begin(), members.end(), [&](int a, int b) {
      return network.buses()[network.nodes()[a].bus].distance < network.buses()[network.nodes()[b].bus].distance;
    });
    const auto& node = network.nodes()[first];
    const auto user = std::find_if(elements.begin(), elements.end(),
                                   [&](const auto& e) { return std::find(e.nodes.begin(), e.nodes.end(), first) != e.nodes.end(); });
    const std::string phases = phases_of(network, node.bus, live);
    if (phases.empty() || user == elements.end()) {
      findings.push_back(fmt::format("{}no path ties node {} and {} more to a source: connect them or remove what stands on them",
                                     user == elements.end() ? "" : where(*user->origin), network.node_name(first), members.size() - 1));
    } else {
      findings.push_back(fmt::format("{}{} '{}' stands on conductor {} of bus '{}', where only {}{} is fed: correct its node or feed it",
                                     where(*user->origin), user->kind, user->name, node.conductor, network.buses()[node.bus].name,
                                     network.buses()[node.bus].name, phases));
    }
  }
}

void find_odd_impedances(const Network& network, std::vector<std::string>& findings) {
  const auto& data = network.data();
  for (const auto& line : data.lines) {
    if (line.is_switch) continue;
    const Complex z = line.series_impedance.diagonal().mean();
    if (line.length > 0 && (std::abs(z) / line.length < smallest_ohm_per_metre || std::abs(z) / line.length > largest_ohm_per_metre)) {
      findings.push_back(
          fmt::format("{}line '{}' has {:.3g} ohm/km over {:.4g} m, a usual one 0.03 to 5: check the units of its length and line code",
                      where(line.origin), line.name, std::abs(z) / line.length * 1e3, line.length));
    }
    if (std::abs(z) > negligible_ohm && (z.real() < smallest_r_over_x * z.imag() || z.real() > largest_r_over_x * z.imag())) {
      findings.push_back(fmt::format("{}line '{}' has R + jX = {:.4g} + j{:.4g} ohm, an odd ratio: check its R and X", where(line.origin),
                                     line.name, z.real(), z.imag()));
    }
  }
  for (const auto& transformer : data.transformers) {
    for (const double x : transformer.reactance_pu) {
      if (x >= smallest_reactance_pu && x <= largest_reactance_pu) continue;
      findings.push_back(fmt::format("{}transformer '{}' has a leakage reactance of {:.3g} %, a usual one 1 to 15: check its percentage",
                                     where(transformer.origin), transformer.name, x * 100));
    }
  }
}

}  // namespace

std::vector<std::string> suspicious_structure(const Network& network, const GridState& state) {
  std::vector<std::string> findings;
  find_dead_nodes(network, state, findings);
  find_odd_impedances(network, findings);
  return findings;
}

std::vector<std::string> worst_nodes(const PowerFlow& flow, const LoadingConditions& conditions, int count) {
  const auto& network = flow.network();
  const auto& model = flow.model();
  LoadingConditions found = conditions;
  found.generator_power = flow.solution().generator_power;
  std::vector<Complex> x(network.node_count()), missing(network.node_count());
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = flow.solution().bus_voltages[i] / model.base()[i];
  model.residual(found, x, missing);
  for (const auto& fixed : model.fixed_nodes()) missing[fixed.node] = 0;
  std::vector<int> order(x.size());
  std::iota(order.begin(), order.end(), 0);
  // A voltage that is not finite is the worst of all.
  const auto mismatch = [&](int i) {
    const double value = std::abs(missing[i] * x[i]);
    return std::isfinite(value) ? value : std::numeric_limits<double>::infinity();
  };
  std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return mismatch(a) > mismatch(b); });
  order.resize(std::min(order.size(), static_cast<std::size_t>(count)));
  const auto elements = elements_of(network, flow.state());
  std::vector<std::string> findings;
  for (const int node : order) {
    const auto here = [&](const Element& e) { return std::find(e.nodes.begin(), e.nodes.end(), node) != e.nodes.end(); };
    auto element = std::find_if(elements.begin(), elements.end(), [&](const auto& e) { return e.ties.empty() && here(e); });
    if (element == elements.end()) element = std::find_if(elements.begin(), elements.end(), here);
    const bool known = element != elements.end();
    findings.push_back(
        fmt::format("{}node {} misses its balance by {:.4g} kVA at {:.3g} p.u.{}: check what stands there and the impedances up to it",
                    known ? where(*element->origin) : "", network.node_name(node), mismatch(node) / 1e3, std::abs(x[node]),
                    known ? fmt::format(" ({} '{}')", element->kind, element->name) : ""));
  }
  return findings;
}

std::optional<double> largest_load_scale(PowerFlow& flow, const LoadingConditions& conditions) {
  const auto converges = [&](double scale) {
    LoadingConditions scaled = conditions;
    for (auto& power : scaled.load_power) power *= scale;
    flow.flat_start();
    const auto& solution = flow.solve(scaled);
    if (!solution.converged) return false;
    // A collapsed voltage solves the equations where loads have become impedances, but carries nothing. Of constant power behind an
    // impedance, solutions below half the source's voltage are such.
    const auto at = [&](int node) { return node == ground ? Complex{} : solution.bus_voltages[node]; };
    const auto phases = flow.model().load_phases();
    return std::all_of(phases.begin(), phases.end(), [&](const auto& p) { return std::abs(at(p.a) - at(p.b)) >= 0.5 * p.rated_voltage; });
  };
  constexpr double lightest = 0.01, heaviest = 16;
  if (!converges(lightest)) return std::nullopt;
  double good = lightest, bad = 1;
  while (bad <= heaviest && converges(bad)) {
    good = bad;
    bad *= 2;
  }
  if (bad > heaviest) return heaviest;
  while (bad - good > 1e-3 * bad) {
    const double middle = (good + bad) / 2;
    (converges(middle) ? good : bad) = middle;
  }
  return good;
}

}  // namespace gridfed
