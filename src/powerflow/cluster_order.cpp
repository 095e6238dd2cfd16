// The symbolic half of ClusterFactor: which buses are eliminated beforehand, in what order the others go, how they are grouped.
#include "powerflow/cluster_factor.hpp"

#include <Eigen/Dense>

#include <algorithm>
#include <array>
#include <limits>
#include <map>
#include <numeric>
#include <queue>
#include <set>
#include <unordered_map>

namespace gridfed {

namespace {

using Neighbours = std::vector<std::vector<int>>;

void erase(std::vector<int>& from, int value) {
  from.erase(std::find(from.begin(), from.end(), value));
}

}  // namespace

ClusterFactor::ClusterFactor(const NodalMatrix& y, std::span<const Port> ports, const std::vector<bool>& kept, int root, Use use)
    : bus_start_(y.bus_start.begin(), y.bus_start.end()), base_(y.base.begin(), y.base.end()) {
  const int buses = static_cast<int>(bus_start_.size()) - 1;
  bus_of_node_.resize(y.nodes());
  kept_bus_.assign(buses, false);
  for (int bus = 0; bus < buses; ++bus) {
    for (int node = bus_start_[bus]; node < bus_start_[bus + 1]; ++node) {
      bus_of_node_[node] = bus;
      if (kept[node]) kept_bus_[bus] = true;
    }
  }
  for (const auto& [a, b] : ports) {
    if (a >= 0) kept_bus_[bus_of_node_[a]] = true;
    if (b >= 0) kept_bus_[bus_of_node_[b]] = true;
  }
  kept_bus_[root] = true;
  reduce(y);
  order(y, root);
  Sizes best;
  double least = std::numeric_limits<double>::infinity();
  // Trying takes time, and what does not fit a cache wants small clusters.
  constexpr std::array<Sizes, 14> sizes{
      {{4, 4}, {6, 6}, {8, 8}, {16, 16}, {6, 16}, {2, 2}, {3, 3}, {12, 12}, {24, 24}, {32, 32}, {48, 48}, {6, 8}, {6, 12}, {6, 24}}};
  for (const Sizes some : std::span(sizes).first(buses > 20'000 ? 5 : sizes.size())) {
    if (const double estimate = cost(some, ports, use); estimate < least) {
      least = estimate;
      best = some;
    }
  }
  make_clusters(ports, best, Detail::full);
  lay_out(ports, use);
}

// Kron's reduction of bus e with neighbours n: Y_nn' -= Y_ne D_e^-1 Y_en'. What it adds is kept apart from the given values, which may
// change.
void ClusterFactor::reduce(const NodalMatrix& y) {
  const int buses = static_cast<int>(bus_start_.size()) - 1;
  Neighbours neighbours(buses);
  for (int node = 0; node < y.nodes(); ++node) {
    const int bus = bus_of_node_[node];
    for (int k = y.row_start[node]; k < y.row_start[node + 1]; ++k) {
      const int other = bus_of_node_[y.column[k]];
      if (other != bus && std::find(neighbours[bus].begin(), neighbours[bus].end(), other) == neighbours[bus].end())
        neighbours[bus].push_back(other);
    }
  }
  const auto count = [&](int bus) { return bus_start_[bus + 1] - bus_start_[bus]; };
  std::map<std::pair<int, int>, Eigen::MatrixXcd> added;  // by bus pair
  const auto block = [&](int row_bus, int column_bus) {
    Eigen::MatrixXcd values = Eigen::MatrixXcd::Zero(count(row_bus), count(column_bus));
    for (int r = 0; r < count(row_bus); ++r) {
      const int node = bus_start_[row_bus] + r;
      for (int k = y.row_start[node]; k < y.row_start[node + 1]; ++k) {
        if (bus_of_node_[y.column[k]] == column_bus) values(r, y.column[k] - bus_start_[column_bus]) = y.value[k];
      }
    }
    if (const auto found = added.find({row_bus, column_bus}); found != added.end()) values += found->second;
    return values;
  };
  std::vector<int> waiting;
  for (int bus = 0; bus < buses; ++bus) {
    if (!kept_bus_[bus] && neighbours[bus].size() <= 2) waiting.push_back(bus);
  }
  struct Record {
    int bus = 0;
    std::vector<int> nodes;
    std::vector<Complex> gain;  // node by node
  };
  std::vector<Record> records;
  std::vector<bool> gone(buses, false);
  for (std::size_t next = 0; next < waiting.size(); ++next) {
    const int bus = waiting[next];
    if (gone[bus] || neighbours[bus].size() > 2) continue;
    const Eigen::PartialPivLU<Eigen::MatrixXcd> diagonal(block(bus, bus));
    if (!(std::abs(diagonal.determinant()) > 0)) continue;  // left to the clusters, which name the node
    gone[bus] = true;
    auto& e = records.emplace_back();
    e.bus = bus;
    std::vector<Eigen::MatrixXcd> gains;
    for (const int to : neighbours[bus]) gains.push_back(-diagonal.solve(block(bus, to)));
    for (std::size_t n = 0; n < gains.size(); ++n) {
      for (int c = 0; c < gains[n].cols(); ++c) {
        if (gains[n].col(c).isZero(0)) continue;  // a conductor that ends here
        e.nodes.push_back(bus_start_[neighbours[bus][n]] + c);
        for (int r = 0; r < gains[n].rows(); ++r) e.gain.push_back(gains[n](r, c));
      }
    }
    for (const int row : neighbours[bus]) {
      const Eigen::MatrixXcd coupling = block(row, bus);
      for (std::size_t n = 0; n < neighbours[bus].size(); ++n) {
        const int to = neighbours[bus][n];
        auto [entry, fresh] = added.try_emplace({row, to}, Eigen::MatrixXcd::Zero(count(row), count(to)));
        entry->second += coupling * gains[n];
      }
    }
    for (const int to : neighbours[bus]) erase(neighbours[to], bus);
    if (neighbours[bus].size() == 2) {
      const int a = neighbours[bus][0], b = neighbours[bus][1];
      if (std::find(neighbours[a].begin(), neighbours[a].end(), b) == neighbours[a].end()) {
        neighbours[a].push_back(b);
        neighbours[b].push_back(a);
      }
    }
    for (const int to : neighbours[bus]) {
      if (!kept_bus_[to] && neighbours[to].size() <= 2) waiting.push_back(to);
    }
    neighbours[bus].clear();
  }

  // The last eliminated hang on remaining nodes alone; put into the others' gains one by one, so do all, and none waits for another.
  std::vector<std::map<int, Complex>> terms(y.nodes());
  for (auto e = records.rbegin(); e != records.rend(); ++e) {
    const int rows = count(e->bus);
    for (int r = 0; r < rows; ++r) {
      auto& own = terms[bus_start_[e->bus] + r];
      for (std::size_t n = 0; n < e->nodes.size(); ++n) {
        const Complex gain = e->gain[n * rows + r];
        if (!gone[bus_of_node_[e->nodes[n]]]) {
          own[e->nodes[n]] += gain;
        } else {
          for (const auto& [node, further] : terms[e->nodes[n]]) own[node] += gain * further;
        }
      }
    }
  }
  for (int node = 0; node < y.nodes(); ++node) {
    if (gone[bus_of_node_[node]]) all_.recovered.push_back({node, static_cast<int>(terms[node].size())});
  }
  std::stable_sort(all_.recovered.begin(), all_.recovered.end(), [](const auto& a, const auto& b) { return a.terms < b.terms; });
  for (const auto& [node, number] : all_.recovered) {
    for (const auto& [from, gain] : terms[node]) {
      all_.nodes.push_back(from);
      const Complex volts = gain * base_[node] / base_[from];
      all_.gains.insert(all_.gains.end(), {volts.real(), volts.imag()});
    }
  }

  row_start_.assign(1, 0);
  std::map<int, std::pair<int, Complex>> row;  // column: slot, what was added
  for (int node = 0; node < y.nodes(); ++node) {
    const int bus = bus_of_node_[node];
    if (!gone[bus]) {
      row.clear();
      for (int k = y.row_start[node]; k < y.row_start[node + 1]; ++k) {
        if (!gone[bus_of_node_[y.column[k]]]) row[y.column[k]] = {k, 0};
      }
      const auto add = [&](int to) {
        const auto found = added.find({bus, to});
        if (found == added.end()) return;
        for (int c = 0; c < count(to); ++c) {
          const Complex value = found->second(node - bus_start_[bus], c);
          if (value != Complex{}) row.try_emplace(bus_start_[to] + c, -1, Complex{}).first->second.second = value;
        }
      };
      if (!added.empty()) {
        add(bus);
        for (const int to : neighbours[bus]) add(to);
      }
      for (const auto& [column, entry] : row) {
        column_.push_back(column);
        source_slot_.push_back(entry.first);
        fill_.push_back(entry.second);
      }
    }
    row_start_.push_back(static_cast<int>(column_.size()));
  }
  value_.resize(column_.size());
}

// Leaves first, as long as there are any; what remains is meshed and goes by least degree. A bus's parent is the first of those it is tied
// to when it goes.
void ClusterFactor::order(const NodalMatrix& y, int root) {
  const int buses = static_cast<int>(bus_start_.size()) - 1;
  Neighbours neighbours(buses);
  std::vector<bool> present(buses, false);
  for (int node = 0; node < y.nodes(); ++node) {
    const int bus = bus_of_node_[node];
    if (row_start_[node] < row_start_[node + 1]) present[bus] = true;
    for (int k = row_start_[node]; k < row_start_[node + 1]; ++k) {
      const int other = bus_of_node_[column_[k]];
      if (other != bus && std::find(neighbours[bus].begin(), neighbours[bus].end(), other) == neighbours[bus].end())
        neighbours[bus].push_back(other);
    }
  }
  bus_order_.clear();
  bus_parent_.assign(buses, -1);
  std::vector<int> degree(buses), leaves;
  std::vector<bool> gone(buses, false);
  for (int bus = 0; bus < buses; ++bus) {
    degree[bus] = static_cast<int>(neighbours[bus].size());
    if (present[bus] && degree[bus] <= 1 && bus != root) leaves.push_back(bus);
  }
  for (std::size_t i = 0; i < leaves.size(); ++i) {
    const int bus = leaves[i];
    gone[bus] = true;
    bus_order_.push_back(bus);
    for (const int to : neighbours[bus]) {
      if (gone[to]) continue;
      bus_parent_[bus] = to;
      if (--degree[to] == 1 && to != root) leaves.push_back(to);
    }
  }
  std::vector<std::set<int>> core(buses);
  std::set<std::pair<int, int>> by_degree;
  for (int bus = 0; bus < buses; ++bus) {
    if (!present[bus] || gone[bus]) continue;
    for (const int to : neighbours[bus]) {
      if (!gone[to]) core[bus].insert(to);
    }
    if (bus != root) by_degree.insert({static_cast<int>(core[bus].size()), bus});
  }
  std::vector<int> position(buses, std::numeric_limits<int>::max());
  std::vector<std::pair<int, std::vector<int>>> tied;
  while (!by_degree.empty()) {
    const int bus = by_degree.begin()->second;
    by_degree.erase(by_degree.begin());
    position[bus] = static_cast<int>(bus_order_.size());
    bus_order_.push_back(bus);
    for (const int a : core[bus]) {
      if (a != root) by_degree.erase({static_cast<int>(core[a].size()), a});
      core[a].erase(bus);
      for (const int b : core[bus]) {
        if (a != b) core[a].insert(b);
      }
      if (a != root) by_degree.insert({static_cast<int>(core[a].size()), a});
    }
    tied.push_back({bus, {core[bus].begin(), core[bus].end()}});
  }
  position[root] = static_cast<int>(bus_order_.size());
  bus_order_.push_back(root);
  for (const auto& [bus, others] : tied) {
    for (const int other : others) {
      if (bus_parent_[bus] < 0 || position[other] < position[bus_parent_[bus]]) bus_parent_[bus] = other;
    }
  }
}

/// Which interior nodes the elimination of each reaches: its neighbours further on, then those of the nodes before it that reached it.
std::vector<std::vector<int>> ClusterFactor::filled_pattern(const Cluster& c) {
  const int inside = static_cast<int>(c.interior.size());
  std::vector<std::vector<int>> below(inside);
  for (const auto& [slot, row, place] : c.entries) {
    if (place < inside && place > row) below[row].push_back(place);
  }
  for (const auto& places : c.child_places) {
    for (const int a : places) {
      for (const int b : places) {
        if (a < b && b < inside) below[a].push_back(b);
      }
    }
  }
  for (int p = 0; p < inside; ++p) {
    auto& reached = below[p];
    std::sort(reached.begin(), reached.end());
    reached.erase(std::unique(reached.begin(), reached.end()), reached.end());
    if (!reached.empty()) below[reached[0]].insert(below[reached[0]].end(), reached.begin() + 1, reached.end());
  }
  return below;
}

// From the leaves on a cluster grows as long as it keeps to its size; a child that would exceed it is closed and enters with its boundary
// nodes alone. Small leaves pay where many of one shape hang on a larger network, as customers on their transformers do.
void ClusterFactor::make_clusters(std::span<const Port> ports, Sizes sizes, Detail detail) {
  struct Pending {
    std::vector<int> buses, children;
    int channels = 0;
  };
  const int buses = static_cast<int>(bus_start_.size()) - 1, nodes = bus_start_.back();
  const auto bus_of_port = [&](int p) { return bus_of_node_[ports[p][0] >= 0 ? ports[p][0] : ports[p][1]]; };
  std::vector<std::vector<int>> ports_of_bus(buses);
  for (int p = 0; p < static_cast<int>(ports.size()); ++p) ports_of_bus[bus_of_port(p)].push_back(p);

  clusters_.clear();
  cluster_of_node_.assign(nodes, -1);
  node_channel_.assign(nodes, -1);
  channel_of_port_.assign(ports.size(), -1);
  std::vector<bool> needs_channel(nodes, false);
  std::vector<int> place(nodes, -1);
  std::vector<Pending> pending(buses);
  std::vector<int> position(buses);
  for (std::size_t i = 0; i < bus_order_.size(); ++i) position[bus_order_[i]] = static_cast<int>(i);

  const auto close = [&](Pending& p) {
    const int number = static_cast<int>(clusters_.size());
    Cluster& c = clusters_.emplace_back();
    c.children = std::move(p.children);
    std::sort(p.buses.begin(), p.buses.end(), [&](int a, int b) { return position[a] < position[b]; });
    for (const int bus : p.buses) {
      for (int node = bus_start_[bus]; node < bus_start_[bus + 1]; ++node) {
        place[node] = static_cast<int>(c.interior.size());
        c.interior.push_back(node);
        cluster_of_node_[node] = number;
      }
    }
    const int inside = static_cast<int>(c.interior.size());
    const auto bound = [&](int node) {
      if (place[node] >= 0) return;
      place[node] = inside + static_cast<int>(c.boundary.size());
      c.boundary.push_back(node);
      needs_channel[node] = true;
    };
    for (const int node : c.interior) {
      for (int k = row_start_[node]; k < row_start_[node + 1]; ++k) {
        if (cluster_of_node_[column_[k]] < 0) bound(column_[k]);
      }
    }
    for (const int child : c.children) {
      clusters_[child].parent = number;
      for (const int node : clusters_[child].boundary) bound(node);
    }
    const auto add_channel = [&](Port port) {
      c.ends.push_back({port[0] < 0 ? -1 : place[port[0]], port[1] < 0 ? -1 : place[port[1]]});
      return c.count++;
    };
    const auto channel_of_node = [&](int node) {
      if (node_channel_[node] < 0) node_channel_[node] = add_channel({node, -1});
      return node_channel_[node];
    };
    for (const int bus : p.buses) {
      for (const int port : ports_of_bus[bus]) {
        const auto same = [&](int other) { return ports[other] == ports[port]; };
        const int known = *std::find_if(ports_of_bus[bus].begin(), ports_of_bus[bus].end(), same);
        channel_of_port_[port] = ports[port][1] < 0 ? channel_of_node(ports[port][0])
                                 : known != port    ? channel_of_port_[known]
                                                    : add_channel(ports[port]);
      }
    }
    for (const int node : c.interior) {
      if (needs_channel[node]) channel_of_node(node);
    }
    if (detail == Detail::full) {
      for (int i = 0; i < inside; ++i) {
        const int node = c.interior[i];
        if (node_channel_[node] < 0) c.rest.push_back(i);
        for (int k = row_start_[node]; k < row_start_[node + 1]; ++k) {
          if (place[column_[k]] >= 0) c.entries.push_back({k, i, place[column_[k]]});
        }
      }
      for (const int child : c.children) {
        auto& places = c.child_places.emplace_back();
        for (const int node : clusters_[child].boundary) places.push_back(place[node]);
      }
      c.below = filled_pattern(c);
    }
    for (const int node : c.interior) place[node] = -1;
    for (const int node : c.boundary) place[node] = -1;
    return number;
  };

  std::vector<std::vector<int>> children(buses);
  for (const int bus : bus_order_) {
    if (bus_parent_[bus] >= 0) children[bus_parent_[bus]].push_back(bus);
  }
  std::vector<int> seen(nodes, -1);
  const auto nodes_of = [&](int bus) { return bus_start_[bus + 1] - bus_start_[bus]; };
  for (const int bus : bus_order_) {
    Pending& own = pending[bus];
    own.buses.push_back(bus);
    own.channels = static_cast<int>(ports_of_bus[bus].size());
    auto& subs = children[bus];
    std::stable_sort(subs.begin(), subs.end(), [&](int a, int b) { return pending[a].channels < pending[b].channels; });
    // A whole subtree that is small enough becomes a leaf; another closes its leaves, so that they enter with their boundary alone.
    int all = own.channels;
    bool leaves = true;
    for (const int sub : subs) {
      all += pending[sub].channels;
      leaves = leaves && pending[sub].children.empty();
    }
    const bool whole = sizes.leaf == sizes.inner || (leaves && all <= sizes.leaf);
    for (const int sub : subs) {
      Pending& child = pending[sub];
      const bool enters = whole || !child.children.empty() || child.channels <= nodes_of(bus);
      if (enters && own.channels + child.channels <= sizes.inner) {
        own.channels += child.channels;
        own.buses.insert(own.buses.end(), child.buses.begin(), child.buses.end());
        own.children.insert(own.children.end(), child.children.begin(), child.children.end());
      } else {
        const int closed = close(child);
        own.children.push_back(closed);
        for (const int node : clusters_[closed].boundary) {
          if (seen[node] == bus) continue;
          seen[node] = bus;
          ++own.channels;
        }
      }
      child = {};
    }
    if (bus_parent_[bus] < 0) close(own);
  }
  dirty_.assign(clusters_.size(), false);
}

namespace {

// Estimated processor cycles of a solve(): a vector multiply-add takes half a cycle, what matters is reading the numbers.
double row_cycles(int channels, int boundary) {
  return 30 + 25.0 * boundary + 16.0 * ((channels + lane_count - 1) / lane_count * lane_count) * (channels + boundary) / 40;
}
double packed_cycles(int channels, int boundary) {
  return 40 + 45.0 * boundary + 16.0 * lane_count * channels * ((channels + 1) / 2.0 + boundary) / 40;
}
// And of recover(), which comes once in some five iterations: nodes without a channel.
double recovery_cycles(int rest, int channels, int boundary) {
  return 16.0 * ((rest + lane_count - 1) / lane_count * lane_count) * (channels + boundary) / 40 / 5;
}

}  // namespace

// Clusters of one height in the tree of clusters do not depend on each other.
std::vector<ClusterFactor::Group> ClusterFactor::groups() const {
  std::map<std::array<int, 3>, std::vector<int>> alike;  // by height, channels, boundary
  std::vector<int> height(clusters_.size(), 0);
  for (std::size_t i = 0; i < clusters_.size(); ++i) {
    const Cluster& c = clusters_[i];
    for (const int child : c.children) height[i] = std::max(height[i], height[child] + 1);
    alike[{height[i], c.count, static_cast<int>(c.boundary.size())}].push_back(static_cast<int>(i));
  }
  std::vector<Group> groups;
  for (auto& [shape, members] : alike) {
    const auto [level, channels, boundary] = shape;
    // Those with many nodes that have no channel lie side by side, as all lanes have rows for the most of any.
    std::stable_sort(members.begin(), members.end(), [&](int a, int b) { return clusters_[a].rest.size() < clusters_[b].rest.size(); });
    for (std::size_t first = 0; first < members.size();) {
      const std::size_t count = std::min<std::size_t>(lane_count, members.size() - first);
      if (channels <= most_packed && packed_cycles(channels, boundary) < static_cast<double>(count) * row_cycles(channels, boundary)) {
        groups.push_back({{members.begin() + first, members.begin() + first + count}, true});
        first += count;
      } else {
        groups.push_back({{members[first++]}, false});
      }
    }
  }
  return groups;
}

double ClusterFactor::cost(Sizes sizes, std::span<const Port> ports, Use use) {
  make_clusters(ports, sizes, Detail::sizes);
  double bytes = 0, cycles = 0;
  if (use == Use::blocks) {
    for (const auto& c : clusters_) cycles += c.count * (20.0 + 2.0 * (c.count + 2.0 * static_cast<double>(c.boundary.size())));
    return cycles;
  }
  for (const auto& group : groups()) {
    const Cluster& c = clusters_[group.members[0]];
    const int boundary = static_cast<int>(c.boundary.size());
    bytes += 16.0 * (group.packed ? lane_count * c.count * ((c.count + 1) / 2.0 + boundary) : c.rows() * (c.count + boundary));
    cycles += group.packed ? packed_cycles(c.count, boundary) : row_cycles(c.count, boundary);
    int rest = 0;
    for (const int member : group.members) rest += std::max(0, static_cast<int>(clusters_[member].interior.size()) - c.count);
    cycles += recovery_cycles(rest, c.count, boundary);
  }
  constexpr double cache = 1.5e6;
  return cycles + std::max(0.0, bytes - cache) / 10;
}

void ClusterFactor::lay_out(std::span<const Port> ports, Use use) {
  std::size_t matrix = 0, recovery = 0;
  channels_ = 0;
  const auto grouped = groups();
  for (const auto& group : grouped) {
    const Cluster& like = clusters_[group.members[0]];
    Pass pass{.first_channel = channels_,
              .count = like.count,
              .rows = like.rows(),
              .boundary = static_cast<int>(like.boundary.size()),
              .packed = group.packed,
              .matrix = matrix,
              .channels = boundary_channels_.size()};
    matrix += pass.numbers();
    channels_ += group.packed ? lane_count * like.count : like.rows();
    boundary_channels_.resize(boundary_channels_.size() + static_cast<std::size_t>(pass.boundary) * (group.packed ? lane_count : 1));
    std::size_t rest = 0;
    for (std::size_t lane = 0; lane < group.members.size(); ++lane) {
      Cluster& c = clusters_[group.members[lane]];
      c.pass = static_cast<int>(passes_.size());
      c.lane = static_cast<int>(lane);
      c.first_channel = pass.first_channel + c.lane;
      c.stride = group.packed ? lane_count : 1;
      c.schur.assign(c.boundary.size() * c.boundary.size(), 0);
      rest = std::max(rest, c.rest.size());
    }
    pass.rest = static_cast<int>(group.packed ? rest : (rest + lane_count - 1) / lane_count * lane_count);
    pass.recovery = recovery;
    recovery += static_cast<std::size_t>(2) * (pass.count + pass.boundary) * pass.rest * (group.packed ? lane_count : 1);
    if (rest > 0) all_.with_rest.push_back(static_cast<int>(passes_.size()));
    auto& nodes = rest_nodes_.emplace_back(pass.rest * (group.packed ? lane_count : 1), -1);
    for (std::size_t lane = 0; lane < group.members.size(); ++lane) {
      const Cluster& c = clusters_[group.members[lane]];
      for (std::size_t row = 0; row < c.rest.size(); ++row) nodes[group.packed ? lane_count * row + lane : row] = c.interior[c.rest[row]];
    }
    passes_.push_back(pass);
  }
  for (std::size_t p = 0; p < ports.size(); ++p) {
    const Cluster& c = clusters_[cluster_of_node_[std::max(ports[p][0], ports[p][1])]];
    channel_of_port_[p] = c.channel(channel_of_port_[p]);
  }
  for (int node = 0; node < static_cast<int>(node_channel_.size()); ++node) {
    if (node_channel_[node] < 0) continue;
    node_channel_[node] = clusters_[cluster_of_node_[node]].channel(node_channel_[node]);
    all_.direct.push_back({node, node_channel_[node]});
  }
  for (std::size_t i = 0; i < grouped.size(); ++i) {
    const Pass& pass = passes_[i];
    int* to = boundary_channels_.data() + pass.channels;
    for (int b = 0; b < pass.boundary; ++b) {
      for (int lane = 0; lane < (pass.packed ? lane_count : 1); ++lane) {
        // Lanes without a cluster have zeros for numbers; any channel will do.
        const std::size_t member = std::min<std::size_t>(lane, grouped[i].members.size() - 1);
        *to++ = node_channel_[clusters_[grouped[i].members[member]].boundary[b]];
      }
    }
  }
  matrices_.assign(matrix + lane_count, 0.0);
  constexpr std::size_t first_level_cache = 100'000;
  const bool single_pays = use == Use::solve && bytes() >= first_level_cache;
  if (single_pays) single_matrices_.assign(matrix + lane_count, 0.0F);
  recovery_.assign(recovery + lane_count, 0.0);
}

}  // namespace gridfed
