#include "grid/synthetic_tree.hpp"

#include "grid/synthetic_distributions.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <queue>

namespace gridfed::synthetic {

namespace {

/// Number of nodes by hop, from hop 2 on, without gaps: what lies beyond a gap moves in.
std::vector<int> draw_level_sizes(int nodes, RandomStream& random) {
  std::vector<int> sizes(last_hop + 1, 0);
  for (int i = 0; i < nodes; ++i) ++sizes[hop_law().draw(random)];
  sizes.erase(std::remove(sizes.begin(), sizes.end(), 0), sizes.end());
  return sizes;
}

}  // namespace

Tree draw_tree(int nodes, RandomStream& random) {
  Tree tree{.parent = {-1}, .hop = {1}, .children = {0}, .no_load = {1}, .length = {0}, .position = {{0, 0}}};
  int level_begin = 0, hop = 1;
  for (const int size : draw_level_sizes(nodes, random)) {
    // Who lacks most branches comes first, equal ones in order.
    using Lack = std::pair<int, int>;
    std::priority_queue<Lack> open;
    const int level_end = tree.size();
    for (int i = level_begin; i < level_end; ++i) open.push({hop == 1 ? 0 : degree_law(hop).draw(random) - 1, -i});
    ++hop;
    for (int i = 0; i < size; ++i) {
      const auto [lack, minus_parent] = open.top();
      open.pop();
      open.push({lack - 1, minus_parent});
      ++tree.children[-minus_parent];
      tree.parent.push_back(-minus_parent);
      tree.hop.push_back(hop);
      tree.children.push_back(0);
    }
    level_begin = level_end;
  }
  tree.no_load.resize(tree.parent.size(), 0);
  return tree;
}

void draw_no_load_nodes(Tree& tree, int count, RandomStream& random) {
  std::vector<std::vector<int>> loaded(last_hop + 1);
  for (int i = 1; i < tree.size(); ++i) loaded[tree.hop[i]].push_back(i);
  constexpr int patience = 1000;  // where the levels that the law means have no node left
  for (int i = 0; i < count; ++i) {
    int hop = no_load_hop_law().draw(random);
    for (int trial = 0; loaded[hop].empty() && trial < patience; ++trial) hop = no_load_hop_law().draw(random);
    if (loaded[hop].empty())
      hop = static_cast<int>(std::find_if(loaded.begin(), loaded.end(), [](auto& l) { return !l.empty(); }) - loaded.begin());
    auto& level = loaded[hop];
    const auto chosen = level.begin() + static_cast<std::ptrdiff_t>(random.below(level.size()));
    tree.no_load[*chosen] = 1;
    *chosen = level.back();
    level.pop_back();
  }
}

void draw_lengths(Tree& tree, RandomStream& random) {
  const int n = tree.size();
  tree.length.assign(n, 0);
  tree.position.assign(n, {0, 0});
  std::vector<double> leaves(n, 0), distance(n, 0), begin(n, 0), width(n, 0), next(n, 0);
  for (int i = n - 1; i >= 0; --i) {
    if (tree.children[i] == 0) leaves[i] = 1;
    if (i > 0) leaves[tree.parent[i]] += leaves[i];
  }
  width[0] = 2 * std::numbers::pi;
  for (int i = 1; i < n; ++i) {
    const int p = tree.parent[i];
    tree.length[i] = draw_length(tree.hop[i], random);
    distance[i] = distance[p] + tree.length[i];
    width[i] = width[p] * leaves[i] / leaves[p];
    begin[i] = next[i] = next[p];
    next[p] += width[i];
    const double angle = begin[i] + width[i] / 2;
    tree.position[i] = {distance[i] * std::cos(angle), distance[i] * std::sin(angle)};
  }
}

}  // namespace gridfed::synthetic
